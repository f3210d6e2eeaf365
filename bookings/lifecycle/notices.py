"""What the salon reads in its in-app list about a change (contract §1.4-1.5)."""

from __future__ import annotations

from collections.abc import Collection

from django.utils import formats, translation
from django.utils.translation import gettext as _

from bookings.lifecycle.outcome import Change
from bookings.models import Booking
from notifications import inapp
from staff.models import SalonSettings, Staff


def tell_salon(change: Change, type: str) -> None:
    """A line for the booking's staff member and for every active admin, the actor included."""
    staff_ids = {change.booking.staff_id, *_active_admin_ids()}
    _tell(change, type, staff_ids=staff_ids)


def tell_staff_member(change: Change, type: str) -> None:
    """A line for the booking's staff member alone."""
    _tell(change, type, staff_ids={change.booking.staff_id})


def _tell(change: Change, type: str, *, staff_ids: Collection[int]) -> None:
    with translation.override(change.salon.locale):
        inapp.tell_staff(
            staff_ids=staff_ids,
            type=type,
            title=_titles()[type],
            body=summary(change.booking, salon=change.salon),
            booking_id=change.booking.pk,
            now=change.now,
        )


def summary(booking: Booking, *, salon: SalonSettings) -> str:
    """ "Alice Smith, Haircut, Saturday 21 November 10:00" on the salon's wall clock, in the active language."""
    when = formats.date_format(booking.start_at.astimezone(salon.zone), "l j F H:i")
    client = booking.client.name if booking.client is not None else ""
    return ", ".join(part for part in (client, booking.service.name, when) if part)


def _titles() -> dict[str, str]:
    return {
        "booking.new": _("New booking"),
        "booking.accepted": _("Booking request accepted"),
        "booking.declined": _("Booking request declined"),
        "booking.lapsed": _("Booking request lapsed"),
        "booking.followup": _("Did they come? Mark completed or no-show"),
    }


def _active_admin_ids() -> list[int]:
    return list(Staff.objects.filter(role=Staff.Role.ADMIN, is_active=True).values_list("pk", flat=True))
