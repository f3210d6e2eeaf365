"""What a booking keeps of its service from when that is set: buffers, price, parts (contract §1.3, §7), and
the windows of its client (contract §8).

Parts are fitted to how long the booking lasts. Another length fits them anew, another staff member leaves
them; sent, they say how long it lasts.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from bookings.lifecycle.policy import windows_of_service
from bookings.models import Booking
from staff.models import SalonSettings, Service
from staff.salon.durations import ONE_PERSON_AT_A_TIME, duration_of
from staff.salon.parts import (
    ONE_MINUTE,
    PartJson,
    Parts,
    as_kept,
    check_parts,
    fitted,
    in_full,
    total_minutes,
)
from staff.wire.refusals import BadRequest


def with_end(booking: Booking, changes: Mapping[str, Any]) -> dict[str, Any]:
    """`changes` with `parts`, if they are sent (in full), as they are kept, and the `end_at` they lead to.

    Parts equal to those of the booking count as not sent: who sends back what they read may change the end
    alone. Raises BadRequest for parts that no service may have, and for another `end_at` beside them.
    """
    settled = dict(changes)
    parts = settled.pop("parts", None)
    if parts is None or parts == _in_full(booking.parts, booking.start_at, booking.end_at):
        return settled
    check_parts(parts)
    minutes = total_minutes(parts)
    end_at = settled.get("start_at", booking.start_at) + timedelta(minutes=minutes)
    if settled.get("end_at", end_at) != end_at:
        raise BadRequest.field(
            "end_at", f"the parts take {minutes} minutes, which ends at another time; leave it out."
        )
    return settled | {"parts": as_kept(parts), "end_at": end_at}


def parts_after(
    booking: Booking, changes: Mapping[str, Any], *, another: Service | None, staff_id: int, length: timedelta
) -> list[PartJson]:
    """What the booking keeps with `changes` (as `with_end` gives them), lasting `length` with `staff_id`.

    `another`: the service, where it changes; one statement then.
    """
    if "parts" in changes:
        parts: Parts = changes["parts"]
    elif another is not None:
        parts = duration_of(another, staff_id).parts
    else:
        parts = booking.parts
    return fitted(parts, length)


def freeze(
    booking: Booking, stored: Mapping[str, Any], changes: Mapping[str, Any], *, salon: SalonSettings
) -> None:
    """Another service: buffers, price, parts and the client's windows are frozen anew, the times stay
    (contract §1.3, §8).

    `changes` are merged into the booking already; `stored` is what it had. Raises BadRequest for several
    parts of a class.
    """
    differing = {name for name, value in stored.items() if getattr(booking, name) != value}
    service = booking.service if differing & {"service_id", "parts"} else None
    if service is not None and "service_id" in differing:
        if "price" not in differing:
            booking.price = service.price
        booking.buffer_before_minutes = service.buffer_before_minutes
        booking.buffer_after_minutes = service.buffer_after_minutes
        booking.client_cancel_minutes, booking.client_reschedule_minutes = windows_of_service(
            service, salon=salon
        )
    if differing & {"service_id", "start_at", "end_at", "parts"}:
        booking.parts = parts_after(
            booking,
            changes,
            another=service if "service_id" in differing else None,
            staff_id=booking.staff_id,
            length=booking.end_at - booking.start_at,
        )
    if service is not None and booking.parts and service.max_capacity > 1:
        raise BadRequest.field("parts", ONE_PERSON_AT_A_TIME)


def parts_audited(booking: Booking, stored: Mapping[str, Any]) -> list[list[PartJson]]:
    """The parts before and after, in full, as the history keeps them."""
    return [
        _in_full(stored["parts"], stored["start_at"], stored["end_at"]),
        _in_full(booking.parts, booking.start_at, booking.end_at),
    ]


def _in_full(parts: Parts, start_at: datetime, end_at: datetime) -> list[PartJson]:
    return in_full(parts, minutes=(end_at - start_at) // ONE_MINUTE)
