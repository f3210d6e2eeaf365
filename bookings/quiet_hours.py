"""When a text that nobody waits for may leave: not in the salon's quiet hours (contract §10 "quiet hours").

Pure. Names: text_time, EVENING, NEAREST.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta

from bookings.channel_choice import out_of_quiet_hours
from staff.models import SalonSettings
from staff.salon.schedule import ONE_DAY, instant_on

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
