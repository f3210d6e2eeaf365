"""Which bookings a holiday, time off or a departure touches: named in `settings.AFFECTED_BOOKINGS`."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from bookings.models import Booking
from staff.access.actor import Actor
from staff.salon.affected import AffectedBookingJson
from staff.wire.times import print_when


def affected_bookings(
    *, actor: Actor, starts_at: datetime, ends_at: datetime | None, staff_id: int | None, zone: ZoneInfo
) -> list[AffectedBookingJson]:
    """See `staff.salon.affected.FindsAffected`. One statement."""
    touching = Booking.objects.visible_to(actor).occupying().filter(end_at__gt=starts_at)
    if ends_at is not None:
        touching = touching.filter(start_at__lt=ends_at)
    if staff_id is not None:
        touching = touching.filter(staff_id=staff_id)
    return [
        _printed(each, zone=zone) for each in touching.select_related("client").order_by("start_at", "id")
    ]


def _printed(booking: Booking, *, zone: ZoneInfo) -> AffectedBookingJson:
    return {
        "booking_id": booking.pk,
        "start_at": print_when(booking.start_at, zone=zone),
        "end_at": print_when(booking.end_at, zone=zone),
        "status": booking.status,
        "client_id": booking.client_id,
        "client_name": booking.client.name if booking.client else None,
        "staff_id": booking.staff_id,
        "service_id": booking.service_id,
    }
