"""Visits of several items: where they can begin, who does what, and why not (contract §7; docs/adr/0084).

Item by item: an item begins once all before it have ended, at most `visit_max_wait_minutes` later, whole
minutes after; or with the item before it, and then somebody else does it; or at an instant of its own, and
then no wait is too long. Each part that is work keeps the rules of one booking, between neighbouring items of
one person are no buffers, and all is over within twelve hours. A start is offered exactly when the items can
be assigned.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import NamedTuple

from bookings.errors import SlotTaken
from bookings.slots.availability.agenda import Agenda, Terms
from bookings.slots.availability.chain import Chain, Item, Limits
from bookings.slots.availability.chain_search import Nearest, Search
from bookings.slots.availability.fits import CLIENTS, OF_THE_FIRST_START, Fits, binding_for
from bookings.slots.availability.instants import ONE_SECOND, Axis
from bookings.slots.availability.rules import RULES, Case, Objection, first_objection_to
from bookings.slots.availability.starts import COARSEST_LOOK, grid_of, looks_over
from bookings.slots.availability.visit_agendas import LONGEST_VISIT, VisitAgendas, read_visit_agendas
from bookings.slots.availability.wishes import Wish
from staff.access.actor import Actor
from staff.models import SalonSettings
from staff.salon.parts import ONE_MINUTE, Parts
from staff.salon.schedule import ONE_DAY, Stretch, dates_between
from staff.wire.times import day_start, local_date

NOBODY = Objection("staff_does_not_offer_service", "Nobody who may be booked offers this service.")
ANOTHER_PERSON = Objection(
    "another_person", "It begins with the item before it, and whoever could do it has that item."
)
TOO_EARLY = Objection("items_overlap", "It would begin before the items before it have ended.")
TOO_LONG = Objection("visit_too_long", "With it the visit would last more than 12 hours.")
TAKEN = Objection(SlotTaken.code, SlotTaken.message)

_TABLE = {rule.code: place for place, rule in enumerate(RULES)}


class Placed(NamedTuple):
    """One item, with whom and when (UTC); `parts` are that person's, as kept."""

    staff_id: int
    start_at: datetime
    end_at: datetime
    parts: Parts


@dataclass(frozen=True, slots=True)
class Misfit:
    """Why a visit cannot begin: `item`, counted from 1, does not fit. `stretch`: where it would be,
    with `staff_id` (None: nobody comes into question)."""

    item: int
    objection: Objection
    staff_id: int | None = None
    stretch: Stretch | None = None


@dataclass(frozen=True, slots=True)
class BlockedVisits:
    """Every start from `start_at` up to, but not including, `end_at` (UTC) is refused for this item."""

    start_at: datetime
    end_at: datetime
    item: int
    objection: Objection


@dataclass(frozen=True, slots=True)
class VisitDay:
    """One salon date, with the visits that can begin on it, by time. `blocked` is empty unless it was asked
    for."""

    date: date
    starts: list[list[Placed]]
    blocked: list[BlockedVisits]


def chain_starts(
    wishes: Sequence[Wish],
    *,
    first: date,
    last: date,
    salon: SalonSettings,
    now: datetime,
    explain_to: Actor | None = None,
    moving: Collection[int] = (),
) -> list[VisitDay]:
    """The visits that can begin on each salon date from `first` to `last`, as they are best assigned.

    Looked at are the grids of everybody who may do the first item; what `assign` says of such a start is
    what is offered. With `explain_to` also why the others are refused, as `explain` says it. The bookings
    `moving` occupy nobody. Eight statements, whatever the number of people, items and days.
    """
    known = read_visit_agendas(wishes, first, last, salon=salon, now=now, viewer=explain_to, moving=moving)
    return starts_among(known, first=first, last=last, salon=salon, explain=explain_to is not None)


