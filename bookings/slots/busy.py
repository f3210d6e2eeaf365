"""Writing busy times: how a booking occupies its staff member (contract §1.3; docs/adr/0003).

Every function runs inside the caller's transaction, after `lock_staff`. The database refuses two
parties at one instant; `slot_guard` turns its refusal into SlotTaken.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import reduce
from itertools import pairwise
from operator import or_
from zoneinfo import ZoneInfo

from django.db import IntegrityError
from django.db.models import BigAutoField, DateTimeField, Max, Q, QuerySet
from django.utils import timezone

from bookings.errors import SlotTaken
from bookings.models import Booking, BusyTime
from bookings.slots.sqlite_guard import GUARD_NAME
from bookings.slots.stretches import stretches_of
from staff.access.actor import Actor
from staff.models import Staff
from staff.salon.schedule import Stretch
from staff.storage.prepared_statements import Blank, BlankIds, PreparedRows, new_row
from staff.storage.prepared_writes import PreparedDelete, PreparedInsert
from staff.wire.refusals import ConflictingBookingJson
from staff.wire.times import print_when

KEPT = "That time is kept for somebody until {until}; wait or choose another time."

LONGEST_BUSY = timedelta(days=3)
"""A booking lasts at most a day, its buffers at most a day each: bounds every look-up by index."""


class Occupied(IntegrityError):
    """The database refused the times of `wanted`: another party is there (`slot_guard` makes words of it)."""

    def __init__(self, wanted: Booking) -> None:
        super().__init__(GUARD_NAME)
        self.wanted = wanted
        self.vacated: Collection[int] = ()
        """The ids of bookings that were to give up their places in the same transaction."""


def lock_staff(*staff_ids: int) -> dict[int, Staff]:
    """Lock these staff rows in id order, so that writers queue instead of deadlocking (reliability §2)."""
    if len(set(staff_ids)) == 1:
        return {person.pk: person for person in _LOCKED_ONE.all(id=staff_ids[0])}
    return {person.pk: person for person in _locked().filter(pk__in=set(staff_ids)).order_by("pk")}


def _locked() -> QuerySet[Staff]:
    return Staff.objects.select_for_update(no_key=True, of=("self",))


_LOCKED_ONE = PreparedRows(Staff, lambda: _locked().filter(pk=Blank("id", BigAutoField())).order_by())


def forget_expired(staff_id: int, *, now: datetime) -> None:
    """Delete this staff member's expired holds: a constraint knows no clock."""
    BusyTime.objects.filter(_expired(staff_id, now=now)).delete()


def _expired(staff_id: int, *, now: datetime) -> Q:
    return Q(staff_id=staff_id, expires_at__isnull=False, expires_at__lte=now)


def occupy(booking: Booking, *, overlap: bool, now: datetime) -> None:
    """Write the booking's busy times in place of those it had.

    An ordinary booking writes one row of its own party for each part that is work, and the database refuses
    it where another party is. A deliberate `overlap` is cut at the edges of the rows it overlaps: each
    segment takes the party of who is there, the rest its own. Raises Occupied.
    """
    _VACATE.run(booking_id=booking.pk, staff_id=booking.staff_id, now=now)
    stretches = stretches_of(booking)
    segments = [(*stretch, booking.party) for stretch in stretches]
    if overlap:
        present = overlapping(booking.staff_id, stretches)
        segments = [
            segment for stretch in stretches for segment in _cut(stretch, booking.party, present=present)
        ]
    write_times(
        (
            new_row(
                BusyTime,
                staff_id=booking.staff_id,
                party=party,
                starts_at=start,
                ends_at=end,
                booking_id=booking.pk,
            )
            for start, end, party in segments
        ),
        wanted=booking,
    )


def write_times(times: Iterable[BusyTime], *, wanted: Booking) -> None:
    """Write the busy times of `wanted`. Raises Occupied where another party is."""
    try:
        _OCCUPY.write(times)
    except IntegrityError as error:
        if GUARD_NAME not in str(error):
            raise
        raise Occupied(wanted) from error


_OCCUPY = PreparedInsert(BusyTime)
_VACATE = PreparedDelete(
    lambda: BusyTime.objects.filter(
        Q(booking_id=Blank("booking_id", BigAutoField()))
        | Q(
            staff_id=Blank("staff_id", BigAutoField()),
            expires_at__isnull=False,
            expires_at__lte=Blank("now", DateTimeField()),
        )
    )
)
"""What the booking had, and what has expired of the staff member's: a constraint knows no clock."""


def elsewhere(bookings: Collection[Booking]) -> list[Booking]:
    """Those of them whose busy times do not lie where they belong now; one statement, none for nobody."""
    if not bookings:
        return []
    stored: dict[int, list[tuple[datetime, datetime]]] = {each.pk: [] for each in bookings}
    rows = BusyTime.objects.filter(booking_id__in=stored).order_by("starts_at", "id")
    for booking_id, starts_at, ends_at in rows.values_list("booking_id", "starts_at", "ends_at"):
        stored[booking_id].append((starts_at, ends_at))
    return [each for each in bookings if _joined(stored[each.pk]) != _joined(stretches_of(each))]


