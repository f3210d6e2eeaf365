"""POST /appointments/{id}: partial changes, bookings added and removed, moves of a group (contract §3)."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from bookings.models import Booking, BookingEvent, BusyTime
from notifications.models import Job
from tests.cast.amelia import Desk, make_class, make_dan, order, rows, seat
from tests.cast.bookings import MORNING, Salon, jobs, stored, told
from tests.cast.factories import make_holiday, make_location, make_service

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.clock_at(MORNING)]


@pytest.fixture
def salon() -> Salon:
    return make_class()


@pytest.fixture
def desk(salon: Salon) -> Desk:
    return Desk()


@pytest.fixture
def pair(salon: Salon, desk: Desk) -> dict[str, Any]:
    """Alice and Bob in one appointment, both told of it."""
    made = desk.made(order(salon, bookings=[seat(salon.alice), seat(salon.bob)]))
    for booking in made["bookings"]:
        told(booking)
    return made


def changed(desk: Desk, made: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    answer = desk.post(f"/appointments/{made['id']}", body)
    assert answer.status_code == 200, answer.content
    data: dict[str, Any] = answer.json()["data"]
    return data


def refused(desk: Desk, made: dict[str, Any], body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Status and data of a refusal that stored nothing and set nothing in motion."""
    before = stored()
    answer = desk.post(f"/appointments/{made['id']}", body)
    assert stored() == before, answer.content
    return answer.status_code, answer.json()["data"]


def ids_of(made: dict[str, Any]) -> list[int]:
    return [each["id"] for each in made["bookings"]]


def pending() -> list[str]:
    return list(Job.objects.filter(state="pending").order_by("id").values_list("type", flat=True))


def test_a_move_takes_everybody(salon: Salon, desk: Desk, pair: dict[str, Any]) -> None:
    data = changed(desk, pair, {"bookingStart": "2026-03-25 14:00"})
    assert data["appointmentRescheduled"] is True
    assert data["initialAppointmentDateTime"] == {
        "bookingStart": "2026-03-24 10:00:00",
        "bookingEnd": "2026-03-24 10:30:00",
    }
    shown = desk.shown(pair["id"])
    assert (shown["bookingStart"], shown["bookingEnd"]) == ("2026-03-25 14:00:00", "2026-03-25 14:30:00")
    assert ids_of(shown) == ids_of(pair)
    assert pending() == ["booking.updated", "booking.updated"]
    assert BusyTime.objects.values("party").distinct().count() == 1
    assert set(BusyTime.objects.values_list("starts_at", flat=True)) == {Booking.objects.first().start_at}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"bookingStart": "2026-03-24 10:00"},
        {"bookingStart": "2026-03-24 10:00:00", "providerId": 0, "serviceId": 0, "internalNotes": ""},
        {"notifyParticipants": 1, "removedBookings": [], "bookings": [], "recurring": []},
        {"bookings": [{"id": 0, "status": "approved", "persons": 1, "customerId": 0}]},
        {"locationId": None, "lessonSpace": None, "bookings": None},
    ],
)
def test_what_changes_nothing_sets_nothing_in_motion(
    salon: Salon, desk: Desk, pair: dict[str, Any], body: dict[str, Any]
) -> None:
    given = {"providerId": salon.bea.pk, "serviceId": salon.service.pk}
    body = {name: given.get(name, value) for name, value in body.items()}
    for each in body.get("bookings") or []:
        each.update(id=ids_of(pair)[0], customerId=salon.alice.pk)
    before = stored()
    data = changed(desk, pair, body)
    assert stored() == before
    assert data["appointmentRescheduled"] is data["appointmentStatusChanged"] is data["bookingAdded"] is False
    assert data["bookingsWithChangedStatus"] == []


def test_an_empty_body_changes_nothing(desk: Desk, pair: dict[str, Any]) -> None:
    before = stored()
    assert desk.post(f"/appointments/{pair['id']}").status_code == 200
    assert stored() == before


