"""What speaks against one booking: warnings for the desk, refusals for a client (docs/adr/0020)."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.db.models import (
    BigAutoField,
    Count,
    DateField,
    DateTimeField,
    Exists,
    FilteredRelation,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
)

from bookings.models import Booking, WaitlistEntry
from bookings.slots.availability.agenda import LONGEST_BOOKING, Agenda, read_agendas, terms_of
from bookings.slots.availability.rules import Case, Objection, objections_to, warnings_about
from staff.models import Location, SalonSettings, Service, Staff, TimeOff
from staff.salon.durations import own_or_usual
from staff.salon.parts import ONE_MINUTE, Duration, Parts, fitted
from staff.salon.schedule import ONE_DAY, Stretch, holiday_names, local_dates, time_off_of
from staff.salon.timetable import Hours, Timetable, exceptions_for, is_exceptional
from staff.storage.prepared_statements import Blank, Prepared


class Circumstances(NamedTuple):
    """What there is at a time that the desk books: about the staff member, the client and the salon.

    `exceptional`: whether an exception to the hours or a holiday may hold then; `location_id`: the staff
    member's; `only_location_id`: of the salon's one open location, where it has just one.
    """

    offers: bool = False
    away: bool = False
    client_busy: bool = False
    client_waits: bool = False
    location_id: int | None = None
    only_location_id: int | None = None
    exceptional: bool = False
    own_minutes: int | None = None
    hours: tuple[Hours, ...] = ()


_ABOUT = Circumstances._fields[:-1]


def circumstances_of(
    *,
    staff_id: int,
    service_id: int,
    start_at: datetime,
    end_at: datetime,
    zone: ZoneInfo,
    client_id: int | None = None,
    booking_id: int = 0,
) -> Circumstances:
    """For a booking of these times (UTC), which is `booking_id` itself if it is stored. One statement."""
    first, last = _dates_near(start_at, end_at, zone=zone)
    rows = _HOURS.rows(
        staff_id=staff_id,
        service_id=service_id,
        start_at=start_at,
        end_at=end_at,
        earliest=start_at - LONGEST_BOOKING,
        first=first,
        last=last,
        client_id=client_id,
        booking_id=booking_id,
        date=first + ONE_DAY,
    )
    if not rows:
        return Circumstances()
    rows_of_hours = (row[len(_ABOUT) :] for row in rows)
    hours = tuple(Hours(*row) for row in rows_of_hours if row[0] is not None)
    return Circumstances(**dict(zip(_ABOUT, rows[0][: len(_ABOUT)], strict=True)), hours=hours)


def _dates_near(start_at: datetime, end_at: datetime, *, zone: ZoneInfo) -> tuple[date, date]:
    """From the day before, whose hours may reach past midnight, to the day on which it ends."""
    touched = local_dates(start_at, end_at, zone=zone)
    return touched[0] - ONE_DAY, touched[-1]


def warnings_for(
    about: Circumstances,
    *,
    staff: Staff,
    service: Service,
    start_at: datetime,
    end_at: datetime,
    salon: SalonSettings,
    now: datetime,
    parts: Parts = (),
) -> list[Objection]:
    """What the desk is told about a booking that is taken all the same (times UTC, its own `parts`).

    No statement, and some where an exception to the hours or a holiday may hold, or an absence in a gap.

    Codes: staff_does_not_offer_service, outside_working_hours, time_off, client_busy (by another booking than
    the one that it is about), shorter_than_service, longer_than_service, on_waitlist (of a time ahead). A
    staff member without any row of working hours keeps none: there is nothing to be outside of, no warning.
    """
    first, last = _dates_near(start_at, end_at, zone=salon.zone)
    timetable = Timetable(about.hours)
    if about.exceptional:
        exceptions = exceptions_for({staff.pk: about.location_id}, first=first, last=last)
        closed = frozenset(holiday_names(first, last))
        timetable = Timetable(timetable.hours, exceptions.get(staff.pk, ()), closed)
    if not timetable.keeps_hours:
        timetable = timetable.around_the_clock()
    away = [Stretch(start_at, end_at)] if about.away else []
    if away and parts:
        away = time_off_of([staff.pk], start_at=start_at, end_at=end_at)[staff.pk]
    agenda = Agenda(
        staff_id=staff.pk,
        offers_service=about.offers,
        duration=own_or_usual(service, about.own_minutes, None),
        timetable=timetable,
        windows=timetable.windows_between(first, last, zone=salon.zone),
        away=away,
        busy=[],
    )
    terms = terms_of(service, salon=salon, now=now, holidays={})
    return [
        *warnings_about(Case(terms, agenda, start_at, end_at, parts)),
        *([CLIENT_BUSY] if about.client_busy else []),
        *_about_length(service, agenda.duration, end_at - start_at),
        *([ON_WAITLIST] if about.client_waits and start_at > now else []),
    ]


CLIENT_BUSY = Objection("client_busy", "This client has another booking at that time.")
ON_WAITLIST = Objection(
    "on_waitlist", "This client was on the waitlist for this service and day; the entry is booked with this."
)


def client_is_busy(booking: Booking) -> bool:
    """Whether its client has another live booking at that time; not one of its visit that begins with it."""
    elsewhere = Booking.objects.occupying().filter(
        client_id=booking.client_id or 0,
        start_at__gte=booking.start_at - LONGEST_BOOKING,
        start_at__lt=booking.end_at,
        end_at__gt=booking.start_at,
    )
    together = Q(pk=booking.pk) | Q(visit_id=booking.visit_id, start_at=booking.start_at)
    return elsewhere.exclude(together).exists()


def _about_length(service: Service, usual: Duration, length: timedelta) -> list[Objection]:
    """`usual`: with the person of the booking."""
    if length == usual.length:
        return []
    minutes = length // ONE_MINUTE
    which = "shorter" if length < usual.length else "longer"
    message = f"{service.name} takes {usual.minutes} minutes and this booking lasts {minutes}."
    return [Objection(f"{which}_than_service", message)]


def _hours() -> QuerySet[Staff, tuple[Any, ...]]:
    """For each row of a person's hours: what `Circumstances` says beside them, and the row."""
    away = TimeOff.objects.filter(
        staff_id=OuterRef("pk"),
        start_at__lt=Blank("end_at", DateTimeField()),
        end_at__gt=Blank("start_at", DateTimeField()),
    )
    offered = Staff.services.through.objects.filter(
        staff_id=OuterRef("pk"), service_id=Blank("service_id", BigAutoField())
    )
    elsewhere = (
        Booking.objects.occupying()
        .filter(
            client_id=Blank("client_id", BigAutoField()),
            # Whatever began before is over; a client may have years of it.
            start_at__gte=Blank("earliest", DateTimeField()),
            start_at__lt=Blank("end_at", DateTimeField()),
            end_at__gt=Blank("start_at", DateTimeField()),
        )
        .exclude(pk=Blank("booking_id", BigAutoField()))
    )
    waits = WaitlistEntry.objects.filter(
        client_id=Blank("client_id", BigAutoField()),
        service_id=Blank("service_id", BigAutoField()),
        date=Blank("date", DateField()),
        status__in=WaitlistEntry.OPEN_STATUSES,
    )
    open_ones = Location.objects.filter(is_active=True).order_by().values("is_active")
    only_location = open_ones.annotate(number=Count("pk"), only=Min("pk")).filter(number=1).values("only")
    return (
        Staff.objects.filter(pk=Blank("staff_id", BigAutoField()))
        .annotate(
            offers=Exists(offered),
            away=Exists(away),
            client_busy=Exists(elsewhere),
            client_waits=Exists(waits),
            only_location_id=Subquery(only_location),
            exceptional=is_exceptional(),
            own=FilteredRelation(
                "durations", condition=Q(durations__service_id=Blank("service_id", BigAutoField()))
            ),
        )
        .order_by()
        # In the order of `Circumstances`.
        .values_list(
            "offers",
            "away",
            "client_busy",
            "client_waits",
            "location_id",
            "only_location_id",
            "exceptional",
            "own__duration_minutes",
            *(f"working_hours__{name}" for name in Hours._fields),
        )
    )


_HOURS = Prepared(_hours)


def refusals_for(
    *,
    staff: Staff,
    service: Service,
    start_at: datetime,
    end_at: datetime,
    salon: SalonSettings,
    now: datetime,
) -> list[Objection]:
    """Every rule that forbids a client to make this booking, in the words of `explain`; [] when none does.

    Times are UTC. At most four statements, raises nothing. Whether the time is taken is left to the database,
    which refuses the write with SlotTaken and its conflicts.
    """
    touched = local_dates(start_at, end_at, zone=salon.zone)
    agendas, holidays = read_agendas(
        service,
        touched[0],
        touched[-1],
        zone=salon.zone,
        now=now,
        staff_id=staff.pk,
        with_busy=False,
    )
    terms = terms_of(service, salon=salon, now=now, holidays=holidays)
    return [
        objection
        for agenda in agendas
        for objection in objections_to(
            Case(terms, agenda, start_at, end_at, fitted(agenda.duration.parts, end_at - start_at))
        )
    ]
