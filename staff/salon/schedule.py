"""The salon's time, read only: local dates, holidays, time off (contract §1.3, §1.5).

Names: Stretch, local_dates, dates_between, holidays_touched, holiday_names, instant_on, time_off_of, joined.
When people work is `staff.salon.timetable`.

Working hours are wall clock: on the days on which the clocks change a window from 09:00 to 17:00 is still
09:00 to 17:00 on the wall. An edge that daylight saving skips is the instant at which the clocks jump, an
edge that comes twice is its first occurrence (as contract §0 reads every time). Everything returned is UTC.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.db.models import DateField, DateTimeField, QuerySet

from staff.models import Holiday, TimeOff
from staff.storage.prepared_statements import Blank, BlankIds, Prepared, PreparedRows
from staff.wire.times import day_start, wall_clock

ONE_DAY = timedelta(days=1)
MIDNIGHT = time(0, 0)


class Stretch(NamedTuple):
    """From `start_at` up to, but not including, `end_at` (UTC)."""

    start_at: datetime
    end_at: datetime


def local_dates(start_at: datetime, end_at: datetime, *, zone: ZoneInfo) -> list[date]:
    """The dates in `zone` that the half-open stretch touches: ending at 00:00 does not touch the day.

    An empty or backward stretch touches the date of `start_at`.
    """
    first = start_at.astimezone(zone).date()
    last = end_at.astimezone(zone).date()
    if last > first and end_at <= day_start(last, zone=zone):
        last -= ONE_DAY
    return dates_between(first, max(first, last))


def dates_between(first: date, last: date) -> list[date]:
    """Every date from `first` to `last`, both included."""
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def holidays_touched(start_at: datetime, end_at: datetime, *, zone: ZoneInfo) -> list[Holiday]:
    """The holidays that the stretch touches, earliest first. One statement."""
    touched = local_dates(start_at, end_at, zone=zone)
    return _HOLIDAYS.all(first=touched[0], last=touched[-1])


def holiday_names(first: date, last: date) -> dict[date, str]:
    """The holidays from `first` to `last`, both included: date to name, "" without one. One statement."""
    return dict(_HOLIDAY_NAMES.rows(first=first, last=last))


def _holidays() -> QuerySet[Holiday]:
    between = {"date__gte": Blank("first", DateField()), "date__lte": Blank("last", DateField())}
    return Holiday.objects.filter(**between).order_by("date")


_HOLIDAYS = PreparedRows(Holiday, _holidays)
_HOLIDAY_NAMES = Prepared(lambda: _holidays().values_list("date", "name"))


def instant_on(day: date, moment: time, *, zone: ZoneInfo) -> datetime:
    """The instant at which the wall clock of `zone` first shows `moment` on `day`, or jumps over it."""
    if moment == MIDNIGHT:
        return day_start(day, zone=zone)
    wall = datetime.combine(day, moment)
    instant = wall.replace(tzinfo=zone).astimezone(UTC)
    if wall_clock(instant, zone=zone) == wall:
        return instant
    return _jump_between(wall.replace(tzinfo=zone, fold=1).astimezone(UTC), instant, zone=zone)


def time_off_of(
    staff_ids: Collection[int], *, start_at: datetime, end_at: datetime
) -> dict[int, list[Stretch]]:
    """The absences of each of `staff_ids` that overlap the stretch, joined and in order. One statement,
    none for nobody."""
    found: dict[int, list[Stretch]] = defaultdict(list)
    rows = _TIME_OFF.rows(staff_ids=staff_ids, begins=start_at, ends=end_at) if staff_ids else ()
    for staff_id, away_from, back_at in rows:
        found[staff_id].append(Stretch(away_from, back_at))
    return {staff_id: joined(found[staff_id]) for staff_id in staff_ids}


_TIME_OFF = Prepared(
    lambda: (
        TimeOff.objects.filter(
            staff_id__in=BlankIds("staff_ids"),
            end_at__gt=Blank("begins", DateTimeField()),
            start_at__lt=Blank("ends", DateTimeField()),
        )
        .order_by()
        .values_list("staff_id", "start_at", "end_at")
    )
)


def joined(stretches: Iterable[Stretch]) -> list[Stretch]:
    """In order; what touches or overlaps is one, what is empty none."""
    joined: list[Stretch] = []
    for each in sorted(stretches):
        if each.end_at <= each.start_at:
            continue
        if joined and each.start_at <= joined[-1].end_at:
            joined[-1] = Stretch(joined[-1].start_at, max(joined[-1].end_at, each.end_at))
        else:
            joined.append(each)
    return joined


def _jump_between(before: datetime, after: datetime, *, zone: ZoneInfo) -> datetime:
    """The first instant, to the second, with the UTC offset that holds at `after`."""
    new_offset = after.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = (before + (after - before) / 2).replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == new_offset:
            after = middle
        else:
            before = middle
    return after
