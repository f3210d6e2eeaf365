"""The waitlist step: who is offered a freed slot (contract §1.4; docs/adr/0022)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from bookings import lifecycle, waitlist
from bookings.models import Booking, WaitlistEntry, WaitlistOffer
from notifications.models import Job, Message, Notification
from staff.access.actor import SYSTEM
from staff.models import SalonSettings, Service, Staff
from tests.cast.availability import MONDAY_NOON, at
from tests.cast.bookings import Salon, make_cast
from tests.cast.factories import make_client, make_holiday, make_service, make_time_off
from tests.cast.waitlist import (
    AN_HOUR,
    TEN,
    TUESDAY,
    booked,
    cancelled,
    live,
    offer_jobs,
    status,
    sweep,
    waits,
)

pytestmark = [pytest.mark.django_db, pytest.mark.clock_at(MONDAY_NOON)]


@pytest.fixture
def salon() -> Salon:
    return make_cast()


def test_a_cancelled_slot_is_offered_to_the_first_who_waits(salon: Salon) -> None:
    carl = make_client("Carl")
    first, second = waits(salon), waits(salon, carl)
    booking = booked(salon, base_url="http://127.0.0.1:8000")
    cancelled(booking)
    assert (status(first), first.last_offered_at, status(second)) == ("notified", MONDAY_NOON, "waiting")
    offer = WaitlistOffer.objects.get()
    assert (offer.entry_id, offer.staff_id, offer.start_at, offer.end_at, offer.state) == (
        first.pk,
        salon.bea.pk,
        TEN,
        TEN + AN_HOUR,
        "live",
    )
    assert (offer.freed_booking_id, offer.base_url, offer.hold_id) == (
        booking.pk,
        "http://127.0.0.1:8000",
        None,
    )
    assert offer.expires_at == TEN
    assert len(offer.token) >= 22
    job = Job.objects.get(type="waitlist.offer")
    assert (job.booking_id, job.recipient, job.payload, job.run_at) == (
        booking.pk,
        f"client:{salon.alice.pk}",
        {"offer_id": offer.pk},
        MONDAY_NOON,
    )
    assert Message.objects.get(job=job).to == "alice@example.com"
    told = Notification.objects.filter(type="waitlist.offer").order_by("staff_id")
    assert [(row.staff_id, row.title, row.body, row.booking_id) for row in told] == [
        (
            person.pk,
            "A freed time was offered to the waitlist",
            "Alice Adams, Haircut, Tuesday 24 November 10:00",
            booking.pk,
        )
        for person in (salon.bea, salon.ada)
    ]


def test_the_salon_is_asked_to_call_who_has_no_address(salon: Salon) -> None:
    waits(salon, make_client("Carl", email="", mobile="+31611111111"))
    cancelled(booked(salon))
    told = Notification.objects.filter(type="waitlist.offer", staff=salon.bea).get()
    assert (told.title, told.body) == (
        "Please call: a time is free for somebody on the waitlist without an e-mail address",
        "Carl Adams, +31611111111, Haircut, Tuesday 24 November 10:00",
    )


def test_an_offer_for_a_slot_further_ahead_lasts_a_day(salon: Salon) -> None:
    waits(salon, date=date(2026, 11, 27))
    cancelled(booked(salon, at("2026-11-27 10:00")))
    assert WaitlistOffer.objects.get().expires_at == MONDAY_NOON + timedelta(hours=24)


@pytest.mark.parametrize("way", ["cancel", "decline", "lapse", "move", "staff", "reject", "no-show"])
def test_every_way_a_slot_is_freed_runs_the_step(salon: Salon, clock: Any, way: str) -> None:
    entry = waits(salon)
    booking = booked(salon, provisional=way in ("decline", "lapse"))
    match way:
        case "cancel":
            cancelled(booking)
        case "decline":
            lifecycle.decline(token=str(booking.provisional_token))
        case "lapse":
            Booking.objects.filter(pk=booking.pk).update(provisional_expires_at=MONDAY_NOON)
            assert lifecycle.lapse_due(now=MONDAY_NOON) == 1
        case "move":
            moved = {"start_at": at("2026-11-25 10:00"), "end_at": at("2026-11-25 11:00")}
            lifecycle.change(actor=SYSTEM, booking_id=booking.pk, changes=moved)
        case "staff":
            lifecycle.change(actor=SYSTEM, booking_id=booking.pk, changes={"staff_id": salon.cora.pk})
        case "reject" | "no-show":
            detail = "rejected" if way == "reject" else ""
            code = "cancelled" if way == "reject" else "no-show"
            lifecycle.change(
                actor=SYSTEM, booking_id=booking.pk, changes={"status": code, "status_detail": detail}
            )
    assert (status(entry), live()) == ("notified", [(entry.pk, salon.bea.pk, TEN)])
    assert offer_jobs() == [(f"client:{salon.alice.pk}", "pending")]


def test_only_who_waits_for_this_service_date_and_person_is_offered_it(salon: Salon) -> None:
    carl = make_client("Carl")
    booking = booked(salon)
    wrong = [
        waits(salon, service=make_service("Perm")),
        waits(salon, date=date(2026, 11, 25)),
        waits(salon, staff=salon.cora),
        waits(salon, salon.bob),
        waits(salon, make_client("Gus", archived_at=MONDAY_NOON)),
        *[waits(salon, status=code) for code in ("notified", "booked", "cancelled", "expired")],
    ]
    before = [status(entry) for entry in wrong]
    right = waits(salon, carl, staff=salon.bea)
    cancelled(booking)
    assert live() == [(right.pk, salon.bea.pk, TEN)]
    assert [status(entry) for entry in wrong] == before


def test_the_date_is_the_salons_not_utcs(salon: Salon) -> None:
    entry = waits(salon, date=date(2026, 11, 25))
    cancelled(booked(salon, at("2026-11-25 00:15")))
    assert status(entry) == "notified"


def test_who_was_never_offered_anything_comes_before_who_was_then_the_longest_ago_then_the_oldest(
    salon: Salon,
) -> None:
    people = [make_client(name) for name in ("Carl", "Dora", "Emma", "Fred")]
    lately, long_ago, never, never_too = [waits(salon, person) for person in people]
    for entry, days in ((lately, 1), (long_ago, 2)):
        WaitlistEntry.objects.filter(pk=entry.pk).update(last_offered_at=MONDAY_NOON - timedelta(days=days))
    for hour in range(9, 13):
        cancelled(booked(salon, at(f"2026-11-24 {hour:02}:00")))
    assert [entry for entry, _, _ in live()] == [never.pk, never_too.pk, long_ago.pk, lately.pk]


@pytest.mark.parametrize("why", ["past", "holiday", "time off", "left", "archived", "taken"])
def test_a_slot_that_could_not_be_booked_is_not_offered(salon: Salon, clock: Any, why: str) -> None:
    entry = waits(salon)
    booking = booked(salon)
    match why:
        case "past":
            clock.move_to(TEN)
        case "holiday":
            make_holiday(TUESDAY)
        case "time off":
            make_time_off(salon.bea, TEN)
        case "left":
            Staff.objects.filter(pk=salon.bea.pk).update(is_active=False)
        case "archived":
            Service.objects.filter(pk=salon.service.pk).update(is_active=False)
        case "taken":
            booked(salon, TEN + timedelta(minutes=30), client=make_client("Carl"), allow_overlap=True)
    cancelled(booking)
    assert (status(entry), live(), offer_jobs()) == ("waiting", [], [])
    assert Notification.objects.filter(type="waitlist.offer").count() == 0


def test_a_move_that_still_covers_the_old_slot_frees_nothing(salon: Salon) -> None:
    entry = waits(salon)
    booking = booked(salon)
    half_past = {"start_at": TEN + timedelta(minutes=30), "end_at": TEN + timedelta(minutes=90)}
    lifecycle.change(actor=SYSTEM, booking_id=booking.pk, changes=half_past)
    assert (status(entry), live()) == ("waiting", [])


def test_doing_it_undoing_it_and_doing_it_again_offers_again(salon: Salon) -> None:
    entry = waits(salon)
    booking = booked(salon)
    cancelled(booking)
    lifecycle.change(actor=SYSTEM, booking_id=booking.pk, changes={"status": "scheduled"})
    assert sweep() == 1
    assert (status(entry), offer_jobs()) == ("waiting", [(f"client:{salon.alice.pk}", "cancelled")])
    cancelled(booking)
    assert (status(entry), len(live())) == ("notified", 1)
    assert [state for _, state in offer_jobs()] == ["cancelled", "pending"]


def test_never_two_live_offers_for_one_slot(salon: Salon) -> None:
    waits(salon), waits(salon, make_client("Carl"))
    cancelled(booked(salon))
    cancelled(booked(salon, client=make_client("Dora")))
    overlapping = booked(salon, TEN + timedelta(minutes=15), client=make_client("Emma"))
    cancelled(overlapping)
    assert len(live()) == 1


def test_the_step_costs_one_statement_when_nobody_waits(salon: Salon, django_assert_num_queries: Any) -> None:
    freed = waitlist.FreedSlot(
        staff_id=salon.bea.pk,
        service_id=salon.service.pk,
        start_at=TEN,
        end_at=TEN + AN_HOUR,
        client_id=salon.bob.pk,
        booking_id=None,
        base_url="",
    )
    chosen = SalonSettings.load()
    with django_assert_num_queries(1):
        waitlist.offer_freed_slot(freed=freed, event_id=1, salon=chosen, now=MONDAY_NOON)
