"""When one person can do one item of a visit: the rules of `rules.py`, asked of every instant at once.

A rule against one booking is a function of its case; here it is a set of instants. Both read the same agenda,
and tests/bookings/test_chains_model.py holds them against each other and against every minute.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from functools import reduce
from operator import or_
from typing import NamedTuple
from zoneinfo import ZoneInfo

from bookings.errors import HolidayClosed, SlotTaken
from bookings.slots.availability.agenda import Agenda, Terms
from bookings.slots.availability.instants import Axis, lasting
from bookings.slots.availability.rules import RULES
from bookings.slots.stretches import work_parts
from staff.salon.schedule import ONE_DAY, Stretch, dates_between
from staff.wire.times import day_start, local_date

CLIENTS = frozenset(rule.code for rule in RULES)
"""The codes of the rules that bind a client: every one."""

DESK = frozenset({HolidayClosed.code, SlotTaken.code})
"""Of those that bind the desk: what is refused to everybody."""

OF_WHO_IS_CHOSEN = frozenset({"staff_does_not_offer_service", "outside_working_hours", "time_off"})
"""Of those that bind whoever chooses somebody for the client, the desk too (docs/adr/0021)."""

OF_THE_FIRST_START = frozenset({"in_the_past", "min_notice", "beyond_horizon"})
"""Of rules that are asked of a visit's first start alone: each later item is later anyway."""


def binding_for(agenda: Agenda, *, anybody: bool, binding: frozenset[str]) -> frozenset[str]:
    """`binding`, and where `anybody` would do what binds whoever chooses this person.

    Who keeps no hours has none to be outside of.
    """
    if not anybody:
        return binding
    return binding | (
        OF_WHO_IS_CHOSEN if agenda.timetable.keeps_hours else OF_WHO_IS_CHOSEN - {"outside_working_hours"}
    )


class Fit(NamedTuple):
    """One person doing one service, lengths in ticks.

    `starts`: where every part fits, buffers aside. `before_free` are the starts before which the buffer is
    free of others, `after_free` the **ends** after which it is.
    """

    length: int
    before: int
    after: int
    starts: int
    before_free: int
    after_free: int

    @property
    def alone(self) -> int:
        """The starts of it by itself, its buffers free."""
        return self.starts & self.before_free & self.after_free >> self.length

    def cut(self, begin: int, size: int) -> Fit:
        """The same on the piece of the axis that begins at `begin`."""
        piece = (1 << size) - 1
        length, before, after, *places = self
        return Fit(length, before, after, *[each >> begin & piece for each in places])


class Fits:
    """Makes fits on one axis under the rules `binding`; what holds for several items is asked once."""

    def __init__(self, axis: Axis, *, terms: Terms, binding: frozenset[str]) -> None:
        self._axis = axis
        self._free: dict[int, int] = {}
        self._at_work: dict[tuple[int, frozenset[str]], int] = {}
        self._open = axis.all
        if HolidayClosed.code in binding:
            self._open &= ~axis.touched(_days(terms.holidays, zone=terms.zone))
        self._once = axis.all
        if "doubled_hour" in binding:
            self._once &= ~_second_of_doubled_hours(axis, zone=terms.zone)

    def of(self, agenda: Agenda, terms: Terms, *, binding: frozenset[str]) -> Fit:
        """`binding`: as above, and what more binds this person."""
        axis = self._axis
        free = self._free_ticks(agenda)
        at_work = self._work_ticks(agenda, binding)
        length = agenda.duration.length // axis.tick
        before, after = terms.before // axis.tick, terms.after // axis.tick
        starts = self._once & lasting(self._open, length)
        if "staff_does_not_offer_service" in binding and not agenda.offers_service:
            starts = 0
        ends = axis.origin + agenda.duration.length
        for part in work_parts(axis.origin, ends, agenda.duration.parts) if starts else ():
            lasts = (part.end_at - part.start_at) // axis.tick
            starts &= lasting(at_work, lasts) >> axis.place(part.start_at)
        return Fit(
            length=length,
            before=before,
            after=after,
            starts=starts,
            before_free=lasting(free, before) << before & axis.all if before else axis.all,
            after_free=lasting(free, after) if after else axis.all,
        )

    def _free_ticks(self, agenda: Agenda) -> int:
        """When nobody else has this person."""
        known = self._free.get(agenda.staff_id)
        if known is None:
            busy = self._axis.touched((begin, end) for begin, end, _ in agenda.busy)
            known = self._free[agenda.staff_id] = self._axis.all & ~busy
        return known

    def _work_ticks(self, agenda: Agenda, binding: frozenset[str]) -> int:
        """When they may work for this visit."""
        key = (agenda.staff_id, binding)
        known = self._at_work.get(key)
        if known is None:
            known = self._free_ticks(agenda)
            if "outside_working_hours" in binding:
                known &= self._axis.covered(agenda.windows)
            if "time_off" in binding:
                known &= ~self._axis.touched(agenda.away)
            self._at_work[key] = known
        return known


def _days(dates: Iterable[date], *, zone: ZoneInfo) -> list[Stretch]:
    return [Stretch(day_start(day, zone=zone), day_start(day + ONE_DAY, zone=zone)) for day in dates]


def _second_of_doubled_hours(axis: Axis, *, zone: ZoneInfo) -> int:
    """The instants whose wall clock has been shown before; only a day of more than 24 hours has some."""
    days = dates_between(local_date(axis.origin, zone=zone), local_date(axis.at(axis.size), zone=zone))
    long = (day for day in _days(days, zone=zone) if day.end_at - day.start_at > timedelta(hours=24))
    return reduce(
        or_,
        (
            1 << place
            for day in long
            for place in range(max(0, axis.place(day.start_at)), min(axis.size, axis.place_after(day.end_at)))
            if axis.at(place).astimezone(zone).fold
        ),
        0,
    )
