"""Where a client who waits could sit: in a free time, or in the session that stands there and has room."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef

from bookings.models import Booking, BusyTime
from bookings.slots.busy import is_free
from bookings.slots.class_seats import held_persons
from staff.models import Service


@dataclass(frozen=True, slots=True)
class Place:
    """`session_id` None: the time is free. Else the session to join; `client_ids` are in it already."""

    session_id: int | None = None
    client_ids: frozenset[int] = frozenset()


def place_at(
    *,
    service: Service,
    staff_id: int,
    start_at: datetime,
    end_at: datetime,
    now: datetime,
    own_holds: Collection[int] = (),
) -> Place | None:
    """A place for one person from `start_at` to `end_at` (UTC), buffers included; None when there is none.

    A read, not a guard. One statement where the time is free, or the service takes one person only.
    """
    starts_at = start_at - timedelta(minutes=service.buffer_before_minutes)
    ends_at = end_at + timedelta(minutes=service.buffer_after_minutes)
    if is_free(staff_id, starts_at, ends_at, now=now, except_holds=own_holds):
        return Place()
    if service.max_capacity == 1:
        return None
    # One that is being moved at this moment has given up its busy times before its row says so.
    stands = Exists(BusyTime.objects.filter(booking_id=OuterRef("pk")))
    members = list(
        Booking.objects.occupying()
        .filter(stands, staff_id=staff_id, service=service, start_at=start_at, end_at=end_at)
        .values_list("session_id", "client_id", "persons", "party")
    )
    sessions = {session_id for session_id, _, _, _ in members}
    if len(sessions) != 1:
        return None
    taken = sum(persons for _, _, persons, _ in members)
    taken += held_persons(party=members[0][3], staff_id=staff_id, now=now, but=own_holds)
    if taken >= service.max_capacity:
        return None
    present = frozenset(client_id for _, client_id, _, _ in members if client_id is not None)
    return Place(sessions.pop(), present)