def starts_among(
    known: VisitAgendas,
    *,
    first: date,
    last: date,
    salon: SalonSettings,
    explain: bool = False,
    but: Collection[datetime] = (),
) -> list[VisitDay]:
    """As `chain_starts`, of what was read for these dates; the starts `but` are not looked at."""
    begins, ends = day_start(first, zone=salon.zone), day_start(last + ONE_DAY, zone=salon.zone)
    plan = Plan(known, begins, ends, tick=ONE_MINUTE, waits=salon.visit_max_wait_minutes, binding=CLIENTS)
    step = timedelta(minutes=salon.slot_step_minutes)
    return [_visit_day(plan, day, step=step, explain=explain, but=but) for day in dates_between(first, last)]


def assign(
    wishes: Sequence[Wish],
    *,
    start_at: datetime,
    salon: SalonSettings,
    now: datetime,
    binding: frozenset[str] = CLIENTS,
    moving: Collection[int] = (),
) -> list[Placed] | None:
    """The preferred assignment of a visit that begins at `start_at` (UTC), or None where there is none.

    `binding`: the rules that count, CLIENTS or DESK (what is refused to everybody; but somebody is chosen for
    "anybody" only where they work and are not away). A read: what is decided by it is decided under the
    locks of `everybody_in(wishes)`. The bookings `moving` occupy nobody. Eight statements.
    """
    return assign_earliest(wishes, starts=[start_at], salon=salon, now=now, bindings=[binding], moving=moving)


def assign_earliest(
    wishes: Sequence[Wish],
    *,
    starts: Sequence[datetime],
    salon: SalonSettings,
    now: datetime,
    bindings: Sequence[frozenset[str]],
    moving: Collection[int] = (),
) -> list[Placed] | None:
    """As `assign`, at the first of `starts` (ascending, whole minutes apart) that has an assignment, under
    the first of `bindings` under which it has one. Eight statements for all of them."""
    within = [each for each in starts if _out_of_reach(wishes, each) is None]
    if not within:
        return None
    known = _read_for(wishes, within, salon=salon, now=now, moving=moving)
    plans = [_plan_for(known, within, salon=salon, binding=each) for each in bindings]
    found = (plan.assign(start_at) for start_at in within for plan in plans)
    return next((placed for placed in found if placed is not None), None)


def explain(
    wishes: Sequence[Wish],
    *,
    start_at: datetime,
    salon: SalonSettings,
    now: datetime,
    binding: frozenset[str] = CLIENTS,
    viewer: Actor | None = None,
) -> Misfit | None:
    """Why `assign` finds nothing; None where it finds something.

    Named is the first item with which the items up to it cannot be assigned, and the first rule of the
    table against it where it would begin after the others, done by the lowest ids as early as they can; of
    several people the one against whom the last rule speaks (that somebody is taken says more than that
    others do not work). Eight statements.
    """
    misfit = _out_of_reach(wishes, start_at)
    if misfit is not None:
        return misfit
    known = _read_for(wishes, [start_at], salon=salon, now=now, viewer=viewer)
    return _plan_for(known, [start_at], salon=salon, binding=binding).explain(start_at)


def _out_of_reach(wishes: Sequence[Wish], start_at: datetime) -> Misfit | None:
    """The first item with an instant of its own at which no visit from `start_at` on can have one."""
    for number, wish in enumerate(wishes, start=1):
        if wish.start_at is not None and wish.start_at < start_at:
            return Misfit(number, TOO_EARLY)
        if wish.start_at is not None and wish.start_at >= start_at + LONGEST_VISIT:
            return Misfit(number, TOO_LONG)
    return None


def _read_for(
    wishes: Sequence[Wish],
    starts: Sequence[datetime],
    *,
    salon: SalonSettings,
    now: datetime,
    viewer: Actor | None = None,
    moving: Collection[int] = (),
) -> VisitAgendas:
    first, last = (local_date(each, zone=salon.zone) for each in (starts[0], starts[-1]))
    return read_visit_agendas(wishes, first, last, salon=salon, now=now, viewer=viewer, moving=moving)


