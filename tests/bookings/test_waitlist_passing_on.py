"""How an offer ends: passed on, or taken by a booking from its entry (contract §1.4; docs/adr/0022)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from bookings.models import Booking, BusyTime, Hold, WaitlistEntry, WaitlistOffer
from clients.models import Client
from notifications.models import Job, Message
from tests.cast.availability import MONDAY_NOON, at
from tests.cast.bookings import Salon, make_cast
from tests.cast.factories import caller, make_client, make_salon, make_service
from tests.cast.waitlist import TEN, booked, cancelled, live, offer_jobs, status, sweep, waits

pytestmark = [pytest.mark.django_db, pytest.mark.clock_at(MONDAY_NOON)]


@pytest.fixture
def salon() -> Salon:
    return make_cast()


def test_a_held_offer_keeps_the_slot_for_its_client_then_passes_to_the_next(salon: Salon, clock: Any) -> None:
    make_salon(waitlist_hold_minutes=30)
    first, second = waits(salon), waits(salon, make_client("Carl"))
    cancelled(booked(salon))
    hold = Hold.objects.get()
    assert hold.expires_at == WaitlistOffer.objects.get().expires_at == MONDAY_NOON + timedelta(minutes=30)
    assert BusyTime.objects.get().hold_id == hold.pk
    times = {"start_at": "2026-11-24 10:00:00", "end_at": "2026-11-24 11:00:00"}
    order = salon.order(client_id=salon.bob.pk, **times)
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


def test_who_restores_a_booking_is_told_that_its_time_is_kept_for_the_waitlist(salon: Salon) -> None:
    make_salon(waitlist_hold_minutes=30)
    waits(salon)
    booking = booked(salon)
    cancelled(booking)
    answer = caller(salon.ada).put(f"/api/bookings/{booking.pk}", {"status": "scheduled"})
    assert (answer.status_code, answer.json()) == (
        409,
        {
            "error": "That time is kept for somebody until 2026-11-23 12:30:00; wait or choose another time.",
            "code": "slot_taken",
            "conflicts": [],
        },
    )


def test_an_offer_whose_slot_somebody_else_took_is_ended_and_its_mail_dropped(salon: Salon) -> None:
    first, second = waits(salon), waits(salon, make_client("Carl"))
    cancelled(booked(salon))
    booked(salon, client=make_client("Dora"))
    assert sweep() == 1
    assert (status(first), status(second), live()) == ("waiting", "waiting", [])
    assert offer_jobs() == [(f"client:{salon.alice.pk}", "cancelled")]
    assert Message.objects.get(type="waitlist.offer").state == "not_sent"


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
    booking = booked(salon)
    first, own = waits(salon), waits(salon, salon.bob)
    cancelled(booking)
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
    people = {"waiting": salon.alice, "notified": salon.bob, "booked": salon.alice, "cancelled": salon.alice}
    entries = [waits(salon, client, status=code) for code, client in people.items()]
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
            changes = {"waitlist_id": 900000999}
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
