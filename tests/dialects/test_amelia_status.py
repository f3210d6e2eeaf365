"""Amelia's statuses: what each write means, no-ops, deletion, the same truth for all (contract §3, §5)."""

from __future__ import annotations

from itertools import combinations_with_replacement
from typing import Any

import pytest

from bookings.dialects.amelia.codes import STATUSES
from bookings.models import Booking
from notifications.models import Job
from staff.models import Service
from tests.cast.amelia import Desk, make_class, make_dan, order, rows, seat
from tests.cast.bookings import MORNING, Salon, jobs, stored, told
from tests.cast.factories import caller, make_booking, make_key

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.clock_at(MORNING)]

WRITTEN_AS = {
    "approved": ("scheduled", ""),
    "pending": ("provisional", ""),
    "canceled": ("cancelled", ""),
    "rejected": ("cancelled", "rejected"),
    "no-show": ("no-show", ""),
}
SHOWN_AS = {
    ("scheduled", ""): "approved",
    ("scheduled", "new"): "approved",
    ("scheduled", "rebooked"): "approved",
    ("scheduled", "online"): "approved",
    ("scheduled", "confirmed_no_sms"): "approved",
    ("scheduled", "arrived"): "approved",
    ("scheduled", "in_progress"): "approved",
    ("provisional", ""): "pending",
    ("provisional", "pending_payment"): "pending",
    ("provisional", "pending_form"): "pending",
    ("provisional", "pending_companions"): "pending",
    ("completed", ""): "approved",
    ("completed", "paid"): "approved",
    ("cancelled", ""): "canceled",
    ("cancelled", "client"): "canceled",
    ("cancelled", "google"): "canceled",
    ("cancelled", "rejected"): "rejected",
    ("no-show", ""): "no-show",
}


@pytest.fixture
def salon() -> Salon:
    return make_class()


@pytest.fixture
def desk(salon: Salon) -> Desk:
    return Desk()


def set_status(desk: Desk, appointment_id: int, status: str) -> dict[str, Any]:
    answer = desk.post(
        f"/appointments/status/{appointment_id}", {"status": status, "packageCustomerId": None}
    )
    assert answer.status_code == 200, answer.content
    data: dict[str, Any] = answer.json()["data"]
    return data


@pytest.mark.parametrize("before", STATUSES)
@pytest.mark.parametrize("after", STATUSES)
def test_every_status_follows_every_other_and_comes_back_as_written(
    salon: Salon, desk: Desk, before: str, after: str
) -> None:
    made = desk.made(order(salon, bookings=[seat(salon.alice, status=before)]))
    unchanged = stored()
    data = set_status(desk, made["id"], after)
    assert (data["status"], data["oldStatus"]) == (after, before)
    assert data["message"] == f"Appointment status has been changed to {after}"
    assert data["appointment"]["bookings"][0]["isChangedStatus"] is (before != after)
    row = Booking.objects.get()
    assert (row.status, row.status_detail, row.provisional_token) == (*WRITTEN_AS[after], None)
    shown = desk.shown(made["id"])
    assert (shown["status"], shown["bookings"][0]["status"]) == (after, after)
    assert desk.ids(status=after) == [made["id"]]
    if before == after:
        assert data["bookingsWithChangedStatus"] == []
        assert stored() == unchanged


@pytest.mark.parametrize(("pair", "shown"), SHOWN_AS.items())
def test_the_status_it_shows_already_erases_nothing(
    salon: Salon, desk: Desk, pair: tuple[str, str], shown: str
) -> None:
    booking = salon.book()
    status, detail = pair
    Booking.objects.update(status=status, status_detail=detail)
    before = stored()
    assert desk.shown(booking["id"])["status"] == shown
    assert set_status(desk, booking["id"], shown)["bookingsWithChangedStatus"] == []
    body = {"bookings": [{"id": booking["id"], "status": shown}]}
    assert desk.post(f"/appointments/{booking['id']}", body).status_code == 200
    assert stored() == before


def test_a_status_call_sets_every_booking_that_shows_another(salon: Salon, desk: Desk) -> None:
    made = desk.made(
        order(salon, bookings=[seat(salon.alice), seat(salon.bob, status="no-show"), seat(make_dan())])
    )
    first, second, third = (each["id"] for each in made["bookings"])
    Booking.objects.filter(pk=third).update(status_detail="arrived")
    data = set_status(desk, made["id"], "approved")
    assert [each["id"] for each in data["bookingsWithChangedStatus"]] == [second]
    assert rows() == [("scheduled", "", False)] * 2 + [("scheduled", "arrived", False)]
    assert [each["isChangedStatus"] for each in data["appointment"]["bookings"]] == [False, True, False]
    assert first


