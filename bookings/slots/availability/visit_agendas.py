"""What is known about everybody who may do an item of a visit, over some dates: read once, asked many times.

The same few statements for one item and one day as for six items, ten people and two months.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from django.db.models import Count, DateTimeField
from django.db.models.functions import TruncDate

from bookings.models import Booking
from bookings.slots.availability.agenda import Agenda, Terms, busy_of, terms_of
from bookings.slots.availability.wishes import Wish, everybody_in
from staff.access.actor import Actor
from staff.models import SalonSettings, ServiceDuration, Staff
from staff.salon.parts import Duration
from staff.salon.schedule import ONE_DAY, holiday_names, time_off_of
from staff.salon.timetable import timetables_of
from staff.storage.prepared_statements import Blank, BlankIds, Prepared, PreparedRows
from staff.wire.times import day_start

LONGEST_VISIT = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class VisitAgendas:
    """For each wish what holds for its service, and the agenda of each who may do it, by staff id.

    `loads`: how many bookings that occupy them begin on a salon date, by date and staff id.
    `margin`: the longest buffer of a service; it may reach beyond the dates.
    """

    wishes: Sequence[Wish]
    terms: list[Terms]
    agendas: list[dict[int, Agenda]]
    loads: dict[date, dict[int, int]]
    margin: timedelta

    def narrowed(self, wishes: Sequence[Wish]) -> VisitAgendas:
        """The same for `wishes` that differ in nothing but fewer people."""
        agendas = [
            {staff_id: agenda for staff_id, agenda in known.items() if staff_id in wish.staff_ids}
            for wish, known in zip(wishes, self.agendas, strict=True)
        ]
        return replace(self, wishes=wishes, agendas=agendas)


def read_visit_agendas(
    wishes: Sequence[Wish],
    first: date,
    last: date,
    *,
    salon: SalonSettings,
    now: datetime,
    viewer: Actor | None = None,
    moving: Collection[int] = (),
) -> VisitAgendas:
    """For visits that begin on the salon dates `first` to `last`. Eight statements.

    Who is inactive or not bookable is left out. Holds that have expired at `now` occupy nobody, nor do the
    bookings `moving`, which leave their place. `viewer` sees the ids of bookings as in `read_agendas`.
    """
    zone, ids = salon.zone, everybody_in(wishes)
    services = {wish.service.pk for wish in wishes}
    margin = timedelta(
        minutes=max(
            max(wish.service.buffer_before_minutes, wish.service.buffer_after_minutes) for wish in wishes
        )
    )
    begins = day_start(first, zone=zone) - margin
    ends = day_start(last + ONE_DAY, zone=zone) + LONGEST_VISIT + margin
    offered, own = _offered_by(ids), _own_minutes(ids, services)
    holidays = holiday_names(first - ONE_DAY, last + ONE_DAY)
    timetables = timetables_of(ids, first=first - ONE_DAY, last=last + ONE_DAY, holidays=holidays)
    windows = {
        staff_id: timetable.windows_between(first - ONE_DAY, last + ONE_DAY, zone=zone)
        for staff_id, timetable in timetables.items()
    }
    away = time_off_of(ids, start_at=begins, end_at=ends)
    busy = busy_of(ids, begins, ends, now=now, viewer=viewer, but=moving)
    return VisitAgendas(
        wishes=wishes,
        terms=[terms_of(wish.service, salon=salon, now=now, holidays=holidays) for wish in wishes],
        agendas=[
            {
                staff_id: Agenda(
                    staff_id=staff_id,
                    offers_service=wish.service.pk in offered[staff_id],
                    duration=wish.lasting.get(staff_id)
                    or own.get((wish.service.pk, staff_id))
                    or Duration.of(wish.service),
                    timetable=timetables[staff_id],
                    windows=windows[staff_id],
                    away=away[staff_id],
                    busy=busy.get(staff_id, []),
                )
                for staff_id in sorted(wish.staff_ids)
                if staff_id in offered
            }
            for wish in wishes
        ],
        loads=_loads(ids, first, last, zone=zone, but=moving),
        margin=margin,
    )


def _offered_by(staff_ids: Collection[int]) -> dict[int, set[int]]:
    """The services that each of these offers who may be booked."""
    offered: dict[int, set[int]] = defaultdict(set)
    for staff_id, service_id in _OFFERED.rows(staff_ids=staff_ids):
        offered[staff_id].add(service_id)
    return dict(offered)


_OFFERED = Prepared(
    lambda: (
        Staff.objects.filter(pk__in=BlankIds("staff_ids"), is_active=True, bookable=True)
        .order_by()
        .values_list("pk", "services")
    )
)


def _own_minutes(staff_ids: Collection[int], service_ids: Collection[int]) -> dict[tuple[int, int], Duration]:
    rows = _OWN_MINUTES.all(staff_ids=staff_ids, service_ids=service_ids)
    return {(row.service_id, row.staff_id): Duration.of(row) for row in rows}


_OWN_MINUTES = PreparedRows(
    ServiceDuration,
    lambda: ServiceDuration.objects.filter(
        staff_id__in=BlankIds("staff_ids"), service_id__in=BlankIds("service_ids")
    ).order_by(),
)


def _loads(
    staff_ids: Collection[int], first: date, last: date, *, zone: ZoneInfo, but: Collection[int]
) -> dict[date, dict[int, int]]:
    begins, ends = day_start(first, zone=zone), day_start(last + ONE_DAY, zone=zone)
    loads: dict[date, dict[int, int]] = defaultdict(dict)
    for day, staff_id, number in _counted(zone).rows(staff_ids=staff_ids, begins=begins, ends=ends, but=but):
        loads[day][staff_id] = number
    return loads


@lru_cache(maxsize=8)
def _counted(zone: ZoneInfo) -> Prepared:
    return Prepared(
        lambda: (
            Booking.objects.occupying()
            .filter(
                staff_id__in=BlankIds("staff_ids"),
                start_at__gte=Blank("begins", DateTimeField()),
                start_at__lt=Blank("ends", DateTimeField()),
            )
            .exclude(pk__in=BlankIds("but"))
            .order_by()
            .values("staff_id", day=TruncDate("start_at", tzinfo=zone))
            .values_list("day", "staff_id", Count("pk"))
        )
    )
