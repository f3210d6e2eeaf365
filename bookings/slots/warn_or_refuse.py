"""What speaks against one booking: warnings for the desk, refusals for a client (docs/adr/0020)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import (
    BigAutoField,
    DateField,
    DateTimeField,
    Exists,
    FilteredRelation,
    OuterRef,
    Q,
    QuerySet,
)

from bookings.models import Booking, WaitlistEntry
from bookings.slots.availability.agenda import LONGEST_BOOKING, Agenda, read_agendas, terms_of
from bookings.slots.availability.rules import Case, Objection, objections_to, warnings_about
from staff.models import SalonSettings, Service, Staff, TimeOff
from staff.salon.durations import own_or_usual
from staff.salon.parts import ONE_MINUTE, Duration, Parts, fitted
from staff.salon.schedule import ONE_DAY, Stretch, holiday_names, local_dates, time_off_of
from staff.salon.timetable import Hours, Timetable, exceptions_for, is_exceptional
from staff.storage.prepared_statements import Blank, Prepared


def warnings_for(
    *,
    staff: Staff,
    service: Service,
    start_at: datetime,
    end_at: datetime,
    salon: SalonSettings,
    now: datetime,
    parts: Parts = (),
    client_id: int | None = None,
    booking_id: int = 0,
) -> list[Objection]:
    """What the desk is told about a booking that is taken all the same (times UTC, its own `parts`).

    One statement, and more where an exception to the hours or a holiday may hold, or an absence in a gap.

    Codes: staff_does_not_offer_service, outside_working_hours, time_off, client_busy (by another booking than
    `booking_id`), shorter_than_service, longer_than_service, on_waitlist (of a time ahead). A staff member
    without any row of working hours keeps none: there is nothing to be outside of, and no warning.
    """
    touched = local_dates(start_at, end_at, zone=salon.zone)
    first, last = touched[0] - ONE_DAY, touched[-1]
    rows = _HOURS.rows(
        staff_id=staff.pk,
        service_id=service.pk,
        start_at=start_at,
        end_at=end_at,
        earliest=start_at - LONGEST_BOOKING,
        first=first,
        last=last,
        client_id=client_id,
        booking_id=booking_id,
        date=touched[0],
    )
    known = _Known(*rows[0][: len(_Known._fields)]) if rows else _Known()
    hours = [row[len(_Known._fields) :] for row in rows]
    timetable = Timetable([Hours(*row) for row in hours if row[0] is not None])
    if known.exceptional:
        exceptions = exceptions_for({staff.pk: known.location_id}, first=first, last=last)
        closed = frozenset(holiday_names(first, last))
        timetable = Timetable(timetable.hours, exceptions.get(staff.pk, ()), closed)
    if not timetable.keeps_hours:
        timetable = timetable.around_the_clock()
    away = [Stretch(start_at, end_at)] if known.away else []
    if away and parts:
        away = time_off_of([staff.pk], start_at=start_at, end_at=end_at)[staff.pk]
    agenda = Agenda(
        staff_id=staff.pk,
        offers_service=known.offers,
        duration=own_or_usual(service, known.own_minutes, None),
        timetable=timetable,
        windows=timetable.windows_between(first, last, zone=salon.zone),
        away=away,
        busy=[],
    )
    terms = terms_of(service, salon=salon, now=now, holidays={})
    return [
        *warnings_about(Case(terms, agenda, start_at, end_at, parts)),
        *([CLIENT_BUSY] if known.client_busy else []),
        *_about_length(service, agenda.duration, end_at - start_at),
        *([ON_WAITLIST] if known.client_waits and start_at > now else []),
    ]


class _Known(NamedTuple):
    """What `_hours` says of a person before the row of their hours."""

    offers: bool = False
    away: bool = False
    client_busy: bool = False
    client_waits: bool = False
    location_id: int | None = None
    exceptional: bool = False
    own_minutes: int | None = None


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
    """For each row of a person's hours: do they offer it, are they away, is the client elsewhere, does
    the client wait for it, their location, whether an exception or a holiday may hold then, their own
    minutes for the service; and the row."""
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
    return (
        Staff.objects.filter(pk=Blank("staff_id", BigAutoField()))
        .annotate(
            offers=Exists(offered),
            away=Exists(away),
            client_busy=Exists(elsewhere),
            client_waits=Exists(waits),
            exceptional=is_exceptional(),
            own=FilteredRelation(
                "durations", condition=Q(durations__service_id=Blank("service_id", BigAutoField()))
            ),
        )
        .order_by()
        .values_list(
            "offers",
            "away",
            "client_busy",
            "client_waits",
            "location_id",
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
