"""What a page shows of an appointment: service, staff member, date, time. Nothing else of anybody."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _

from bookings.mails.details import what_by_whom
from bookings.models import Booking, coming_with
from bookings.pages.shell import Fact
from notifications.letters.language import long_date, time_range, time_span
from notifications.letters.plain import one_line
from staff.models import SalonSettings


def facts_of(booking: Booking, *, salon: SalonSettings) -> list[Fact]:
    """Of a booking, or of all bookings of its visit, on the salon's wall clock, in the active language."""
    items = coming_with(booking)
    if len(items) > 1:
        zone = salon.zone
        start_at, end_at = min(each.start_at for each in items), max(each.end_at for each in items)
        return [
            Fact(_("Date"), long_date(start_at, zone=zone)),
            Fact(_("Time"), time_span(start_at, end_at, zone=zone)),
            *(Fact(time_range(each.start_at, each.end_at, zone=zone), what_by_whom(each)) for each in items),
        ]
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
