"""Slots freed on a Tuesday, who waits for them, and what became of their offers."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from django.utils import timezone

from bookings import lifecycle, waitlist
from bookings.lifecycle.book import Order
from bookings.models import Booking, WaitlistEntry, WaitlistOffer
from clients.models import Client
from notifications.models import Job
from staff.access.actor import SYSTEM
from tests.cast.availability import at
from tests.cast.bookings import Salon

TUESDAY = date(2026, 11, 24)
TEN = at("2026-11-24 10:00")
AN_HOUR = timedelta(hours=1)


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
