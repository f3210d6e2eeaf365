"""What a page shows of an appointment: service, staff member, date, time. Nothing else of anybody."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _

from bookings.models import Booking
from bookings.pages.shell import Fact
from notifications.letters.language import long_date, time_span
from notifications.letters.plain import one_line
from staff.models import SalonSettings


def facts_of(booking: Booking, *, salon: SalonSettings) -> list[Fact]:
    """A booking's facts on the salon's wall clock, in the active language."""
    return appointment_facts(
        service=booking.service.name,
        staff=booking.staff.name,
        start_at=booking.start_at,
        end_at=booking.end_at,
        salon=salon,
    )


def appointment_facts(
    *, service: str, staff: str, start_at: datetime, end_at: datetime, salon: SalonSettings
) -> list[Fact]:
    return [
        Fact(_("Service"), one_line(service)),
        Fact(_("With"), one_line(staff)),
        Fact(_("Date"), long_date(start_at, zone=salon.zone)),
        Fact(_("Time"), time_span(start_at, end_at, zone=salon.zone)),
    ]
