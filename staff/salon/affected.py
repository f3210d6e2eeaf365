"""Bookings that a change of the salon leaves standing where they should not (contract §1.3, §6a).

`staff` is the lowest layer and knows no bookings, so who does is named in `settings.AFFECTED_BOOKINGS`
(docs/adr/0030); a system check imports it at start-up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import lru_cache
from typing import Any, Protocol, TypedDict
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.utils.module_loading import import_string

from staff.access.actor import Actor
from staff.wire.answers import Id, When


class AffectedBookingJson(TypedDict):
    """A scheduled or provisional booking that the change leaves standing where it should not."""

    booking_id: Id
    start_at: When
    end_at: When
    status: str
    client_id: Id | None
    client_name: str | None
    staff_id: Id
    service_id: Id


@dataclass(frozen=True, slots=True)
class Touched:
    """Which bookings a change may leave standing where they should not.

    Those that touch the stretch (UTC, half-open; `ends_at` None is for ever), of these people (None:
    everybody) and of this client (None: of anybody); with `outside_hours` only those outside the hours that
    hold now for whoever keeps any. `concerns` says on which salon dates other hours open for a staff id than
    before; None: on any. A night belongs to the date on which it opens, and is over by `night_ends` on the
    next. `night_ends_at`: of what begins between `ends_at` and then also those outside the hours.
    """

    starts_at: datetime
    ends_at: datetime | None = None
    staff_ids: frozenset[int] | None = None
    client_id: int | None = None
    outside_hours: bool = False
    concerns: Callable[[int, date], bool] | None = None
    night_ends: time = time(0)
    night_ends_at: datetime | None = None


class FindsAffected(Protocol):
    def __call__(self, touched: Touched, *, actor: Actor, zone: ZoneInfo) -> list[AffectedBookingJson]:
        """The scheduled and provisional ones `actor` may see, earliest first, on the wall clock of `zone`."""


def affected_bookings(touched: Touched, *, actor: Actor, zone: ZoneInfo) -> list[AffectedBookingJson]:
    """What `settings.AFFECTED_BOOKINGS` finds (see `FindsAffected`)."""
    return _finder(settings.AFFECTED_BOOKINGS)(touched, actor=actor, zone=zone)


@lru_cache
def _finder(dotted_path: str) -> FindsAffected:
    return import_string(dotted_path)


@register
def check_finder(**kwargs: Any) -> list[CheckMessage]:
    """staff.E001: the path in settings leads nowhere."""
    try:
        _finder(settings.AFFECTED_BOOKINGS)
    except ImportError as missing:
        return [Error(f"AFFECTED_BOOKINGS: {missing}", id="staff.E001")]
    return []
