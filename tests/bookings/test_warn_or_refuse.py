"""What availability offers every channel takes; refusals and warnings are explained in the same words."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from bookings import lifecycle
from bookings.errors import SlotTaken
from bookings.lifecycle.book import Order
from bookings.models import Booking
from bookings.slots.availability import Objection
from bookings.slots.warn_or_refuse import circumstances_of, refusals_for, warnings_for
from staff.access.actor import SYSTEM
from staff.models import SalonSettings
from staff.wire.refusals import BadRequest
from staff.wire.times import parse_when
from tests.cast.availability import AMSTERDAM, MONDAY_NOON, at, booked
from tests.cast.bookings import Salon, make_cast, stored
from tests.cast.factories import caller, make_bea, make_holiday, make_hours, make_service, make_time_off

pytestmark = [pytest.mark.django_db, pytest.mark.clock_at(MONDAY_NOON)]
TUESDAY = "2026-11-24"


@pytest.fixture
def salon() -> Salon:
    cast = make_cast(slot_step_minutes=60)
    cast.bea.working_hours.all().delete()
    make_hours(cast.bea, closes="12:00")
    return cast


def ask(salon: Salon, first: str = TUESDAY, last: str | None = None) -> list[dict[str, Any]]:
    """What is known of Bea, day by day."""
    query = {
        "service_id": salon.service.pk,
        "staff_id": salon.bea.pk,
        "date_from": first,
        "date_to": last or first,
        "explain": "1",
    }
    answer = caller(salon.ada).get("/api/availability", query)
    return [day["staff"][0] for day in answer.json()["days"]]


def warned_of(**about: Any) -> list[Objection]:
    """What the desk is told, as it is when a booking is made."""
    who = {"staff_id": about["staff"].pk, "service_id": about["service"].pk}
    times = {"start_at": about["start_at"], "end_at": about["end_at"], "zone": about["salon"].zone}
    return warnings_for(circumstances_of(**who, **times), **about)


def post(salon: Salon, start_at: str, minutes: int = 60, **changes: Any) -> Any:
    ends = parse_when(start_at, zone=AMSTERDAM) + timedelta(minutes=minutes)
    order = salon.order(start_at=start_at, end_at=f"{ends.isoformat()}", **changes)
    return caller(salon.ada).post("/api/bookings", order, format="json")


def order_of(salon: Salon, start_at: str) -> Order:
    begins = parse_when(start_at, zone=AMSTERDAM)
    return Order(
        client_id=salon.alice.pk,
        staff_id=salon.bea.pk,
        service_id=salon.service.pk,
        start_at=begins,
        end_at=begins + timedelta(hours=1),
        by_client=True,
    )


def test_every_offered_start_is_taken_without_a_warning_and_gone_afterwards(salon: Salon) -> None:
    booked(salon.bea, salon.service, at("2026-11-24 10:30"), minutes=15)
    while starts := ask(salon)[0]["starts"]:
        answer = post(salon, starts[0])
        assert (answer.status_code, answer.json()["start_at"], answer.json()["warnings"]) == (
            200,
            starts[0],
            [],
        )
        assert starts[0] not in ask(salon)[0]["starts"]
    assert Booking.objects.count() == 3


def test_every_refused_start_is_refused_to_a_client_in_the_words_of_explain(salon: Salon) -> None:
    make_holiday(date(2026, 11, 25), "Feast")
    make_time_off(salon.bea, at("2026-11-26 10:00"), hours=1)
    booked(salon.bea, salon.service, at("2026-11-27 09:30"))
    before, tried = stored(), set()
    for day in ask(salon, "2026-11-23", "2026-11-27"):
        for blocked in day["blocked"]:
            with pytest.raises((BadRequest, SlotTaken)) as refused:
                lifecycle.book(actor=SYSTEM, order=order_of(salon, blocked["start_at"]))
            assert (refused.value.code, blocked["message"] in refused.value.message) == (
                blocked["code"],
                True,
            )
            tried.add(blocked["code"])
    assert tried == {"in_the_past", "holiday", "outside_working_hours", "time_off", "slot_taken"}
    assert stored() == before


def test_a_client_takes_what_is_offered(salon: Salon) -> None:
    (day,) = ask(salon)
    for start_at in day["starts"]:
        lifecycle.book(actor=SYSTEM, order=order_of(salon, start_at))
    assert ask(salon)[0]["starts"] == []


def test_the_desk_is_refused_a_holiday_and_a_taken_time_in_the_words_of_explain(salon: Salon) -> None:
    make_holiday(date(2026, 11, 25), "Feast")
    booked(salon.bea, salon.service, at("2026-11-24 09:00"))
    taken = next(each for each in ask(salon)[0]["blocked"] if each["code"] == "slot_taken")
    closed = ask(salon, "2026-11-25")[0]["blocked"][0]
    before = stored()
    for status, blocked in ((409, taken), (400, closed)):
        answer = post(salon, f"{blocked['start_at'][:10]} 09:00:00")
        assert answer.status_code == status
        assert (answer.json()["code"], answer.json()["error"]) == (blocked["code"], blocked["message"])
    assert stored() == before


def test_the_desk_books_outside_working_hours_in_time_off_and_what_is_not_offered_with_warnings(
    salon: Salon,
) -> None:
    perm = make_service("Perm")
    make_time_off(salon.bea, at("2026-11-24 20:30"), hours=4)
    answer = post(salon, "2026-11-24 20:00:00", service_id=perm.pk)
    assert answer.status_code == 200
    assert answer.json()["warnings"] == [
        {"code": "staff_does_not_offer_service", "message": "This staff member does not offer this service."},
        {"code": "outside_working_hours", "message": "This staff member does not work at that time."},
        {"code": "time_off", "message": "This staff member is away at that time."},
    ]


def test_the_desk_is_not_warned_of_the_past_notice_or_horizon(salon: Salon) -> None:
    SalonSettings.objects.update(min_notice_minutes=600, booking_horizon_days=7)
    for start_at in ("2026-11-20 09:00:00", "2026-11-23 09:00:00", "2027-11-23 09:00:00"):
        assert post(salon, start_at).json()["warnings"] == []


def test_a_booking_that_overruns_the_closing_or_a_break_is_outside_working_hours(salon: Salon) -> None:
    make_hours(salon.bea, opens="13:00", closes="17:00")
    ask_about = {
        "staff": salon.bea,
        "service": salon.service,
        "salon": SalonSettings.load(),
        "now": MONDAY_NOON,
    }
    for start, end, codes in (
        ("11:00", "12:00", []),
        ("11:30", "12:30", ["outside_working_hours"]),
        ("11:00", "14:00", ["outside_working_hours"]),
        ("16:30", "17:30", ["outside_working_hours"]),
        ("13:00", "17:00", []),
    ):
        times = {"start_at": at(f"{TUESDAY} {start}"), "end_at": at(f"{TUESDAY} {end}")}
        lengths = {"shorter_than_service", "longer_than_service"}
        assert [e.code for e in warned_of(**ask_about, **times) if e.code not in lengths] == codes
        assert [each.code for each in refusals_for(**ask_about, **times)] == codes


def test_who_keeps_no_working_hours_is_booked_by_the_desk_without_a_warning(salon: Salon) -> None:
    dan = make_bea(email="dan@salon.example", services=[salon.service])
    about = {
        "staff": dan,
        "service": salon.service,
        "start_at": at(f"{TUESDAY} 10:00"),
        "end_at": at(f"{TUESDAY} 11:00"),
        "salon": SalonSettings.load(),
        "now": MONDAY_NOON,
    }
    assert warned_of(**about) == []
    assert [each.code for each in refusals_for(**about)] == ["outside_working_hours"]


def test_what_is_seldom_there_costs_a_statement_only_where_it_is(
    salon: Salon, django_assert_num_queries: Any
) -> None:
    make_hours(salon.bea, opens="13:00", closes="17:00")
    about = {
        "staff": salon.bea,
        "service": salon.service,
        "start_at": at(f"{TUESDAY} 10:00"),
        "end_at": at(f"{TUESDAY} 11:00"),
        "salon": SalonSettings.load(),
        "now": MONDAY_NOON,
    }
    for statements in (warned_of, refusals_for):
        with django_assert_num_queries(1):
            statements(**about)
    make_holiday(date.fromisoformat(TUESDAY))
    make_time_off(salon.bea, at(f"{TUESDAY} 10:00"), hours=1)
    with django_assert_num_queries(3):
        warned_of(**about)
    with django_assert_num_queries(4):
        refusals_for(**about)
