"""After a restore every job waits for a person's word; then each mail goes once, or is counted as sent."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command

from bookings.models import Booking
from notifications import outbox
from notifications.execution import run_due
from notifications.held_after_restore import HELD_UNTIL, Released, hold_all, number_held, release
from notifications.models import Job, Message
from tests.cast.bookings import jobs, make_cast

pytestmark = pytest.mark.django_db

DURING_THE_BACKUP = "2026-03-20 09:00:00"
AFTER_THE_RESTORE = "2026-03-21 09:00:00"


@pytest.fixture
def backed_up() -> Any:
    """A booking whose confirmation is due, and a completed one whose review request is not yet."""
    with time_machine.travel(DURING_THE_BACKUP, tick=False):
        salon = make_cast(review_delay_hours=120)
        booking = salon.book()
        done = salon.book(staff_id=salon.cora.pk, client_id=salon.bob.pk)
        outbox.drop(now=_now(), reason="x", booking_id=done["id"])
        salon.put(done, {"status": "completed"})
    return salon, booking, done


def _now() -> Any:
    return Booking.objects.latest("id").created_at


def test_nothing_leaves_while_jobs_are_held(backed_up: Any) -> None:
    _, booking, done = backed_up
    assert (hold_all(), number_held()) == (2, 2)
    assert hold_all() == 0
    with time_machine.travel("2026-06-01", tick=False):
        assert run_due(at_most=100) == 0
    assert jobs(booking) == [("booking.created", "pending")]
    assert jobs(done)[-1] == ("review.request", "pending")


def test_what_a_worker_of_the_past_held_is_parked_too(backed_up: Any) -> None:
    with time_machine.travel(DURING_THE_BACKUP, tick=False):
        held = outbox.claim(now=_now())
    assert held is not None
    hold_all()
    job = Job.objects.get(pk=held.pk)
    assert (job.state, job.token, job.lease_until, job.run_at) == ("pending", None, None, HELD_UNTIL)


@time_machine.travel(AFTER_THE_RESTORE, tick=False)
def test_released_to_be_sent_each_mail_goes_once_at_its_time(backed_up: Any) -> None:
    _, booking, done = backed_up
    before = dict(Job.objects.values_list("id", "payload"))
    review = Job.objects.get(type="review.request")
    hold_all()
    now = _now() + timedelta(days=1)
    assert release(send_overdue=True, now=now) == Released(due_now=1, due_later=1, counted_as_sent=0)
    assert dict(Job.objects.values_list("id", "payload")) == before
    again = Job.objects.get(type="review.request")
    assert (again.run_at, again.first_run_at) == (review.run_at, review.first_run_at)
    assert run_due(at_most=100) == 1
    assert jobs(booking) == [("booking.created", "done")]
    assert jobs(done)[-1] == ("review.request", "pending")
    assert release(send_overdue=True, now=now) == Released(0, 0, 0)


@time_machine.travel(AFTER_THE_RESTORE, tick=False)
def test_counted_as_sent_the_client_is_known_to_believe_in_the_booking(backed_up: Any) -> None:
    salon, booking, _ = backed_up
    hold_all()
    now = _now() + timedelta(days=1)
    assert release(send_overdue=False, now=now) == Released(due_now=0, due_later=1, counted_as_sent=1)
    message = Message.objects.get(booking_id=booking["id"])
    assert (message.state, message.reason) == (
        "uncertain",
        "A backup was restored; this mail had probably been sent before.",
    )
    assert "Haircut" in message.text
    assert Booking.objects.get(pk=booking["id"]).announced_as == "scheduled"
    assert run_due(at_most=100) == 0
    # So a cancellation is told to the client, and a person may still send the mail.
    salon.delete(booking)
    assert run_due(at_most=100) == 1
    assert jobs(booking) == [("booking.created", "uncertain"), ("booking.cancelled", "done")]
    outbox.retry(message.job_id, now=now)


@time_machine.travel(AFTER_THE_RESTORE, tick=False)
def test_what_is_no_longer_true_is_not_counted_as_sent(backed_up: Any) -> None:
    salon, booking, _ = backed_up
    hold_all()
    salon.delete(booking)
    assert jobs(booking)[0] == ("booking.created", "cancelled")
    assert release(send_overdue=False, now=_now() + timedelta(days=1)).counted_as_sent == 0


@time_machine.travel(AFTER_THE_RESTORE, tick=False)
def test_new_bookings_are_confirmed_while_old_jobs_are_held(backed_up: Any) -> None:
    salon, booking, _ = backed_up
    hold_all()
    new = salon.book(start_at="2026-03-25 10:00:00", end_at="2026-03-25 11:00:00")
    assert run_due(at_most=100) == 1
    assert jobs(new) == [("booking.created", "done")]
    assert jobs(booking) == [("booking.created", "pending")]


def test_the_command_wants_to_be_told_what_becomes_of_overdue_mails(backed_up: Any) -> None:
    hold_all()
    with pytest.raises(CommandError):
        call_command("release_jobs")
    assert number_held() == 2
    said = io.StringIO()
    with time_machine.travel(AFTER_THE_RESTORE, tick=False):
        call_command("release_jobs", overdue="count-as-sent", stdout=said)
    assert said.getvalue() == "0 jobs are due now, 1 later, 1 mails are counted as sent.\n"
    assert number_held() == 0