def _joined(stretches: Iterable[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    """What touches is one: a deliberate overlap is stored in pieces."""
    joined: list[tuple[datetime, datetime]] = []
    for starts_at, ends_at in stretches:
        if joined and joined[-1][1] == starts_at:
            joined[-1] = (joined[-1][0], ends_at)
        else:
            joined.append((starts_at, ends_at))
    return joined


def release(*bookings: Booking) -> None:
    """The bookings occupy nobody any more; one statement, none for nobody."""
    if bookings:
        _RELEASE.run(ids=[each.pk for each in bookings])


_RELEASE = PreparedDelete(lambda: BusyTime.objects.filter(booking_id__in=BlankIds("ids")))


def overlapping(staff_id: int, stretches: Iterable[Stretch]) -> list[BusyTime]:
    """This staff member's busy times that touch one of the stretches, expired holds included."""
    return list(_touching(staff_id, stretches).order_by("starts_at", "id"))


def _touching(staff_id: int, stretches: Iterable[Stretch]) -> QuerySet[BusyTime]:
    touched = (
        Q(
            starts_at__lt=stretch.end_at,
            starts_at__gte=stretch.start_at - LONGEST_BUSY,
            ends_at__gt=stretch.start_at,
        )
        for stretch in stretches
    )
    return BusyTime.objects.filter(reduce(or_, touched), staff_id=staff_id)


def _cut(
    stretch: Stretch, own: uuid.UUID, *, present: list[BusyTime]
) -> list[tuple[datetime, datetime, uuid.UUID]]:
    starts_at, ends_at = stretch
    edges = {starts_at, ends_at}
    for row in present:
        edges.update(edge for edge in (row.starts_at, row.ends_at) if starts_at < edge < ends_at)
    ordered = sorted(edges)
    segments: list[tuple[datetime, datetime, uuid.UUID]] = []
    for start, end in pairwise(ordered):
        party = next((row.party for row in present if row.starts_at < end and row.ends_at > start), own)
        if segments and segments[-1][2] == party:
            segments[-1] = (segments[-1][0], end, party)
        else:
            segments.append((start, end, party))
    return segments


@contextmanager
def slot_guard(*, actor: Actor, zone: ZoneInfo) -> Iterator[None]:
    """Turn the database's refusal inside the block into SlotTaken.

    The conflicts named are only those `actor` may see. Must stand outside the transaction that is refused.
    """
    try:
        yield
    except Occupied as refused:
        raise taken(refused.wanted, actor=actor, zone=zone, vacated=refused.vacated) from refused


def taken(wanted: Booking, *, actor: Actor, zone: ZoneInfo, vacated: Collection[int] = ()) -> SlotTaken:
    """The refusal of `wanted`, with what stands in its way; the bookings `vacated` give up their time."""
    conflicts = conflicts_of(wanted, actor=actor, zone=zone, vacated=vacated)
    until = None if conflicts else _kept_until(wanted, now=timezone.now())
    message = None if until is None else KEPT.format(until=print_when(until, zone=zone))
    return SlotTaken(message, conflicts=conflicts)


def _kept_until(booking: Booking, *, now: datetime) -> datetime | None:
    """When the last hold or waitlist offer in the way of `booking` ends; None where there is none."""
    held = _touching(booking.staff_id, stretches_of(booking)).filter(expires_at__gt=now)
    until: datetime | None = held.aggregate(until=Max("expires_at"))["until"]
    return until


def conflicts_of(
    booking: Booking, *, actor: Actor, zone: ZoneInfo, vacated: Collection[int] = ()
) -> list[ConflictingBookingJson]:
    """What stands in the way of `booking`, as contract §0 prints it on 409 slot_taken."""
    ids = {
        row.booking_id
        for row in overlapping(booking.staff_id, stretches_of(booking))
        if row.booking_id is not None and row.booking_id != booking.pk and row.booking_id not in vacated
    }
    return [
        {
            "booking_id": pk,
            "start_at": print_when(start_at, zone=zone),
            "end_at": print_when(end_at, zone=zone),
        }
        for pk, start_at, end_at in Booking.objects.visible_to(actor)
        .filter(pk__in=ids)
        .order_by("start_at", "id")
        .values_list("pk", "start_at", "end_at")
    ]


def is_free(
    staff_id: int,
    stretches: Iterable[Stretch],
    *,
    now: datetime,
    except_holds: Collection[int] = (),
) -> bool:
    """Nobody live is there: a read for offers and pages, never the guard itself."""
    return (
        not _touching(staff_id, stretches)
        .filter(Q(expires_at__isnull=True) | Q(expires_at__gt=now))
        .exclude(hold_id__in=list(except_holds))
        .exists()
    )
