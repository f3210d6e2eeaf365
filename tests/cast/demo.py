"""The demo salon, as `make run` makes it."""

from __future__ import annotations

import io
from datetime import UTC, datetime

from django.core.management import call_command
from django.db.models import QuerySet

from bookings.models import Booking, BookingEvent, BusyTime, Visit
from clients.models import Client
from notifications.models import Job, Message, Notification
from staff.models import SalonSettings, Service, Staff
from tests.cast.rows import Rows, rows_of

FRIDAY_NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def make_demo() -> str:
    said = io.StringIO()
    call_command("demo", stdout=said)
    return said.getvalue()


def everything() -> Rows:
    tables = (
        Booking,
        BookingEvent,
        Visit,
        BusyTime,
        Client,
        Staff,
        Service,
        Job,
        Message,
        Notification,
        SalonSettings,
    )
    return rows_of(tables)


def several(found: QuerySet[Booking]) -> set[tuple[tuple[str, str, datetime], ...]]:
    """The visits of several services among them: whose, which, when."""
    several = Visit.objects.filter(bookings__in=found.filter(position=2))
    return {
        tuple((each.staff.name, each.service.name, each.start_at) for each in visit.items)
        for visit in several
    }
