"""Bookings that a holiday, time off or a departure leaves standing where they should not.

`staff` is the lowest layer and knows no bookings, so who does is named in `settings.AFFECTED_BOOKINGS`
(docs/adr/0030); a system check imports it at start-up.
"""

from __future__ import annotations

from datetime import datetime
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


class FindsAffected(Protocol):
    def __call__(
        self,
        *,
        actor: Actor,
        starts_at: datetime,
        ends_at: datetime | None,
        staff_id: int | None,
        zone: ZoneInfo,
    ) -> list[AffectedBookingJson]:
        """The scheduled and provisional bookings `actor` may see that touch the stretch, earliest first.

        `ends_at` None is for ever, `staff_id` None is everybody. Printed on the wall clock of `zone`.
        """


def affected_bookings(
    *, actor: Actor, starts_at: datetime, ends_at: datetime | None, staff_id: int | None, zone: ZoneInfo
) -> list[AffectedBookingJson]:
    """What `settings.AFFECTED_BOOKINGS` finds (see `FindsAffected`)."""
    find = _finder(settings.AFFECTED_BOOKINGS)
    return find(actor=actor, starts_at=starts_at, ends_at=ends_at, staff_id=staff_id, zone=zone)


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
