"""What is looked up and checked before every write, each refusal in one sentence (contract §1.2-1.3)."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import BigAutoField

from bookings.errors import HolidayClosed
from bookings.slots.availability.agenda import LONGEST_BOOKING
from bookings.slots.availability.rules import closed_on
from staff.access.actor import Actor
from staff.models import Service, Staff
from staff.salon.durations import Offered, offered_by
from staff.salon.schedule import holidays_touched
from staff.storage.prepared_statements import Blank, PreparedRows
from staff.wire.refusals import BadRequest, Forbidden


def check_times(start_at: datetime, end_at: datetime) -> None:
    """Both UTC. Raises BadRequest unless start < end <= start + 24 h."""
    if end_at <= start_at:
        raise BadRequest.field("end_at", "must be later than start_at.")
    if end_at - start_at > LONGEST_BOOKING:
        raise BadRequest.field("end_at", "a booking lasts at most 24 hours.")


def check_agenda(actor: Actor, staff_id: int) -> None:
    """With the personal agenda a staff member books only their own. Raises Forbidden."""
    if actor.agenda_of is not None and actor.agenda_of != staff_id:
        raise Forbidden("With the personal agenda on you can only book for yourself.")


def check_holiday(start_at: datetime, end_at: datetime, *, zone: ZoneInfo) -> None:
    """Raises HolidayClosed when a salon-local date of the half-open range is a holiday. One statement."""
    for holiday in holidays_touched(start_at, end_at, zone=zone):
        raise HolidayClosed(closed_on(holiday.date, holiday.name))


def bookable(staff: Staff | None, staff_id: int) -> Staff:
    """The staff member, who takes bookings. Raises BadRequest."""
    if staff is None or not staff.is_active or not staff.bookable:
        raise nobody_bookable(staff_id)
    return staff


def nobody_bookable(staff_id: int) -> BadRequest:
    return BadRequest.field("staff_id", f"There is no staff member {staff_id} who takes bookings.")


def find_service(service_id: int) -> Service:
    """The service, which is still offered. Raises BadRequest."""
    service = _OFFERED.first(id=service_id)
    if service is None:
        raise _not_offered(service_id)
    return service


def find_offered(service_id: int, staff_id: int) -> Offered:
    """`find_service`, and how long it takes with this person; who that is, is not checked."""
    offered = offered_by(service_id, staff_id)
    if offered is None:
        raise _not_offered(service_id)
    return offered


def _not_offered(service_id: int) -> BadRequest:
    return BadRequest.field("service_id", f"There is no service {service_id}, or it is no longer offered.")


def check_persons(persons: int, service: Service) -> None:
    """Raises BadRequest."""
    if persons < 1 or persons > service.max_capacity:
        raise BadRequest.field(
            "persons", f"{service.name} takes 1 to {service.max_capacity} persons; send a number in between."
        )


_OFFERED = PreparedRows(
    Service,
    lambda: Service.objects.filter(pk=Blank("id", BigAutoField()), is_active=True).order_by(),
)
