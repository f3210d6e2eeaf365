"""Errors in Amelia's form: `{"message", "data"}`, with a flag in data for what was refused (contract §3)."""

from __future__ import annotations

from typing import Any

from bookings.errors import BookingNotFound, ClientAlreadyInSession, HolidayClosed, SessionFull, SlotTaken
from staff.wire.refusals import Refused

FLAGS = {
    SlotTaken.code: (409, "timeSlotUnavailable"),
    HolidayClosed.code: (409, "timeSlotUnavailable"),
    ClientAlreadyInSession.code: (409, "customerAlreadyBooked"),
    SessionFull.code: (409, "maximumCapacityReached"),
    BookingNotFound.code: (404, "entityMissing"),
}

FIELDS_OF_THE_DOOR = {
    "persons": (409, "maximumCapacityReached"),
    "client_id": (404, "entityMissing"),
    "staff_id": (404, "entityMissing"),
    "service_id": (404, "entityMissing"),
    "location_id": (404, "entityMissing"),
}
"""What the door refuses about a field of its own, by the name the door gives it."""

NAMES = {
    "client_id": "customerId",
    "staff_id": "providerId",
    "service_id": "serviceId",
    "location_id": "locationId",
    "start_at": "bookingStart",
    "end_at": "bookingEnd",
}


def error(problem: Refused) -> tuple[int, dict[str, Any]]:
    """Status and body. A key that is missing, unknown or of the wrong mode is 403 with an empty list."""
    if problem.http_status in (401, 403):
        return 403, {"message": problem.message, "data": []}
    field = next(iter(problem.details or {}), "")
    status, flag = FLAGS.get(problem.code) or FIELDS_OF_THE_DOOR.get(field, (problem.http_status, ""))
    message = problem.message
    if field in NAMES:
        message = message.replace(f"{field}:", f"{NAMES[field]}:", 1)
    return status, {"message": message, "data": {flag: True} if flag else {}}
