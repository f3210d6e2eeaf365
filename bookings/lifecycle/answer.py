"""What the client answers to a mailed request, and what happens when nobody does (contract §1.4)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from bookings.errors import LinkSpent, LinkUnknown, RequestSpent
from bookings.lifecycle import checks
from bookings.lifecycle.change import How, apply
from bookings.lifecycle.requests import hash_token
from bookings.models import Booking, SpentToken
from bookings.slots.busy import slot_guard
from staff.access.actor import SYSTEM, Actor
from staff.models import SalonSettings

LAPSE_BATCH = 200


def request_of(*, token: str, now: datetime | None = None) -> Booking:
    """The booking a live link asks about. Changes nothing.

    Raises LinkUnknown (404), RequestSpent (410; its `code` says what became of it).
    """
    booking = (
        Booking.objects.filter(provisional_token=token).select_related("client", "service", "staff").first()
    )
    if booking is None:
        spent = SpentToken.objects.filter(token_hash=hash_token(token)).first()
        raise LinkUnknown if spent is None else RequestSpent(spent.outcome)
    if _expired(booking, now=now or timezone.now()):
        raise RequestSpent("expired")
    return booking


def accept(*, token: str, now: datetime | None = None) -> Booking:
    """The client says yes: `scheduled`. Raises LinkUnknown, LinkSpent."""
    return _answer(token=token, status=Booking.Status.SCHEDULED, detail="", outcome="accepted", now=now)


def decline(*, token: str, now: datetime | None = None) -> Booking:
    """The client says no: `cancelled`, detail `client`; no mail, the page says it. Raises as `accept`."""
    return _answer(token=token, status=Booking.Status.CANCELLED, detail="client", outcome="declined", now=now)


def lapse_due(*, now: datetime) -> int:
    """Cancel the mailed requests whose time is over; gives how many. Safe to run from many workers."""
    due = Booking.objects.filter(provisional_token__isnull=False, provisional_expires_at__lte=now)
    lapsed = 0
    for booking_id in list(
        due.order_by("provisional_expires_at", "pk").values_list("pk", flat=True)[:LAPSE_BATCH]
    ):
        lapsed += _lapse(booking_id, now=now)
    return lapsed


def _answer(*, token: str, status: str, detail: str, outcome: str, now: datetime | None) -> Booking:
    salon = SalonSettings.load()
    request_of(token=token, now=now)
    with slot_guard(actor=_client_actor(None), zone=salon.zone), transaction.atomic():
        booking = checks.locked(Booking.objects.filter(provisional_token=token)).first()
        if booking is None or _expired(booking, now=now or timezone.now()):
            request_of(token=token, now=now)
            raise LinkSpent
        return apply(
            actor=_client_actor(booking),
            booking=booking,
            changes={"status": status, "status_detail": detail},
            how=How(told_by_page=True, token_outcome=outcome),
            salon=salon,
            now=now,
        ).booking


def _lapse(booking_id: int, *, now: datetime) -> int:
    with transaction.atomic():
        booking = checks.locked(Booking.objects.filter(pk=booking_id)).get()
        if booking.provisional_token is None or not _expired(booking, now=now):
            return 0
        apply(
            actor=SYSTEM,
            booking=booking,
            changes={"status": Booking.Status.CANCELLED},
            how=How(lapsed=True, token_outcome="lapsed", reason="not answered in time"),
            salon=SalonSettings.load(),
            now=now,
        )
    return 1


def _expired(booking: Booking, *, now: datetime) -> bool:
    return booking.provisional_expires_at is not None and booking.provisional_expires_at <= now


def _client_actor(booking: Booking | None) -> Actor:
    """The client of the link: whoever holds it speaks for them, and sees nobody else's booking."""
    client = None if booking is None else booking.client
    return Actor(
        type="client",
        id=None if client is None else client.pk,
        name="" if client is None else client.name,
        door="link",
        agenda_of=0,
    )
