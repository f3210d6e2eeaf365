"""Combinations of changes that nobody makes on purpose, and that happen all the same (contract §1.3-1.4)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bookings import after_visit, lifecycle
from bookings.models import WaitlistEntry
from notifications import outbox
from notifications.execution import run_due
from notifications.mail import frozen
from notifications.models import FollowupSequence, FollowupStep, Job, Message, Notification
from tests.cast.bookings import Salon, jobs, make_cast
from tests.cast.letters import compose, note_sent

pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime(2026, 3, 20, 9, 0, tzinfo=UTC)
"""Four days before the booking of the cast."""

ALICE, BOB = "alice@example.com", "bob@example.com"

Clock = time_machine.Traveller


@pytest.fixture
def clock() -> Iterator[Clock]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def salon(clock: Clock) -> Salon:
    return make_cast()


def drain() -> None:
    run_due(at_most=100)


def told() -> list[tuple[str, str, str, str]]:
    """Type, state, reason and address of every message, oldest first."""
    return list(Message.objects.order_by("id").values_list("type", "state", "reason", "to"))


@pytest.mark.parametrize("status", ["cancelled", "scheduled"])
def test_a_cancellation_still_to_be_sent_reaches_the_client_who_then_loses_the_booking(
    salon: Salon, status: str
) -> None:
    booking = salon.book()
    drain()
    salon.delete(booking)
    assert salon.put(booking, {"client_id": salon.bob.pk, "status": status}).status_code == 200
    drain()
    confirmed = [("booking.created", "kept", "", BOB)] if status == "scheduled" else []
    assert told() == [
        ("booking.created", "kept", "", ALICE),
        ("booking.cancelled", "kept", "", ALICE),
        *confirmed,
    ]


def test_a_lapse_still_to_be_told_reaches_the_client_who_then_loses_the_booking(
    salon: Salon, clock: Clock
) -> None:
    booking = salon.book(provisional=True)
    drain()
    clock.shift(timedelta(hours=73))
    assert lifecycle.lapse_due(now=timezone.now()) == 1
    assert salon.put(booking, {"client_id": salon.bob.pk}).status_code == 200
    drain()
    assert told() == [
        ("booking.provisional", "kept", "", ALICE),
        ("booking.lapsed", "kept", "", ALICE),
    ]


def test_a_visit_taken_back_and_given_to_another_client_is_cancelled_for_the_first(salon: Salon) -> None:
    booking = salon.book()
    drain()
    salon.put(booking, {"status": "completed"})
    salon.put(booking, {"client_id": salon.bob.pk, "status": "scheduled"})
    drain()
    assert [each for each in told() if each[0] != "review.request"] == [
        ("booking.created", "kept", "", ALICE),
        ("booking.cancelled", "kept", "", ALICE),
        ("booking.created", "kept", "", BOB),
    ]


@pytest.mark.parametrize("status", ["completed", "no-show"])
def test_a_visit_closed_ahead_of_its_time_and_given_away_is_cancelled_for_the_first(
    salon: Salon, status: str
) -> None:
    booking = salon.book()
    drain()
    salon.put(booking, {"status": status})
    salon.put(booking, {"client_id": salon.bob.pk})
    salon.put(booking, {"status": "scheduled"})
    drain()
    assert [each for each in told() if each[0] != "review.request"] == [
        ("booking.created", "kept", "", ALICE),
        ("booking.cancelled", "kept", "", ALICE),
        ("booking.created", "kept", "", BOB),
    ]


def test_a_visit_that_is_over_is_told_to_nobody_under_another_name(salon: Salon, clock: Clock) -> None:
    booking = salon.book()
    drain()
    clock.move_to(NOW + timedelta(days=5))
    salon.put(booking, {"status": "no-show"})
    salon.put(booking, {"client_id": salon.bob.pk})
    drain()
    assert told() == [("booking.created", "kept", "", ALICE)]


def test_a_client_who_has_the_booking_back_before_anything_left_is_told_nothing(salon: Salon) -> None:
    booking = salon.book()
    drain()
    salon.put(booking, {"client_id": salon.bob.pk})
    salon.put(booking, {"client_id": salon.alice.pk})
    assert jobs(booking) == [
        ("booking.created", "done"),
        ("booking.cancelled", "cancelled"),
        ("booking.created", "cancelled"),
        ("booking.cancelled", "pending"),
        ("booking.created", "pending"),
    ]
    drain()
    assert told() == [
        ("booking.created", "kept", "", ALICE),
        ("booking.cancelled", "not_sent", "restored", ALICE),
        ("booking.created", "not_sent", "another_client", BOB),
        ("booking.cancelled", "not_sent", "never_announced", BOB),
        ("booking.created", "not_sent", "already_announced", ALICE),
    ]


def test_a_client_who_has_a_cancelled_booking_back_still_hears_of_the_cancellation(salon: Salon) -> None:
    booking = salon.book()
    drain()
    salon.delete(booking)
    salon.put(booking, {"client_id": salon.bob.pk})
    salon.put(booking, {"client_id": salon.alice.pk})
    drain()
    assert told() == [
        ("booking.created", "kept", "", ALICE),
        ("booking.cancelled", "kept", "", ALICE),
    ]


def test_a_booking_turned_into_a_request_is_told_to_the_salon(salon: Salon) -> None:
    booking = salon.book()
    Notification.objects.all().delete()
    assert salon.put(booking, {"status": "provisional"}).status_code == 200
    assert sorted(Notification.objects.values_list("staff__name", "type", "booking_id")) == [
        ("Ada Admin", "booking.new", booking["id"]),
        ("Bea Bakker", "booking.new", booking["id"]),
    ]


def test_a_request_for_another_staff_member_is_one_line_for_them(salon: Salon) -> None:
    booking = salon.book()
    Notification.objects.all().delete()
    salon.put(booking, {"status": "provisional", "staff_id": salon.cora.pk, "client_id": salon.bob.pk})
    assert sorted(Notification.objects.values_list("staff__name", "type")) == [
        ("Ada Admin", "booking.new"),
        ("Cora Claes", "booking.new"),
    ]


def test_moving_the_booking_of_somebody_who_has_left_is_warned_of(salon: Salon) -> None:
    booking = salon.book()
    salon.bea.is_active = False
    salon.bea.save()
    warned = [{"code": "staff_not_bookable", "message": "This staff member takes no bookings any more."}]
    moved = salon.put(booking, {"start_at": "2026-03-24 10:15", "end_at": "2026-03-24 11:15"})
    assert (moved.status_code, moved.json()["warnings"]) == (200, warned)
    salon.delete(booking)
    assert salon.put(booking, {"status": "scheduled"}).json()["warnings"] == warned
    assert salon.put(booking, {"notes": "gone"}).json()["warnings"] == []


def test_only_who_waited_is_told_of_a_waitlist_slot(salon: Salon) -> None:
    entry = WaitlistEntry.objects.create(
        client=salon.alice, service=salon.service, date=date(2026, 3, 24), status="waiting"
    )
    booking = salon.book(provisional=True, waitlist_id=entry.pk)
    asked = salon.put(booking, {"client_id": salon.bob.pk}).json()
    drain()
    lifecycle.accept(token=asked["provisional_token"])
    drain()
    assert told()[-2:] == [
        ("booking.provisional", "kept", "", BOB),
        ("booking.created", "kept", "", BOB),
    ]


def test_a_date_cancelled_while_the_mail_for_its_series_leaves_is_cancelled_for_the_client(
    salon: Salon, clock: Clock
) -> None:
    series = salon.book(recurrence=["2026-03-31 10:00:00"])
    job = outbox.claim(now=timezone.now())
    assert job is not None
    outbox.mark_sending(job, now=timezone.now(), frozen=frozen(compose(job, now=timezone.now()), now=NOW))
    second = series["occurrences"][1]
    salon.delete(second)
    drain()
    assert jobs(second) == [("booking.cancelled", "pending")]
    message = Message.objects.get(job=job)
    outbox.finish(
        job,
        now=timezone.now(),
        message={"state": "sent"},
        also=lambda: note_sent(job, message, now=timezone.now()),
    )
    clock.shift(timedelta(hours=1))
    drain()
    assert told() == [
        ("booking.created", "sent", "", ALICE),
        ("booking.cancelled", "kept", "", ALICE),
    ]


def make_sequences(stopping: int, going_on: int) -> tuple[FollowupSequence, FollowupSequence]:
    """Two sequences with so many steps, of which booking again stops the first."""
    made = []
    for name, steps in (("stops", stopping), ("goes on", going_on)):
        sequence = FollowupSequence.objects.create(name=name, stop_on_rebook=name == "stops")
        for day in range(1, steps + 1):
            FollowupStep.objects.create(sequence=sequence, delay_days=day, subject="Hi", body="Well?")
        made.append(sequence)
    return made[0], made[1]


def test_booking_again_stops_no_step_whose_number_only_begins_alike(salon: Salon) -> None:
    stops, goes_on = make_sequences(stopping=1, going_on=0)
    (step,) = FollowupStep.objects.filter(sequence=stops)
    FollowupStep.objects.create(
        pk=step.pk * 10, sequence=goes_on, delay_days=2, subject="Hi", body="How are you?"
    )
    first = salon.book()
    salon.put(first, {"status": "completed"})
    salon.book(start_at="2026-03-27 10:00", end_at="2026-03-27 11:00")
    steps = Job.objects.filter(type="followup.step").order_by("id")
    assert [(job.payload["sequence_id"], job.state) for job in steps] == [
        (stops.pk, "cancelled"),
        (goes_on.pk, "pending"),
    ]


def test_booking_again_stops_many_steps_in_the_statements_of_one(salon: Salon) -> None:
    """And in id order at once, as every drop: one by one they met a change of the visit in a deadlock."""
    counts = []
    for day, steps in ((24, 1), (25, 12)):
        make_sequences(stopping=steps, going_on=0)
        visit = salon.book(
            start_at=f"2026-03-{day} 10:00", end_at=f"2026-03-{day} 11:00", staff_id=salon.cora.pk
        )
        salon.put(visit, {"status": "completed"})
        assert Job.objects.filter(type="followup.step", state="pending").count() == steps
        with CaptureQueriesContext(connection) as statements:
            after_visit.stop_for_rebooking(client_id=salon.alice.pk, now=timezone.now())
        counts.append(len(statements))
        assert not Job.objects.filter(type="followup.step", state="pending").exists()
        FollowupSequence.objects.update(is_active=False)
    assert counts[0] == counts[1]
