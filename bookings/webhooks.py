"""Telling the salon's own apps what happened to a booking (contract §1.5, /api/webhooks).

Every audited change of a booking is one event. What it is called:

| change | event |
|---|---|
| a new booking, by any channel, in any status | booking.created |
| into `cancelled`, whatever else changes with it | booking.cancelled |
| into another status, whatever else changes with it | booking.status_changed |
| anything else: times, people, notes, detail ... | booking.updated |
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bookings.models import Booking, BookingEvent
from notifications import webhooks


def announce(events: Sequence[BookingEvent], *, now: datetime) -> None:
    """Tell every endpoint that wants to know, once the caller's transaction commits.

    One statement when nobody does.
    """
    webhooks.enqueue(
        [webhooks.Event(type=_name(each), booking_id=each.booking_id, cause=each.pk) for each in events],
        now=now,
    )


def _name(event: BookingEvent) -> str:
    if not event.from_status:
        return "booking.created"
    if event.from_status == event.to_status:
        return "booking.updated"
    if event.to_status == Booking.Status.CANCELLED:
        return "booking.cancelled"
    return "booking.status_changed"
