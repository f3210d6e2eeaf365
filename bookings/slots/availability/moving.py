"""Where a client may move their own visit, and to whom (contract §8 "moving").

Its own busy times count as free. An item lasts with its person as long as it is booked and keeps the buffers
it was booked with; another person takes their own minutes. Each start is offered once: with the people as
they are where they can, else with others, where the client may take others.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from datetime import date, datetime

from bookings.models import Booking
from bookings.slots.availability.chains import Placed, VisitDay, assign, starts_among
from bookings.slots.availability.visit_agendas import read_visit_agendas
from bookings.slots.availability.wishes import Wish
from staff.models import SalonSettings, Service, Staff
from staff.salon.parts import ONE_MINUTE, Duration
from staff.storage.prepared_statements import BlankIds, Prepared
from staff.wire.times import local_date


def is_movable(items: Sequence[Booking]) -> bool:
    """No class seat, and every service and person is still offered online."""
    return all(
        each.service.is_active
        and each.service.online
        and each.service.max_capacity == 1
        and each.staff.is_active
        and each.staff.bookable
        and each.staff.online
        for each in items
    )


def wishes_to_move(items: Sequence[Booking], *, salon: SalonSettings, others: bool) -> list[Wish]:
    """The items in their order, done by whom they are now; with `others` also by those whom the client may
    take instead: one statement more."""
    wishes: list[Wish] = []
    people = _who_else(items, salon=salon) if others else {}
    for number, each in enumerate(items):
        length = (each.end_at - each.start_at) // ONE_MINUTE
        staff_ids = sorted({each.staff_id, *people.get(each.pk, ())})
        wishes.append(
            Wish(
                _as_booked(each),
                tuple(staff_ids),
                anybody=len(staff_ids) > 1,
                with_previous=number > 0 and each.start_at == items[number - 1].start_at,
                lasting={each.staff_id: Duration(length, each.parts)},
            )
        )
    return wishes


def starts_to_move(
    items: Sequence[Booking], *, first: date, last: date, salon: SalonSettings, now: datetime
) -> list[VisitDay]:
    """On each salon date from `first` to `last`. Where they stand now is no move."""
    moving = [each.pk for each in items]
    same, any_of = (wishes_to_move(items, salon=salon, others=others) for others in (False, True))
    known = read_visit_agendas(any_of, first, last, salon=salon, now=now, moving=moving)
    days = starts_among(known.narrowed(same), first=first, last=last, salon=salon)
    if any_of != same:
        offered = {placed[0].start_at for day in days for placed in day.starts}
        more = starts_among(known, first=first, last=last, salon=salon, but=offered)
        days = [_joined(*both) for both in zip(days, more, strict=True)]
    here = [(each.staff_id, each.start_at, each.end_at) for each in items]
    return [
        VisitDay(
            day.date,
            [
                placed
                for placed in day.starts
                if [(each.staff_id, each.start_at, each.end_at) for each in placed] != here
            ],
            [],
        )
        for day in days
    ]


def place_to_move(
    wishes: Sequence[Wish],
    items: Sequence[Booking],
    *,
    start_at: datetime,
    salon: SalonSettings,
    now: datetime,
) -> list[Placed] | None:
    """Where the items go from `start_at` (UTC) on; None where a client could not book it.

    That is what `starts_to_move` offers, and the present start, which may lie off its grid.
    """
    if start_at != min(each.start_at for each in items):
        day = local_date(start_at, zone=salon.zone)
        [offered] = starts_to_move(items, first=day, last=day, salon=salon, now=now)
        if all(placed[0].start_at != start_at for placed in offered.starts):
            return None
    moving = [each.pk for each in items]
    return assign(wishes, start_at=start_at, salon=salon, now=now, moving=moving)


def _as_booked(item: Booking) -> Service:
    service = copy(item.service)
    service.buffer_before_minutes = item.buffer_before_minutes
    service.buffer_after_minutes = item.buffer_after_minutes
    return service


def _who_else(items: Sequence[Booking], *, salon: SalonSettings) -> dict[int, set[int]]:
    """By booking id, who may do it instead: offered online, at the same location."""
    free = [each for each in items if _may_change_staff(each.service, salon=salon)]
    if not free:
        return {}
    rows = _DOING.rows(services={each.service_id for each in free})
    return {
        each.pk: {
            staff_id
            for staff_id, location_id, service_id in rows
            if service_id == each.service_id
            and (each.location_id is None or location_id in (None, each.location_id))
        }
        for each in free
    }


_DOING = Prepared(
    lambda: (
        Staff.objects.filter(services__in=BlankIds("services"), is_active=True, bookable=True, online=True)
        .order_by("pk")
        .values_list("pk", "location_id", "services")
        .distinct()
    )
)


def _may_change_staff(service: Service, *, salon: SalonSettings) -> bool:
    own = service.client_may_change_staff
    return salon.client_may_change_staff if own is None else own


def _joined(same: VisitDay, more: VisitDay) -> VisitDay:
    return VisitDay(same.date, sorted([*same.starts, *more.starts], key=lambda each: each[0].start_at), [])
