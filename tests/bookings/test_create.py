"""POST /api/bookings: the shape, what is set in motion, and every refusal (contract §1.1-1.4)."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from bookings.models import Booking, BookingEvent, BusyTime
from notifications.models import Job, Message, Notification
from staff.models import Staff
from tests.cast.bookings import MORNING
from tests.cast.factories import (
    caller,
    make_ada,
    make_alice,
    make_bea,
    make_client,
    make_cora,
    make_holiday,
    make_hours,
    make_location,
    make_salon,
    make_service,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.clock_at(MORNING)]


@pytest.fixture
def cast() -> dict[str, Any]:
    make_salon()
    service = make_service(buffer_before_minutes=5, buffer_after_minutes=10)
    bea = make_bea(services=[service])
    make_hours(bea)
    return {"service": service, "bea": bea, "ada": make_ada(), "alice": make_alice()}


def order(cast: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "client_id": cast["alice"].pk,
        "staff_id": cast["bea"].pk,
        "service_id": cast["service"].pk,
        "start_at": "2026-03-24 10:00:00",
        "end_at": "2026-03-24 11:00:00",
        **changes,
    }


def post(who: Staff, body: Any) -> Any:
    return caller(who).post("/api/bookings", body, format="json")


def nothing_stored() -> bool:
    return not (
        Booking.objects.exists()
        or BookingEvent.objects.exists()
        or BusyTime.objects.exists()
        or Job.objects.exists()
        or Message.objects.exists()
        or Notification.objects.exists()
    )


def test_a_booking_answers_with_the_documented_object(cast: dict[str, Any]) -> None:
    answer = post(cast["bea"], order(cast, notes="first visit"))
    assert answer.status_code == 200, answer.content
    booking = Booking.objects.get()
    assert answer.json() == {
        "id": booking.pk,
        "client_id": cast["alice"].pk,
        "staff_id": cast["bea"].pk,
        "service_id": cast["service"].pk,
        "start_at": "2026-03-24 10:00:00",
        "end_at": "2026-03-24 11:00:00",
        "status": "scheduled",
        "notes": "first visit",
        "internal_notes": "",
        "provisional_token": None,
        "feedback_token": None,
        "waitlist_id": None,
        "client_name": "Alice Adams",
        "client_phone": "+31201234567",
        "service_name": "Haircut",
        "staff_name": "Bea Bakker",
        "status_detail": "",
        "key": str(booking.key),
        "session_id": booking.pk,
        "location_id": None,
        "persons": 1,
        "price": "40.00",
        "source": "api",
        "version": 1,
        "created_at": "2026-03-20 09:00:00",
        "updated_at": "2026-03-20 09:00:00",
        "series_id": None,
        "total_price": "40.00",
        "visit_id": booking.visit_id,
        "position": 1,
        "parts": [{"kind": "work", "minutes": 60}],
        "staff_requested": False,
        "warnings": [],
    }
    assert list(answer.json())[:13] == [
        "id",
        "client_id",
        "staff_id",
        "service_id",
        "start_at",
        "end_at",
        "status",
        "notes",
        "internal_notes",
        "provisional_token",
        "feedback_token",
        "waitlist_id",
        "client_name",
    ]


def test_a_booking_sets_in_motion_one_mail_and_a_line_for_staff_and_admins(cast: dict[str, Any]) -> None:
    post(cast["bea"], order(cast))
    booking = Booking.objects.get()
    assert list(Job.objects.values_list("type", "state", "booking_id")) == [
        ("booking.created", "pending", booking.pk)
    ]
    assert Message.objects.get().to == "alice@example.com"
    assert sorted(Notification.objects.values_list("staff__name", "type")) == [
        ("Ada Admin", "booking.new"),
        ("Bea Bakker", "booking.new"),
    ]
    event = BookingEvent.objects.get()
    assert (event.from_status, event.to_status, event.door, event.actor_id) == (
        "",
        "scheduled",
        "api",
        cast["bea"].pk,
    )
    busy = BusyTime.objects.get()
    assert busy.starts_at.isoformat() == "2026-03-24T08:55:00+00:00"
    assert busy.ends_at.isoformat() == "2026-03-24T10:10:00+00:00"


def test_a_taken_slot_is_409_with_the_conflicts(cast: dict[str, Any]) -> None:
    first = post(cast["bea"], order(cast)).json()
    before = (Job.objects.count(), BookingEvent.objects.count(), Notification.objects.count())
    answer = post(cast["bea"], order(cast, start_at="2026-03-24 11:10", end_at="2026-03-24 11:40"))
    assert answer.status_code == 409
    assert answer.json()["code"] == "slot_taken"
    assert answer.json()["conflicts"] == [
        {"booking_id": first["id"], "start_at": "2026-03-24 10:00:00", "end_at": "2026-03-24 11:00:00"}
    ]
    assert (Job.objects.count(), BookingEvent.objects.count(), Notification.objects.count()) == before
    assert Booking.objects.count() == BusyTime.objects.count() == 1
    touching = post(cast["bea"], order(cast, start_at="2026-03-24 11:15", end_at="2026-03-24 11:40"))
    assert touching.status_code == 200


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"client_id": 900000999}, "client_id"),
        ({"staff_id": 900000999}, "staff_id"),
        ({"service_id": 900000999}, "service_id"),
        ({"client_id": "1"}, "client_id"),
        ({"client_id": 1.5}, "client_id"),
        ({"client_id": True}, "client_id"),
        ({"client_id": None}, "client_id"),
        ({"start_at": "2026-03-24"}, "start_at"),
        ({"start_at": "2026-03-29 02:30"}, "start_at"),
        ({"end_at": "2026-03-24 10:00"}, "end_at"),
        ({"end_at": "2026-03-25 10:01"}, "end_at"),
        ({"notes": 5}, "notes"),
        ({"waitlist_id": 7}, "waitlist_id"),
        ({"location_id": 7}, "location_id"),
        ({"persons": 2}, "persons"),
        ({"persons": 0}, "persons"),
        ({"hold_token": "nope"}, "hold_token"),
        ({"session_of": 7}, "session_of"),
        ({"base_url": "https://evil.example"}, "base_url"),
        ({"provisional": "yes"}, "provisional"),
    ],
)
def test_a_malformed_field_is_400_and_stores_nothing(
    cast: dict[str, Any], changes: dict[str, Any], field: str
) -> None:
    answer = post(cast["bea"], order(cast, **changes))
    assert answer.status_code == 400, answer.content
    assert field in answer.json()["details"]
    assert nothing_stored()


@pytest.mark.parametrize("provisional", [False, True])
def test_a_holiday_is_400(cast: dict[str, Any], provisional: bool) -> None:
    make_holiday(date(2026, 3, 24), "Spring day")
    answer = post(cast["bea"], order(cast, provisional=provisional))
    assert (answer.status_code, answer.json()["code"]) == (400, "holiday")
    assert nothing_stored()
    until_midnight = order(cast, start_at="2026-03-23 23:00", end_at="2026-03-24 00:00")
    assert post(cast["bea"], until_midnight).status_code == 200


def test_a_booking_is_at_the_persons_location_or_at_the_only_open_one(cast: dict[str, Any]) -> None:
    def booked_at(hour: int) -> int | None:
        times = {"start_at": f"2026-03-24 {hour}:00", "end_at": f"2026-03-24 {hour}:30"}
        location_id: int | None = post(cast["bea"], order(cast, **times)).json()["location_id"]
        return location_id

    make_location("Closed", "closed", is_active=False)
    assert booked_at(10) is None
    centre = make_location()
    assert booked_at(11) == centre.pk
    harbour = make_location("Harbour", "harbour")
    assert booked_at(12) is None
    Staff.objects.filter(pk=cast["bea"].pk).update(location=harbour)
    assert booked_at(13) == harbour.pk


def test_a_provisional_booking_asks_the_client_by_mail(cast: dict[str, Any]) -> None:
    answer = post(cast["bea"], order(cast, provisional=True)).json()
    assert answer["status"] == "provisional"
    assert len(answer["provisional_token"]) >= 22
    assert list(Job.objects.values_list("type", flat=True)) == ["booking.provisional"]
    booking = Booking.objects.get()
    assert booking.provisional_expires_at is not None
    assert booking.provisional_expires_at.isoformat() == "2026-03-23T08:00:00+00:00"


def test_a_booking_that_has_ended_mails_nobody(cast: dict[str, Any]) -> None:
    ended = order(cast, start_at="2026-03-20 08:00", end_at="2026-03-20 09:00")
    assert post(cast["bea"], ended).status_code == 200
    assert not Job.objects.exists()


def test_the_desk_may_book_outside_working_hours_and_is_told(cast: dict[str, Any]) -> None:
    answer = post(cast["bea"], order(cast, start_at="2026-03-24 20:00", end_at="2026-03-24 21:00"))
    assert answer.status_code == 200
    assert [each["code"] for each in answer.json()["warnings"]] == ["outside_working_hours"]


def test_with_the_personal_agenda_one_books_only_for_oneself(cast: dict[str, Any]) -> None:
    make_salon(staff_personal_agenda_enabled=True)
    cora = make_cora()
    answer = post(cora, order(cast))
    assert answer.status_code == 403
    assert nothing_stored()
    assert post(cast["ada"], order(cast)).status_code == 200
    taken = post(cora, order(cast, staff_id=cora.pk))
    assert taken.status_code == 200


def test_a_deliberate_overlap_occupies_its_own_time_for_everybody_after_it(cast: dict[str, Any]) -> None:
    ada = cast["ada"]
    under = post(ada, order(cast)).json()
    over = post(ada, order(cast, start_at="2026-03-24 10:30", end_at="2026-03-24 11:30", allow_overlap=True))
    assert over.status_code == 200
    third = order(cast, start_at="2026-03-24 11:20", end_at="2026-03-24 11:50")
    assert post(ada, third).status_code == 409
    assert caller(ada).delete(f"/api/bookings/{under['id']}").status_code == 200
    inside = order(cast, start_at="2026-03-24 10:30", end_at="2026-03-24 11:00")
    assert post(ada, inside).status_code == 409
    restored = caller(ada).put(f"/api/bookings/{under['id']}", {"status": "scheduled"}, format="json")
    assert restored.status_code == 409


def test_a_session_is_joined_while_there_is_room(cast: dict[str, Any]) -> None:
    ada, service = cast["ada"], cast["service"]
    service.max_capacity = 3
    service.save()
    first = post(ada, order(cast)).json()
    bob, carl, dora = (make_client(name) for name in ("Bob", "Carl", "Dora"))
    joined = post(ada, order(cast, client_id=bob.pk, session_of=first["id"], persons=2))
    assert (joined.status_code, joined.json()["session_id"]) == (200, first["id"])
    assert post(ada, order(cast, client_id=dora.pk)).status_code == 409
    full = post(ada, order(cast, client_id=carl.pk, session_of=first["id"]))
    assert (full.status_code, full.json()["code"]) == (409, "maximum_capacity_reached")
    again = post(ada, order(cast, client_id=cast["alice"].pk, session_of=first["id"]))
    assert again.status_code == 409
    assert Booking.objects.count() == 2
