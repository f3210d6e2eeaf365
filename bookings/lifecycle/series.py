"""A recurring booking: every occurrence through the door, one mail for all of them (contract §6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from bookings.errors import ClientAlreadyInSession, HolidayClosed, SlotTaken
from bookings.lifecycle import effects
from bookings.lifecycle.book import Order, book
from bookings.lifecycle.outcome import Outcome
from staff.access.actor import Actor
from staff.models import SalonSettings
from staff.wire.refusals import BadRequest, Refused
from staff.wire.times import print_when

IN_THE_WAY = (SlotTaken, HolidayClosed, ClientAlreadyInSession)
"""What may be skipped: the calendar is against this occurrence, not the order."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """An occurrence that was left out; `start_at` is UTC."""

    start_at: datetime
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Series:
    """The occurrences that were booked, in order, and those that were skipped."""

    outcomes: list[Outcome]
    skipped: list[Skipped] = field(default_factory=list)


def book_series(
    *,
    actor: Actor,
    order: Order,
    starts: Sequence[datetime],
    skip_conflicts: bool = False,
    salon: SalonSettings | None = None,
    now: datetime | None = None,
) -> Series:
    """Book `order` at each of `starts` (UTC): all or nothing, or without those that the calendar refuses.

    The client gets one confirmation with all dates. Raises what `book` raises, naming the occurrence; the
    first refusal when nothing at all could be booked; BadRequest for what cannot recur.
    """
    if order.waitlist_id or order.hold_token or order.session_of or order.provisional:
        raise BadRequest.field(
            "recurrence", "cannot go together with waitlist_id, hold_token, session_of or provisional."
        )
    salon = salon or SalonSettings.load()
    length = order.end_at - order.start_at
    outcomes: list[Outcome] = []
    skipped: list[Skipped] = []
    first_refusal: Refused | None = None
    with transaction.atomic():
        for start_at in starts:
            occurrence = replace(
                order,
                start_at=start_at,
                end_at=start_at + length,
                in_series=True,
                series_id=outcomes[0].booking.pk if outcomes else None,
            )
            try:
                outcomes.append(book(actor=actor, order=occurrence, salon=salon, now=now))
            except IN_THE_WAY as refused:
                first_refusal = first_refusal or _naming(refused, start_at, salon=salon)
                if not skip_conflicts:
                    raise first_refusal from refused
                skipped.append(Skipped(start_at, refused.code, refused.message))
        if first_refusal is not None and not outcomes:
            raise first_refusal
        effects.announce_series(
            [outcome.booking for outcome in outcomes],
            salon=salon,
            notify_client=order.notify_client,
            now=now or timezone.now(),
        )
    return Series(outcomes=outcomes, skipped=skipped)


def _naming(refused: Refused, start_at: datetime, *, salon: SalonSettings) -> Refused:
    """The same refusal, saying which occurrence it is about."""
    when = print_when(start_at, zone=salon.zone)
    named = type(refused)(f"{when}: {refused.message}", code=refused.code, conflicts=refused.conflicts)
    named.details = refused.details
    return named