def test_a_booking_without_id_is_added(salon: Salon, desk: Desk, pair: dict[str, Any]) -> None:
    dan = make_dan()
    data = changed(desk, pair, {"bookings": [{"customerId": dan.pk, "customFields": "{}", "persons": 1}]})
    assert data["bookingAdded"] is True
    added = data["appointment"]["bookings"][2]
    assert (added["customerId"], added["customFields"], added["token"]) == (dan.pk, "{}", None)
    assert (added["isChangedStatus"], added["isUpdated"]) == (True, None)
    assert [each["id"] for each in data["bookingsWithChangedStatus"]] == [added["id"]]
    assert Booking.objects.get(pk=added["id"]).session_id == pair["id"]
    assert jobs(added) == [("booking.created", "pending")]
    assert pending() == ["booking.created"]
    assert BusyTime.objects.values("party").distinct().count() == 1


def test_a_booking_added_with_a_move_joins_at_the_new_time(
    salon: Salon, desk: Desk, pair: dict[str, Any]
) -> None:
    body = {
        "bookingStart": "2026-03-25 14:00",
        "providerId": salon.cora.pk,
        "bookings": [seat(make_dan(), duration=3600)],
    }
    data = changed(desk, pair, body)
    assert data["appointmentEmployeeChanged"] == salon.bea.pk
    assert data["appointment"]["bookingEnd"] == "2026-03-25 15:00:00"
    assert len(data["appointment"]["bookings"]) == 3
    assert set(Booking.objects.values_list("staff_id", "session_id")) == {(salon.cora.pk, pair["id"])}
    assert Booking.objects.values("start_at", "end_at").distinct().count() == 1


@pytest.mark.parametrize("as_object", [True, False])
def test_a_removed_booking_is_hidden_and_told(
    salon: Salon, desk: Desk, pair: dict[str, Any], as_object: bool
) -> None:
    first, second = ids_of(pair)
    gone = {"id": first, "status": "approved"} if as_object else first
    data = changed(desk, pair, {"removedBookings": [gone]})
    assert ids_of(data["appointment"]) == [second]
    assert ids_of(desk.shown(pair["id"])) == [second]
    assert rows() == [("cancelled", "rejected", True), ("scheduled", "", False)]
    assert pending() == ["booking.cancelled"]
    assert BusyTime.objects.get().booking_id == second


def test_removing_the_longest_shortens_it(salon: Salon, desk: Desk) -> None:
    made = desk.made(order(salon, bookings=[seat(salon.alice), seat(salon.bob, duration=3600)]))
    data = changed(desk, made, {"removedBookings": [ids_of(made)[1]]})
    assert data["appointment"]["bookingEnd"] == "2026-03-24 10:30:00"


def test_everybody_removed_leaves_nothing(salon: Salon, desk: Desk, pair: dict[str, Any]) -> None:
    data = changed(desk, pair, {"removedBookings": ids_of(pair)})
    assert (data["appointment"]["bookings"], data["appointment"]["status"]) == ([], "canceled")
    assert data["appointmentStatusChanged"] is True
    assert desk.get(f"/appointments/{pair['id']}").status_code == 404
    assert refused(desk, pair, {}) == (404, {"entityMissing": True})


def test_everybody_can_be_exchanged_in_one_call(salon: Salon, desk: Desk, pair: dict[str, Any]) -> None:
    body = {"removedBookings": ids_of(pair), "bookings": [seat(make_dan(), persons=3)]}
    data = changed(desk, pair, {**body, "bookingStart": "2026-03-25 14:00"})
    (only,) = data["appointment"]["bookings"]
    assert (only["persons"], data["appointment"]["id"]) == (3, pair["id"])
    assert desk.shown(pair["id"])["bookingStart"] == "2026-03-25 14:00:00"
    assert BusyTime.objects.get().booking_id == only["id"]


