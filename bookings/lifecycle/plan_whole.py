"""Where the bookings of a whole would stand, and what speaks against it, before the first is written.

Read under the locks of all staff members concerned, so that nothing changes in between; the database
guards the writing all the same.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bookings.errors import HolidayClosed, SlotTaken
from bookings.lifecycle import checks
from bookings.lifecycle.edit import SLOT
from bookings.lifecycle.frozen import parts_after
from bookings.lifecycle.how import How
from bookings.lifecycle.series import Skipped, StaffAway, StartSwallowed, naming, printed_wall
from bookings.models import Booking, BusyTime
from bookings.slots.busy import overlapping, taken
from bookings.slots.refused_to_everybody import check_holiday, check_times, find_service
from bookings.slots.stretches import stretches_of, touching, work_parts
from staff.access.actor import Actor
from staff.models import SalonSettings
from staff.salon.schedule import time_off_of
from staff.wire.refusals import Refused
from staff.wire.times import SwallowedTime, parse_when, print_when, wall_clock


@dataclass(frozen=True, slots=True)
class Shift:
    """By how much the named booking moves, and by how much longer it lasts; `length`: how long each does now.

    `wall` is the difference on the salon's wall clock, applied to each booking on its own date: ten o'clock
    stays ten o'clock over daylight saving. A new start without a new end keeps each as long as it is.
    """

    wall: timedelta
    longer: timedelta
    length: timedelta | None = None

    @classmethod
    def of(cls, named: Booking, changes: Mapping[str, Any], *, zone: ZoneInfo) -> Shift:
        """Raises BadRequest for an end that is not after the start."""
        length = named.end_at - named.start_at
        start_at = changes.get("start_at", named.start_at)
        end_at = changes.get("end_at", start_at + length)
        check_times(start_at, end_at)
        lasting = end_at - start_at
        wall = wall_clock(start_at, zone=zone) - wall_clock(named.start_at, zone=zone)
        return cls(wall, lasting - length, lasting if "parts" in changes else None)

    def start_of(self, booking: Booking, *, zone: ZoneInfo) -> datetime:
        """Raises SwallowedTime."""
        if not self.wall:
            return booking.start_at
        return parse_when(printed_wall(wall_clock(booking.start_at, zone=zone) + self.wall), zone=zone)

    def applied(self, booking: Booking, *, zone: ZoneInfo) -> dict[str, datetime]:
        """The booking's new times (UTC). Raises SwallowedTime."""
        start_at = self.start_of(booking, zone=zone)
        length = self.length or booking.end_at - booking.start_at + self.longer
        return {"start_at": start_at, "end_at": start_at + length}


@dataclass(frozen=True, slots=True)
class Step:
    """One booking with what is to change of it. `goal` is its time as it would be, never saved.

    `rows`: the busy times where it wants to be. `fixed`: what refuses it whatever the others do.
    """

    booking: Booking
    changes: dict[str, Any]
    goal: Booking
    needs_time: bool
    rows: Sequence[BusyTime] = ()
    fixed: Refused | None = None

    @property
    def gives_up_its_time(self) -> bool:
        return self.needs_time or not self.goal.stands


@dataclass(slots=True)
class Unit:
    """Who moves together or not at all: a session with its new `party`, or one booking without."""

    party: uuid.UUID | None
    steps: list[Step] = field(default_factory=list)

    @property
    def takes_seats_along(self) -> bool:
        """The seats that holds keep in the class move with it."""
        return self.party is not None and self.steps[0].needs_time


@dataclass(frozen=True, slots=True)
class Plan:
    units: list[Unit]
    skipped: list[Skipped]


