"""Where a client who waits could sit: in a free time, or in the session that stands there and has room."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef

from bookings.models import Booking, BusyTime
from bookings.slots.busy import is_free
from bookings.slots.class_seats import held_persons
from bookings.slots.holds import wanted_booking
from bookings.slots.stretches import stretches_of
from staff.models import Service
from staff.salon.durations import duration_of
from staff.salon.parts import Parts, fitted


@dataclass(frozen=True, slots=True)
class Place:
    """`session_id` None: the time is free. Else the session to join; `client_ids` are in it already.

    `parts`: what a booking there would freeze.
    """

    session_id: int | None = None
    client_ids: frozenset[int] = frozenset()
    parts: Parts = ()


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

    A read, not a guard. Two statements where the time is free, or the service takes one person only.
    """
    parts = fitted(duration_of(service, staff_id).parts, end_at - start_at)
    wanted = wanted_booking(staff_id, service, start_at, end_at, parts)
    if is_free(staff_id, stretches_of(wanted), now=now, except_holds=own_holds):
        return Place(parts=parts)
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
