"""The waitlist step: who is offered a freed slot, and how an offer is passed on (contract §1.4; issue 3)."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from bookings import lifecycle, waitlist
from bookings.lifecycle.book import Order
from bookings.models import Booking, BusyTime, Hold, WaitlistEntry, WaitlistOffer
from clients.models import Client
from notifications.models import Job, Message, Notification
from staff.actor import SYSTEM
from staff.models import SalonSettings, Service, Staff
from tests.availability_cast import MONDAY_NOON, at
from tests.bookings_cast import Salon, make_cast
from tests.factories import (
    caller,
    make_client,
    make_holiday,
    make_salon,
    make_service,
    make_time_off,
)

pytestmark = pytest.mark.django_db
TUESDAY = date(2026, 11, 24)
TEN = at("2026-11-24 10:00")
AN_HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(MONDAY_NOON, tick=False) as clock:
        yield clock


@pytest.fixture
def salon() -> Salon:
    return make_cast()


def booked(
    salon: Salon, start_at: datetime = TEN, *, client: Client | None = None, **changes: Any
) -> Booking:
    """Bob's booking with Bea on Tuesday at ten."""
    order = {
        "client_id": (client or salon.bob).pk,
        "staff_id": salon.bea.pk,
        "service_id": salon.service.pk,
        "start_at": start_at,
        "end_at": start_at + AN_HOUR,
    }
    return lifecycle.book(actor=SYSTEM, order=Order(**(order | changes))).booking


def cancelled(booking: Booking) -> Booking:
    return lifecycle.cancel(actor=SYSTEM, booking_id=booking.pk).booking


def waits(salon: Salon, client: Client | None = None, **changes: Any) -> WaitlistEntry:
    fields = {"client": client or salon.alice, "service": salon.service, "date": TUESDAY}
    return WaitlistEntry.objects.create(**(fields | changes))


def status(entry: WaitlistEntry) -> str:
    entry.refresh_from_db()
    return entry.status


def live() -> list[tuple[int, int, datetime]]:
    """Entry, staff member and start of every live offer."""
    offers = WaitlistOffer.objects.filter(state="live").order_by("id")
    return list(offers.values_list("entry_id", "staff_id", "start_at"))


def offer_jobs() -> list[tuple[str, str]]:
    """Recipient and state of every offer mail, oldest first."""
    found = Job.objects.filter(type="waitlist.offer").order_by("id")
    return list(found.values_list("recipient", "state"))


def sweep() -> int:
    return waitlist.sweep_offers(now=timezone.now())


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
    cancelled(booked(salon))
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


def test_a_held_offer_keeps_the_slot_for_its_client_then_passes_to_the_next(salon: Salon, clock: Any) -> None:
    make_salon(waitlist_hold_minutes=30)
    first, second = waits(salon), waits(salon, make_client("Carl"))
    cancelled(booked(salon))
    hold = Hold.objects.get()
    assert hold.expires_at == WaitlistOffer.objects.get().expires_at == MONDAY_NOON + timedelta(minutes=30)
    assert BusyTime.objects.get().hold_id == hold.pk
    order = salon.order(start_at="2026-11-24 10:00:00", end_at="2026-11-24 11:00:00")
    assert caller(salon.ada).post("/api/bookings", order, format="json").json()["code"] == "slot_taken"
    clock.shift(29 * 60)
    assert sweep() == 0
    clock.shift(60)
    assert sweep() == 1
    assert (status(first), status(second)) == ("waiting", "notified")
    assert live() == [(second.pk, salon.bea.pk, TEN)]
    assert [state for _, state in offer_jobs()] == ["cancelled", "pending"]
    assert BusyTime.objects.get().expires_at == MONDAY_NOON + timedelta(minutes=60)
    clock.shift(30 * 60)
    assert (sweep(), live(), BusyTime.objects.count(), Hold.objects.count()) == (1, [], 0, 0)
    assert (status(first), status(second)) == ("waiting", "waiting")
    assert sweep() == 0


def test_an_offer_whose_slot_somebody_else_took_is_ended_and_its_mail_dropped(salon: Salon) -> None:
    first, second = waits(salon), waits(salon, make_client("Carl"))
    cancelled(booked(salon))
    booked(salon, client=make_client("Dora"))
    assert sweep() == 1
    assert (status(first), status(second), live()) == ("waiting", "waiting", [])
    assert offer_jobs() == [(f"client:{salon.alice.pk}", "cancelled")]
    assert Message.objects.get(type="waitlist.offer").state == "not_sent"


def test_never_two_live_offers_for_one_slot(salon: Salon) -> None:
    waits(salon), waits(salon, make_client("Carl"))
    cancelled(booked(salon))
    cancelled(booked(salon, client=make_client("Dora")))
    overlapping = booked(salon, TEN + timedelta(minutes=15), client=make_client("Emma"))
    cancelled(overlapping)
    assert len(live()) == 1


def test_cancelling_an_entry_passes_its_offer_on(salon: Salon) -> None:
    make_salon(waitlist_hold_minutes=30)
    first, second = waits(salon), waits(salon, make_client("Carl"))
    cancelled(booked(salon))
    assert caller(salon.bea).delete(f"/api/waitlist/{first.pk}").json()["status"] == "cancelled"
    assert (status(second), live()) == ("notified", [(second.pk, salon.bea.pk, TEN)])
    answer = caller(salon.bea).put(f"/api/waitlist/{second.pk}", {"status": "waiting"}, format="json")
    assert answer.json()["status"] == "waiting"
    assert (live(), BusyTime.objects.count()) == ([], 0)