def test_cancelling_tells_each_customer(salon: Salon, desk: Desk) -> None:
    made = desk.made(order(salon, bookings=[seat(salon.alice), seat(salon.bob)]))
    for each in made["bookings"]:
        told(each)
    set_status(desk, made["id"], "canceled")
    assert [jobs(each)[-1] for each in made["bookings"]] == [("booking.cancelled", "pending")] * 2


def test_pending_makes_no_token_asks_nobody_and_never_lapses(salon: Salon, desk: Desk) -> None:
    made = desk.made(order(salon))
    told(made)
    set_status(desk, made["id"], "pending")
    row = Booking.objects.get()
    assert (row.provisional_token, row.provisional_expires_at) == (None, None)
    assert not Job.objects.filter(type="booking.provisional").exists()


def test_approving_a_mailed_request_spends_its_token(salon: Salon, desk: Desk) -> None:
    booking = salon.book(provisional=True)
    assert desk.shown(booking["id"])["status"] == "pending"
    set_status(desk, booking["id"], "approved")
    row = Booking.objects.get()
    assert (row.status, row.provisional_token) == ("scheduled", None)
    assert ("booking.created", "pending") in jobs(booking)


def test_coming_back_asks_for_the_slot_again(salon: Salon, desk: Desk) -> None:
    made = desk.made(order(salon, bookings=[seat(salon.alice), seat(salon.bob)]))
    set_status(desk, made["id"], "canceled")
    salon.book()
    before = stored()
    answer = desk.post(f"/appointments/status/{made['id']}", {"status": "approved"})
    assert (answer.status_code, answer.json()["data"]) == (409, {"timeSlotUnavailable": True})
    assert stored() == before


def test_coming_back_asks_for_the_seat_again(salon: Salon, desk: Desk) -> None:
    people = [salon.alice, salon.bob, make_dan()]
    made = desk.made(order(salon, bookings=[seat(each) for each in people]))
    first = made["bookings"][0]["id"]
    desk.post(f"/appointments/{made['id']}", {"bookings": [{"id": first, "status": "canceled"}]})
    second = made["bookings"][1]["id"]
    desk.post(f"/appointments/{made['id']}", {"bookings": [{"id": second, "persons": 2}]})
    before = stored()
    answer = desk.post(f"/appointments/status/{made['id']}", {"status": "approved"})
    assert (answer.status_code, answer.json()["data"]) == (409, {"maximumCapacityReached": True})
    assert stored() == before


def test_a_package_s_customer_is_kept(salon: Salon, desk: Desk) -> None:
    made = desk.made(order(salon))
    desk.post(f"/appointments/status/{made['id']}", {"status": "pending", "packageCustomerId": 9})
    assert desk.shown(made["id"])["bookings"][0]["payments"][0]["packageCustomerId"] == 9


@pytest.mark.parametrize("statuses", list(combinations_with_replacement(STATUSES, 2)))
@pytest.mark.parametrize("min_capacity", [1, 2])
def test_the_appointment_s_status_follows_from_its_bookings(
    salon: Salon, desk: Desk, statuses: tuple[str, str], min_capacity: int
) -> None:
    Service.objects.update(min_capacity=min_capacity)
    people = zip((salon.alice, salon.bob), statuses, strict=True)
    made = desk.made(order(salon, bookings=[seat(who, status=each) for who, each in people]))
    present = set(statuses)
    if not present & {"approved", "pending"}:
        expected = present.pop() if len(present) == 1 else "canceled"
    else:
        expected = "approved" if statuses.count("approved") >= min_capacity else "pending"
    assert made["status"] == expected
    assert desk.ids(status=expected) == [made["id"]]
    listed = desk.listed()
    assert (listed["total"], listed["totalApproved"], listed["totalPending"]) == (
        1,
        expected == "approved",
        expected == "pending",
    )


def test_deleting_answers_with_what_was_and_hides_it(salon: Salon, desk: Desk) -> None:
    made = desk.made(
        order(salon, bookings=[seat(salon.alice), seat(salon.bob, status="pending"), seat(make_dan())])
    )
    Booking.objects.filter(pk=made["bookings"][2]["id"]).update(status="completed")
    data = desk.post(f"/appointments/delete/{made['id']}").json()["data"]
    assert data["appointment"]["status"] == "rejected"
    assert [each["status"] for each in data["appointment"]["bookings"]] == ["rejected"] * 3
    assert [each["status"] for each in data["bookingsWithChangedStatus"]] == [
        "approved",
        "pending",
        "approved",
    ]
    assert rows() == [("cancelled", "rejected", True)] * 3
    for path in ("/appointments/{}", "/appointments/delete/{}", "/appointments/status/{}"):
        answer = desk.post(path.format(made["id"]), {"status": "approved"})
        assert (answer.status_code, answer.json()["data"]) == (404, {"entityMissing": True})
    assert desk.listed()["appointments"] == []
    assert desk.listed()["total"] == 0
    assert desk.ids(customers=salon.alice.pk) == []


