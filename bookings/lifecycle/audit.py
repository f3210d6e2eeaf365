"""The audit row of every change: from, to, who, through which channel, why, when (contract §1.3)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bookings.models import Booking, BookingEvent
from staff.access.actor import Actor
from staff.storage.prepared_statements import new_row
from staff.storage.prepared_writes import PreparedInsert


def record(
    booking: Booking,
    *,
    actor: Actor,
    from_status: str,
    changes: Mapping[str, Any],
    reason: str,
    now: datetime,
) -> BookingEvent:
    """Write the row; its id is the identity of the change for every job that the change causes."""
    event = new_row(
        BookingEvent,
        booking=booking,
        at=now,
        door=actor.channel,
        actor_type=actor.type,
        actor_id=actor.id,
        actor_name=actor.name,
        from_status=from_status,
        to_status=booking.status,
        changes=dict(changes),
        reason=reason,
    )
    _STORE.write([event])
    return event


_STORE = PreparedInsert(BookingEvent)
