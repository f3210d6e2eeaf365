"""When a booking keeps its staff member busy: a stretch for each part that is work (contract §7).

Whoever asks when somebody is busy asks here; nobody else widens start_at and end_at. Times are UTC, minutes
are elapsed ones (a gap over a night on which the clocks change stays as long as it is), ranges half-open.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from bookings.models import Booking
from bookings.slots.neighbours import VisitItem, buffers_within
from staff.salon.parts import WORK, Parts
from staff.salon.schedule import Stretch


class WorkPart(NamedTuple):
    """A part in which the person is with the client; `number` counts all parts, gaps too, from 1."""

    start_at: datetime
    end_at: datetime
    number: int


def work_parts(start_at: datetime, end_at: datetime, parts: Parts) -> list[WorkPart]:
    """The parts of this time that are work, without buffers; the last one goes on until `end_at`.

    The whole time is one part where there are none, or more than go into it (an older release has written
    the end).
    """
    if not parts:
        return [WorkPart(start_at, end_at, 1)]
    found: list[WorkPart] = []
    reached = start_at
    for number, part in enumerate(parts, start=1):
        until = end_at if number == len(parts) else reached + timedelta(minutes=part["minutes"])
        if part["kind"] == WORK:
            found.append(WorkPart(reached, until, number))
        reached = until
    return found if found[-1].start_at < end_at else [WorkPart(start_at, end_at, 1)]


def busy_stretches(
    start_at: datetime, end_at: datetime, *, parts: Parts, before: timedelta, after: timedelta
) -> list[Stretch]:
    """The work parts, with the buffers `before` the first and `after` the last of them."""
    work = work_parts(start_at, end_at, parts)
    last = len(work) - 1
    return [
        Stretch(
            each.start_at - before if place == 0 else each.start_at,
            each.end_at + after if place == last else each.end_at,
        )
        for place, each in enumerate(work)
    ]


def envelope(
    start_at: datetime, end_at: datetime, *, before: timedelta, after: timedelta
) -> tuple[datetime, datetime]:
    """From the first to the last busy instant: where nobody is in it, nobody is in any of the stretches."""
    return start_at - before, end_at + after


def stretches_of(booking: Booking) -> list[Stretch]:
    """What the booking occupies: its frozen parts, widened by its frozen buffers.

    Towards a neighbour in its visit it keeps none (`bookings.slots.neighbours`).
    """
    visit = None if booking.visit_id is None else booking.visit
    mates = [
        each
        for each in (() if visit is None else visit.items)
        if each.pk != booking.pk and each.stands and each.staff_id == booking.staff_id
    ]
    kept = buffers_within([_as_item(each) for each in (booking, *mates)])[0]
    return busy_stretches(
        booking.start_at, booking.end_at, parts=booking.parts, before=kept.before, after=kept.after
    )


def _as_item(booking: Booking) -> VisitItem:
    return VisitItem(
        booking.staff_id,
        booking.start_at,
        booking.end_at,
        timedelta(minutes=booking.buffer_before_minutes),
        timedelta(minutes=booking.buffer_after_minutes),
    )


def touching(some: Iterable[Stretch | WorkPart], others: Sequence[Stretch | WorkPart]) -> bool:
    """Whether one of these and one of the others have an instant in common."""
    return any(
        one.start_at < other.end_at and other.start_at < one.end_at for one in some for other in others
    )
