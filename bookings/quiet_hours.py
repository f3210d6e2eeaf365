"""When a text that can wait leaves: not in the salon's quiet hours (contract §10 "quiet hours").

Pure. Names: text_time, text_from, after_quiet_hours, out_of_quiet_hours, EVENING, NEAREST.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta

from staff.models import SalonSettings
from staff.salon.schedule import ONE_DAY, instant_on

EARLY = time(10)
"""A move or cancellation of a start before this is told at once, whatever the hour."""

EVENING = time(20, 30)
"""The evening before: when people still look at their telephones."""

NEAREST = timedelta(minutes=90)
"""A text that was put off comes no later than this before the start."""


def text_time(due_at: datetime, *, start_at: datetime, salon: SalonSettings) -> datetime | None:
    """When a text about a visit at `start_at`, due at `due_at` (both UTC), leaves: then, or, where that lies
    in the quiet hours, the evening before or at their end, whichever is nearer. None where neither will
    do."""
    morning = out_of_quiet_hours(due_at, salon=salon)
    if morning == due_at:
        return due_at
    before = morning.astimezone(salon.zone).date() - ONE_DAY
    evening = instant_on(before, EVENING, zone=salon.zone)
    possible = [
        moment
        for moment in (evening, morning)
        if moment <= start_at - NEAREST and out_of_quiet_hours(moment, salon=salon) == moment
    ]
    return min(possible, key=lambda moment: abs(moment - due_at), default=None)


def text_from(now: datetime, *, start_at: datetime, salon: SalonSettings) -> datetime | None:
    """When a text that is owed now, about a start at `start_at`, leaves: now, or at the end of the quiet
    hours. None where they leave no time for it. All are UTC."""
    leaves = out_of_quiet_hours(now, salon=salon)
    return leaves if leaves == now or leaves <= start_at - NEAREST else None


def after_quiet_hours(run_at: datetime, *, start_at: datetime, salon: SalonSettings) -> datetime:
    """When a text of the salon about another time, or none, leaves; times are UTC.

    It waits for the end of the quiet hours only if `start_at`, the earlier of the old and the new start, is
    later than ten that morning.
    """
    morning = out_of_quiet_hours(run_at, salon=salon)
    if morning == run_at:
        return run_at
    ten = datetime.combine(morning.astimezone(salon.zone).date(), EARLY, salon.zone)
    return morning if start_at > ten else run_at


def out_of_quiet_hours(moment: datetime, *, salon: SalonSettings) -> datetime:
    """`moment` (UTC), or the end of the quiet hours in which it lies."""
    quiet_from, quiet_to = salon.quiet_from, salon.quiet_to
    local = moment.astimezone(salon.zone)
    if quiet_from == quiet_to:
        return moment
    if quiet_from < quiet_to:
        is_quiet, day = quiet_from <= local.time() < quiet_to, local.date()
    else:
        late = local.time() >= quiet_from
        is_quiet = late or local.time() < quiet_to
        day = local.date() + timedelta(days=1 if late else 0)
    if not is_quiet:
        return moment
    return datetime.combine(day, quiet_to, salon.zone).astimezone(moment.tzinfo)