def test_who_freed_the_slot_is_not_offered_it_when_it_is_passed_on(salon: Salon, clock: Any) -> None:
    make_salon(waitlist_hold_minutes=30)
    first, own = waits(salon), waits(salon, salon.bob)
    cancelled(booked(salon))
    clock.shift(30 * 60)
    assert sweep() == 1
    assert (status(first), status(own), live()) == ("waiting", "waiting", [])
    assert offer_jobs() == [(f"client:{salon.alice.pk}", "cancelled")]


def test_an_offer_to_a_client_archived_since_is_passed_on(salon: Salon) -> None:
    first, second = waits(salon), waits(salon, make_client("Carl"))
    cancelled(booked(salon))
    Client.objects.filter(pk=salon.alice.pk).update(archived_at=timezone.now())
    assert sweep() == 1
    assert (status(first), status(second)) == ("waiting", "notified")
    assert live() == [(second.pk, salon.bea.pk, TEN)]


def test_entries_of_passed_dates_expire(salon: Salon, clock: Any) -> None:
    entries = [waits(salon, status=code) for code in ("waiting", "notified", "booked", "cancelled")]
    clock.move_to(at("2026-11-24 23:59"))
    sweep()
    assert [status(entry) for entry in entries] == ["waiting", "notified", "booked", "cancelled"]
    clock.move_to(at("2026-11-25 00:00"))
    sweep()
    assert [status(entry) for entry in entries] == ["expired", "expired", "booked", "cancelled"]


def test_an_offer_open_when_the_date_passes_is_ended_and_its_entry_expires(salon: Salon, clock: Any) -> None:
    entry = waits(salon)
    cancelled(booked(salon))
    clock.move_to(at("2026-11-25 00:00"))
    assert sweep() == 1
    assert (status(entry), live()) == ("expired", [])


def post(salon: Salon, entry: WaitlistEntry | int, **changes: Any) -> Any:
    times = {"start_at": "2026-11-24 10:00:00", "end_at": "2026-11-24 11:00:00"}
    pk = entry if isinstance(entry, int) else entry.pk
    order = salon.order(**(times | {"waitlist_id": pk} | changes))
    return caller(salon.ada).post("/api/bookings", order, format="json")


@pytest.mark.parametrize("held", [0, 30])
def test_booking_from_an_entry_takes_its_offered_slot(salon: Salon, held: int) -> None:
    make_salon(waitlist_hold_minutes=held)
    entry = waits(salon)
    cancelled(booked(salon))
    answer = post(salon, entry)
    assert (answer.status_code, answer.json()["waitlist_id"]) == (200, entry.pk)
    assert status(entry) == "booked"
    assert BusyTime.objects.get().booking_id == answer.json()["id"]
    sweep()
    assert (live(), Hold.objects.count(), status(entry)) == ([], 0, "booked")
    assert offer_jobs() == [(f"client:{salon.alice.pk}", "cancelled")]


def test_booking_from_an_entry_at_another_time_passes_the_offered_slot_on(salon: Salon) -> None:
    make_salon(waitlist_hold_minutes=30)
    first, second = waits(salon), waits(salon, make_client("Carl"))
    cancelled(booked(salon))
    times = {"start_at": "2026-11-24 15:00:00", "end_at": "2026-11-24 16:00:00"}
    assert post(salon, first, **times).status_code == 200
    assert sweep() == 1
    assert (status(first), status(second)) == ("booked", "notified")
    assert live() == [(second.pk, salon.bea.pk, TEN)]


@pytest.mark.parametrize("why", ["unknown", "client", "service", "booked", "cancelled", "expired"])
def test_an_entry_that_does_not_fit_is_refused_and_nothing_is_stored(salon: Salon, why: str) -> None:
    entry = waits(salon)
    changes: dict[str, Any] = {}
    match why:
        case "unknown":
            changes = {"waitlist_id": 999}
        case "client":
            changes = {"client_id": salon.bob.pk}
        case "service":
            changes = {"service_id": make_service("Perm").pk}
        case _:
            WaitlistEntry.objects.filter(pk=entry.pk).update(status=why)
    before = status(entry)
    answer = post(salon, entry, **changes)
    assert (answer.status_code, list(answer.json()["details"])) == (400, ["waitlist_id"])
    assert (status(entry), Booking.objects.count(), Job.objects.count()) == (before, 0, 0)


def test_a_refused_booking_leaves_the_entry_and_its_hold_as_they_were(salon: Salon) -> None:
    make_salon(waitlist_hold_minutes=30)
    entry = waits(salon)
    cancelled(booked(salon))
    booked(salon, at("2026-11-24 11:00"), client=make_client("Dora"))
    before = list(BusyTime.objects.order_by("id").values())
    assert post(salon, entry, end_at="2026-11-24 11:30:00").json()["code"] == "slot_taken"
    assert (status(entry), list(BusyTime.objects.order_by("id").values())) == ("notified", before)


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
