"""Moving one's own visit: what is offered, and what is nearest where it is taken (contract §8 "moving").

Names: starts_for, move, TakenMeanwhile, names_of.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

from bookings.errors import SlotTaken
from bookings.lifecycle import ClientRequest, move_by_client
from bookings.lifecycle.client_terms import standing
from bookings.models import Visit
from bookings.slots.availability.chains import Placed, VisitDay
from bookings.slots.availability.moving import starts_to_move
from staff.models import SalonSettings, Staff
from staff.storage.prepared_statements import BlankIds, Prepared
from staff.wire.times import local_date, print_when

NEAREST = 3
LOOKED_AT = timedelta(days=7)
"""So long before and after the wish the nearest starts are looked for."""


class TakenMeanwhile(SlotTaken):
    """With the `nearest` starts that are free."""

    message = "That time has just been taken; choose another one."

    def __init__(self, nearest: Sequence[list[Placed]], *, salon: SalonSettings) -> None:
        zone = salon.zone
        super().__init__(
            more={
                "nearest": [
                    {
                        "start_at": print_when(placed[0].start_at, zone=zone),
                        "end_at": print_when(max(each.end_at for each in placed), zone=zone),
                        "staff_ids": [each.staff_id for each in placed],
                    }
                    for placed in nearest
                ]
            }
        )
        self.nearest = nearest


def starts_for(
    visit: Visit, *, first: date, last: date, salon: SalonSettings, now: datetime
) -> list[VisitDay]:
    """Of a visit that may be moved, on each salon date from `first` to `last`."""
    return starts_to_move(standing(visit), first=first, last=last, salon=salon, now=now)


def move(
    request: ClientRequest,
    *,
    visit: Visit,
    start_at: datetime,
    staff_ids: Sequence[int] | None,
    salon: SalonSettings,
    now: datetime,
) -> Visit:
    """As `lifecycle.move_by_client`; raises TakenMeanwhile in place of SlotTaken. `visit`: as it was read."""
    try:
        return move_by_client(request, start_at=start_at, staff_ids=staff_ids, salon=salon, now=now)
    except SlotTaken as taken:
        nearest = _nearest(visit, start_at, salon=salon, now=now)
        raise TakenMeanwhile(nearest, salon=salon) from taken


def names_of(days: Iterable[Sequence[Placed]]) -> dict[int, str]:
    """Of all people in these, by id; one statement."""
    ids = {each.staff_id for placed in days for each in placed}
    return dict(_NAMES.rows(ids=ids))


_NAMES = Prepared(lambda: Staff.objects.filter(pk__in=BlankIds("ids")).order_by().values_list("pk", "name"))


def _nearest(visit: Visit, wish: datetime, *, salon: SalonSettings, now: datetime) -> list[list[Placed]]:
    today, wanted = local_date(now, zone=salon.zone), local_date(wish, zone=salon.zone)
    first = max(today, wanted - LOOKED_AT)
    days = starts_for(visit, first=first, last=max(first, wanted + LOOKED_AT), salon=salon, now=now)
    starts = [placed for day in days for placed in day.starts]
    nearest = sorted(starts, key=lambda placed: (abs(placed[0].start_at - wish), placed[0].start_at))
    return sorted(nearest[:NEAREST], key=lambda placed: placed[0].start_at)