def test_a_seat_given_up_can_be_taken_in_the_same_call(salon: Salon, desk: Desk) -> None:
    made = desk.made(order(salon, bookings=[seat(salon.alice), seat(salon.bob, persons=2)]))
    dan = make_dan()
    full = refused(desk, made, {"bookings": [seat(dan)]})
    assert full == (409, {"maximumCapacityReached": True})
    changed(desk, made, {"bookings": [seat(dan)], "removedBookings": [ids_of(made)[0]]})
    data = changed(
        desk,
        made,
        {"bookings": [{"id": dan_id(made, desk), "persons": 2}, {"id": ids_of(made)[1], "persons": 1}]},
    )
    assert [each["persons"] for each in data["appointment"]["bookings"]] == [1, 2]


def dan_id(made: dict[str, Any], desk: Desk) -> int:
    return ids_of(desk.shown(made["id"]))[-1]


@pytest.mark.parametrize(
    ("body", "status", "flag"),
    [
        ({"bookings": [{"id": 900000999}]}, 404, "entityMissing"),
        ({"removedBookings": [900000999]}, 404, "entityMissing"),
        ({"bookings": [{"id": "first", "customerId": "bob"}]}, 409, "customerAlreadyBooked"),
        ({"bookings": [{"customerId": "bob"}]}, 409, "customerAlreadyBooked"),
        ({"bookings": [{"id": "first", "persons": 3}]}, 409, "maximumCapacityReached"),
        ({"bookings": [{"id": "first", "persons": 4}]}, 409, "maximumCapacityReached"),
        ({"bookingStart": "2026-03-26 10:00"}, 409, "timeSlotUnavailable"),
        ({"bookingStart": "2026-03-27 10:00"}, 409, "timeSlotUnavailable"),
        ({"serviceId": "massage"}, 409, "maximumCapacityReached"),
        ({"internalNotes": "moved", "bookings": [{"customerId": 900000999}]}, 404, "entityMissing"),
    ],
)
def test_what_cannot_be_is_refused_whole(
    salon: Salon, desk: Desk, pair: dict[str, Any], body: dict[str, Any], status: int, flag: str
) -> None:
    salon.book(start_at="2026-03-26 09:45:00", end_at="2026-03-26 10:15:00")
    make_holiday(date(2026, 3, 27))
    names = {"first": ids_of(pair)[0], "bob": salon.bob.pk, "massage": make_service("Massage").pk}

    def known(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: known(each) for name, each in value.items()}
        if isinstance(value, list):
            return [known(each) for each in value]
        return names.get(value, value) if isinstance(value, str) else value

    assert refused(desk, pair, known(body)) == (status, {flag: True})


@pytest.mark.parametrize(
    "body",
    [
        {"bookingStart": "2026-03-29 02:30"},
        {"bookings": [{"persons": 1}]},
        {"bookings": [{"id": "1", "persons": 1}]},
        {"removedBookings": [{"status": "approved"}]},
        {"removedBookings": ["1"]},
        {"removedBookings": {}},
        {"notifyParticipants": "no"},
        {"recurring": "no"},
    ],
)
def test_what_cannot_be_read_is_400(
    salon: Salon, desk: Desk, pair: dict[str, Any], body: dict[str, Any]
) -> None:
    assert refused(desk, pair, body) == (400, {})


def test_single_bookings_change_by_their_id(salon: Salon, desk: Desk, pair: dict[str, Any]) -> None:
    first, second = ids_of(pair)
    dan = make_dan()
    body = {
        "bookings": [
            {"id": second, "status": "no-show"},
            {"id": first, "customerId": dan.pk, "persons": 2, "extras": [{"id": 1}]},
        ]
    }
    data = changed(desk, pair, body)
    one, two = data["appointment"]["bookings"]
    assert (one["customerId"], one["persons"], one["extras"]) == (dan.pk, 2, [{"id": 1}])
    assert (one["isChangedStatus"], two["isChangedStatus"], two["status"]) == (False, True, "no-show")
    assert [each["id"] for each in data["bookingsWithChangedStatus"]] == [second]
    assert sorted(pending()) == ["booking.cancelled", "booking.created"]


