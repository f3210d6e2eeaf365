"""Free start times, and why the others are refused (contract §1.5, GET /api/availability; docs/adr/0020).

The grid: the starts of a working window lie `slot_step_minutes` apart, counted from its opening (rows that
touch are one window). The grid decides what is shown, and what a client may book at a public door; the desk
books 10:07 too.
Each part that is work must lie inside one window (which may go on past midnight); buffers need only be free.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from bookings.slots.availability.agenda import LONGEST_BOOKING, Agenda, Terms, read_agendas, terms_of
from bookings.slots.availability.fits import CLIENTS, Fits
from bookings.slots.availability.instants import Axis, places_of
from bookings.slots.availability.rules import Case, Objection, first_objection_to
from bookings.slots.class_seats import Standing, standing_between
from staff.access.actor import Actor
from staff.models import SalonSettings, Service
from staff.salon.parts import ONE_MINUTE, Duration
from staff.salon.schedule import ONE_DAY, Stretch, dates_between
from staff.salon.timetable import Timetable, timetables_of
from staff.wire.times import day_start, local_date

COARSEST_LOOK = timedelta(minutes=15)
"""Outside working hours, where nothing is ever free, refused starts are looked at no closer than this."""


@dataclass(frozen=True, slots=True)
class Blocked:
    """Every start from `start_at` up to, but not including, `end_at` (UTC) is refused for this reason."""

    start_at: datetime
    end_at: datetime
    objection: Objection


@dataclass(frozen=True, slots=True)
class StaffDay:
    """One staff member on one salon date, and how long the service takes with them.

    `blocked` is empty unless it was asked for.
    """

    staff_id: int
    duration: Duration
    starts: list[datetime]
    blocked: list[Blocked]


@dataclass(frozen=True, slots=True)
class Day:
    """One salon date. `sessions`: the classes that begin on it; None of a service for one person."""

    date: date
    staff: list[StaffDay]
    sessions: list[Standing] | None = None


def availability(
    *,
    service: Service,
    first: date,
    last: date,
    salon: SalonSettings,
    now: datetime,
    staff_id: int | None = None,
    explain_to: Actor | None = None,
) -> list[Day]:
    """The free starts on each salon date from `first` to `last`, for `staff_id` or everyone who offers it.

    With `explain_to` also why the other starts are refused: the first rule of the table, and the id of the
    booking in the way where that actor may see it. At most five statements, whatever the number of people
    and days (`read_agendas`); two more for a class, of which the sessions are told that a client could still
    join by their start.
    """
    agendas, holidays = read_agendas(
        service,
        first,
        last,
        zone=salon.zone,
        now=now,
        staff_id=staff_id,
        viewer=explain_to,
    )
    terms = terms_of(service, salon=salon, now=now, holidays=holidays)
    sessions = _sessions(service, agendas, first, last, terms=terms)
    axis = _axis_over(first, last, terms=terms)
    fits = Fits(axis, terms=terms, binding=CLIENTS)
    free = [fits.of(agenda, terms, binding=CLIENTS).alone for agenda in agendas]
    looking = _Looking(axis, terms, timedelta(minutes=salon.slot_step_minutes), explain_to is not None)
    return [
        Day(day, looking.at(day, agendas, free), None if sessions is None else sessions.get(day, []))
        for day in dates_between(first, last)
    ]


def _axis_over(first: date, last: date, *, terms: Terms) -> Axis:
    """Every minute that a booking which begins on these dates can touch, with its buffers."""
    margin = max(terms.before, terms.after)
    origin = day_start(first, zone=terms.zone) - margin
    ends = day_start(last + ONE_DAY, zone=terms.zone) + LONGEST_BOOKING + margin
    return Axis(origin, ONE_MINUTE, (ends - origin) // ONE_MINUTE)


def _sessions(
    service: Service, agendas: Sequence[Agenda], first: date, last: date, *, terms: Terms
) -> dict[date, list[Standing]] | None:
    if service.max_capacity == 1:
        return None
    found: dict[date, list[Standing]] = defaultdict(list)
    for each in standing_between(
        service=service,
        staff_ids=[agenda.staff_id for agenda in agendas],
        begins=day_start(first, zone=terms.zone),
        ends=day_start(last + ONE_DAY, zone=terms.zone),
        now=terms.now,
    ):
        if terms.soonest <= each.start_at < terms.too_far:
            found[local_date(each.start_at, zone=terms.zone)].append(each)
    return found


@dataclass(frozen=True, slots=True)
class _Looking:
    """One look at the days, on an axis of minutes: what is free is asked of a whole day at once (`fits`), the
    table of rules only says why a start is not."""

    axis: Axis
    terms: Terms
    step: timedelta
    explain: bool

    def at(self, day: date, agendas: Sequence[Agenda], free: Sequence[int]) -> list[StaffDay]:
        """The day of each of these; `free`: where the service fits with them, on the axis."""
        zone = self.terms.zone
        midnight = self.axis.place(day_start(day, zone=zone))
        # Who works the same hours has one timetable with the others.
        timetables = {id(each.timetable): each.timetable for each in agendas}
        looks = {
            key: dict((_looks if self.explain else grid_of)(timetable, day, zone=zone, step=self.step))
            for key, timetable in timetables.items()
        }
        offered = {key: self._offered(looks[key], midnight) for key in timetables}
        days: list[StaffDay] = []
        for agenda, theirs in zip(agendas, free, strict=True):
            key = id(agenda.timetable)
            starts_at, all_of_them = offered[key]
            starts = [starts_at[each] for each in places_of(theirs >> midnight & all_of_them)]
            blocked = self._blocked(agenda, looks[key], starts) if self.explain else []
            days.append(StaffDay(agenda.staff_id, agenda.duration, starts, blocked))
        return days

    def _offered(self, looks: Iterable[datetime], midnight: int) -> tuple[dict[int, datetime], int]:
        """Those that the first start's rules allow, by their place after `midnight`, and the set of these."""
        soonest, too_far = self.terms.soonest, self.terms.too_far
        origin, tick = self.axis.at(midnight), self.axis.tick
        starts_at = {(each - origin) // tick: each for each in looks if soonest <= each < too_far}
        return starts_at, sum(1 << each for each in starts_at)

    def _blocked(
        self, agenda: Agenda, looks: Mapping[datetime, datetime], starts: Collection[datetime]
    ) -> list[Blocked]:
        length, parts = agenda.duration.length, agenda.duration.parts
        blocked: list[Blocked] = []
        offered = set(starts)
        for start_at, until in looks.items():
            case = Case(self.terms, agenda, start_at, start_at + length, parts)
            objection = None if start_at in offered else first_objection_to(case)
            if objection is not None:
                _append(blocked, Blocked(start_at, until, objection))
        return blocked


def _append(blocked: list[Blocked], more: Blocked) -> None:
    if blocked and blocked[-1].end_at == more.start_at and blocked[-1].objection == more.objection:
        blocked[-1] = Blocked(blocked[-1].start_at, more.end_at, more.objection)
    else:
        blocked.append(more)


def lies_on_grid(start_at: datetime, *, staff_ids: Collection[int], salon: SalonSettings) -> bool:
    """Whether `start_at` (UTC) is a start of the grid of one of these, free or not. Three statements."""
    day, step = local_date(start_at, zone=salon.zone), timedelta(minutes=salon.slot_step_minutes)
    timetables = timetables_of(staff_ids, first=day - ONE_DAY, last=day + ONE_DAY)
    return any(
        start_at == each
        for timetable in timetables.values()
        for each, _ in grid_of(timetable, day, zone=salon.zone, step=step)
    )


def grid_of(
    timetable: Timetable, day: date, *, zone: ZoneInfo, step: timedelta
) -> Iterator[tuple[datetime, datetime]]:
    """The starts to look at in the day's working windows, each with where the next one would be.

    The grid of a window that opened the evening before goes on past midnight.
    """
    begins, ends = day_start(day, zone=zone), day_start(day + ONE_DAY, zone=zone)
    for window in _windows_touching(timetable, day, zone=zone):
        for start_at, until in cut(window.start_at, min(window.end_at, ends), step):
            if start_at >= begins:
                yield start_at, until


def _looks(
    timetable: Timetable, day: date, *, zone: ZoneInfo, step: timedelta
) -> Iterator[tuple[datetime, datetime]]:
    """The whole day: the grid, and what lies between the windows."""
    begins, ends = day_start(day, zone=zone), day_start(day + ONE_DAY, zone=zone)
    grid = dict(grid_of(timetable, day, zone=zone, step=step))
    reached, coarse = begins, max(step, COARSEST_LOOK)
    for start_at, until in sorted(grid.items()):
        yield from cut(reached, start_at, coarse)
        yield start_at, until
        reached = max(reached, until)
    yield from cut(reached, ends, coarse)


def looks_over(
    grid: dict[datetime, datetime], begins: datetime, ends: datetime, *, coarse: timedelta
) -> list[tuple[datetime, datetime]]:
    """The whole day: the `grid` of several people, each start up to the next one, and what lies between."""
    looks: list[tuple[datetime, datetime]] = []
    reached = begins
    starts = sorted(grid)
    for start_at, following in zip(starts, [*starts[1:], ends], strict=False):
        looks += cut(reached, start_at, coarse)
        reached = min(grid[start_at], following)
        looks.append((start_at, reached))
    return looks + list(cut(reached, ends, coarse))


def _windows_touching(timetable: Timetable, day: date, *, zone: ZoneInfo) -> Iterator[Stretch]:
    """The windows that open on `day`, after what is left of one that opened the day before."""
    begins = day_start(day, zone=zone)
    before = timetable.windows_on(day - ONE_DAY, zone=zone)
    yield from (window for window in before if window.end_at > begins)
    yield from timetable.windows_on(day, zone=zone)


def cut(begins: datetime, ends: datetime, step: timedelta) -> Iterator[tuple[datetime, datetime]]:
    """The stretch in pieces of `step`, the last one shorter where it does not come out even."""
    starts = [begins + step * each for each in range(-((begins - ends) // step))]
    return zip(starts, [*starts[1:], ends], strict=False)
