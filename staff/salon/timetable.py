"""When each person works: the hours of their week, and the days that are exceptions (contract §6a).

Names: Hours, ExceptionalHours, Timetable, timetables_of, exceptions_for, exceptional, nights_end,
kept_nights_end.

An exception of a person replaces that day's hours, one of their location or of the salon cuts them. One
alone counts on a day: the person's before the location's before the salon's, a dated one before one that
comes every year, and of two alike the later. Days are salon dates; a stretch that passes midnight belongs
to the day on which it opens.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, time
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.db.models import BooleanField, DateField, Exists, ExpressionWrapper, F, Q

from staff.models import Holiday, OpeningException, Staff, WorkingHours
from staff.salon.schedule import (
    MIDNIGHT,
    ONE_DAY,
    Stretch,
    dates_between,
    holiday_names,
    instant_on,
    joined,
)
from staff.storage.prepared_statements import Blank, BlankIds, Prepared

A_WEEK = range(7)


class Hours(NamedTuple):
    """One row of working hours: weekday 0 is Monday; `closes` not after `opens` is on the next day.

    The dates, both included, bound the days on which it opens; None is no bound.
    """

    weekday: int
    opens: time
    closes: time
    valid_from: date | None = None
    valid_until: date | None = None

    def opens_on(self, day: date) -> bool:
        return (
            self.weekday == day.weekday()
            and (self.valid_from is None or self.valid_from <= day)
            and (self.valid_until is None or day <= self.valid_until)
        )


@dataclass(frozen=True, slots=True)
class ExceptionalHours:
    """What holds on the dates `first` to `last` in place of the week's hours, or at most; none: closed.

    `replaces`: a person's own exception; else it only cuts.
    """

    first: date
    last: date
    every_year: bool
    hours: tuple[tuple[time, time], ...]
    replaces: bool
    name: str

    def holds_on(self, day: date) -> bool:
        if not self.every_year:
            return self.first <= day <= self.last
        years = self.last.year - self.first.year
        return any(
            in_year(self.first, year) <= day <= in_year(self.last, year + years)
            for year in (day.year - 1, day.year)
            if year >= self.first.year
        )


@dataclass(frozen=True, slots=True)
class Timetable:
    """One person's hours and what is an exception to them, the one that counts first.

    On `holidays` nothing opens: with a holiday goes the night that would begin on it.
    """

    hours: Sequence[Hours] = ()
    exceptions: Sequence[ExceptionalHours] = ()
    holidays: frozenset[date] = frozenset()
    _known: dict[tuple[date, str], list[Stretch]] = field(default_factory=dict, repr=False, compare=False)

    @property
    def keeps_hours(self) -> bool:
        """Without any row the salon keeps no hours for this person: nothing is offered, nothing warned of."""
        return bool(self.hours)

    def around_the_clock(self) -> Timetable:
        """The same exceptions for somebody who works whenever nothing speaks against it."""
        always = [Hours(weekday, MIDNIGHT, MIDNIGHT) for weekday in A_WEEK]
        return Timetable(always, self.exceptions, self.holidays)

    def exception_on(self, day: date) -> ExceptionalHours | None:
        return next((each for each in self.exceptions if each.holds_on(day)), None)

    def windows_on(self, day: date, *, zone: ZoneInfo) -> list[Stretch]:
        """The working windows that open on `day`, in order; rows that touch or overlap are one window."""
        key = (day, zone.key)
        if key not in self._known:
            self._known[key] = self._windows_on(day, zone=zone)
        return self._known[key]

    def _windows_on(self, day: date, *, zone: ZoneInfo) -> list[Stretch]:
        if day in self.holidays:
            return []
        usual = ((row.opens, row.closes) for row in self.hours if row.opens_on(day))
        exception = self.exception_on(day)
        if exception is None:
            return _windows(day, usual, zone=zone)
        exceptional = _windows(day, exception.hours, zone=zone)
        return exceptional if exception.replaces else list(_cut(_windows(day, usual, zone=zone), exceptional))

    def windows_between(self, first: date, last: date, *, zone: ZoneInfo) -> list[Stretch]:
        """The windows that open on `first` to `last`; work that goes on past midnight is one window."""
        return joined(
            window for day in dates_between(first, last) for window in self.windows_on(day, zone=zone)
        )


def timetables_of(
    staff_ids: Collection[int],
    *,
    first: date,
    last: date,
    holidays: Collection[date] | None = None,
    weeks: Iterable[Sequence[Any]] | None = None,
    exceptional: bool = True,
) -> dict[int, Timetable]:
    """The timetable of each of `staff_ids` from `first` to `last`; nobody is missing, and those with the same
    hours and exceptions have one between them: it tells its windows once.

    One statement, none where the caller knows that nothing is `exceptional` then (`is_exceptional`); and one
    more each for the `holidays` between these dates and for the `weeks` (rows of WEEK_COLUMNS, by WEEK_ORDER)
    where the caller has not read them.
    """
    closed = frozenset(holiday_names(first, last) if holidays is None else holidays)
    hours: dict[int, list[Hours]] = {staff_id: [] for staff_id in staff_ids}
    locations: dict[int, int | None] = {}
    if weeks is None:
        weeks = _WEEKS.rows(staff_ids=staff_ids) if staff_ids else ()
    for staff_id, location_id, *row in weeks:
        locations[staff_id] = location_id
        if row[0] is not None:
            hours[staff_id].append(Hours(*row))
    exceptions = exceptions_for(locations, first=first, last=last) if exceptional else {}
    alike: dict[Any, Timetable] = {}
    found: dict[int, Timetable] = {}
    for staff_id in staff_ids:
        timetable = Timetable(hours[staff_id], exceptions.get(staff_id, ()), closed)
        key = (tuple(timetable.hours), tuple(timetable.exceptions))
        found[staff_id] = alike.setdefault(key, timetable)
    return found


WEEK_COLUMNS = ("pk", "location_id", *(f"working_hours__{name}" for name in Hours._fields))
WEEK_ORDER = ("pk", "working_hours__weekday", "working_hours__opens", "working_hours__pk")
_WEEKS = Prepared(
    lambda: (
        Staff.objects.filter(pk__in=BlankIds("staff_ids")).order_by(*WEEK_ORDER).values_list(*WEEK_COLUMNS)
    )
)


def exceptions_for(
    locations: dict[int, int | None], *, first: date, last: date
) -> dict[int, list[ExceptionalHours]]:
    """What may be an exception between the dates for each person (staff id to location). One statement."""
    places = {each for each in locations.values() if each is not None}
    rows = _EXCEPTIONS.rows(people=locations, places=places, first=first, last=last)
    found: dict[int, list[tuple[int, ExceptionalHours]]] = defaultdict(list)
    for scope, location_id, person_id, *about in rows:
        rank = RANKS[scope]
        exception = _read(about, replaces=scope == OpeningException.Scope.STAFF)
        for staff_id, place in locations.items():
            if person_id == staff_id if rank == 0 else location_id in (None, place):
                found[staff_id].append((rank, exception))
    return {
        staff_id: [exception for _, exception in sorted(each, key=lambda one: one[0])]
        for staff_id, each in found.items()
    }


def is_exceptional() -> ExpressionWrapper:
    """Whether an exception to the hours or a holiday may hold between the Blanks `first` and `last` (dates).

    Most often none does: whoever asks this beside something else is spared two statements.
    """
    holidays = Holiday.objects.filter(
        date__gte=Blank("first", DateField()), date__lte=Blank("last", DateField())
    )
    return ExpressionWrapper(
        Q(Exists(OpeningException.objects.filter(_near()))) | Q(Exists(holidays)), output_field=BooleanField()
    )


def _near() -> Q:
    return Q(every_year=True) | Q(
        date_from__lte=Blank("last", DateField()), date_to__gte=Blank("first", DateField())
    )


_EXCEPTIONS = Prepared(
    lambda: (
        OpeningException.objects.filter(
            _near(),
            Q(scope=OpeningException.Scope.SALON)
            | Q(scope=OpeningException.Scope.LOCATION, location_id__in=BlankIds("places"))
            | Q(scope=OpeningException.Scope.STAFF, people__in=BlankIds("people")),
        )
        .order_by("every_year", "-pk")
        .values_list("scope", "location_id", "people", "date_from", "date_to", "every_year", "hours", "name")
    )
)


RANKS = {
    OpeningException.Scope.STAFF.value: 0,
    OpeningException.Scope.LOCATION.value: 1,
    OpeningException.Scope.SALON.value: 2,
}
"""Which exception counts where several hold, the least first."""


def in_year(day: date, year: int) -> date:
    """The same day in another year; 29 February is the 28th where there is none."""
    try:
        return day.replace(year=year)
    except ValueError:
        return day.replace(year=year, day=28)


def exceptional(exception: OpeningException) -> ExceptionalHours:
    """The row as it is read beside the hours."""
    about = (exception.date_from, exception.date_to, exception.every_year, exception.hours, exception.name)
    return _read(about, replaces=exception.scope == OpeningException.Scope.STAFF)


def nights_end(stretches: Iterable[tuple[time, time]]) -> time:
    """When, on its next day, the latest of the `stretches` that pass midnight is over; else midnight."""
    return max((closes for opens, closes in stretches if closes <= opens), default=MIDNIGHT)


def kept_nights_end(staff_ids: Collection[int] | None) -> time:
    """The same of the hours of these people (None: everybody's) and of all exceptions. Two statements."""
    rows = WorkingHours.objects.filter(closes__lte=F("opens"))
    if staff_ids is not None:
        rows = rows.filter(staff_id__in=staff_ids)
    hours = OpeningException.objects.exclude(hours=[]).values_list("hours", flat=True)
    exceptional = (stretch for each in hours for stretch in _stretches(each))
    return nights_end([*rows.values_list("opens", "closes"), *exceptional])


def _read(about: Sequence[Any], *, replaces: bool) -> ExceptionalHours:
    first, last, every_year, hours, name = about
    return ExceptionalHours(first, last, every_year, _stretches(hours), replaces, name)


def _stretches(hours: Sequence[tuple[str, str]]) -> tuple[tuple[time, time], ...]:
    return tuple((time.fromisoformat(opens), time.fromisoformat(closes)) for opens, closes in hours)


def _windows(day: date, stretches: Iterable[tuple[time, time]], *, zone: ZoneInfo) -> list[Stretch]:
    return joined(
        Stretch(
            instant_on(day, opens, zone=zone),
            instant_on(day if closes > opens else day + ONE_DAY, closes, zone=zone),
        )
        for opens, closes in stretches
    )


def _cut(windows: Iterable[Stretch], at_most: Sequence[Stretch]) -> Iterator[Stretch]:
    for window in windows:
        for limit in at_most:
            begins, ends = max(window.start_at, limit.start_at), min(window.end_at, limit.end_at)
            if begins < ends:
                yield Stretch(begins, ends)
