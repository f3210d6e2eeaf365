"""Changing several bookings of a visit: all are written before anything is set in motion (contract §7)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import prefetch_related_objects

from bookings import waitlist
from bookings.lifecycle import checks, effects, visit_row
from bookings.lifecycle.change import write
from bookings.lifecycle.edit import SLOT
from bookings.lifecycle.how import How
from bookings.lifecycle.outcome import Outcome
from bookings.lifecycle.session import lock_who_comes
from bookings.lifecycle.written import Written
from bookings.models import Booking
from bookings.slots.busy import Occupied, elsewhere, lock_staff, occupy, release
from staff.access.actor import Actor
from staff.models import SalonSettings


@dataclass(frozen=True, slots=True)
class Step:
    """A locked booking, and what is to change of it."""

    booking: Booking
    changes: Mapping[str, Any]


def change_items(
    steps: Sequence[Step], *, actor: Actor, how: How, salon: SalonSettings, now: datetime
) -> list[Outcome]:
    """All of it or nothing, in the caller's transaction, after the visits were locked."""
    waited = lock_around(steps, zone=salon.zone)
    written = write_items(steps, actor=actor, how=how, salon=salon, now=now)
    return set_in_motion(written, queueing=not waited)


def lock_around(
    steps: Sequence[Step],
    *,
    more_staff: Collection[int] = (),
    more_comings: Collection[waitlist.Coming] = (),
    zone: ZoneInfo,
) -> bool:
    """Everybody whom the steps are with, then clients, then what they wait for, each at once and in id
    order; `more` is what the caller is going to need beside. Gives whether a waitlist entry is locked."""
    lock_staff(
        *{each.booking.staff_id for each in steps},
        *more_staff,
    )
    return lock_who_comes([(each.booking, each.changes) for each in steps], more=more_comings, zone=zone)


def write_items(
    steps: Sequence[Step], *, actor: Actor, how: How, salon: SalonSettings, now: datetime
) -> list[Written]:
    """Every busy time that moves is given up before the first is written, so that they may change places.

    After `lock_around`.
    """
    prefetch_related_objects([each.booking for each in steps], "staff", "service")
    visits = {each.booking.visit.pk: each.booking.visit for each in steps if each.booking.visit is not None}
    placed = [each.booking for each in steps if SLOT & set(each.changes) or not each.booking.stands]
    release(*placed)
    together = replace(how, whole_visit=True, among_others=len(steps) > 1)
    written = [
        write(actor=actor, booking=each.booking, changes=each.changes, how=together, salon=salon, now=now)
        for each in steps
    ]
    changed = {each.made.booking.visit_id for each in written if each is not None}
    for visit in (each for pk, each in visits.items() if pk in changed):
        visit_row.store(visit, now=now)
    closed = [each.booking for each in steps if not each.booking.stands]
    release(*closed)
    overlap = checks.is_deliberate(actor=actor, asked=how.allow_overlap, salon=salon)
    keep_places([each for each in placed if each.stands], beside=closed, overlap=overlap, now=now)
    return [each for each in written if each is not None]


def keep_places(
    placed: Sequence[Booking], *, beside: Sequence[Booking] = (), overlap: bool, now: datetime
) -> None:
    """The busy times of those `placed`, which have none, and of their neighbours in their visits and those of
    bookings `beside` them, whose buffers come and go. Raises Occupied."""
    visits = {each.visit.pk: each.visit for each in (*placed, *beside) if each.visit is not None}
    changed = {each.pk for each in (*placed, *beside)}
    mates = [
        each for visit in visits.values() for each in visit.items if each.pk not in changed and each.stands
    ]
    others = elsewhere(mates)
    release(*others)
    try:
        for each in (*placed, *others):
            occupy(each, overlap=overlap, now=now)
    except Occupied as refused:
        refused.vacated = changed
        raise


def set_in_motion(written: Sequence[Written], *, queueing: bool) -> list[Outcome]:
    """`queueing` as `effects.set_all_in_motion` has it."""
    dues = effects.set_all_in_motion([each.made for each in written], queueing=queueing)
    return [each.where_it_stands().outcome(dues=owed) for each, owed in zip(written, dues, strict=True)]