def test_deleting_what_is_rejected_says_that_no_status_changed(salon: Salon, desk: Desk) -> None:
    made = desk.made(order(salon, bookings=[seat(salon.alice, status="rejected")]))
    before = Job.objects.count()
    data = desk.post(f"/appointments/delete/{made['id']}").json()["data"]
    assert data["bookingsWithChangedStatus"] == []
    assert data["appointment"]["bookings"][0]["isChangedStatus"] is False
    assert rows() == [("cancelled", "rejected", True)]
    assert Job.objects.count() == before


@pytest.mark.parametrize("status", ["scheduled", "provisional", "completed", "no-show"])
def test_what_another_door_restores_is_shown_again(salon: Salon, desk: Desk, status: str) -> None:
    made = desk.made(order(salon, bookings=[seat(salon.alice), seat(salon.bob)]))
    desk.post(f"/appointments/delete/{made['id']}")
    second = made["bookings"][1]
    assert salon.put(second, {"status": status}).status_code == 200
    shown = desk.shown(made["id"])
    assert [each["id"] for each in shown["bookings"]] == [second["id"]]


def test_what_the_native_api_does_is_seen_here(salon: Salon, desk: Desk) -> None:
    booking = salon.book(persons=2, internal_notes="vip")
    shown = desk.shown(booking["id"])
    assert (shown["bookingStart"], shown["bookingEnd"], shown["status"]) == (
        "2026-03-24 10:00:00",
        "2026-03-24 11:00:00",
        "approved",
    )
    assert (shown["notifyParticipants"], shown["internalNotes"]) == (1, "vip")
    seen = shown["bookings"][0]
    assert (seen["persons"], seen["duration"], seen["customFields"], seen["extras"]) == (2, 3600, None, [])
    salon.put(booking, {"start_at": "2026-03-25 12:00:00", "end_at": "2026-03-25 12:20:00"})
    shown = desk.shown(booking["id"])
    assert (shown["bookingStart"], shown["bookings"][0]["duration"]) == ("2026-03-25 12:00:00", 1200)
    salon.put(booking, {"status": "no-show"})
    assert desk.shown(booking["id"])["status"] == "no-show"
    salon.delete(booking)
    assert desk.shown(booking["id"])["status"] == "canceled"
    assert desk.ids() == [booking["id"]]
    salon.put(booking, {"status": "completed"})
    assert desk.shown(booking["id"])["status"] == "approved"


def test_what_is_done_here_is_seen_by_the_native_api_and_simplespa(salon: Salon, desk: Desk) -> None:
    made = desk.made(order(salon, bookings=[seat(salon.alice, status="pending")], internalNotes="x"))
    native = salon.get(made).json()
    assert (native["status"], native["start_at"], native["internal_notes"], native["source"]) == (
        "provisional",
        "2026-03-24 10:00:00",
        "x",
        "amelia",
    )
    set_status(desk, made["id"], "rejected")
    native = salon.get(made).json()
    assert (native["status"], native["status_detail"]) == ("cancelled", "rejected")
    simplespa = caller(make_key(dialect="simplespa")[1]).post(
        "/api/v1/appointments.php", {"start": "2026-03-24", "end": "2026-03-24"}, format="json"
    )
    assert simplespa.json()["appointments"][0]["status"] == 15


def test_a_native_move_takes_one_booking_out_of_the_appointment(salon: Salon, desk: Desk) -> None:
    made = desk.made(
        order(salon, bookings=[seat(salon.alice, customFields="{}", duration=3600), seat(salon.bob)])
    )
    first, second = made["bookings"]
    moved = {"start_at": "2026-03-25 10:00:00", "end_at": "2026-03-25 11:00:00"}
    assert salon.put(first, moved).status_code == 200
    assert [each["id"] for each in desk.shown(first["id"])["bookings"]] == [first["id"]]
    assert desk.shown(first["id"])["bookings"][0]["customFields"] == "{}"
    assert [each["id"] for each in desk.shown(second["id"])["bookings"]] == [second["id"]]
    assert desk.shown(second["id"])["bookings"][0]["duration"] == 3600


def test_an_erased_client_leaves_its_keys(salon: Salon, desk: Desk) -> None:
    booking = make_booking(
        client=salon.alice,
        staff=salon.bea,
        service=salon.service,
        start_at=Booking._meta.get_field("start_at").to_python("2026-03-24T09:00:00Z"),
    )
    Booking.objects.update(client=None)
    (listed,) = desk.listed(asArray=1)["appointments"]
    assert (listed["bookings"][0]["customerId"], listed["bookings"][0]["customer"]) == (None, None)
    assert desk.shown(booking.pk)["bookings"][0]["customerId"] is None
