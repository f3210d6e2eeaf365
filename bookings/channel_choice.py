"""By which channel a client is told: mail, or a text where they have no mail address (contract §10).

Names: Way, way_to, by_text, after_quiet_hours, out_of_quiet_hours.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import NamedTuple

from clients.models import Client
from clients.numbers import textable
from notifications.channels.active import any_active
from notifications.models import EMAIL, SMS
from staff.models import SalonSettings

EARLY = time(10)
"""A move or cancellation of a start before this is told at once, whatever the hour."""


class Way(NamedTuple):
    """`to`: a mail address or a number (E.164) as known now; "" where there is none."""

    channel: str
    to: str


def way_to(client: Client | None, *, salon: SalonSettings | None = None) -> Way:
    """By text where they have no mail address, the salon wants it so and has a channel for it."""
    if client is None:
        return Way(EMAIL, "")
    if client.email or not by_text(salon=salon):
        return Way(EMAIL, client.email)
    return Way(SMS, textable(client))


def by_text(*, salon: SalonSettings | None = None) -> bool:
    """Whether who has no mail address is told by a text. One statement at most, and none where it is off."""
    return (salon or SalonSettings.load()).sms_when_no_mail and any_active()


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
