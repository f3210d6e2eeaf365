"""What a block of the agenda says beyond its booking's own row (contract §11 "a block").

Times are UTC. Whoever widens a booking by its buffers asks `bookings.slots.stretches`, as here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.expressions import Combinable

from bookings.models import Booking, NoShowFee
from bookings.slots.neighbours import Buffers, VisitItem, buffers_within
from bookings.slots.stretches import busy_stretches, work_parts
from staff.access.actor import Actor
from staff.salon.parts import Parts

BUFFER, WORK, GAP = "buffer", "work", "gap"


class Piece(NamedTuple):
    """A stretch of a block: a buffer that is kept, work, or a gap in which the person is free."""

    kind: str
    start_at: datetime
    end_at: datetime


def pieces(start_at: datetime, end_at: datetime, *, parts: Parts, kept: Buffers | None) -> list[Piece]:
    """In their order, without a hole between them. `kept` None: it occupies nobody, so it keeps no buffer."""
    work = work_parts(start_at, end_at, parts)
    found = [Piece(WORK, work[0].start_at, work[0].end_at)]
    for earlier, later in pairwise(work):
        found.append(Piece(GAP, earlier.end_at, later.start_at))
        found.append(Piece(WORK, later.start_at, later.end_at))
    if kept is None:
        return found
    busy = busy_stretches(start_at, end_at, parts=parts, before=kept.before, after=kept.after)
    if busy[0].start_at < start_at:
        found.insert(0, Piece(BUFFER, busy[0].start_at, start_at))
    if busy[-1].end_at > end_at:
        found.append(Piece(BUFFER, end_at, busy[-1].end_at))
    return found


@dataclass(frozen=True, slots=True)
class Together:
    """The visits of bookings: the ids of what is in each, in its order, and the buffers of what stands."""

    booking_ids: Mapping[int, Sequence[int]]
    kept: Mapping[int, Buffers]


@dataclass(slots=True)
class _Visit:
    ids: list[int] = field(default_factory=list)
    standing: list[int] = field(default_factory=list)
    items: list[VisitItem] = field(default_factory=list)


def together(shown: QuerySet[Booking], *, actor: Actor) -> Together:
    """Of the visits of the bookings `shown`, as far as `actor` may see; cancelled ones are left out. One
    statement: an item that lies beyond the days that are looked at takes a buffer all the same."""
    mates = Booking.objects.visible_to(actor).exclude(status=Booking.Status.CANCELLED)
    rows = mates.filter(visit_id__in=shown.order_by().values("visit_id")).order_by("position", "pk")
    visits: dict[int, _Visit] = defaultdict(_Visit)
    for visit_id, pk, status, staff_id, start_at, end_at, before, after in rows.values_list(
        "visit_id", "pk", "status", "staff_id", "start_at", "end_at", *_BUFFERS
    ):
        visit = visits[visit_id]
        visit.ids.append(pk)
        if status in Booking.OCCUPYING:
            alone = (timedelta(minutes=before), timedelta(minutes=after))
            visit.standing.append(pk)
            visit.items.append(VisitItem(staff_id, start_at, end_at, *alone))
    kept: dict[int, Buffers] = {}
    for visit in visits.values():
        kept.update(zip(visit.standing, buffers_within(visit.items), strict=True))
    return Together({visit_id: each.ids for visit_id, each in visits.items()}, kept)


_BUFFERS = ("buffer_before_minutes", "buffer_after_minutes")


class Fee(NamedTuple):
    id: int
    state: str
    amount_minor: int
    currency: str

    @property
    def counts(self) -> bool:
        """It is owed, or was paid."""
        return self.state in (NoShowFee.State.DUE, NoShowFee.State.PAID)


def newest_fees(shown: QuerySet[Booking]) -> dict[int, Fee]:
    """The newest no-show fee of each of the bookings `shown` that has one, by booking id. One statement."""
    rows = NoShowFee.objects.filter(booking_id__in=shown.order_by().values("pk")).order_by("pk")
    return {booking_id: Fee(*about) for booking_id, *about in rows.values_list("booking_id", *Fee._fields)}


def comes_first() -> Combinable:
    """Of a booking: nothing of its client's that took place, or is to, begins before it, its own visit left
    aside. Whose agenda it is on does not matter: the person is new to the salon, or is not."""
    missed = (Booking.Status.CANCELLED, Booking.Status.NO_SHOW)
    own_visit = Q(visit_id=OuterRef("visit_id")) | Q(pk=OuterRef("pk"))
    earlier = Booking.objects.filter(client_id=OuterRef("client_id"), start_at__lt=OuterRef("start_at"))
    return ~Exists(earlier.exclude(status__in=missed).exclude(own_visit).order_by())
