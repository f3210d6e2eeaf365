"""What speaks against one booking: warnings for the desk, refusals for a client (docs/adr/0020)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import BigAutoField, DateTimeField, Exists, OuterRef, QuerySet

from bookings.slots.availability.agenda import Agenda, read_agendas, terms_of
from bookings.slots.availability.rules import Case, Objection, objections_to, warnings_about
from staff.models import SalonSettings, Service, Staff, TimeOff
from staff.salon.schedule import Hours, Stretch, holiday_names, local_dates, windows_between
from staff.storage.prepared import Blank, Prepared


def warnings_for(
    *,
    staff: Staff,
    service: Service,
    start_at: datetime,
    end_at: datetime,
    salon: SalonSettings,
    now: datetime,
) -> list[Objection]:
    """What the desk is told about a booking that is taken all the same (times UTC). One statement.

    Codes: staff_does_not_offer_service, outside_working_hours, time_off. A staff member without any
    row of working hours keeps none: there is nothing to be outside of, and no warning.
    """
    rows = _HOURS.rows(staff_id=staff.pk, service_id=service.pk, start_at=start_at, end_at=end_at)
    offers, is_away = rows[0][:2] if rows else (False, False)
    hours = [Hours(*row[2:]) for row in rows if row[2] is not None]
    touched = local_dates(start_at, end_at, zone=salon.zone)
    windows = (
        windows_between(touched[0], touched[-1], hours, zone=salon.zone)
        if hours
        else [Stretch(start_at, end_at)]
    )
    agenda = Agenda(
        staff_id=staff.pk,
        offers_service=offers,
        hours=hours,
        windows=windows,
        away=[Stretch(start_at, end_at)] if is_away else [],
        busy=[],
    )
    terms = terms_of(service, salon=salon, now=now, holidays={})
    return warnings_about(Case(terms, agenda, start_at, end_at))


def _hours() -> QuerySet[Staff, tuple[Any, ...]]:
    """For each row of a person's hours: do they offer it, are they away, weekday, opens, closes."""
    away = TimeOff.objects.filter(
        staff_id=OuterRef("pk"),
        start_at__lt=Blank("end_at", DateTimeField()),
        end_at__gt=Blank("start_at", DateTimeField()),
    )
    offered = Staff.services.through.objects.filter(
        staff_id=OuterRef("pk"), service_id=Blank("service_id", BigAutoField())
    )
    return (
        Staff.objects.filter(pk=Blank("staff_id", BigAutoField()))
        .annotate(offers=Exists(offered), away=Exists(away))
        .order_by()
        .values_list(
            "offers", "away", "working_hours__weekday", "working_hours__opens", "working_hours__closes"
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

    Times are UTC. Four statements, raises nothing. Whether the time is taken is left to the database, which
    refuses the write with SlotTaken and its conflicts.
    """
    touched = local_dates(start_at, end_at, zone=salon.zone)
    agendas = read_agendas(
        service, touched[0], touched[-1], zone=salon.zone, now=now, staff_id=staff.pk, with_busy=False
    )
    holidays = holiday_names(touched[0], touched[-1])
    terms = terms_of(service, salon=salon, now=now, holidays=holidays)
    return [
        objection for agenda in agendas for objection in objections_to(Case(terms, agenda, start_at, end_at))
    ]
