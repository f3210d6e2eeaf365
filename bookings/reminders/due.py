"""When a reminder is due, and until when it is of use (contract §10 "wall clock", "quiet hours"). Pure.

Names: due_at, useful_until, salon_date.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from bookings.models import ReminderRule
from bookings.quiet_hours import text_time
from staff.models import SalonSettings
from staff.salon.schedule import instant_on


def due_at(rule: ReminderRule, *, start_at: datetime, salon: SalonSettings) -> datetime | None:
    """When (UTC) a visit that starts at `start_at` is reminded of by this rule; None: not at all, as the
    quiet hours leave no time for a text.

    A minute that the clocks skip is the next that there is, one that comes twice the first (`instant_on`).
    """
    if rule.days_before is not None and rule.at is not None:
        day = salon_date(start_at, zone=salon.zone) - timedelta(days=rule.days_before)
        due = instant_on(day, rule.at, zone=salon.zone)
    else:
        due = start_at - timedelta(minutes=rule.minutes_before or 0)
    if rule.channel == ReminderRule.Channel.SMS:
        return text_time(due, start_at=start_at, salon=salon)
    return due


def useful_until(due: datetime, *, start_at: datetime) -> datetime:
    """Until when one that is late still does what it is for: half of the time it leaves to prepare."""
    return due + (start_at - due) / 2


def salon_date(start_at: datetime, *, zone: ZoneInfo) -> date:
    return start_at.astimezone(zone).date()
