"""When the salon is open, told to the public: of its people's hours, the times at which anybody works.

Names: OpeningHours, Otherwise, opening_hours. Contract §9 "addresses".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from staff.models import Staff
from staff.salon.schedule import ONE_DAY, Stretch, dates_between, holiday_names, joined, time_off_of
from staff.salon.timetable import A_WEEK, Timetable, timetables_of
from staff.wire.times import day_start

LOOK_AHEAD = timedelta(days=28)

Spans = tuple[tuple[str, str], ...]
"""Pairs of `HH:MM`, salon wall clock, in order; none: closed."""


@dataclass(frozen=True, slots=True)
class Otherwise:
    """Dates ahead, both included, with other hours than their weekdays have. `name`: of the holiday or of the
    salon's exception; "" for what is a person's own affair."""

    first: date
    last: date
    spans: Spans
    name: str


@dataclass(frozen=True, slots=True)
class OpeningHours:
    """`week`: of Monday to Sunday, as the coming seven days have them without exceptions."""

    week: Sequence[Spans]
    otherwise: Sequence[Otherwise]

    @property
    def is_known(self) -> bool:
        return any(self.week)


def opening_hours(*, today: date, zone: ZoneInfo) -> OpeningHours:
    """As of the salon date `today`, and what is otherwise in the four weeks ahead. Five statements."""
    last = today + LOOK_AHEAD
    staff_ids = list(Staff.objects.filter(is_active=True, bookable=True).values_list("pk", flat=True))
    holidays = holiday_names(today, last)
    tables = timetables_of(staff_ids, first=today, last=last, holidays=holidays)
    away = time_off_of(
        staff_ids, start_at=day_start(today, zone=zone), end_at=day_start(last + 2 * ONE_DAY, zone=zone)
    )
    usual = {pk: Timetable(table.hours) for pk, table in tables.items()}
    coming = dates_between(today, today + 6 * ONE_DAY)
    by_weekday = {day.weekday(): _spans(day, usual, {}, zone=zone) for day in coming}
    week = [by_weekday[weekday] for weekday in A_WEEK]
    found: list[Otherwise] = []
    for day in dates_between(today, last):
        spans = _spans(day, tables, away, zone=zone)
        before = found[-1] if found and found[-1].last + ONE_DAY == day else None
        if spans != week[day.weekday()]:
            name = holidays.get(day) or _name(day, tables)
            if before is not None and (before.spans, before.name) == (spans, name):
                found[-1] = Otherwise(before.first, day, spans, name)
            else:
                found.append(Otherwise(day, day, spans, name))
        elif before is not None and spans == before.spans:
            # The closed Sunday within a closed fortnight.
            found[-1] = Otherwise(before.first, day, spans, before.name)
    return OpeningHours(week, found)


def _spans(
    day: date, tables: dict[int, Timetable], away: dict[int, list[Stretch]], *, zone: ZoneInfo
) -> Spans:
    windows = joined(
        part
        for staff_id, table in tables.items()
        for window in table.windows_on(day, zone=zone)
        for part in _without(window, away.get(staff_id, ()))
    )
    return tuple((_clock(each.start_at, zone), _clock(each.end_at, zone)) for each in windows)


def _clock(instant: datetime, zone: ZoneInfo) -> str:
    return f"{instant.astimezone(zone):%H:%M}"


def _without(window: Stretch, away: Iterable[Stretch]) -> Iterable[Stretch]:
    """What is left of the window; `away` in order and apart."""
    reached = window.start_at
    for each in away:
        if each.end_at <= reached or each.start_at >= window.end_at:
            continue
        if each.start_at > reached:
            yield Stretch(reached, each.start_at)
        reached = each.end_at
    if reached < window.end_at:
        yield Stretch(reached, window.end_at)


def _name(day: date, tables: dict[int, Timetable]) -> str:
    exceptions = (table.exception_on(day) for table in tables.values())
    return next((each.name for each in exceptions if each and each.name and not each.replaces), "")