@dataclass(frozen=True, slots=True)
class Planner:
    """Plans `changes` for who is in the scope of `named`.

    `parties`: of the sessions that stay together, by session_id.
    """

    named: Booking
    changes: Mapping[str, Any]
    parties: Mapping[int, uuid.UUID]
    how: How
    skip_conflicts: bool
    actor: Actor
    salon: SalonSettings
    now: datetime

    def plan(self, touched: Sequence[Booking]) -> Plan:
        """Raises the first refusal, naming the occurrence, unless conflicts are skipped and one is left."""
        shift = Shift.of(self.named, self.changes, zone=self.salon.zone)
        units: dict[uuid.UUID | int, Unit] = {}
        for booking in touched:
            party = self.parties.get(booking.session_id)
            unit = units.setdefault(party or booking.pk, Unit(party))
            unit.steps.append(self._step(booking, shift))
        refusals = self._refusals(list(units.values()))
        if refusals and (not self.skip_conflicts or len(refusals) == len(units)):
            unit, refused = refusals[0]
            if isinstance(refused, StartSwallowed):
                raise refused
            raise naming(refused, self._wanted_start(unit.steps[0], shift)) from refused
        refused_units = [unit for unit, _ in refusals]
        skipped = [
            Skipped(self._wanted_start(step, shift), refused.code, refused.message, step.booking.pk)
            for unit, refused in refusals
            for step in unit.steps
        ]
        left = [unit for unit in units.values() if unit not in refused_units]
        return Plan(left, sorted(skipped, key=lambda each: each.start_at))

    def _step(self, booking: Booking, shift: Shift) -> Step:
        changes = dict(self.changes)
        fixed: Refused | None = None
        if "start_at" in changes or "end_at" in changes:
            try:
                changes |= shift.applied(booking, zone=self.salon.zone)
            except SwallowedTime as swallowed:
                fixed = StartSwallowed(swallowed)
                changes |= {"start_at": booking.start_at, "end_at": booking.end_at}
        goal = _goal(booking, changes)
        elsewhere = any(getattr(booking, name) != changes[name] for name in SLOT & set(changes))
        needs_time = goal.stands and elsewhere
        if fixed is not None or not needs_time:
            return Step(booking, changes, goal, needs_time, fixed=fixed)
        rows = [
            row
            for row in overlapping(goal.staff_id, stretches_of(goal))
            if row.expires_at is None or row.expires_at > self.now
        ]
        return Step(booking, changes, goal, needs_time, rows, self._fixed_refusal(booking, goal))

    def _fixed_refusal(self, booking: Booking, goal: Booking) -> Refused | None:
        """A holiday is in the way of other times, time off of another person as well."""
        moves = (goal.start_at, goal.end_at) != (booking.start_at, booking.end_at)
        if moves:
            try:
                check_holiday(goal.start_at, goal.end_at, zone=self.salon.zone)
            except HolidayClosed as closed:
                return closed
        if not self.skip_conflicts or (not moves and goal.staff_id == booking.staff_id):
            return None
        away = time_off_of([goal.staff_id], start_at=goal.start_at, end_at=goal.end_at)[goal.staff_id]
        work = work_parts(goal.start_at, goal.end_at, goal.parts)
        return StaffAway() if touching(work, away) else None

    def _refusals(self, units: Sequence[Unit]) -> list[tuple[Unit, Refused]]:
        """Every unit that cannot move, by their order; without skipping the first one is enough.

        One that stays may be in the way of others, so after each refusal all the others are asked anew.
        """
        refused: list[tuple[int, Refused]] = []
        while True:
            staying = {index for index, _ in refused}
            moving = [(index, unit) for index, unit in enumerate(units) if index not in staying]
            found = self._first_refusal(moving)
            if found is None:
                return [(units[index], why) for index, why in sorted(refused, key=lambda each: each[0])]
            refused.append(found)
            if not self.skip_conflicts:
                return [(units[found[0]], found[1])]

    def _first_refusal(self, moving: Sequence[tuple[int, Unit]]) -> tuple[int, Refused] | None:
        vacated = {step.booking.pk for _, unit in moving for step in unit.steps if step.gives_up_its_time}
        lifted = {unit.steps[0].booking.party for _, unit in moving if unit.takes_seats_along}
        overlap = checks.is_deliberate(actor=self.actor, asked=self.how.allow_overlap, salon=self.salon)
        placed: list[Booking] = []
        for index, unit in moving:
            for step in unit.steps:
                if step.fixed is not None:
                    return index, step.fixed
                if step.needs_time and not overlap:
                    if any(row.booking_id not in vacated and row.party not in lifted for row in step.rows):
                        return index, taken(
                            step.goal, actor=self.actor, zone=self.salon.zone, vacated=vacated
                        )
                    if _meets(step.goal, placed):
                        return index, SlotTaken()
            placed += [step.goal for step in unit.steps if step.needs_time]
        return None

    def _wanted_start(self, step: Step, shift: Shift) -> str:
        """Printed, also where the clocks skip it."""
        zone = self.salon.zone
        try:
            return print_when(shift.start_of(step.booking, zone=zone), zone=zone)
        except SwallowedTime as swallowed:
            return printed_wall(swallowed.wall)


def _goal(booking: Booking, changes: Mapping[str, Any]) -> Booking:
    """Raises BadRequest for a service that is not offered."""
    another = None
    if changes.get("service_id", booking.service_id) != booking.service_id:
        another = find_service(changes["service_id"])
    buffered: Any = another or booking
    staff_id = changes.get("staff_id", booking.staff_id)
    start_at, end_at = changes.get("start_at", booking.start_at), changes.get("end_at", booking.end_at)
    return Booking(
        pk=booking.pk,
        staff_id=staff_id,
        start_at=start_at,
        end_at=end_at,
        status=changes.get("status", booking.status),
        buffer_before_minutes=buffered.buffer_before_minutes,
        buffer_after_minutes=buffered.buffer_after_minutes,
        parts=parts_after(booking, changes, another=another, staff_id=staff_id, length=end_at - start_at),
    )


def _meets(goal: Booking, placed: Collection[Booking]) -> bool:
    wanted = stretches_of(goal)
    return any(other.staff_id == goal.staff_id and touching(wanted, stretches_of(other)) for other in placed)
