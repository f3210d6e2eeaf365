"""How an attempt ends, and how what was given up is tried again (reliability §1)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from notifications import outbox
from notifications.models import Job, Message, Notification
from staff.wire.refusals import NotFound
from tests.cast.factories import make_ada, make_bea, make_staff
from tests.cast.outbox import MINUTE, NOON, SECOND, cast_handlers, claimed, due, enqueue, row, states

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _cast(settings: Any) -> None:
    cast_handlers(settings)


# --- the end of an attempt ---------------------------------------------------------------------


def test_done_closes_the_row_and_its_message():
    enqueue(due("a"))
    job = claimed()
    outbox.mark_sending(job, now=NOON)
    outbox.finish(
        job, now=NOON + SECOND, external_id="x", message={"state": "sent", "sent_at": NOON + SECOND}
    )
    assert row(job, "state", "finished_at", "token", "lease_until", "external_id", "sends") == {
        "state": "done", "finished_at": NOON + SECOND, "token": None, "lease_until": None, "external_id": "x",
        "sends": 1,
    }  # fmt: skip
    assert Message.objects.get(job=job).state == "sent"


def test_bookkeeping_that_fails_does_not_send_again():
    enqueue(due("a"))
    job = claimed()

    def also() -> None:
        Notification.objects.create(staff=make_bea(), type="x", title="x", created_at=NOON)
        raise RuntimeError("a bug")

    outbox.finish(job, now=NOON, message={"state": "sent"}, also=also)
    assert states() == {"a": "done"}
    assert Message.objects.get(job=job).state == "sent"
    assert not Notification.objects.exists()


def test_what_was_not_accepted_waits_with_jitter():
    enqueue(due("a"))
    job = claimed()
    outbox.mark_sending(job, now=NOON)
    outbox.fail(job, now=NOON, error="451 later", passed_the_mark=True)
    stored = row(
        job, "state", "run_at", "last_error", "token", "lease_until", "attempts", "sending_at", "sends"
    )
    assert NOON <= stored.pop("run_at") <= NOON + 30 * SECOND
    assert stored == {
        "state": "pending", "last_error": "451 later", "token": None, "lease_until": None, "attempts": 1,
        "sending_at": None, "sends": 0,
    }  # fmt: skip
    assert row(job, "first_run_at")["first_run_at"] == NOON
    assert Message.objects.get(job=job).state == "waiting"


def test_a_retried_debounce_and_the_change_made_meanwhile_are_both_kept():
    enqueue(due("move:1", dedupe_key="moved:7"))
    job = claimed()
    enqueue(due("move:2", dedupe_key="moved:7"))
    outbox.fail(job, now=NOON, error="451 later")
    assert states() == {"move:1": "pending", "move:2": "pending"}


def test_no_earlier_than_the_handler_says():
    enqueue(due("a"))
    job = claimed()
    outbox.fail(job, now=NOON, error="429", after=NOON + timedelta(hours=3))
    assert row(job, "run_at")["run_at"] == NOON + timedelta(hours=3)


def test_the_backoff_grows_to_an_hour_and_no_further():
    for attempts, most in [(1, 30), (2, 60), (5, 480), (7, 1920), (8, 3600), (50, 3600), (10_000, 3600)]:
        waits = [outbox.backoff(attempts).total_seconds() for _ in range(400)]
        assert 0 <= min(waits) < most * 0.1
        assert most * 0.9 < max(waits) <= most


def test_attempts_are_spent_after_ten_and_a_day():
    make_ada()
    (job,) = enqueue(due("a"))
    Job.objects.update(attempts=30)
    outbox.fail(claimed(), now=NOON + timedelta(hours=23), error="451")
    assert states() == {"a": "pending"}
    Job.objects.update(attempts=3, run_at=NOON)
    outbox.fail(claimed(), now=NOON + timedelta(hours=25), error="451")
    assert states() == {"a": "pending"}
    Job.objects.update(attempts=9, run_at=NOON)
    outbox.fail(claimed(), now=NOON + timedelta(hours=24), error="451 still")
    assert row(job, "state", "attempts", "last_error") == {
        "state": "dead", "attempts": 10, "last_error": "451 still",
    }  # fmt: skip
    assert Message.objects.values("state", "reason").get() == {"state": "not_sent", "reason": "451 still"}
    assert Notification.objects.count() == 1


def test_death_is_told_to_every_active_admin():
    ada, former = make_ada(), make_staff("Adam Former", role="admin", is_active=False)
    make_bea()
    enqueue(due("a"))
    outbox.die(claimed(), now=NOON + SECOND, error="550 no such user")
    assert former.pk != ada.pk
    names = ("staff_id", "type", "title", "body", "booking_id", "is_read", "created_at")
    assert list(Notification.objects.values(*names)) == [
        {
            "staff_id": ada.pk, "type": "job.dead", "title": "test.counted could not be carried out",
            "body": "550 no such user", "booking_id": 7, "is_read": False, "created_at": NOON + SECOND,
        }
    ]  # fmt: skip
    assert Job.objects.values("state", "finished_at", "last_error").get() == {
        "state": "dead", "finished_at": NOON + SECOND, "last_error": "550 no such user",
    }  # fmt: skip
    assert Message.objects.values("state", "reason").get() == {
        "state": "not_sent", "reason": "550 no such user",
    }  # fmt: skip


def test_a_moot_job_closes_its_message_unsent():
    enqueue(due("a"))
    outbox.cancel(claimed(), now=NOON, reason="moved back")
    assert states() == {"a": "cancelled"}
    assert Message.objects.values("state", "reason").get() == {"state": "not_sent", "reason": "moved back"}


def test_whatever_the_other_side_said_can_be_kept():
    make_ada()
    said, kept = "451 \x00\ud800", "451  ?"
    enqueue(due("a"))
    job = claimed()
    outbox.note(job, error=said)
    assert row(job, "last_error") == {"last_error": kept}
    outbox.fail(job, now=NOON, error=said)
    job = claimed(now=NOON + MINUTE)
    outbox.die(job, now=NOON + MINUTE, error=said)
    assert row(job, "state", "last_error") == {"state": "dead", "last_error": kept}
    assert (Message.objects.get().reason, Notification.objects.get().body) == (kept, kept)


# --- retry -------------------------------------------------------------------------------------


def test_a_dead_job_is_due_at_once_after_a_retry():
    make_ada()
    enqueue(due("a"))
    job = claimed()
    outbox.die(job, now=NOON, error="550")
    outbox.retry(job.pk, now=NOON + MINUTE)
    assert row(job, "state", "run_at", "first_run_at", "attempts", "finished_at", "last_error") == {
        "state": "pending", "run_at": NOON + MINUTE, "first_run_at": NOON + MINUTE, "attempts": 0,
        "finished_at": None, "last_error": "550",
    }  # fmt: skip
    assert Message.objects.values("state", "reason").get() == {"state": "waiting", "reason": ""}
    assert claimed(now=NOON + MINUTE).pk == job.pk


def test_an_uncertain_job_keeps_that_it_may_have_left():
    enqueue(due("a", type="test.optional"))
    job = claimed()
    outbox.mark_sending(job, now=NOON)
    outbox.release_leases(now=NOON + 120 * SECOND)
    outbox.retry(job.pk, now=NOON + 200 * SECOND)
    assert row(job, "state", "sends", "sending_at") == {"state": "pending", "sends": 1, "sending_at": NOON}
    assert Message.objects.values("state", "sent_at").get() == {"state": "waiting", "sent_at": None}


@pytest.mark.parametrize("state", ["pending", "claimed", "done", "cancelled"])
def test_nothing_else_can_be_retried(state):
    (job,) = enqueue(due("a"))
    Job.objects.update(state=state)
    before = Job.objects.values().get()
    with pytest.raises(outbox.NotRetriable):
        outbox.retry(job.pk, now=NOON)
    assert Job.objects.values().get() == before


def test_a_job_that_is_not_there_cannot_be_retried():
    with pytest.raises(NotFound):
        outbox.retry(1, now=NOON)