def test_another_service_freezes_its_price_and_keeps_the_seats(
    salon: Salon, desk: Desk, pair: dict[str, Any]
) -> None:
    color = make_service("Color", duration_minutes=90, price=80, max_capacity=2)
    data = changed(desk, pair, {"serviceId": color.pk})
    assert data["appointment"]["serviceId"] == color.pk
    assert [each["price"] for each in data["appointment"]["bookings"]] == [80, 80]
    assert data["appointment"]["bookingEnd"] == "2026-03-24 11:30:00"


def test_notes_and_places_change_for_the_whole_appointment(
    salon: Salon, desk: Desk, pair: dict[str, Any]
) -> None:
    centre = make_location()
    body = {"internalNotes": "door code 12", "locationId": centre.pk, "lessonSpace": "b"}
    data = changed(desk, pair, body)
    appointment = data["appointment"]
    assert (appointment["internalNotes"], appointment["locationId"], appointment["lessonSpace"]) == (
        "door code 12",
        centre.pk,
        "b",
    )
    assert set(Booking.objects.values_list("internal_notes", "location_id")) == {("door code 12", centre.pk)}
    assert pending() == []
    assert changed(desk, pair, {"lessonSpace": ""})["appointment"]["lessonSpace"] is None


@pytest.mark.parametrize(("sent", "mails"), [(0, []), (1, ["booking.updated"] * 2)])
def test_notify_participants_speaks_for_this_call(
    salon: Salon, desk: Desk, pair: dict[str, Any], sent: int, mails: list[str]
) -> None:
    data = changed(desk, pair, {"bookingStart": "2026-03-25 10:00", "notifyParticipants": sent})
    assert data["appointment"]["notifyParticipants"] == sent
    assert pending() == mails


def test_the_start_it_prints_in_a_doubled_hour_changes_nothing(salon: Salon, desk: Desk) -> None:
    made = desk.made(order(salon, bookingStart="2026-10-25 01:30", utc=True))
    assert made["bookingStart"] == "2026-10-25 02:30:00"
    before = stored()
    changed(desk, made, {"bookingStart": "2026-10-25 02:30:00"})
    assert stored() == before
    changed(desk, made, {"bookingStart": "2026-10-25 02:30"})
    assert f"{Booking.objects.get().start_at:%H:%M}" == "00:30"


def test_a_move_into_its_own_old_time_is_free(salon: Salon, desk: Desk, pair: dict[str, Any]) -> None:
    changed(desk, pair, {"bookingStart": "2026-03-24 10:15"})
    assert desk.shown(pair["id"])["bookingStart"] == "2026-03-24 10:15:00"


def test_one_change_is_one_event_of_each_booking(salon: Salon, desk: Desk, pair: dict[str, Any]) -> None:
    changed(desk, pair, {"bookingStart": "2026-03-25 10:00"})
    events = BookingEvent.objects.filter(from_status="scheduled")
    assert list(events.order_by("id").values_list("booking_id", "door")) == [
        (booking_id, "amelia") for booking_id in ids_of(pair)
    ]


def test_a_closed_booking_needs_no_slot_at_the_new_time(salon: Salon, desk: Desk) -> None:
    made = desk.made(order(salon))
    salon.book(start_at="2026-03-26 10:00:00", end_at="2026-03-26 11:00:00")
    body = {"bookingStart": "2026-03-26 10:00", "bookings": [{"id": made["id"], "status": "canceled"}]}
    data = changed(desk, made, body)
    assert (data["appointment"]["bookingStart"], data["appointment"]["status"]) == (
        "2026-03-26 10:00:00",
        "canceled",
    )
    assert refused(desk, made, {"bookings": [{"id": made["id"], "status": "approved"}]}) == (
        409,
        {"timeSlotUnavailable": True},
    )
