"""Changing a series or a class as a whole (contract §6a "series and classes as wholes"; docs/adr/0074).

`scope` says who: `following` and `all` of the series, `session` for everybody in a class. Touched are its
members, scheduled or provisional, that have not begun.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q, prefetch_related_objects
from django.utils import timezone

from bookings.errors import BookingNotFound
from bookings.lifecycle import checks, effects
from bookings.lifecycle.change import write
from bookings.lifecycle.edit import SLOT
from bookings.lifecycle.frozen import with_end
from bookings.lifecycle.how import How
from bookings.lifecycle.locks import VisitChanged, begin_again, lock_bookings
from bookings.lifecycle.outcome import Warning
from bookings.lifecycle.plan_whole import Planner, Step, Unit
from bookings.lifecycle.series import Skipped, naming
from bookings.lifecycle.session import check_all_fit, lock_who_comes
from bookings.lifecycle.written import Written
from bookings.models import Booking, Hold
from bookings.slots import holds
from bookings.slots.busy import lock_staff, release, slot_guard
from staff.access.actor import Actor
from staff.models import SalonSettings
from staff.wire.refusals import BadRequest, Refused
from staff.wire.times import print_when

ONE = "one"
FOLLOWING = "following"
ALL = "all"
SESSION = "session"
SCOPES = (ONE, FOLLOWING, ALL, SESSION)


NOBODY_TOUCHED = Warning(
    "nothing_to_change",
    "No booking in this scope is scheduled or provisional and still to come; nothing was changed.",
)


@dataclass(frozen=True, slots=True)
class Whole:
    """The bookings that are now as asked, by their start; those left where they were."""

    bookings: list[Booking]
    skipped: list[Skipped] = field(default_factory=list)
    warnings: list[Warning] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Locked:
    """The named booking, who is in its scope, and all bookings of the sessions they are in."""

    named: Booking
    members: list[Booking]
    present: list[Booking]

    def session(self, session_id: int) -> list[Booking]:
        return [each for each in self.present if each.session_id == session_id]


@begin_again
def change_whole(
    *,
    actor: Actor,
    booking_id: int,
    scope: str,
    changes: Mapping[str, Any],
    how: How,
    skip_conflicts: bool = False,
    expected_version: int | None = None,
    salon: SalonSettings | None = None,
    now: datetime | None = None,
) -> Whole:
    """Make `changes` (as `change` takes them) to everybody in `scope` of this booking.

    Its new times say by how much the others move (`plan_whole.Shift`), parts that are sent are those of each.
    All or nothing, or without those that the calendar refuses. `expected_version` is the named booking's.
    Raises what `change` raises, naming the occurrence; BadRequest when the booking is in no series.
    """
    salon = salon or SalonSettings.load()
    with slot_guard(actor=actor, zone=salon.zone), transaction.atomic():
        locked = _lock(actor=actor, booking_id=booking_id, scope=scope)
        checks.check_version(locked.named, expected_version)
        changes = with_end(locked.named, changes)
        staff_ids = {each.staff_id for each in locked.present} | {
            changes.get("staff_id", locked.named.staff_id)
        }
        lock_staff(*staff_ids)
        now = now or timezone.now()
        touched = _touched(locked, scope=scope, now=now)
        planner = Planner(
            named=locked.named,
            changes=changes,
            parties=_parties(locked, touched, scope=scope),
            how=how,
            skip_conflicts=skip_conflicts,
            actor=actor,
            salon=salon,
            now=now,
        )
        planned = planner.plan(touched)
        steps = [step for unit in planned.units for step in unit.steps]
        waited = lock_who_comes([(step.booking, step.changes) for step in steps], zone=salon.zone)
        held = [_lift(unit, now=now) for unit in planned.units]
        release(*(step.booking for step in steps if step.gives_up_its_time))
        written = [
            each
            for unit, seats in zip(planned.units, held, strict=True)
            for each in _write(unit, locked, planner, held=seats)
        ]
        warnings = _set_in_motion(written, queueing=not waited)
        return Whole(
            bookings=[step.booking for step in steps],
            skipped=planned.skipped,
            warnings=warnings if touched else [NOBODY_TOUCHED],
        )


def cancel_whole(
    *,
    actor: Actor,
    booking_id: int,
    scope: str,
    how: How,
    expected_version: int | None = None,
    salon: SalonSettings | None = None,
    now: datetime | None = None,
) -> Whole:
    """DELETE with a scope: all of them to `cancelled`. Raises as `change_whole`."""
    return change_whole(
        actor=actor,
        booking_id=booking_id,
        scope=scope,
        changes={"status": Booking.Status.CANCELLED},
        how=how,
        expected_version=expected_version,
        salon=salon,
        now=now,
    )


def _lock(*, actor: Actor, booking_id: int, scope: str) -> _Locked:
    """Everybody in scope and in their sessions, locked; what `actor` may not see is no member.

    Who joined while we waited makes this begin again (VisitChanged). Raises BookingNotFound, BadRequest.
    """
    found = lock_bookings(_with_their_sessions(actor=actor, booking_id=booking_id, scope=scope))
    wanted = _with_their_sessions(actor=actor, booking_id=booking_id, scope=scope)
    if not wanted <= set(found):
        raise VisitChanged
    present = sorted((found[pk] for pk in wanted), key=lambda each: (each.start_at, each.pk))
    prefetch_related_objects(present, "client", "staff", "service")
    members = Booking.objects.visible_to(actor).filter(_in_scope(found[booking_id], scope))
    ids = set(members.order_by().values_list("pk", flat=True))
    return _Locked(found[booking_id], [each for each in present if each.pk in ids], present)


def _with_their_sessions(*, actor: Actor, booking_id: int, scope: str) -> set[int]:
    """The ids of everybody in scope and of all in their sessions. Raises BookingNotFound, BadRequest."""
    named = Booking.objects.visible_to(actor).filter(pk=booking_id).first()
    if named is None:
        raise BookingNotFound
    members = Booking.objects.filter(_in_scope(named, scope))
    sessions = members.order_by().values("session_id")
    return set(Booking.objects.filter(session_id__in=sessions).order_by().values_list("pk", flat=True))


def _in_scope(named: Booking, scope: str) -> Q:
    if scope == SESSION:
        return Q(session_id=named.session_id)
    if named.series_id is None:
        raise BadRequest.field("scope", "this booking is in no series; leave scope out, or send 'one'.")
    return Q(series_id=named.series_id)


def _touched(locked: _Locked, *, scope: str, now: datetime) -> list[Booking]:
    first = locked.named.start_at if scope == FOLLOWING else now
    return [each for each in locked.members if each.stands and each.start_at > now and each.start_at >= first]


def _parties(locked: _Locked, touched: Sequence[Booking], *, scope: str) -> dict[int, uuid.UUID]:
    """A new party for each session of which everybody who stands is touched: they stay together.

    Of another session who is touched leaves alone, as with `change`.
    """
    ids = {each.pk for each in touched}
    parties: dict[int, uuid.UUID] = {}
    for session_id in {each.session_id for each in touched}:
        standing = [each for each in locked.session(session_id) if each.stands]
        whole = all(each.pk in ids for each in standing)
        if whole and (scope == SESSION or len(standing) > 1):
            parties[session_id] = uuid.uuid4()
    return parties


def _lift(unit: Unit, *, now: datetime) -> list[Hold]:
    """The holds that keep seats in a class that moves."""
    if not unit.takes_seats_along:
        return []
    before = unit.steps[0].booking
    return holds.lift(party=before.party, staff_id=before.staff_id, now=now)


def _write(unit: Unit, locked: _Locked, planner: Planner, *, held: Sequence[Hold]) -> list[Written]:
    """The unit's bookings; the closed ones of a session that moves go along, so that all share one time, and
    so do the seats `held` in it."""
    written: list[Written | None] = []
    for step in unit.steps:
        written.append(_write_step(step, party=unit.party, planner=planner))
    moved = unit.steps[0]
    if unit.party is not None and moved.needs_time:
        session = locked.session(moved.booking.session_id)
        place = {name: moved.changes[name] for name in SLOT & set(moved.changes)}
        for closed in (each for each in session if not each.stands):
            follows = Step(closed, place, closed, needs_time=True)
            written.append(_write_step(follows, party=unit.party, planner=planner))
        if held:
            holds.seat(held, beside=moved.booking)
        if held or "service_id" in place:
            check_all_fit(session, held=held)
    return [each for each in written if each is not None]


def _write_step(step: Step, *, party: uuid.UUID | None, planner: Planner) -> Written | None:
    how = replace(planner.how, party=party if step.needs_time else None)
    when = print_when(step.booking.start_at, zone=planner.salon.zone)
    try:
        return write(
            actor=planner.actor,
            booking=step.booking,
            changes=step.changes,
            how=how,
            salon=planner.salon,
            now=planner.now,
        )
    except Refused as refused:
        raise naming(refused, when) from refused


def _set_in_motion(written: Sequence[Written], *, queueing: bool) -> list[Warning]:
    """After all are written: so nobody who waits is offered a time that one of them moves into."""
    dues = effects.set_all_in_motion([each.made for each in written], queueing=queueing)
    outcomes = [each.where_it_stands().outcome(dues=owed) for each, owed in zip(written, dues, strict=True)]
    return list(dict.fromkeys(warning for outcome in outcomes for warning in outcome.warnings))
