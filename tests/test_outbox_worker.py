"""Jobs in a worker's hands: claimed, fenced, ended, recovered, retried (reliability §1)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from notifications import outbox
from notifications.models import Job, Message, Notification
from notifications.outbox import LeaseLost, Place
from staff.errors import NotFound
from tests.factories import make_ada, make_bea, make_staff
from tests.outbox_cast import HANDLERS, NOON, due, effect, enqueue, optional
from tests.outbox_cast import counted as counted_handler

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _cast(settings: Any) -> None:
    settings.HANDLERS = HANDLERS
    settings.JOB_LEASE_SECONDS = 120
    for handler in (counted_handler, optional, effect):
        handler.reset()


def claimed(*, now: Any = NOON) -> Job:
    job = outbox.claim(now=now)
    assert job is not None
    return job


def row(job: Job, *names: str) -> dict[str, Any]:
    return Job.objects.values(*names).get(pk=job.pk)


def states() -> dict[str, str]:
    return dict(Job.objects.values_list("once_key", "state"))


# --- claim -------------------------------------------------------------------------------------


def test_claiming_takes_the_oldest_due_job_and_leases_it():
    enqueue(
        due("tomorrow", run_at=NOON + timedelta(days=1), booking_id=1),
        due("second", run_at=NOON - SECOND, booking_id=2),
        due("first", run_at=NOON - MINUTE, booking_id=3, dedupe_key="d"),
    )
    job = claimed()
    assert job.once_key == "first"
    stored = Job.objects.get(pk=job.pk)
    assert stored.token is not None and stored.token == job.token
    assert (stored.state, stored.lease_until, stored.attempts, stored.dedupe_key) == (
        "claimed", NOON + 120 * SECOND, 1, None,
    )  # fmt: skip
    assert (job.state, job.lease_until, job.attempts, job.dedupe_key) == (
        "claimed", NOON + 120 * SECOND, 1, None,
    )  # fmt: skip
    assert claimed().once_key == "second"
    assert outbox.claim(now=NOON) is None


def test_the_lease_is_as_long_as_the_settings_say(settings):
    settings.JOB_LEASE_SECONDS = 7
    enqueue(due("a"))
    assert claimed().lease_until == NOON + 7 * SECOND


def test_something_is_due_from_its_second_on():
    enqueue(due("a"))
    assert not outbox.anything_due(now=NOON - SECOND)
    assert outbox.claim(now=NOON - SECOND) is None
    assert outbox.anything_due(now=NOON)


def test_a_second_mail_waits_for_the_first_one_to_end():
    enqueue(due("created"), due("cancelled"))
    first = claimed()
    assert first.once_key == "created"
    assert outbox.claim(now=NOON) is None
    outbox.finish(first, now=NOON)
    assert claimed().once_key == "cancelled"


def test_a_second_mail_waits_while_the_first_one_is_retried():
    enqueue(due("created"), due("cancelled"))
    outbox.fail(claimed(), now=NOON, error="451", after=NOON + 10 * MINUTE)
    assert outbox.claim(now=NOON + MINUTE) is None
    first = claimed(now=NOON + 10 * MINUTE)
    assert first.once_key == "created"
    outbox.die(first, now=NOON, error="550")
    assert claimed(now=NOON + 10 * MINUTE).once_key == "cancelled"


def test_a_mail_does_not_wait_for_one_whose_time_has_not_come():
    enqueue(due("updated", run_at=NOON + 30 * MINUTE), due("other"))
    assert claimed().once_key == "other"


def test_an_earlier_mail_does_not_overtake_a_later_one_on_its_way():
    enqueue(due("updated", run_at=NOON + MINUTE), due("other"))
    other = claimed()
    assert outbox.claim(now=NOON + MINUTE) is None
    outbox.finish(other, now=NOON + MINUTE)
    assert claimed(now=NOON + MINUTE).once_key == "updated"


@pytest.mark.parametrize(
    "second",
    [
        {"booking_id": 8},
        {"recipient": "client:6"},
        {"recipient": "", "type": "test.effect", "is_mail": False},
    ],
)
def test_only_mails_of_one_booking_to_one_person_wait(second):
    enqueue(due("first"), due("second", **second))
    assert {claimed().once_key, claimed().once_key} == {"first", "second"}


def test_mails_about_no_booking_do_not_wait_for_each_other():
    enqueue(due("first", booking_id=None), due("second", booking_id=None))
    assert {claimed().once_key, claimed().once_key} == {"first", "second"}


def test_two_effects_of_one_booking_do_not_wait_for_each_other():
    enqueue(
        due("first", type="test.effect", recipient="", is_mail=False),
        due("second", type="test.effect", recipient="", is_mail=False),
    )
    assert {claimed().once_key, claimed().once_key} == {"first", "second"}


def test_waiting_rows_starve_nobody():
    enqueue(due("head", run_at=NOON - MINUTE))
    outbox.fail(claimed(), now=NOON, error="451", after=NOON + MINUTE)
    enqueue(*(due(f"blocked {n}", run_at=NOON - SECOND) for n in range(50)))
    enqueue(due("free", booking_id=8))
    assert claimed().once_key == "free"


def test_claiming_goes_on_behind_a_place():
    enqueue(due("a", booking_id=1), due("b", booking_id=2), due("c", booking_id=3, run_at=NOON - SECOND))
    first = claimed()
    assert first.once_key == "c"
    second = outbox.claim(now=NOON, after=Place(first.run_at, first.pk))
    assert second is not None and second.once_key == "a"
    Job.objects.filter(once_key="c").update(state="pending")
    third = outbox.claim(now=NOON, after=Place(second.run_at, second.pk))
    assert third is not None and third.once_key == "b"
    assert outbox.claim(now=NOON, after=Place(third.run_at, third.pk)) is None


# --- the fence ---------------------------------------------------------------------------------


def test_the_point_of_no_return_is_stored_with_what_leaves():
    enqueue(due("a"))
    job = claimed()
    outbox.mark_sending(job, now=NOON + SECOND, frozen={"subject": "Hello"})
    assert row(job, "sending_at", "sends", "lease_until") == {
        "sending_at": NOON + SECOND, "sends": 1, "lease_until": NOON + 121 * SECOND,
    }  # fmt: skip
    assert (job.sending_at, job.sends, job.lease_until) == (NOON + SECOND, 1, NOON + 121 * SECOND)
    assert Message.objects.get(job=job).subject == "Hello"


def test_a_worker_whose_lease_is_over_does_not_send():
    enqueue(due("a"))
    job = claimed()
    with pytest.raises(LeaseLost):
        outbox.mark_sending(job, now=NOON + 120 * SECOND, frozen={"subject": "Hello"})
    assert row(job, "sending_at", "sends") == {"sending_at": None, "sends": 0}
    assert Message.objects.get(job=job).subject == ""


@pytest.mark.parametrize(
    "write",
    [
        lambda job: outbox.mark_sending(job, now=NOON + 121 * SECOND),
        lambda job: outbox.finish(job, now=NOON, message={"state": "sent"}),
        lambda job: outbox.fail(job, now=NOON, error="451"),
        lambda job: outbox.die(job, now=NOON, error="550"),
        lambda job: outbox.cancel(job, now=NOON, reason="moot"),
    ],
    ids=["mark", "finish", "fail", "die", "cancel"],
)
def test_a_lost_token_writes_nothing(write):
    make_ada()
    enqueue(due("a"))
    slow = claimed()
    outbox.release_leases(now=NOON + 120 * SECOND)
    holder = claimed(now=NOON + 120 * SECOND)
    before = Job.objects.values().get(pk=slow.pk)
    with pytest.raises(LeaseLost):
        write(slow)
    assert Job.objects.values().get(pk=slow.pk) == before
    assert before["token"] == holder.token
    assert Message.objects.get(job=slow).state == "waiting"
    assert not Notification.objects.exists()


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


# --- the end of a lease ------------------------------------------------------------------------


def test_a_live_lease_is_left_alone():
    enqueue(due("a"))
    claimed()
    assert outbox.release_leases(now=NOON + 119 * SECOND) == 0
    assert states() == {"a": "claimed"}


def test_a_worker_that_died_before_sending_costs_nothing():
    enqueue(due("a"))
    first = claimed()
    assert outbox.release_leases(now=NOON + 120 * SECOND) == 1
    assert row(first, "state", "token", "lease_until") == {
        "state": "pending",
        "token": None,
        "lease_until": None,
    }
    second = claimed(now=NOON + 120 * SECOND)
    assert (second.pk, second.attempts, second.sends) == (first.pk, 2, 0)
    assert second.token != first.token


def test_what_a_client_counts_on_is_sent_once_more_then_uncertain():
    enqueue(due("a"))
    job = claimed()
    outbox.mark_sending(job, now=NOON, frozen={"subject": "Hello"})
    outbox.release_leases(now=NOON + 120 * SECOND)
    assert row(job, "state", "sending_at", "sends") == {"state": "pending", "sending_at": NOON, "sends": 1}
    again = claimed(now=NOON + 120 * SECOND)
    outbox.mark_sending(again, now=NOON + 121 * SECOND)
    outbox.release_leases(now=NOON + 300 * SECOND)
    assert row(job, "state", "sends", "finished_at") == {
        "state": "uncertain", "sends": 2, "finished_at": NOON + 300 * SECOND,
    }  # fmt: skip
    assert Message.objects.values("state", "reason", "subject", "sent_at").get() == {
        "state": "uncertain", "reason": "No answer came while it was being sent.", "subject": "Hello",
        "sent_at": NOON + 121 * SECOND,
    }  # fmt: skip
    assert counted_handler.told == [(job.pk, "uncertain")]


def test_a_worker_that_died_again_before_sending_again_may_try_once_more():
    enqueue(due("a"))
    outbox.mark_sending(claimed(), now=NOON)
    outbox.release_leases(now=NOON + 120 * SECOND)
    claimed(now=NOON + 120 * SECOND)
    outbox.release_leases(now=NOON + 300 * SECOND)
    assert states() == {"a": "pending"}


def test_what_nobody_counts_on_is_uncertain_at_once():
    enqueue(due("a", type="test.optional"))
    job = claimed()
    outbox.mark_sending(job, now=NOON)
    outbox.release_leases(now=NOON + 120 * SECOND)
    assert states() == {"a": "uncertain"}
    assert Message.objects.get().state == "uncertain"
    assert optional.told == [(job.pk, "uncertain")]


def test_an_effect_is_called_once_more_then_uncertain():
    enqueue(due("a", type="test.effect", recipient="", is_mail=False))
    for now, state in [(NOON, "pending"), (NOON + 200 * SECOND, "uncertain")]:
        outbox.mark_sending(claimed(now=now), now=now)
        outbox.release_leases(now=now + 120 * SECOND)
        assert states() == {"a": state}


def test_one_refused_after_one_unknown_may_have_been_sent():
    make_ada()
    enqueue(due("a"))
    outbox.mark_sending(claimed(), now=NOON)
    outbox.release_leases(now=NOON + 120 * SECOND)
    again = claimed(now=NOON + 120 * SECOND)
    outbox.mark_sending(again, now=NOON + 121 * SECOND)
    outbox.die(again, now=NOON + 122 * SECOND, error="550", passed_the_mark=True)
    assert row(again, "state", "sends") == {"state": "dead", "sends": 1}
    assert Message.objects.get().state == "uncertain"


def test_a_job_that_kills_its_worker_again_and_again_dies_in_the_end():
    make_ada()
    enqueue(due("a"))
    Job.objects.update(attempts=9)
    claimed(now=NOON + timedelta(hours=24))
    outbox.release_leases(now=NOON + timedelta(hours=25))
    assert states() == {"a": "dead"}
    assert Notification.objects.count() == 1


def test_two_sweepers_release_a_lease_once():
    enqueue(due("a", type="test.optional"))
    outbox.mark_sending(claimed(), now=NOON)
    assert [outbox.release_leases(now=NOON + 120 * SECOND) for _ in range(2)] == [1, 0]
    assert len(optional.told) == 1


# --- retry -------------------------------------------------------------------------------------


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
