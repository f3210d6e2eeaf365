"""From the API call to the message log: what a client is told while a booking lives (contract §1.4)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from icalendar import Calendar

from bookings.models import Booking
from notifications.execution import run_due
from notifications.models import Message
from tests.cast.bookings import Salon, make_cast
from tests.cast.factories import caller

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 20, 9, 0, tzinfo=UTC)
"""Four days before the booking of the cast."""

Clock = time_machine.Traveller


@pytest.fixture
def clock() -> Iterator[Clock]:
    with time_machine.travel(NOW, tick=False) as coordinates:
        yield coordinates


@pytest.fixture
def salon(clock: Clock) -> Salon:
    return make_cast()


def drain(clock: Clock | None = None, **later: float) -> None:
    """What is due is carried out, `later` from now."""
    if clock is not None:
        clock.shift(timedelta(**later))
    run_due(at_most=100)


def told() -> list[tuple[str, str, str, str]]:
    """Type, state, reason and address of every message, oldest first."""
    return list(Message.objects.order_by("id").values_list("type", "state", "reason", "to"))


def calendar_entry(message: Message) -> tuple[str, str, int, Any]:
    """Method, UID, SEQUENCE and start (UTC) of the file that went with the mail."""
    calendar = Calendar.from_ical(message.ics)
    (event,) = calendar.events
    return str(calendar["METHOD"]), str(event["UID"]), int(event["SEQUENCE"]), event.start


def message(type: str) -> Message:
    found: Message = Message.objects.filter(type=type).latest("id")
    return found


ALICE, BOB = "alice@example.com", "bob@example.com"


def test_a_booking_is_confirmed_moved_and_cancelled_with_one_calendar_entry(salon, clock):
    booking = salon.book()
    drain()
    salon.put(booking, {"start_at": "2026-03-24 14:00:00", "end_at": "2026-03-24 15:00:00"})
    drain(clock, minutes=31)
    salon.delete(booking)
    drain()
    assert told() == [
        ("booking.created", "kept", "", ALICE),
        ("booking.updated", "kept", "", ALICE),
        ("booking.cancelled", "kept", "", ALICE),
    ]
    uid = f"{booking['key']}@bookings"
    entries = [calendar_entry(message(f"booking.{kind}")) for kind in ("created", "updated", "cancelled")]
    assert [(method, found) for method, found, _, _ in entries] == [
        ("REQUEST", uid),
        ("REQUEST", uid),
        ("CANCEL", uid),
    ]
    sequences = [sequence for _, _, sequence, _ in entries]
    assert sequences == sorted(set(sequences))
    assert [start.strftime("%H:%M") for _, _, _, start in entries] == ["09:00", "13:00", "13:00"]
    row = Booking.objects.get()
    assert (row.announced_as, row.announced_start_at, row.announced_end_at) == ("", None, None)


def test_a_booking_dragged_about_and_back_is_not_announced_again(salon, clock):
    booking = salon.book()
    drain()
    for hour in (12, 15, 10):
        clock.shift(timedelta(minutes=5))
        salon.put(booking, {"start_at": f"2026-03-24 {hour}:00:00", "end_at": f"2026-03-24 {hour + 1}:00:00"})
        drain()
    drain(clock, minutes=31)
    assert told() == [
        ("booking.created", "kept", "", ALICE),
        ("booking.updated", "not_sent", "dragged_back", ALICE),
    ]


def test_a_booking_dragged_about_is_announced_once_where_it_ended(salon, clock):
    booking = salon.book()
    drain()
    for hour in (12, 15, 13):
        clock.shift(timedelta(minutes=20))
        salon.put(booking, {"start_at": f"2026-03-24 {hour}:00:00", "end_at": f"2026-03-24 {hour + 1}:00:00"})
        drain()
    assert len(told()) == 2
    drain(clock, minutes=31)
    assert [state for _, state, _, _ in told()] == ["kept", "kept"]
    assert calendar_entry(message("booking.updated"))[3].strftime("%H:%M") == "12:00"


def test_a_booking_cancelled_before_anything_left_is_never_announced(salon):
    booking = salon.book()
    salon.delete(booking)
    drain()
    assert told() == [
        ("booking.created", "not_sent", "cancelled_meanwhile", ALICE),
        ("booking.cancelled", "not_sent", "never_announced", ALICE),
    ]


def test_a_cancellation_taken_back_before_it_left_says_nothing(salon):
    booking = salon.book()
    drain()
    salon.delete(booking)
    salon.put(booking, {"status": "scheduled"})
    drain()
    assert told() == [
        ("booking.created", "kept", "", ALICE),
        ("booking.cancelled", "not_sent", "restored", ALICE),
    ]


def test_a_booking_restored_after_its_cancellation_left_is_confirmed_anew(salon):
    booking = salon.book()
    drain()
    first = calendar_entry(message("booking.created"))
    salon.delete(booking)
    drain()
    salon.put(booking, {"status": "scheduled"})
    drain()
    assert [type for type, state, _, _ in told() if state == "kept"] == [
        "booking.created",
        "booking.cancelled",
        "booking.created",
    ]
    again = calendar_entry(message("booking.created"))
    assert (again[0], again[1]) == (first[0], first[1])
    assert again[2] > calendar_entry(message("booking.cancelled"))[2] > first[2]


def test_another_client_is_confirmed_and_the_former_one_told_the_times_they_knew(salon):
    booking = salon.book()
    drain()
    salon.put(
        booking,
        {
            "client_id": salon.bob.pk,
            "start_at": "2026-03-24 14:00:00",
            "end_at": "2026-03-24 15:00:00",
        },
    )
    drain()
    assert sorted(told()) == [
        ("booking.cancelled", "kept", "", ALICE),
        ("booking.created", "kept", "", ALICE),
        ("booking.created", "kept", "", BOB),
    ]
    assert "at 10:00" in message("booking.cancelled").subject
    assert "at 14:00" in message("booking.created").subject
    row = Booking.objects.get()
    assert (row.client_id, row.announced_as) == (salon.bob.pk, "scheduled")


def test_a_request_is_mailed_answered_by_its_link_and_confirmed(salon):
    salon.book(provisional=True)
    drain()
    token = Booking.objects.get().provisional_token
    assert f"/provisional/{token}/accept" in message("booking.provisional").text
    answer: Any = caller().post(f"/api/public/provisional/{token}/accept")
    assert answer.status_code == 200, answer.content
    drain()
    assert told() == [
        ("booking.provisional", "kept", "", ALICE),
        ("booking.created", "kept", "", ALICE),
    ]


def test_a_completed_visit_is_asked_about_two_hours_later(salon, clock):
    booking = salon.book()
    drain()
    clock.move_to(datetime(2026, 3, 24, 10, 5, tzinfo=UTC))
    salon.put(booking, {"status": "completed"})
    drain(clock, hours=1, minutes=59)
    assert [type for type, state, _, _ in told() if state == "kept"] == ["booking.created"]
    drain(clock, minutes=2)
    asked = message("review.request")
    assert (asked.state, asked.to) == ("kept", ALICE)
    assert f"/feedback/{Booking.objects.get().feedback_token}" in asked.text


def test_a_client_without_an_address_is_listed_with_the_reason(salon):
    salon.alice.email = ""
    salon.alice.save()
    salon.book()
    drain()
    assert told() == [("booking.created", "not_sent", "no_address", "")]
    assert Booking.objects.get().announced_as == ""
