"""A job whose worker is slow or dead: fenced, and recovered once its lease is over (reliability §1)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from notifications import outbox
from notifications.models import Job, Message, Notification
from notifications.outbox import LeaseLost
from tests.cast.factories import make_ada
from tests.cast.outbox import (
    NOON,
    SECOND,
    cast_handlers,
    claimed,
    counted,
    due,
    enqueue,
    optional,
    row,
    states,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _cast(settings: Any) -> None:
    cast_handlers(settings)


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
    assert counted.told == [(job.pk, "uncertain")]


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
