"""Which job a worker is given: the oldest due, but no mail before an earlier one to the same person."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from notifications import outbox
from notifications.models import Job
from notifications.outbox import Place
from tests.cast.outbox import MINUTE, NOON, SECOND, cast_handlers, claimed, due, enqueue

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _cast(settings: Any) -> None:
    cast_handlers(settings)


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


def test_a_text_does_not_wait_for_a_mail_that_is_retried():
    enqueue(due("mail"), due("text", channel="sms"), due("later text", channel="sms"))
    outbox.fail(claimed(), now=NOON, error="451", after=NOON + 10 * MINUTE)
    assert claimed().once_key == "text"
    assert outbox.claim(now=NOON) is None


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
    second = outbox.claim(now=NOON, after={first.urgency: Place(first.run_at, first.pk)})
    assert second is not None and second.once_key == "a"
    Job.objects.filter(once_key="c").update(state="pending")
    third = outbox.claim(now=NOON, after={second.urgency: Place(second.run_at, second.pk)})
    assert third is not None and third.once_key == "b"
    assert outbox.claim(now=NOON, after={third.urgency: Place(third.run_at, third.pk)}) is None
