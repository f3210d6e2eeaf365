"""Seats in classes: who stands at a time, and how many persons more there is room for (contract §6a).

Room is the service's max_capacity without the persons of live bookings and of live holds. A read: what
is decided by it is decided under the staff member's lock.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, QuerySet, Sum

from bookings.models import Booking, BusyTime
from staff.models import Service


@dataclass(frozen=True, slots=True)
class Standing:
    """A class at one time with one staff member; `session_id` None: only holds stand there so far."""

    staff_id: int
    party: uuid.UUID
    session_id: int | None
    start_at: datetime
    end_at: datetime
    taken: int

    def seats_left(self, service: Service) -> int:
        return max(0, service.max_capacity - self.taken)


def standing_at(*, service: Service, staff_id: int, start_at: datetime, now: datetime) -> Standing | None:
    """The class of this service that begins then; None without one, or where two parties overlap."""
    found = standing_between(service=service, staff_ids=[staff_id], begins=start_at, ends=start_at, now=now)
    return found[0] if len(found) == 1 else None


def standing_between(
    *, service: Service, staff_ids: Collection[int], begins: datetime, ends: datetime, now: datetime
) -> list[Standing]:
    """The classes of this service that begin then (UTC, both inclusive), by their start. Two statements."""
    # One that is being moved at this moment has given up its busy times before its row says so.
    stands = Exists(BusyTime.objects.filter(booking_id=OuterRef("pk")))
    booked = (
        Booking.objects.occupying()
        .filter(stands, staff_id__in=staff_ids, service=service, start_at__gte=begins, start_at__lte=ends)
        .order_by("pk")
        .values_list("staff_id", "party", "session_id", "start_at", "end_at", "persons")
    )
    held = (
        _live_holds(now=now)
        .filter(
            staff_id__in=staff_ids,
            hold__service=service,
            hold__start_at__gte=begins,
            hold__start_at__lte=ends,
        )
        .order_by("pk")
        .values_list("staff_id", "party", "hold__start_at", "hold__end_at", "hold__persons")
    )
    found: dict[tuple[int, uuid.UUID], Standing] = {}
    rows = [*booked, *((who, party, None, start, end, many) for who, party, start, end, many in held)]
    for staff_id, party, session_id, start_at, end_at, persons in rows:
        known = found.get((staff_id, party))
        found[staff_id, party] = Standing(
            staff_id=staff_id,
            party=party,
            session_id=session_id if known is None else known.session_id,
            start_at=start_at if known is None else known.start_at,
            end_at=end_at if known is None else known.end_at,
            taken=persons + (0 if known is None else known.taken),
        )
    return sorted(found.values(), key=lambda each: (each.start_at, each.staff_id))


def party_of_seats(*, service: Service, staff_id: int, start_at: datetime, now: datetime) -> uuid.UUID | None:
    """The party under which seats alone are kept there: of a class in which nobody is booked (any more).

    None where somebody overlaps them deliberately: that is to be asked of the database.
    """
    if service.max_capacity == 1:
        return None
    standing = standing_at(service=service, staff_id=staff_id, start_at=start_at, now=now)
    if standing is None or standing.session_id is not None:
        return None
    booked = BusyTime.objects.filter(staff_id=staff_id, party=standing.party, booking__isnull=False)
    return None if booked.exists() else standing.party


def held_persons(*, party: uuid.UUID, staff_id: int, now: datetime, but: Collection[int] = ()) -> int:
    """For how many persons seats of this party are kept, without the holds `but`."""
    held = _live_holds(now=now).filter(staff_id=staff_id, party=party).exclude(hold_id__in=list(but))
    persons: int | None = held.aggregate(persons=Sum("hold__persons"))["persons"]
    return persons or 0


def _live_holds(*, now: datetime) -> QuerySet[BusyTime]:
    """A hold without its busy time has been given up."""
    return BusyTime.objects.filter(hold__isnull=False, expires_at__gt=now)
