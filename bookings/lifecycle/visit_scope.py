"""Which visits a change is for: the named one, or others of its series (contract §7 "PUT", §6a "scope")."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from bookings.errors import VisitNotFound
from bookings.lifecycle.locks import VisitChanged, lock_bookings
from bookings.lifecycle.series import printed_wall
from bookings.models import Booking, Visit
from staff.access.actor import Actor
from staff.wire.refusals import BadRequest
from staff.wire.times import parse_when, wall_clock

ONE, FOLLOWING, ALL = "one", "following", "all"
VISIT_SCOPES = (ONE, FOLLOWING, ALL)


def lock_visits_in(scope: str, *, actor: Actor, visit_id: int, now: datetime) -> list[Visit]:
    """The named visit first, then the others by their start, locked with all their bookings.

    Of a series those that stand and have not begun. Raises VisitNotFound, BadRequest, VisitChanged.
    """
    if not Visit.objects.visible_to(actor).filter(pk=visit_id).exists():
        raise VisitNotFound
    ids = _booking_ids(scope, visit_id)
    found = lock_bookings(ids)
    if _booking_ids(scope, visit_id) != ids:
        raise VisitChanged
    # Those who sit in the same class are locked with it, and are none of this change's business.
    theirs = (each.visit for each in found.values() if each.pk in ids)
    visits = {each.pk: each for each in theirs if each is not None}
    named = visits.pop(visit_id, None)
    if named is None:
        raise VisitChanged
    first = named.start_at if scope == FOLLOWING else now
    others = [
        each
        for each in visits.values()
        if each.start_at >= first and each.start_at > now and any(item.stands for item in each.items)
    ]
    return [named, *sorted(others, key=lambda each: (each.start_at, each.pk))]


def _booking_ids(scope: str, visit_id: int) -> set[int]:
    items = Booking.objects.filter(visit_id=visit_id).order_by()
    if scope != ONE:
        series_id = items.exclude(series_id=None).values_list("series_id", flat=True).first()
        if series_id is None:
            raise BadRequest.field("scope", "this visit is in no series; leave scope out, or send 'one'.")
        items = Booking.objects.filter(series_id=series_id).order_by()
    return set(items.values_list("pk", flat=True))


def changes_for(visit: Visit, changes: Mapping[str, Any], *, named: Visit, zone: ZoneInfo) -> dict[str, Any]:
    """What becomes of another visit of the series: its start moves by the same on the salon's wall clock.

    Raises BadRequest for a start that the clocks skip.
    """
    if visit is named or "start_at" not in changes:
        return dict(changes)
    by = wall_clock(changes["start_at"], zone=zone) - wall_clock(named.start_at, zone=zone)
    wanted = printed_wall(wall_clock(visit.start_at, zone=zone) + by)
    return {**changes, "start_at": parse_when(wanted, zone=zone)}