def _plan_for(
    known: VisitAgendas, starts: Sequence[datetime], *, salon: SalonSettings, binding: frozenset[str]
) -> Plan:
    fixed = [wish.start_at for wish in known.wishes if wish.start_at is not None]
    on_the_minute = all((each - starts[0]) % ONE_MINUTE == timedelta() for each in fixed)
    return Plan(
        known,
        starts[0],
        starts[-1] + ONE_MINUTE,
        tick=ONE_MINUTE if on_the_minute else ONE_SECOND,
        waits=salon.visit_max_wait_minutes,
        binding=binding,
    )


class Plan:
    """What is known, on an axis, for starts from `begins` to `ends` under the rules `binding`."""

    def __init__(
        self,
        known: VisitAgendas,
        begins: datetime,
        ends: datetime,
        *,
        tick: timedelta,
        waits: int,
        binding: frozenset[str],
    ) -> None:
        origin = begins - known.margin
        self.known = known
        self.lasting = [
            {who: (each.duration.length, each.duration.parts) for who, each in agendas.items()}
            for agendas in known.agendas
        ]
        """How long each item takes with each person, and its parts."""
        self.binding = binding
        self._axis = Axis(origin, tick, (ends + LONGEST_VISIT + known.margin - origin) // tick)
        self._limits = Limits(waits=waits, step=ONE_MINUTE // tick, longest=LONGEST_VISIT // tick)
        fits = Fits(self._axis, terms=known.terms[0], binding=binding)
        self._fits = [
            {
                who: fits.of(agenda, terms, binding=self.binding_for(wish, agenda))
                for who, agenda in agendas.items()
            }
            for wish, agendas, terms in zip(known.wishes, known.agendas, known.terms, strict=True)
        ]

    @property
    def terms(self) -> Terms:
        """Of the first item; all but the buffers holds for every item."""
        return self.known.terms[0]

    def for_starts(self, begins: datetime, ends: datetime) -> Piece:
        """The same for the starts of a stretch: numbers as short as they can be."""
        margin = self.known.margin
        place = self._axis.place(begins - margin)
        size = (ends + LONGEST_VISIT + margin - begins + margin) // self._axis.tick
        axis = Axis(self._axis.at(place), self._axis.tick, size)
        items = [
            Item(
                {who: fit.cut(place, size) for who, fit in fits.items()},
                wish.with_previous,
                None if wish.start_at is None else axis.place(wish.start_at),
            )
            for wish, fits in zip(self.known.wishes, self._fits, strict=True)
        ]
        return Piece(self, axis, items, self._limits)

    def assign(self, start_at: datetime) -> list[Placed] | None:
        return self.for_starts(start_at, start_at + self._axis.tick).best([start_at]).get(start_at)

    def explain(self, start_at: datetime) -> Misfit | None:
        return self.for_starts(start_at, start_at + self._axis.tick).explain(start_at)

    def binding_for(self, wish: Wish, agenda: Agenda) -> frozenset[str]:
        return binding_for(agenda, anybody=wish.anybody, binding=self.binding)

    def may_be_first(self, starts: Iterable[datetime]) -> list[datetime]:
        """Those that the rules of the first start allow."""
        if not self.binding >= OF_THE_FIRST_START:
            return list(starts)
        soonest, too_far = self.terms.soonest, self.terms.too_far
        return [each for each in starts if soonest <= each < too_far]


class Piece:
    """The visits that begin in a stretch of less than two days: the search, from instants to instants."""

    def __init__(self, plan: Plan, axis: Axis, items: list[Item], limits: Limits) -> None:
        self._plan = plan
        self._axis = axis
        self._items = items
        self._limits = limits
        self._searches: dict[int, Search] = {}

    def best(self, starts: Sequence[datetime]) -> dict[datetime, list[Placed]]:
        """The preferred assignment of each start that has one, by time."""
        plan, axis = self._plan, self._axis
        places = 0
        for start_at in plan.may_be_first(starts):
            places |= 1 << axis.place(start_at)
        if not places:
            return {}
        day = local_date(starts[0], zone=plan.terms.zone)
        chosen = self._search(len(self._items)).best(places, loads=plan.known.loads.get(day, {}))
        found: dict[datetime, list[Placed]] = {}
        for _, (people, begins) in sorted(chosen.items()):
            placed = []
            for lasting, staff_id, begin in zip(plan.lasting, people, begins, strict=True):
                start_at, (length, parts) = axis.at(begin), lasting[staff_id]
                placed.append(Placed(staff_id, start_at, start_at + length, parts))
            found[placed[0].start_at] = placed
        return found

    def explain(self, start_at: datetime) -> Misfit | None:
        place = self._axis.place(start_at)
        numbers = range(1, len(self._items) + 1)
        if not self._plan.may_be_first([start_at]):
            number = 1
        elif self._search(len(self._items)).any(place) is not None:
            return None
        else:
            number = next(each for each in numbers if self._search(each).any(place) is None)
        if number == 1:
            return self._misfit(number, Nearest(place, frozenset(), frozenset()), start_at)
        before = self._search(number - 1).any(place)
        nearest = None if before is None else self._search(number).nearest(before)
        return self._misfit(number, nearest, start_at)

    def _search(self, items: int) -> Search:
        """Of the visit of the first so many items."""
        if items not in self._searches:
            chain = Chain(self._items[:items], limits=self._limits, everything=self._axis.all)
            self._searches[items] = Search(chain)
        return self._searches[items]

    def _misfit(self, number: int, nearest: Nearest | None, first_start: datetime) -> Misfit:
        plan, item = self._plan, number - 1
        agendas = plan.known.agendas[item]
        if nearest is None:
            return Misfit(number, TOO_EARLY)
        if not agendas:
            return Misfit(number, NOBODY)
        start_at = self._axis.at(nearest.place)
        against: list[tuple[int, int, Misfit]] = []
        for staff_id, agenda in agendas.items():
            if staff_id in nearest.engaged:
                continue
            stretch = Stretch(start_at, start_at + agenda.duration.length)
            terms = plan.known.terms[item]
            if staff_id in nearest.neighbours:
                terms = replace(terms, before=timedelta())
            case = Case(terms, agenda, *stretch, agenda.duration.parts)
            binding = plan.binding_for(plan.known.wishes[item], agenda)
            if number > 1:
                binding -= OF_THE_FIRST_START
            objection = first_objection_to(case, binding=binding)
            if objection is None:
                objection = TOO_LONG if stretch.end_at > first_start + LONGEST_VISIT else TAKEN
            rank = -_TABLE.get(objection.code, len(_TABLE))
            against.append((rank, staff_id, Misfit(number, objection, staff_id, stretch)))
        return min(against, key=lambda each: each[:2])[-1] if against else Misfit(number, ANOTHER_PERSON)


def _visit_day(
    plan: Plan, day: date, *, step: timedelta, explain: bool, but: Collection[datetime]
) -> VisitDay:
    zone = plan.terms.zone
    begins, ends = day_start(day, zone=zone), day_start(day + ONE_DAY, zone=zone)
    grid: dict[datetime, datetime] = {}
    # Who works the same hours has one timetable with the others.
    timetables = {id(each.timetable): each.timetable for each in plan.known.agendas[0].values()}
    for timetable in timetables.values():
        for start_at, until in grid_of(timetable, day, zone=zone, step=step):
            grid[start_at] = min(until, grid.get(start_at, until))
    piece = plan.for_starts(begins, ends)
    found = piece.best(sorted(grid.keys() - but))
    blocked: list[BlockedVisits] = []
    if explain:
        for start_at, until in looks_over(grid, begins, ends, coarse=max(step, COARSEST_LOOK)):
            misfit = None if start_at in found else piece.explain(start_at)
            if misfit is not None:
                _append(blocked, BlockedVisits(start_at, until, misfit.item, misfit.objection))
    return VisitDay(day, list(found.values()), blocked)


def _append(blocked: list[BlockedVisits], more: BlockedVisits) -> None:
    if blocked:
        last = blocked[-1]
        if (last.end_at, last.item, last.objection) == (more.start_at, more.item, more.objection):
            more = replace(more, start_at=blocked.pop().start_at)
    blocked.append(more)
