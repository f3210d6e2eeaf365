"""/api/public/visits/<token>, the twins of the client's page, and the evidence of a visit (contract §8)."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import pytest
from time_machine import Traveller

from bookings import lifecycle
from bookings.models import Booking, BookingEvent, Visit
from notifications.execution import run_due
from staff.access.actor import SYSTEM
from tests.cast.factories import (
    caller,
    make_client,
    make_cora,
    make_hours,
    make_key,
    make_salon,
    make_service,
)
from tests.cast.pages import NOW, START, Cast, browser, changed, everything, make_cast
from tests.cast.visit_page import get_json, post_json, twin_of

pytestmark = [pytest.mark.django_db, pytest.mark.clock_at(NOW)]

HOUR = timedelta(hours=1)


@pytest.fixture
def cast() -> Cast:
    cast = make_cast(policy_text={"en": "Come in time.", "nl": "Kom op tijd."}, policy_version=7)
    make_hours(cast.bea)
    return cast


def test_the_twin_says_what_the_page_says(cast: Cast) -> None:
    booking = cast.booked(notes="Tea", internal_notes="pays late")
    answer = get_json(twin_of(booking))
    assert len(answer.pop("shown")) == 16
    assert answer == {
        "business_name": "Salon Zonne",
        "business_phone": "+31 20 123 4567",
        "business_address": "",
        "client_first_name": "Alice",
        "status": "scheduled",
        "start_at": "2026-11-24 10:00:00",
        "end_at": "2026-11-24 11:00:00",
        "timezone": "Europe/Amsterdam",
        "items": [
            {
                "service_name": "Haircut",
                "staff_name": "Bea Bakker",
                "staff_id": cast.bea.pk,
                "start_at": "2026-11-24 10:00:00",
                "end_at": "2026-11-24 11:00:00",
            }
        ],
        "total_price": "40.00",
        "currency": "EUR",
        "notes": "Tea",
        "client_confirmed_at": None,
        "cancelling": {"allowed": True, "until": "2026-11-23 10:00:00", "late": False},
        "moving": {"allowed": True, "until": "2026-11-23 10:00:00", "late": False, "left": 3},
    }


def test_confirming_a_note_moving_and_cancelling_through_the_public_door(cast: Cast) -> None:
    booking = cast.booked()
    assert post_json(booking, "confirm").json()["client_confirmed_at"] == "2026-11-20 10:00:00"
    assert post_json(booking, "note", notes=" Tea ").json()["notes"] == "Tea"
    moved = post_json(booking, "reschedule", start_at="2026-11-25 14:00").json()
    assert (moved["start_at"], moved["moving"]["left"]) == ("2026-11-25 14:00:00", 2)
    assert moved["client_confirmed_at"] is None
    gone = post_json(booking, "cancel", reason="ill").json()
    assert (gone["status"], gone["cancelling"]["allowed"], gone["moving"]["until"]) == (
        "cancelled",
        False,
        None,
    )
    assert Booking.objects.get().status_detail == "client"
    doors = BookingEvent.objects.exclude(from_status="").values_list("door", "actor_type").distinct()
    assert list(doors.order_by()) == [("public", "client")]


def test_where_it_can_be_moved_is_offered_with_the_people_to_send_back(cast: Cast) -> None:
    cut = make_service("Cut", duration_minutes=30)
    cora = make_cora(services=[cut])
    make_hours(cora)
    items = [lifecycle.ItemOrder(cast.service.pk, cast.bea.pk), lifecycle.ItemOrder(cut.pk, cora.pk)]
    order = lifecycle.VisitOrder(client_id=cast.alice.pk, items=items, start_at=START)
    first = lifecycle.book_visit(actor=SYSTEM, order=order).visit.items[0]
    answer = get_json(twin_of(first, "availability?date_from=2026-11-25&date_to=2026-11-26"))
    assert [day["date"] for day in answer["days"]] == ["2026-11-25", "2026-11-26"]
    offered = answer["days"][0]["starts"][0]
    assert offered == {
        "start_at": "2026-11-25 09:00:00",
        "end_at": "2026-11-25 10:30:00",
        "items": [
            {
                "staff_id": person.pk,
                "staff_name": person.name,
                "start_at": f"2026-11-25 {begins}:00",
                "end_at": f"2026-11-25 {ends}:00",
            }
            for person, begins, ends in ((cast.bea, "09:00", "10:00"), (cora, "10:00", "10:30"))
        ],
    }
    people = [each["staff_id"] for each in offered["items"]]
    moved = post_json(first, "reschedule", start_at=offered["start_at"], staff_ids=people).json()
    assert moved["end_at"] == offered["end_at"]


def test_a_taken_start_is_answered_with_the_three_nearest_and_names_nobody(cast: Cast) -> None:
    booking = cast.booked()
    wish = START + timedelta(days=1)
    cast.booked(client_id=make_client("Bob").pk, start_at=wish, end_at=wish + HOUR)
    answer = post_json(booking, "reschedule", start_at="2026-11-25 10:00")
    assert answer.status_code == 409
    assert answer.json() == {
        "error": "That time has just been taken; choose another one.",
        "code": "slot_taken",
        "conflicts": [],
        "nearest": [
            {
                "start_at": f"2026-11-25 {begins}:00",
                "end_at": f"2026-11-25 {ends}:00",
                "staff_ids": [cast.bea.pk],
            }
            for begins, ends in (("09:00", "10:00"), ("11:00", "12:00"), ("11:15", "12:15"))
        ],
    }


CALLS: dict[str, dict[str, Any]] = {
    "confirm": {},
    "cancel": {"reason": "ill"},
    "note": {"notes": "Tea"},
    "reschedule": {"start_at": "2026-11-25 14:00"},
}


@pytest.mark.parametrize("call", CALLS)
def test_too_late_tells_the_deadline_and_the_telephone(cast: Cast, clock: Traveller, call: str) -> None:
    booking = cast.booked()
    clock.move_to(START)
    before = everything_of(booking)
    answer = post_json(booking, call, **CALLS[call])
    assert (answer.status_code, answer.json()) == (
        409,
        {
            "error": "It is too late to change this appointment here; please call the salon.",
            "code": "too_late",
            "deadline": "2026-11-23 10:00:00",
            "telephone": "+31 20 123 4567",
        },
    )
    assert everything() == before


def everything_of(booking: Booking) -> Any:
    """All rows, after the link was printed."""
    get_json(twin_of(booking))
    return everything()


@pytest.mark.parametrize("call", CALLS)
def test_every_refusal_has_its_code_and_stores_nothing(cast: Cast, call: str) -> None:
    booking = cast.booked()
    before = everything_of(booking)
    twin, json = twin_of(booking, call), {"content_type": "application/json"}
    for body, code in (
        ({**CALLS[call], "shown": "0123456789abcdef"}, (409, "changed")),
        ({**CALLS[call]}, (400, "invalid")),
        ({**CALLS[call], "shown": 5}, (400, "invalid")),
    ):
        answer = browser().post(twin, body, **json)
        assert (answer.status_code, answer.json()["code"]) == code
    assert everything() == before
    changed(booking, status="cancelled")
    assert post_json(booking, call, **CALLS[call]).json()["code"] == "not_allowed"


def test_bad_bodies_and_the_limit_are_refused_by_name(cast: Cast) -> None:
    booking = cast.booked()
    for call, fields in (
        ("cancel", {"reason": "x" * 501}),
        ("note", {"notes": "x" * 1001}),
        ("note", {}),
        ("reschedule", {}),
        ("reschedule", {"start_at": "2026-03-29 02:30"}),
        ("reschedule", {"start_at": "2026-11-25 14:00", "staff_ids": ["1"]}),
        ("reschedule", {"start_at": "2026-11-25 14:00", "staff_ids": [1] * 7}),
    ):
        assert post_json(booking, call, **fields).status_code == 400, (call, fields)
    strange = post_json(booking, "reschedule", start_at="2026-11-25 14:00", staff_ids=[cast.ada.pk])
    assert strange.json()["code"] == "not_allowed"
    make_salon(reschedule_limit=0)
    limited = post_json(booking, "reschedule", start_at="2026-11-25 14:00")
    assert limited.json()["code"] == "reschedule_limit_reached"
    assert Booking.objects.get().start_at == START


def test_what_no_client_may_send_is_ignored(cast: Cast) -> None:
    booking = cast.booked()
    wish = START + timedelta(days=1)
    cast.booked(client_id=make_client("Bob").pk, start_at=wish, end_at=wish + HOUR)
    more = {"allow_overlap": True, "price": "0.00", "status": "completed", "notify": False}
    assert post_json(booking, "reschedule", start_at="2026-11-25 10:00", **more).status_code == 409
    assert post_json(booking, "note", notes="Tea", **more).status_code == 200
    booking.refresh_from_db()
    assert (booking.status, str(booking.price)) == ("scheduled", "40.000")


def accepted(cast: Cast, **changes: Any) -> Visit:
    acceptance = lifecycle.Acceptance(locale="nl", ip="192.0.2.7", user_agent="B" * 400)
    item = lifecycle.ItemOrder(cast.service.pk, cast.bea.pk)
    order = lifecycle.VisitOrder(
        client_id=cast.alice.pk, items=[item], start_at=START, accepted=acceptance, **changes
    )
    return lifecycle.book_visit(actor=SYSTEM, order=order).visit


def test_what_was_accepted_is_frozen_and_shown_as_evidence(cast: Cast) -> None:
    visit = accepted(cast)
    make_salon(policy_text={"nl": "Anders."}, policy_version=8, client_cancel_minutes=0)
    run_due(at_most=10)
    post_json(visit.items[0], "cancel", reason="ill")
    run_due(at_most=10)
    answer = caller(cast.ada).get(f"/api/visits/{visit.pk}/evidence").json()
    assert answer["policy"] == {
        "version": 7,
        "sha256": hashlib.sha256(b"Kom op tijd.").hexdigest(),
        "text": "Kom op tijd.",
        "cancel_minutes": 1440,
        "reschedule_minutes": 1440,
        "release_unconfirmed": False,
        "accepted_at": "2026-11-20T09:00:00+00:00",
        "ip": "192.0.2.7",
        "user_agent": "B" * 300,
        "locale": "nl",
    }
    assert [each["type"] for each in answer["messages"]] == ["booking.created", "booking.cancelled"]
    assert all(each["state"] == "kept" and each["text"] for each in answer["messages"])
    assert answer["reminded"] == []
    assert [(each["booking_id"], each["to"], each["door"]) for each in answer["events"]] == [
        (visit.items[0].pk, "scheduled", "job"),
        (visit.items[0].pk, "cancelled", "public"),
    ]


def test_evidence_is_for_administrators_alone_and_never_for_a_key(cast: Cast) -> None:
    path = f"/api/visits/{accepted(cast).pk}/evidence"
    for who, status in ((cast.bea, 403), (make_key()[1], 403), (None, 401)):
        assert caller(who).get(path).status_code == status
    assert caller(cast.ada).get("/api/visits/900012345/evidence").status_code == 404


@pytest.mark.parametrize(
    ("texts", "text"), [({"en": "In time."}, "In time."), ({"de": "Rechtzeitig."}, "Rechtzeitig."), ({}, "")]
)
def test_a_salon_without_the_client_s_language_has_its_own_words_accepted(
    cast: Cast, texts: dict[str, str], text: str
) -> None:
    make_salon(policy_text=texts)
    assert accepted(cast).policy["text"] == text
