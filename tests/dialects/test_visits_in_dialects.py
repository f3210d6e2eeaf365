"""The items of a visit through the foreign doors: each an appointment of its own (contract §7 "others")."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bookings.models import Booking, BusyTime, Visit
from notifications.models import Job, Message
from tests.cast.amelia import Desk as Integration
from tests.cast.amelia import seat
from tests.cast.bookings import MORNING
from tests.cast.factories import caller, make_key
from tests.cast.parts import TUESDAY
from tests.cast.visits import (
    Desk,
    busy,
    calendar_is_true,
    everything,
    mails,
    make_desk,
    one_visit_each,
    send,
    times,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.clock_at(MORNING)]

WEDNESDAY = "2026-03-25"


@pytest.fixture
def desk() -> Desk:
    return make_desk()


@pytest.fixture
def amelia(desk: Desk) -> Integration:
    return Integration()


@pytest.fixture
def visit(desk: Desk) -> dict[str, Any]:
    """Colour and cut on the Tuesday, told."""
    made = desk.book()
    send()
    return made


def simplespa(path: str, body: dict[str, Any]) -> Any:
    return caller(make_key(dialect="simplespa", mode=3)[1]).post(f"/api/v1/{path}", body, format="json")


def eagenda(method: str, path: str, body: Any = None) -> Any:
    call = getattr(caller(make_key(dialect="eagenda", mode=3)[1]), method)
    return call(f"/api/v3/appointments/{path}", body, format="json")


def key_of(booking_id: int) -> str:
    return str(Booking.objects.get(pk=booking_id).key)


NAMES = {"id", "appointment_id", "appointmentId", "customerBookingId", "appointment_key", "search_code"}
"""Keys of the three formats that name a booking."""


def without_names(shown: Any) -> Any:
    """As if it were on the Tuesday, and without what names it."""
    if isinstance(shown, dict):
        return {key: without_names(value) for key, value in shown.items() if key not in NAMES}
    if isinstance(shown, list):
        return [without_names(each) for each in shown]
    return shown.replace(WEDNESDAY, TUESDAY) if isinstance(shown, str) else shown


def shown_everywhere(amelia: Integration, booking_id: int) -> list[Any]:
    """What the three formats say of a booking."""
    day = Booking.objects.get(pk=booking_id).start_at.date().isoformat()
    listed = simplespa("appointments.php", {"start": day, "end": day}).json()["appointments"]
    [own] = [each for each in listed if each["appointment_id"] == str(booking_id)]
    answers = [own, amelia.shown(booking_id), eagenda("get", f"{key_of(booking_id)}/").json()]
    return [without_names(each) for each in answers]


def test_an_item_looks_as_a_booking_made_alone(
    desk: Desk, amelia: Integration, visit: dict[str, Any]
) -> None:
    salon = desk.salon
    for service, booking_id, times_ in (
        (desk.colour, visit["booking_ids"][0], ("10:00", "11:45")),
        (desk.cut, visit["booking_ids"][1], ("11:45", "12:30")),
    ):
        start_at, end_at = (f"{WEDNESDAY} {each}:00" for each in times_)
        alone = salon.book(service_id=service.pk, start_at=start_at, end_at=end_at)
        assert shown_everywhere(amelia, booking_id) == shown_everywhere(amelia, alone["id"])


def test_the_lists_show_each_item(desk: Desk, amelia: Integration, visit: dict[str, Any]) -> None:
    listed = simplespa("appointments.php", {"start": TUESDAY, "end": TUESDAY}).json()
    assert [each["appointment_id"] for each in listed["appointments"]] == [
        str(each) for each in visit["booking_ids"]
    ]
    assert amelia.ids() == visit["booking_ids"]
    found = eagenda("get", "").json()
    assert found["count"] == 2
    assert {each["appointment_key"] for each in found["results"]} == {
        key_of(each) for each in visit["booking_ids"]
    }


def only_the_cut_is(desk: Desk, visit: dict[str, Any], status: str) -> None:
    now = desk.get(visit).json()
    assert times(now) == ["10:00-11:45 scheduled", f"11:45-12:30 {status}"]
    assert now["version"] > visit["version"]
    one_visit_each()
    calendar_is_true()


def told_of_the_colour_alone(clock: Any) -> None:
    clock.shift(timedelta(minutes=31))
    send()
    assert mails() == [("booking.created", "kept", ""), ("booking.updated", "kept", "")]
    message = Message.objects.latest("id")
    assert "Cut" not in message.text and "DTEND:20260324T104500Z" in message.ics


def test_a_cut_cancelled_in_simplespa_is_an_update_of_the_visit(
    desk: Desk, visit: dict[str, Any], clock: Any
) -> None:
    body = {"appointment_id": str(visit["booking_ids"][1]), "status": 15}
    assert simplespa("write/appointment-status.php", body).status_code == 200
    only_the_cut_is(desk, visit, "cancelled")
    assert busy(desk.salon.bea) == ["10:00-10:30", "11:15-11:45"]
    told_of_the_colour_alone(clock)


def test_a_cut_cancelled_in_amelia_is_an_update_of_the_visit(
    desk: Desk, amelia: Integration, visit: dict[str, Any], clock: Any
) -> None:
    cut = visit["booking_ids"][1]
    answer = amelia.post(f"/appointments/status/{cut}", {"status": "canceled", "packageCustomerId": None})
    assert answer.status_code == 200, answer.content
    only_the_cut_is(desk, visit, "cancelled")
    told_of_the_colour_alone(clock)


def test_a_cut_deleted_in_amelia_is_an_update_and_hidden_there_alone(
    desk: Desk, amelia: Integration, visit: dict[str, Any], clock: Any
) -> None:
    colour, cut = visit["booking_ids"]
    assert amelia.post(f"/appointments/delete/{cut}").status_code == 200
    assert amelia.ids() == [colour]
    only_the_cut_is(desk, visit, "cancelled")
    told_of_the_colour_alone(clock)


@pytest.mark.parametrize(("query", "told"), [("?send_email=true", True), ("", False)])
def test_a_cut_deleted_in_eagenda_is_told_where_it_asks_for_it(
    desk: Desk, visit: dict[str, Any], clock: Any, query: str, told: bool
) -> None:
    assert eagenda("delete", f"{key_of(visit['booking_ids'][1])}/{query}").status_code == 200
    only_the_cut_is(desk, visit, "cancelled")
    if told:
        told_of_the_colour_alone(clock)
    else:
        clock.shift(timedelta(minutes=31))
        send()
        assert mails() == [("booking.created", "kept", "")]


def test_both_items_cancelled_one_by_one_are_one_cancellation_at_the_end(
    desk: Desk, visit: dict[str, Any]
) -> None:
    for booking_id in visit["booking_ids"]:
        eagenda("patch", f"{key_of(booking_id)}/", {"status": "CANCELED", "send_email": True})
    send()
    assert [each[:2] for each in mails()] == [
        ("booking.created", "kept"),
        ("booking.updated", "not_sent"),
        ("booking.cancelled", "kept"),
    ]
    assert desk.get(visit).json()["status"] == "cancelled"


def test_an_item_moved_abroad_is_told_as_the_visit(
    desk: Desk, amelia: Integration, visit: dict[str, Any], clock: Any
) -> None:
    cut = visit["booking_ids"][1]
    answer = eagenda(
        "patch", f"{key_of(cut)}/reschedule/", {"start": {"dateTime": f"{TUESDAY}T13:00:00+01:00"}}
    )
    assert answer.status_code == 200, answer.content
    assert desk.get(visit).json()["end_at"] == f"{TUESDAY} 13:45:00"
    assert mails() == [("booking.created", "kept", "")]  # eAgenda mails where it is asked to
    answer = amelia.post(
        f"/appointments/{cut}", {"bookingStart": f"{TUESDAY} 14:00", "notifyParticipants": 1}
    )
    assert answer.status_code == 200, answer.content
    assert answer.json()["data"]["appointmentRescheduled"] is True
    assert times(desk.get(visit).json()) == ["10:00-11:45 scheduled", "14:00-14:45 scheduled"]
    [update] = Job.objects.filter(state="pending")
    assert update.dedupe_key == f"booking.updated:visit:{visit['id']}"
    clock.shift(timedelta(minutes=31))
    send()
    message = Message.objects.latest("id")
    assert message.type == "booking.updated"
    assert "14:00 to 14:45: Cut with Bea Bakker" in message.text
    one_visit_each()
    calendar_is_true()


def test_a_move_into_the_other_item_is_refused_in_the_words_of_each_format(
    desk: Desk, amelia: Integration, visit: dict[str, Any]
) -> None:
    cut = visit["booking_ids"][1]
    before = everything()
    moved = amelia.post(f"/appointments/{cut}", {"bookingStart": f"{TUESDAY} 10:15"})
    assert (moved.status_code, moved.json()["data"]) == (409, {"timeSlotUnavailable": True})
    start = {"start": {"dateTime": f"{TUESDAY}T10:15:00+01:00"}}
    assert eagenda("patch", f"{key_of(cut)}/reschedule/", start).status_code == 409
    assert everything() == before


def test_arrived_is_said_of_the_item_and_mails_nobody(desk: Desk, visit: dict[str, Any]) -> None:
    body = {"appointment_id": str(visit["booking_ids"][0]), "status": 25}
    assert simplespa("write/appointment-status.php", body).status_code == 200
    shown = desk.get(visit).json()
    assert [each["status_detail"] for each in shown["bookings"]] == ["arrived", ""]
    assert (shown["status"], Job.objects.filter(state="pending").count()) == ("scheduled", 0)


def test_completed_and_no_show_abroad_make_the_visit_what_it_was(desk: Desk, visit: dict[str, Any]) -> None:
    colour, cut = visit["booking_ids"]
    simplespa("write/appointment-status.php", {"appointment_id": str(colour), "status": 40})
    assert desk.get(visit).json()["status"] == "scheduled"
    eagenda("patch", f"{key_of(cut)}/", {"status": "NO_SHOW"})
    assert desk.get(visit).json()["status"] == "no-show"
    desk.salon.alice.refresh_from_db()
    assert desk.salon.alice.no_show_count == 1
    assert list(Job.objects.filter(state="pending").values_list("type", flat=True)) == ["review.request"]


def test_a_request_of_a_dialect_asks_nobody_and_never_lapses(
    desk: Desk, amelia: Integration, visit: dict[str, Any]
) -> None:
    cut = visit["booking_ids"][1]
    amelia.post(f"/appointments/status/{cut}", {"status": "pending", "packageCustomerId": None})
    shown = desk.get(visit).json()
    assert (shown["status"], shown["bookings"][1]["provisional_token"]) == ("provisional", None)
    assert not Job.objects.filter(type="booking.provisional").exists()


def customer(amelia: Integration, cut: int, who: Any) -> Any:
    """Amelia changes a customer by removing one seat and adding another."""
    body = {"bookings": [seat(who)], "removedBookings": [{"id": cut}], "notifyParticipants": 1}
    return amelia.post(f"/appointments/{cut}", body)


def test_another_customer_in_amelia_gets_a_visit_of_their_own(
    desk: Desk, amelia: Integration, visit: dict[str, Any], clock: Any
) -> None:
    cut = visit["booking_ids"][1]
    answer = customer(amelia, cut, desk.salon.bob)
    assert answer.status_code == 200, answer.content
    only_the_cut_is(desk, visit, "cancelled")
    theirs = Booking.objects.get(client=desk.salon.bob)
    assert (theirs.session_id, theirs.visit.bookings.count()) == (cut, 1)
    assert busy(desk.salon.bea) == ["10:00-10:30", "11:15-11:45", "11:45-12:30"]
    clock.shift(timedelta(minutes=31))
    send()
    assert set(Message.objects.values_list("type", "to")) == {
        ("booking.created", "alice@example.com"),
        ("booking.updated", "alice@example.com"),
        ("booking.created", "bob@example.com"),
    }


def test_nobody_joins_an_item_as_if_it_were_a_class(
    desk: Desk, amelia: Integration, visit: dict[str, Any]
) -> None:
    before = everything()
    answer = amelia.post(f"/appointments/{visit['booking_ids'][1]}", {"bookings": [seat(desk.salon.bob)]})
    assert (answer.status_code, answer.json()["data"]) == (409, {"maximumCapacityReached": True})
    assert everything() == before


def test_what_a_dialect_makes_is_a_visit_of_one(desk: Desk, amelia: Integration) -> None:
    salon = desk.salon
    order = {
        "bookingStart": f"{TUESDAY} 10:00",
        "bookings": [seat(salon.alice)],
        "notifyParticipants": 1,
        "providerId": salon.bea.pk,
        "serviceId": desk.colour.pk,
    }
    made = amelia.made(order)
    shown = desk.get({"id": Visit.objects.get().pk}).json()
    assert (shown["booking_ids"], shown["key"]) == ([made["id"]], key_of(made["id"]))
    assert (made["bookingEnd"], BusyTime.objects.count()) == (f"{TUESDAY} 11:45:00", 2)


def test_a_restore_abroad_brings_the_item_back_into_its_visit(
    desk: Desk, amelia: Integration, visit: dict[str, Any], clock: Any
) -> None:
    cut = visit["booking_ids"][1]
    eagenda("delete", f"{key_of(cut)}/?send_email=true")
    amelia.post(f"/appointments/status/{cut}", {"status": "approved", "packageCustomerId": None})
    only_the_cut_is(desk, visit, "scheduled")
    clock.shift(timedelta(minutes=31))
    send()
    assert mails()[1:] == [("booking.updated", "not_sent", "dragged_back")]
