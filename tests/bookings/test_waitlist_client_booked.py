"""A waiting client who is booked after all, by whichever door (contract §6a "on_waitlist")."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bookings import lifecycle
from bookings.lifecycle.book import Order
from bookings.models import Booking, BusyTime, Hold, WaitlistEntry, WaitlistOffer
from bookings.self_service.offer import take_offer
from staff.access.actor import SYSTEM
from tests.cast.availability import MONDAY_NOON, at
from tests.cast.bookings import Salon, jobs, make_cast
from tests.cast.factories import caller, make_client, make_key, make_salon, make_service
from tests.cast.waitlist import AN_HOUR, TEN, booked, cancelled, live, offer_jobs, status, sweep, waits

pytestmark = [pytest.mark.django_db, pytest.mark.clock_at(MONDAY_NOON)]

AT_TEN = {"start_at": "2026-11-24 10:00:00", "end_at": "2026-11-24 11:00:00"}
AT_FOUR = {"start_at": "2026-11-24 16:00:00", "end_at": "2026-11-24 17:00:00"}
ON_FRIDAY = {"start_at": "2026-11-27 10:00:00", "end_at": "2026-11-27 11:00:00"}


@pytest.fixture
def salon() -> Salon:
    return make_cast()


def codes(answer: dict[str, Any]) -> list[str]:
    return [warning["code"] for warning in answer["warnings"]]


def statuses(*entries: WaitlistEntry) -> list[str]:
    return [status(entry) for entry in entries]


def test_every_open_entry_for_the_service_and_day_is_booked(salon: Salon) -> None:
    fulfilled = [waits(salon), waits(salon, staff=salon.cora), waits(salon, staff=salon.bea)]
    others = [
        waits(salon, service=make_service("Perm")),
        waits(salon, date=date(2026, 11, 25)),
        waits(salon, salon.bob),
        *[waits(salon, status=code) for code in ("cancelled", "expired")],
    ]
    before = statuses(*others)
    answer = salon.book(**AT_FOUR)
    assert codes(answer) == ["on_waitlist"]
    assert answer["waitlist_id"] is None
    assert jobs(answer) == [("booking.created", "pending")]
    assert statuses(*fulfilled) == ["booked"] * 3
    assert statuses(*others) == before
    assert codes(salon.book(**(AT_FOUR | {"staff_id": salon.cora.pk}))) == ["client_busy"]


def test_the_day_is_the_salons(salon: Salon) -> None:
    entry = waits(salon, date=date(2026, 11, 25))
    booked(salon, at("2026-11-25 00:15"), client=salon.alice)
    assert status(entry) == "booked"


def test_the_offer_that_is_out_ends_and_its_slot_goes_to_the_next(salon: Salon) -> None:
    make_salon(waitlist_hold_minutes=30)
    booking = booked(salon)
    first, second = waits(salon), waits(salon, make_client("Carl"))
    cancelled(booking)
    salon.book(**(AT_FOUR | {"staff_id": salon.cora.pk}))
    assert statuses(first, second) == ["booked", "notified"]
    assert live() == [(second.pk, salon.bea.pk, TEN)]
    assert [state for _, state in offer_jobs()] == ["cancelled", "pending"]
    assert list(BusyTime.objects.exclude(hold=None).values_list("hold__offer__entry_id", flat=True)) == [
        second.pk
    ]
    assert (Hold.objects.count(), sweep()) == (1, 0)


def test_the_slot_that_is_kept_for_a_client_can_be_booked_for_them_by_telephone(salon: Salon) -> None:
    make_salon(waitlist_hold_minutes=30)
    booking = booked(salon)
    entry, second = waits(salon), waits(salon, make_client("Carl"))
    cancelled(booking)
    assert codes(salon.book(**AT_TEN)) == ["on_waitlist"]
    assert (statuses(entry, second), live(), Hold.objects.count()) == (["booked", "waiting"], [], 0)


def test_a_refused_booking_leaves_the_client_waiting(salon: Salon) -> None:
    make_salon(waitlist_hold_minutes=30)
    freed = booked(salon)
    booked(salon, at("2026-11-24 16:00"))
    entry = waits(salon)
    cancelled(freed)
    answer = caller(salon.bea).post("/api/bookings", salon.order(**AT_FOUR), format="json")
    assert (answer.status_code, answer.json()["code"]) == (409, "slot_taken")
    assert (status(entry), live()) == ("notified", [(entry.pk, salon.bea.pk, TEN)])
    assert BusyTime.objects.exclude(hold=None).count() == 1


@pytest.mark.parametrize(
    ("change", "becomes"),
    [
        (AT_TEN, "booked"),
        ({"status": "scheduled"}, "booked"),
        ({"status": "provisional"}, "booked"),
        ({"status": "completed"}, "waiting"),
        ({"notes": "by the window"}, "waiting"),
    ],
)
def test_a_booking_that_comes_to_that_day_fulfils_it(
    salon: Salon, change: dict[str, str], becomes: str
) -> None:
    where = ON_FRIDAY if "start_at" in change else AT_FOUR
    booking = salon.book(**where)
    if change.get("status") in ("scheduled", "provisional"):
        salon.delete(booking)
    entry = waits(salon)
    answer = salon.put(booking, change).json()
    assert (status(entry), "on_waitlist" in codes(answer)) == (becomes, becomes == "booked")


def test_another_client_service_or_person_fulfils_it_and_a_longer_stay_does_not(salon: Salon) -> None:
    perm = make_service("Perm")
    booking = salon.book(**AT_TEN, service_id=perm.pk)
    entry = waits(salon)
    assert codes(salon.put(booking, {"service_id": salon.service.pk}).json()) == ["on_waitlist"]
    WaitlistEntry.objects.update(status="waiting")
    answer = salon.put(booking, {"end_at": "2026-11-24 11:30:00"}).json()
    assert (codes(answer), status(entry)) == (["longer_than_service"], "waiting")
    answer = salon.put(booking, {"end_at": "2026-11-24 11:00:00", "staff_id": salon.cora.pk}).json()
    assert (codes(answer), status(entry)) == (["on_waitlist"], "booked")
    his = waits(salon, salon.bob)
    assert codes(salon.put(booking, {"client_id": salon.bob.pk}).json()) == ["on_waitlist"]
    assert status(his) == "booked"


def test_a_time_that_has_begun_fulfils_nothing(salon: Salon, clock: Any) -> None:
    entry = waits(salon)
    clock.shift(24 * 60 * 60)
    answer = salon.book(start_at="2026-11-24 11:00:00", end_at="2026-11-24 12:00:00")
    assert (codes(answer), status(entry)) == ([], "waiting")


@pytest.mark.parametrize("code", ["completed", "no-show", "cancelled"])
def test_nor_does_a_booking_written_closed(salon: Salon, code: str) -> None:
    entry = waits(salon)
    booked(salon, client=salon.alice, status=code)
    assert status(entry) == "waiting"


def test_cancelling_the_booking_leaves_the_entry_booked(salon: Salon) -> None:
    entry = waits(salon)
    salon.delete(salon.book(**AT_FOUR))
    assert (status(entry), live()) == ("booked", [])


def test_a_request_fulfils_it_too(salon: Salon) -> None:
    entry = waits(salon)
    assert codes(salon.book(**AT_FOUR, provisional=True)) == ["on_waitlist"]
    assert status(entry) == "booked"


def test_a_series_fulfils_the_days_it_falls_on(salon: Salon) -> None:
    entries = [waits(salon, date=date(2026, 11, day)) for day in (24, 25, 26)]
    order = Order(
        client_id=salon.alice.pk,
        staff_id=salon.bea.pk,
        service_id=salon.service.pk,
        start_at=TEN,
        end_at=TEN + AN_HOUR,
    )
    starts = [TEN, TEN + timedelta(days=2)]
    lifecycle.book_series(actor=SYSTEM, order=order, starts=starts)
    assert statuses(*entries) == ["booked", "waiting", "booked"]


def test_taking_an_offer_or_booking_from_an_entry_fulfils_the_others(salon: Salon) -> None:
    freed, other = booked(salon), booked(salon, at("2026-11-24 14:00"), staff_id=salon.cora.pk)
    with_bea, with_cora = waits(salon, staff=salon.bea), waits(salon, staff=salon.cora)
    cancelled(freed)
    cancelled(other)
    assert len(live()) == 2
    taken = take_offer(token=WaitlistOffer.objects.get(entry=with_cora).token)
    assert taken.waitlist_id == with_cora.pk
    assert (statuses(with_bea, with_cora), live()) == (["booked", "booked"], [])

    named, beside = waits(salon, date=date(2026, 11, 26)), waits(salon, date=date(2026, 11, 27))
    answer = salon.book(**ON_FRIDAY, waitlist_id=named.pk)
    assert (answer["waitlist_id"], codes(answer)) == (named.pk, ["on_waitlist"])
    assert statuses(named, beside) == ["booked", "booked"]


def test_the_entry_a_booking_is_made_from_is_nothing_to_warn_of(salon: Salon) -> None:
    assert codes(salon.book(**AT_TEN, waitlist_id=waits(salon).pk)) == []


def test_a_dialect_fulfils_it(salon: Salon) -> None:
    entry = waits(salon)
    body = {
        "calendar_key": str(salon.bea.key),
        "attendees": [{"person_key": str(salon.alice.key)}],
        "start": {"dateTime": "2026-11-24T16:00:00", "timeZone": "Europe/Amsterdam"},
    }
    answer = caller(make_key(dialect="eagenda")[1]).post("/api/v3/appointments/", body, format="json")
    assert answer.status_code == 201, answer.content
    assert (Booking.objects.count(), status(entry)) == (1, "booked")


def test_who_waits_for_nothing_costs_no_statement(salon: Salon) -> None:
    """The one that asks for the person's hours says it; a move asks whom to offer the time it freed."""

    def asked(call: Callable[[], Any]) -> int:
        with CaptureQueriesContext(connection) as seen:
            call()
        return sum(query["sql"].startswith('SELECT "bookings_waitlist') for query in seen)

    assert asked(lambda: salon.book(**AT_TEN)) == 0
    assert asked(lambda: salon.put({"id": Booking.objects.get().pk}, AT_FOUR)) == 1
    waits(salon, date=date(2026, 11, 27))
    assert asked(lambda: salon.book(**ON_FRIDAY)) > 0
