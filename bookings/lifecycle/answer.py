"""What the client answers to a mailed request, and what happens when nobody does (contract §1.4).

The salon may move a request while its page stands open on the client's phone. An answer then is none: the
client is shown the new times and asked again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Prefetch
from django.utils import timezone

from bookings.errors import LinkSpent, LinkUnknown, RequestMoved, RequestSpent
from bookings.lifecycle.how import How
from bookings.lifecycle.locks import begin_again, lock_bookings
from bookings.lifecycle.requests import hash_token
from bookings.lifecycle.visit_items import Step, change_items
from bookings.models import Booking, SpentToken
from bookings.slots.busy import slot_guard
from notifications.one_by_one import one_by_one
from staff.access.actor import SYSTEM, Actor
from staff.models import SalonSettings

LAPSE_BATCH = 200

Shown = Callable[[Booking], bool]
"""Whether the booking is still what the client was shown: asked under its lock, so no move comes between."""


def request_of(*, token: str, now: datetime | None = None) -> Booking:
    """The booking a live link asks about. Changes nothing.

    Raises LinkUnknown (404), RequestSpent (410; its `code` says what became of it).
    """
    booking = (
        Booking.objects.filter(provisional_token=token)
        .select_related("client", "service", "staff", "visit")
        .prefetch_related(Prefetch("visit__bookings", Booking.objects.select_related("service", "staff")))
        .first()
    )
    if booking is None:
        spent = SpentToken.objects.filter(token_hash=hash_token(token)).first()
        raise LinkUnknown if spent is None else RequestSpent(spent.outcome)
    if _expired(booking, now=now or timezone.now()):
        raise RequestSpent("expired")
    return booking


def accept(*, token: str, shown: Shown | None = None, now: datetime | None = None) -> Booking:
    """The client says yes: `scheduled`. Raises LinkUnknown (404), LinkSpent (410), RequestMoved (409)."""
    changes = {"status": Booking.Status.SCHEDULED, "status_detail": ""}
    return _answer(token=token, changes=changes, outcome="accepted", shown=shown, now=now)


def decline(*, token: str, shown: Shown | None = None, now: datetime | None = None) -> Booking:
    """The client says no: `cancelled`, detail `client`; no mail, the page says it. Raises as `accept`."""
    changes = {"status": Booking.Status.CANCELLED, "status_detail": "client"}
    return _answer(token=token, changes=changes, outcome="declined", shown=shown, now=now)


def lapse_due(*, now: datetime) -> int:
    """Cancel the mailed requests whose time is over; gives how many. Safe to run from many workers."""
    due = Booking.objects.filter(provisional_token__isnull=False, provisional_expires_at__lte=now)
    in_turn = due.order_by("provisional_expires_at", "pk")
    return one_by_one(_lapse, in_turn.values_list("pk", flat=True)[:LAPSE_BATCH], now=now)


@begin_again
def _answer(
    *, token: str, changes: Mapping[str, Any], outcome: str, shown: Shown | None, now: datetime | None
) -> Booking:
    salon = SalonSettings.load()
    asked = request_of(token=token, now=now)
    with slot_guard(actor=_client_actor(None), zone=salon.zone), transaction.atomic():
        booking = lock_bookings([asked.pk])[asked.pk]
        if booking.provisional_token != token or _expired(booking, now=now or timezone.now()):
            request_of(token=token, now=now)
            raise LinkSpent
        if shown is not None and not shown(booking):
            raise RequestMoved
        change_items(
            [Step(each, changes) for each in _asked_together(booking)],
            actor=_client_actor(booking),
            how=How(announced_by_page=True, token_outcome=outcome),
            salon=salon,
            now=now or timezone.now(),
        )
        return booking


@begin_again
def _lapse(booking_id: int, *, now: datetime) -> int:
    with transaction.atomic():
        booking = lock_bookings([booking_id])[booking_id]
        if booking.provisional_token is None or not _expired(booking, now=now):
            return 0
        change_items(
            [Step(each, {"status": Booking.Status.CANCELLED}) for each in _asked_together(booking)],
            actor=SYSTEM,
            how=How(lapsed=True, token_outcome="lapsed", reason="not answered in time"),
            salon=SalonSettings.load(),
            now=now,
        )
    return 1


def _asked_together(booking: Booking) -> list[Booking]:
    """The requests of the booking's visit: one answer is for all of them (contract §7 "provisional")."""
    visit = booking.visit
    if visit is None:
        return [booking]
    return [each for each in visit.items if each.provisional_token is not None]


def _expired(booking: Booking, *, now: datetime) -> bool:
    """The earliest deadline of a visit counts."""
    asked = _asked_together(booking)
    return any(
        each.provisional_expires_at is not None and each.provisional_expires_at <= now for each in asked
    )


def _client_actor(booking: Booking | None) -> Actor:
    """The client of the link: whoever holds it speaks for them, and sees nobody else's booking."""
    client = None if booking is None else booking.client
    return Actor(
        type="client",
        id=None if client is None else client.pk,
        name="" if client is None else client.name,
        channel="link",
        agenda_of=0,
    )
