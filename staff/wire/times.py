"""Times as they stand on the wire, contract §0 (times in, times out).

Names: parse_when, print_when, printing_when, wall_clock, parse_date, print_date, parse_clock, print_clock,
day_start, local_date, BadTime, SwallowedTime.

Accepted points in time are `YYYY-MM-DD HH:MM[:SS]` and ISO 8601 with `T`, `Z` or an offset (`+02:00`,
`+0200`, `+02`). A fraction of a second (JavaScript prints `.000`) is accepted and dropped: we keep whole
seconds.
Not accepted: a date alone, week and ordinal dates, other than ASCII digits, surrounding blanks, hour 24,
second 60, an offset beyond 14:00, a year outside 2000..now+5, a wall-clock time that daylight saving skips.
Everything returned is aware and in UTC; everything printed is the salon's wall clock.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import lru_cache, partial
from typing import overload
from zoneinfo import ZoneInfo

from django.utils import timezone as clock

from staff.wire.refusals import BadRequest

EARLIEST_YEAR = 2000
YEARS_AHEAD = 5
LONGEST_OFFSET = timedelta(hours=14)
EARLIEST_DATE = date(1900, 1, 1)
LATEST_DATE = date(2199, 12, 31)
WITHOUT_OFFSET = len("2026-03-24 10:00:00")
KEPT_IN_PRINT = 10_000
"""Instants; some two megabytes of a process."""

_WHEN = re.compile(
    r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})[T ]"
    r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:\.[0-9]{1,9})?)?"
    r"(?P<offset>Z|(?P<sign>[+-])(?P<off_hour>[0-9]{2})(?::?(?P<off_minute>[0-9]{2}))?)?"
)
_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")

_SEND_WHEN = "Send 'YYYY-MM-DD HH:MM:SS' in salon time, or ISO 8601 such as '2026-03-24T10:00:00+01:00'."
_SEND_DATE = "Send a date as 'YYYY-MM-DD', such as '2026-03-24'."


class BadTime(BadRequest, ValueError):
    """A time or date that is refused; the message says what to send instead."""

    code = "invalid_time"


class SwallowedTime(BadTime):
    """A wall-clock time that daylight saving skips."""

    def __init__(self, wall: datetime, *, zone: ZoneInfo) -> None:
        super().__init__(
            f"{wall:%Y-%m-%d %H:%M} does not exist in {zone.key}: the clocks skip it. Send another time."
        )
        self.wall = wall


def parse_when(
    text: object, *, zone: ZoneInfo, stored: datetime | None = None, now: datetime | None = None
) -> datetime:
    """The instant, in UTC, that `text` names; without an offset it is read on the wall clock of `zone`.

    A doubled wall-clock time is its first occurrence, unless `text` is exactly what we print for `stored`:
    then `stored` comes back unchanged. Raises BadTime.
    """
    if not isinstance(text, str):
        raise BadTime(f"A time must be a string. {_SEND_WHEN}")
    if stored is not None and text == print_when(stored, zone=zone):
        return stored
    match = _WHEN.fullmatch(text)
    if match is None:
        raise BadTime(_why_no_time(text))
    wall = _read_wall(match)
    last_year = (now or clock.now()).astimezone(zone).year + YEARS_AHEAD
    _check_year(wall.year, last_year)
    if match["offset"] is not None:
        instant = wall.replace(tzinfo=timezone(_offset(match))).astimezone(UTC)
        _check_year(instant.astimezone(zone).year, last_year)
        return instant
    instant = wall.replace(tzinfo=zone).astimezone(UTC)
    if wall_clock(instant, zone=zone) != wall:
        raise SwallowedTime(wall, zone=zone)
    return instant


@overload
def print_when(instant: datetime, *, zone: ZoneInfo) -> str: ...
@overload
def print_when(instant: datetime | None, *, zone: ZoneInfo) -> str | None: ...
def print_when(instant: datetime | None, *, zone: ZoneInfo) -> str | None:
    """`YYYY-MM-DD HH:MM:SS` on the wall clock of `zone`, microseconds dropped; None of None.

    ValueError when naive.
    """
    return None if instant is None else _printed(zone, instant)


def printing_when(zone: ZoneInfo) -> Callable[[datetime], str]:
    """`print_when` for one zone, of many instants."""
    return partial(_printed, zone)


@lru_cache(KEPT_IN_PRINT)
def _printed(zone: ZoneInfo, instant: datetime) -> str:
    """Kept, because a salon looks at the same days again and again, and at many rows that begin at once."""
    if instant.tzinfo is None:
        raise ValueError("A stored time must be aware.")
    return instant.astimezone(zone).isoformat(" ", "seconds")[:WITHOUT_OFFSET]


def wall_clock(instant: datetime, *, zone: ZoneInfo) -> datetime:
    """What the clocks of `zone` show then, without a zone."""
    return instant.astimezone(zone).replace(tzinfo=None)


def parse_date(text: object, *, earliest: date = EARLIEST_DATE, latest: date = LATEST_DATE) -> date:
    """The calendar date `YYYY-MM-DD`, ASCII digits only, within the bounds (inclusive). Raises BadTime."""
    match = _DATE.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise BadTime(_SEND_DATE, code="invalid_date")
    try:
        day = date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        raise BadTime(f"{match[0]} is not in the calendar. {_SEND_DATE}", code="invalid_date") from None
    if not earliest <= day <= latest:
        raise BadTime(f"The date must be from {earliest} to {latest}.", code="invalid_date")
    return day


def print_date(day: date) -> str:
    """`YYYY-MM-DD`."""
    return day.isoformat()


def parse_clock(text: object) -> time:
    """A time of day `HH:MM`, 00:00 to 23:59, without a zone. Raises BadTime."""
    match = _CLOCK.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise BadTime("Send a time of day as 'HH:MM', from '00:00' to '23:59'.", code="invalid_time_of_day")
    return time(int(match[1]), int(match[2]))


def print_clock(moment: time) -> str:
    """`HH:MM`."""
    return moment.isoformat("minutes")


def day_start(day: date, *, zone: ZoneInfo) -> datetime:
    """The first instant, in UTC, of `day` in `zone`; not 00:00 where daylight saving skips midnight.

    A skipped midnight is read with the offset before the gap, which is the instant the clocks jump.
    """
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)


def local_date(instant: datetime, *, zone: ZoneInfo) -> date:
    """The calendar date on which `instant` falls in `zone`."""
    return instant.astimezone(zone).date()


def _read_wall(match: re.Match[str]) -> datetime:
    try:
        day = date.fromisoformat(match["date"])
    except ValueError:
        raise BadTime(f"{match['date']} is not in the calendar. {_SEND_WHEN}") from None
    hour, minute, second = int(match["hour"]), int(match["minute"]), int(match["second"] or 0)
    if hour > 23 or minute > 59 or second > 59:
        raise BadTime(f"The time of day goes from 00:00:00 to 23:59:59. {_SEND_WHEN}")
    return datetime.combine(day, time(hour, minute, second))


def _offset(match: re.Match[str]) -> timedelta:
    if match["sign"] is None:
        return timedelta()
    minutes = int(match["off_minute"] or 0)
    size = timedelta(hours=int(match["off_hour"]), minutes=minutes)
    if minutes > 59 or size > LONGEST_OFFSET:
        raise BadTime(f"An offset from UTC goes from -14:00 to +14:00. {_SEND_WHEN}")
    return -size if match["sign"] == "-" else size


def _check_year(year: int, last_year: int) -> None:
    if not EARLIEST_YEAR <= year <= last_year:
        raise BadTime(f"The year must be from {EARLIEST_YEAR} to {last_year}.")


def _why_no_time(text: str) -> str:
    if _DATE.fullmatch(text):
        return f"The time of day is missing. {_SEND_WHEN}"
    return f"This is not a time we can read. {_SEND_WHEN}"
