"""When a recurring booking takes place (issue "dialects", native `recurrence`): wall-clock times, repeated.

A rule repeats the salon's wall clock, not the instant: ten o'clock stays ten o'clock over a change to
daylight saving time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta
from dateutil.rrule import rrule, rrulestr

from staff.wire.refusals import BadRequest
from staff.wire.times import BadTime, SwallowedTime, parse_when, wall_clock

MOST_OCCURRENCES = 104
LONGEST_YEARS = 2
LONGEST_RULE = 500
LONGEST_INTERVAL = 731
"""Days: two years. An interval of 0 never comes to an end."""

_RULE = re.compile(r"[A-Z]+=[A-Z0-9,+-]+(?:;[A-Z]+=[A-Z0-9,+-]+)*")
_MONTH_DAYS = re.compile(r"(?:[+-]?(?:0?[1-9]|[12][0-9]|3[01])(?:,(?!$)|$))+")
_PARTS = {"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "BYMONTHDAY", "BYSETPOS", "WKST"}
_FREQUENCIES = {"DAILY", "WEEKLY", "MONTHLY"}
_TOO_FAR = f"Every occurrence is at or after start_at, and within {LONGEST_YEARS} years of it."
_HOW = (
    "Send a list of starts, or an RRULE such as 'FREQ=WEEKLY;INTERVAL=2;COUNT=10' with FREQ DAILY, WEEKLY or "
    "MONTHLY, and COUNT or UNTIL."
)


@dataclass(frozen=True, slots=True)
class Starts:
    """Every start of a series in UTC, in order, each once; and those that daylight saving swallows."""

    taking_place: list[datetime]
    swallowed: list[SwallowedTime]


def starts_of(
    recurrence: object, *, start_at: datetime | SwallowedTime, zone: ZoneInfo, skip_swallowed: bool = False
) -> Starts:
    """`start_at`, which the clocks may skip like any other, and what `recurrence` adds: a list of times as
    contract §0 takes them, or an RRULE.

    At most 104 occurrences within two years of `start_at`. Raises BadRequest (field `recurrence`), also for
    a wall-clock time that the clocks skip, unless those are to be skipped.
    """
    if isinstance(recurrence, list):
        read = [_time(text, zone=zone) for text in recurrence[: MOST_OCCURRENCES + 1]]
    elif isinstance(recurrence, str):
        read = list(_by_rule(recurrence, wall=wall_of(start_at, zone=zone), zone=zone))
    else:
        raise BadRequest.field("recurrence", _HOW)
    read.append(start_at)
    swallowed = {each.wall: each for each in read if isinstance(each, SwallowedTime)}
    if swallowed and not skip_swallowed:
        raise BadRequest.field("recurrence", min(swallowed.items())[1].message)
    starts = {each for each in read if isinstance(each, datetime)}
    if not starts:
        raise BadRequest.field("start_at", swallowed[min(swallowed)].message)
    if len(starts) + len(swallowed) > MOST_OCCURRENCES:
        raise BadRequest.field("recurrence", f"A series has at most {MOST_OCCURRENCES} occurrences.")
    first = start_at if isinstance(start_at, datetime) else start_at.wall.replace(tzinfo=zone).astimezone(UTC)
    last_day = first + relativedelta(years=LONGEST_YEARS)
    if min(starts) < first or max(starts) > last_day:
        raise BadRequest.field("recurrence", _TOO_FAR)
    return Starts(sorted(starts), [swallowed[wall] for wall in sorted(swallowed)])


def wall_of(moment: datetime | SwallowedTime, *, zone: ZoneInfo) -> datetime:
    """What the salon's wall clock shows, or would show if it did not skip it."""
    return moment.wall if isinstance(moment, SwallowedTime) else wall_clock(moment, zone=zone)


def _by_rule(text: str, *, wall: datetime, zone: ZoneInfo) -> Iterator[datetime | SwallowedTime]:
    parts = _parts(text)
    last = wall + relativedelta(years=LONGEST_YEARS)
    most = MOST_OCCURRENCES + 1
    until: datetime | None = None
    if "COUNT" in parts:
        most = min(most, _count(parts.pop("COUNT")))
    if "UNTIL" in parts:
        until = _until(parts.pop("UNTIL"), zone=zone)
    try:
        rule = rrulestr(";".join(f"{name}={value}" for name, value in parts.items()), dtstart=wall)
    except ValueError as error:
        raise BadRequest.field("recurrence", f"This rule cannot be read: {error}. {_HOW}") from None
    if not isinstance(rule, rrule):
        raise BadRequest.field("recurrence", _HOW)
    for occurrence in islice(rule.replace(until=until), most):
        if occurrence > last:
            raise BadRequest.field("recurrence", _TOO_FAR)
        yield _time(occurrence.isoformat(" "), zone=zone)


def _parts(text: str) -> dict[str, str]:
    plain = text.removeprefix("RRULE:")
    if len(plain) > LONGEST_RULE or _RULE.fullmatch(plain) is None:
        raise BadRequest.field("recurrence", _HOW)
    pairs = plain.split(";")
    parts = {part.partition("=")[0]: part.partition("=")[2] for part in pairs}
    known = len(parts) == len(pairs) and set(parts) <= _PARTS
    if not known or parts.get("FREQ") not in _FREQUENCIES or not {"COUNT", "UNTIL"} & set(parts):
        raise BadRequest.field("recurrence", _HOW)
    interval = parts.get("INTERVAL", "1")
    if not interval.isdigit() or not 1 <= int(interval) <= LONGEST_INTERVAL:
        raise BadRequest.field("recurrence", f"INTERVAL is 1 to {LONGEST_INTERVAL}.")
    if "BYSETPOS" in parts and parts["FREQ"] != "MONTHLY":
        raise BadRequest.field("recurrence", "BYSETPOS goes with FREQ=MONTHLY only.")
    if "BYMONTHDAY" in parts and _MONTH_DAYS.fullmatch(parts["BYMONTHDAY"]) is None:
        raise BadRequest.field("recurrence", "BYMONTHDAY is 1 to 31, or -1 to -31 from the end of the month.")
    return parts


def _count(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text[:6]) <= MOST_OCCURRENCES:
        raise BadRequest.field("recurrence", f"COUNT is 1 to {MOST_OCCURRENCES}.")
    return int(text)


def _until(text: str, *, zone: ZoneInfo) -> datetime:
    """The last moment of the rule on the salon's wall clock; a date alone includes its whole day."""
    for form in ("%Y%m%d", "%Y%m%dT%H%M%S", "%Y%m%dT%H%M%SZ"):
        try:
            moment = datetime.strptime(text, form)  # noqa: DTZ007 - a wall clock has no zone
        except ValueError:
            continue
        if form == "%Y%m%d":
            return moment + timedelta(days=1, seconds=-1)
        if form.endswith("Z"):
            return wall_clock(moment.replace(tzinfo=UTC), zone=zone)
        return moment
    raise BadRequest.field("recurrence", "UNTIL is YYYYMMDD, YYYYMMDDTHHMMSS or YYYYMMDDTHHMMSSZ.")


def _time(text: object, *, zone: ZoneInfo) -> datetime | SwallowedTime:
    try:
        return parse_when(text, zone=zone)
    except SwallowedTime as swallowed:
        return swallowed
    except BadTime as refused:
        raise BadRequest.field("recurrence", refused.message) from None
