"""Some days of the salon: who works when, who is away, which times are kept (contract §11 "one call").

The same few statements for one person and one day as for twenty and eight. Times are UTC, ranges half-open.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.db.models import Exists, OuterRef, Q, QuerySet

from bookings.models import Booking, BookingQuerySet, Hold, WaitlistOffer
from bookings.slots.availability.agenda import LONGEST_BOOKING
from staff.access.actor import Actor
from staff.models import Staff, TimeOff
from staff.salon.opening import time_off_visible_to
from staff.salon.people import with_services
from staff.salon.schedule import ONE_DAY, Stretch, dates_between, holiday_names
from staff.salon.timetable import Timetable, timetables_of
from staff.wire.times import day_start


@dataclass(frozen=True, slots=True)
class Span:
    """The days that are looked at, `first` to `last`, both included, in the salon's `zone`."""

    first: date
    last: date
    zone: ZoneInfo

    @property
    def dates(self) -> list[date]:
        return dates_between(self.first, self.last)

    @property
    def begins(self) -> datetime:
        return day_start(self.first, zone=self.zone)

    @property
    def ends(self) -> datetime:
        return day_start(self.last + ONE_DAY, zone=self.zone)

    def reaches(self) -> Q:
        """Of what has a `start_at` and an `end_at`, and lasts no longer than a booking: what lies in these
        days, in part at least. The first bound is for the index."""
        return Q(start_at__gte=self.begins - LONGEST_BOOKING, start_at__lt=self.ends, end_at__gt=self.begins)


def shown_bookings(span: Span, *, actor: Actor) -> BookingQuerySet:
    """Those of the days that `actor` may see and that are not cancelled."""
    seen: BookingQuerySet = Booking.objects.visible_to(actor).filter(span.reaches())
    return seen.exclude(status=Booking.Status.CANCELLED)


def shown_people(span: Span, *, actor: Actor, location_id: int | None) -> list[Staff]:
    """Who has a column: who takes bookings, and whoever has one in these days; of the location, or with a
    booking there. Who sees their own agenda alone sees theirs alone. Two statements."""
    people = Staff.objects.order_by("name", "pk")
    if actor.agenda_of is not None:
        return list(with_services(people.filter(pk=actor.agenda_of)))
    theirs = shown_bookings(span, actor=actor).filter(staff_id=OuterRef("pk")).order_by()
    booked = Exists(theirs if location_id is None else theirs.filter(location_id=location_id))
    works = Q(is_active=True, bookable=True)
    if location_id is not None:
        works &= Q(location_id=location_id)
    return list(with_services(people.filter(works | booked)))


class DayOf(NamedTuple):
    """One person's day: when they work, and by which exception other hours than the week's hold."""

    windows: Sequence[Stretch]
    exception: str | None


@dataclass(frozen=True, slots=True)
class Hours:
    """When everybody works in these days, by staff id, and on which of them the salon is closed."""

    keeping: Mapping[int, bool]
    days: Mapping[int, Sequence[DayOf]]
    holidays: Mapping[date, str]


def hours_of(staff_ids: Collection[int], span: Span) -> Hours:
    """Who keeps no hours works whenever nothing speaks against it. Three statements."""
    holidays = holiday_names(span.first - ONE_DAY, span.last)
    timetables = timetables_of(staff_ids, first=span.first - ONE_DAY, last=span.last, holidays=list(holidays))
    keeping = {staff_id: each.keeps_hours for staff_id, each in timetables.items()}
    days = {
        staff_id: _days(each if each.keeps_hours else each.around_the_clock(), span)
        for staff_id, each in timetables.items()
    }
    return Hours(keeping, days, holidays)


def _days(timetable: Timetable, span: Span) -> list[DayOf]:
    """The windows cut at midnight: a night belongs to both days that it touches."""
    windows = timetable.windows_between(span.first - ONE_DAY, span.last, zone=span.zone)
    found = []
    for day in span.dates:
        begins, ends = day_start(day, zone=span.zone), day_start(day + ONE_DAY, zone=span.zone)
        cut = [
            Stretch(max(each.start_at, begins), min(each.end_at, ends))
            for each in windows
            if each.start_at < ends and each.end_at > begins
        ]
        exception = None if day in timetable.holidays else timetable.exception_on(day)
        found.append(DayOf(cut, None if exception is None else exception.name))
    return found


class Away(NamedTuple):
    """Time off; `reason` and `id` are for who is `told`."""

    id: int
    staff_id: int
    start_at: datetime
    end_at: datetime
    reason: str
    told: bool


def time_off_in(staff_ids: Collection[int], span: Span, *, actor: Actor, sees_all: bool) -> list[Away]:
    """One statement."""
    told = Exists(time_off_visible_to(actor, sees_all=sees_all).filter(pk=OuterRef("pk")).order_by())
    rows = TimeOff.objects.filter(staff_id__in=staff_ids, end_at__gt=span.begins, start_at__lt=span.ends)
    return [
        Away(*row)
        for row in rows.order_by("start_at", "pk").values_list(
            "pk", "staff_id", "start_at", "end_at", "reason", told
        )
    ]


class Kept(NamedTuple):
    """A live hold, and for whom it is kept, where it is an offer to who waits."""

    id: int
    staff_id: int
    service_id: int
    service_name: str
    start_at: datetime
    end_at: datetime
    expires_at: datetime
    persons: int
    offer_state: str | None
    waitlist_id: int | None
    client_id: int | None
    first_name: str | None
    last_name: str | None

    @property
    def is_offer(self) -> bool:
        return self.offer_state == WaitlistOffer.State.LIVE


def holds_in(staff_ids: Collection[int], span: Span, *, now: datetime) -> list[Kept]:
    """Never with their tokens. One statement."""
    live = Hold.objects.filter(span.reaches(), staff_id__in=staff_ids, expires_at__gt=now)
    return [Kept(*row) for row in _with_offers(live).order_by("start_at", "pk")]


def _with_offers(holds: QuerySet[Hold]) -> QuerySet[Hold, tuple[Any, ...]]:
    entry = "offer__entry__client"
    return holds.values_list(
        "pk", "staff_id", "service_id", "service__name", "start_at", "end_at", "expires_at", "persons",
        "offer__state", "offer__entry_id", f"{entry}_id", f"{entry}__first_name", f"{entry}__last_name",
    )  # fmt: skip
