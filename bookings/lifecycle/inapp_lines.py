"""What the salon reads in its in-app list about a change (contract §1.4-1.5)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.utils import formats, translation
from django.utils.translation import gettext_lazy as _

from bookings.lifecycle.outcome import Change
from bookings.models import Booking, Visit
from notifications import inapp
from staff.models import SalonSettings


def tell_salon(change: Change, type: str) -> None:
    """A line for the booking's staff member and for every active admin, the actor included."""
    _tell(change, type, and_admins=True)


def tell_salon_of_series(bookings: Sequence[Booking], *, salon: SalonSettings, now: datetime) -> None:
    """One line for a series: its first booking, and how many more there are."""
    first, more = bookings[0], len({each.visit_id for each in bookings}) - 1
    with translation.override(salon.locale):
        body = summary(first, salon=salon)
        inapp.tell_staff(
            staff_ids={each.staff_id for each in bookings},
            and_admins=True,
            type="booking.new",
            title=str(TITLES["booking.new"]),
            body=f"{body} (+{more})" if more else body,
            booking_id=first.pk,
            now=now,
        )


def tell_salon_of_visit(visit: Visit, type: str, change: Change) -> None:
    """One line about the visit's first booking for all its people, and how many more bookings there are."""
    first, more = visit.items[0], len(visit.items) - 1
    with translation.override(change.salon.locale):
        inapp.tell_staff(
            staff_ids={each.staff_id for each in visit.items},
            and_admins=True,
            type=type,
            title=str(TITLES[type]),
            body=f"{summary(first, salon=change.salon)} (+{more})",
            booking_id=first.pk,
            now=change.now,
        )


def tell_salon_of_move(changes: Sequence[Change]) -> None:
    """One line about a visit that its client moved, for whose time it was and every active admin."""
    first, more = changes[0], len(changes) - 1
    with translation.override(first.salon.locale):
        body = summary(first.booking, salon=first.salon)
        inapp.tell_staff(
            staff_ids={each.before.staff_id for each in changes if each.before is not None},
            and_admins=True,
            type="booking.moved",
            title=str(TITLES["booking.moved"]),
            body=f"{body} (+{more})" if more else body,
            booking_id=first.booking.pk,
            now=first.now,
        )


def tell_staff_member(change: Change, type: str) -> None:
    """A line for the booking's staff member alone."""
    _tell(change, type, and_admins=False)


def _tell(change: Change, type: str, *, and_admins: bool) -> None:
    with translation.override(change.salon.locale):
        inapp.tell_staff(
            staff_ids=[change.booking.staff_id],
            and_admins=and_admins,
            type=type,
            title=str(TITLES[type]),
            body=summary(change.booking, salon=change.salon),
            booking_id=change.booking.pk,
            now=change.now,
        )


def summary(booking: Booking, *, salon: SalonSettings) -> str:
    """Client, service and start on the salon's wall clock, in the active language."""
    when = formats.date_format(booking.start_at.astimezone(salon.zone), "l j F H:i")
    client = booking.client.name if booking.client is not None else ""
    return ", ".join(part for part in (client, booking.service.name, when) if part)


TITLES = {
    "booking.new": _("New booking"),
    "booking.requested": _("A client asks for an appointment"),
    "booking.request_waiting": _("A request has been waiting for an answer"),
    "booking.accepted": _("Booking request accepted"),
    "booking.declined": _("Booking request declined"),
    "booking.lapsed": _("Booking request lapsed"),
    "booking.moved": _("Moved by the client"),
    "booking.cancelled_by_client": _("Cancelled by the client"),
    "booking.followup": _("Did they come? Mark completed or no-show"),
}
"""Said in the language that is active when they are told."""
