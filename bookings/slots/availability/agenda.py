"""What is known about the salon and its staff over some dates: read once, asked many times.

Reading costs the same few statements for one staff member and one day as for ten and two months.
Times are UTC, ranges half-open.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from itertools import accumulate
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.db.models import BigAutoField, DateTimeField, Exists, FilteredRelation, OuterRef, Q, QuerySet

from bookings.models import Booking, BusyTime
from bookings.slots.busy import LONGEST_BUSY
from staff.access.actor import Actor
from staff.models import SalonSettings, Service, Staff, TimeOff
from staff.salon.durations import OWN_COLUMNS, own_or_usual
from staff.salon.parts import Duration, PartJson
from staff.salon.schedule import ONE_DAY, Stretch, holiday_names, time_off_of
from staff.salon.timetable import WEEK_COLUMNS, WEEK_ORDER, Timetable, is_exceptional, timetables_of
from staff.storage.prepared_statements import Blank, BlankIds, Prepared
from staff.wire.times import day_start, local_date

LONGEST_BOOKING = timedelta(hours=24)
FARTHEST_DAYS = 10_000
"""A larger horizon is this one: dates end in the year 9999."""


class Busy(NamedTuple):
    """A stretch that belongs to somebody; `booking_id` is None for a hold and for who may not see it."""

    starts_at: datetime
    ends_at: datetime
    booking_id: int | None


BusyRow = tuple[datetime, datetime, int | None]
"""The same as it was read: of thousands most are only counted in."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for everybody: the salon's choices, its holidays, the service's buffers, the time it is now.

    `soonest` is the first start that keeps the minimum notice, `too_far` the first beyond the horizon.
    """

    before: timedelta
    after: timedelta
    zone: ZoneInfo
    now: datetime
    notice: timedelta
    horizon_days: int
    soonest: datetime
    too_far: datetime
    holidays: Mapping[date, str]


class Agenda:
    """One staff member over some dates: when they work, are away, are busy, and how long they take.

    A timetable without hours means that none are kept: nothing is offered then.
    """

    def __init__(
        self,
        *,
        staff_id: int,
        offers_service: bool,
        duration: Duration,
        timetable: Timetable,
        windows: Sequence[Stretch],
        away: Sequence[Stretch],
        busy: Sequence[BusyRow],
    ) -> None:
        self.staff_id = staff_id
        self.offers_service = offers_service
        self.duration = duration
        self.timetable = timetable
        self.windows = windows
        self._window_starts = [each.start_at for each in windows]
        self.away = away
        self._away_ends = [each.end_at for each in away]
        self.busy = busy
        """In no order, which costs something that not everybody needs."""

    @cached_property
    def _busy(self) -> list[Busy]:
        return [Busy(*each) for each in sorted(self.busy, key=lambda each: each[:2])]

    @cached_property
    def _latest_ends(self) -> list[datetime]:
        return list(accumulate((each.ends_at for each in self._busy), max))

    def works(self, start_at: datetime, end_at: datetime) -> bool:
        """Whether one working window covers the stretch."""
        place = bisect_right(self._window_starts, start_at) - 1
        return place >= 0 and end_at <= self.windows[place].end_at

    def is_away(self, start_at: datetime, end_at: datetime) -> bool:
        place = bisect_right(self._away_ends, start_at)
        return place < len(self.away) and self.away[place].start_at < end_at

    def busy_at(self, starts_at: datetime, ends_at: datetime) -> Busy | None:
        """The earliest busy stretch that overlaps."""
        place = bisect_right(self._latest_ends, starts_at)
        if place < len(self._busy) and self._busy[place].starts_at < ends_at:
            return self._busy[place]
        return None

    def busy_between(self, starts_at: datetime, ends_at: datetime) -> timedelta:
        """How much of the stretch is taken; what overlaps counts once."""
        taken, reached = timedelta(), starts_at
        for each in self._busy[: bisect_left(self._busy, ends_at, key=lambda one: one.starts_at)]:
            begin = max(each.starts_at, reached)
            end = min(each.ends_at, ends_at)
            if end > begin:
                taken += end - begin
                reached = end
        return taken


def terms_of(service: Service, *, salon: SalonSettings, now: datetime, holidays: Mapping[date, str]) -> Terms:
    zone, notice = salon.zone, timedelta(minutes=salon.min_notice_minutes)
    last_day = local_date(now, zone=zone) + timedelta(days=min(salon.booking_horizon_days, FARTHEST_DAYS))
    return Terms(
        before=timedelta(minutes=service.buffer_before_minutes),
        after=timedelta(minutes=service.buffer_after_minutes),
        zone=zone,
        now=now,
        notice=notice,
        horizon_days=salon.booking_horizon_days,
        soonest=now + notice,
        too_far=day_start(last_day + ONE_DAY, zone=zone),
        holidays=holidays,
    )


def read_agendas(
    service: Service,
    first: date,
    last: date,
    *,
    zone: ZoneInfo,
    now: datetime,
    staff_id: int | None = None,
    viewer: Actor | None = None,
    with_busy: bool = True,
) -> tuple[list[Agenda], Mapping[date, str]]:
    """The agendas, by staff id, of `staff_id` or of everyone who offers `service`, for starts on these dates;
    and the holidays from the day before `first` to the day after `last`, for their `terms_of`.

    Holds that have expired at `now` occupy nobody. `viewer` sees the ids of the bookings that
    `visible_to` shows, nobody sees any. Two statements, one without `with_busy`; two more where an exception
    to the hours or a holiday may hold, and one where somebody may be away.
    """
    # A booking that starts on the last date may end a day later, and its buffer after that.
    begins = day_start(first, zone=zone) - timedelta(minutes=service.buffer_before_minutes)
    ends = (
        day_start(last + ONE_DAY, zone=zone)
        + LONGEST_BOOKING
        + timedelta(minutes=service.buffer_after_minutes)
    )
    around: dict[str, Any] = {"first": first - ONE_DAY, "last": last + ONE_DAY}
    rows = _people(service, staff_id, begins=begins, ends=ends, **around)
    if not rows:
        return [], {}
    about, what = len(_Person._fields), len(_Then._fields)
    people = list({row[0]: _Person(*row[:about]) for row in rows}.values())
    then = _Then(*rows[0][about : about + what])
    ids = [person.staff_id for person in people]
    holidays = holiday_names(**around) if then.exceptional else {}
    timetables = timetables_of(
        ids,
        **around,
        holidays=holidays,
        weeks=[row[about + what :] for row in rows],
        exceptional=then.exceptional,
    )
    away = time_off_of(ids if then.away else [], start_at=begins, end_at=ends)
    busy = busy_of(ids, begins, ends, now=now, viewer=viewer) if with_busy else {}
    agendas = [
        Agenda(
            staff_id=person.staff_id,
            offers_service=person.offers_service,
            duration=own_or_usual(service, person.own_minutes, person.own_parts),
            timetable=timetables[person.staff_id],
            windows=timetables[person.staff_id].windows_between(**around, zone=zone),
            away=away.get(person.staff_id, []),
            busy=busy.get(person.staff_id, []),
        )
        for person in people
    ]
    return agendas, holidays


class _Person(NamedTuple):
    staff_id: int
    offers_service: bool
    own_minutes: int | None
    own_parts: list[PartJson] | None


class _Then(NamedTuple):
    """Whether something may hold then that is seldom there, and so is read by itself."""

    exceptional: bool
    away: bool


def _people(service: Service, staff_id: int | None, **when: Any) -> Sequence[tuple[Any, ...]]:
    """Who may be booked, by id: _Person, _Then and a row of their week; nobody inactive or not bookable."""
    if staff_id is None:
        return _WHO_OFFERS.rows(service=service.pk, **when)
    return _ONE_PERSON.rows(service=service.pk, person=staff_id, **when)


def _bookable(**whose: Any) -> QuerySet[Any]:
    service = Blank("service", BigAutoField())
    offers = Exists(Staff.services.through.objects.filter(staff_id=OuterRef("pk"), service_id=service))
    away = TimeOff.objects.filter(
        **whose, end_at__gt=Blank("begins", DateTimeField()), start_at__lt=Blank("ends", DateTimeField())
    )
    own = FilteredRelation("durations", condition=Q(durations__service_id=service))
    return (
        Staff.objects.filter(is_active=True, bookable=True)
        .annotate(offers_service=offers, exceptional=is_exceptional(), away=Exists(away), own=own)
        .order_by(*WEEK_ORDER)
    )


_COLUMNS = ("id", "offers_service", *OWN_COLUMNS, *_Then._fields, *WEEK_COLUMNS)
_SOMEBODY = Blank("person", BigAutoField())
_WHO_OFFERS = Prepared(lambda: _bookable().filter(offers_service=True).values_list(*_COLUMNS))
_ONE_PERSON = Prepared(lambda: _bookable(staff_id=_SOMEBODY).filter(pk=_SOMEBODY).values_list(*_COLUMNS))


def busy_of(
    staff_ids: Collection[int],
    begins: datetime,
    ends: datetime,
    *,
    now: datetime,
    viewer: Actor | None,
    but: Collection[int] = (),
) -> dict[int, list[BusyRow]]:
    """The live busy times per staff member, by the (staff, starts_at) index on both databases; without those
    of the bookings `but`."""
    within: dict[str, Any] = {
        "earliest": begins - LONGEST_BUSY,
        "begins": begins,
        "ends": ends,
        "now": now,
    }
    found: dict[int, list[BusyRow]] = defaultdict(list)
    if viewer is None:
        for person, starts_at, ends_at in _BUSY.rows(staff_ids=staff_ids, but=but, **within):
            found[person].append((starts_at, ends_at, None))
        return found
    seen = Exists(Booking.objects.visible_to(viewer).filter(pk=OuterRef("booking_id")))
    rows = _busy(staff_ids, but=but, **within).annotate(seen=seen)
    for person, starts_at, ends_at, booking_id, visible in rows.values_list(*_TIMES, "booking_id", "seen"):
        found[person].append((starts_at, ends_at, booking_id if visible else None))
    return found


_TIMES = ("staff_id", "starts_at", "ends_at")


def _busy(staff_ids: Any, *, but: Any, earliest: Any, begins: Any, ends: Any, now: Any) -> QuerySet[BusyTime]:
    return BusyTime.objects.filter(
        Q(expires_at__isnull=True) | Q(expires_at__gt=now),
        staff_id__in=staff_ids,
        starts_at__gte=earliest,
        starts_at__lt=ends,
        ends_at__gt=begins,
    ).exclude(booking_id__in=but)


_BUSY = Prepared(
    lambda: (
        _busy(
            BlankIds("staff_ids"),
            but=BlankIds("but"),
            **{name: Blank(name, DateTimeField()) for name in ("earliest", "begins", "ends", "now")},
        )
        .order_by()
        .values_list(*_TIMES)
    )
)
