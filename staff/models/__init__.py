"""The salon's side: who works, what is offered, when it is shut, who may call (docs/adr/0001)."""

from staff.models.access import ApiKey, IdempotentAnswer
from staff.models.people import Staff, StaffManager
from staff.models.salon import (
    Holiday,
    Location,
    OpeningException,
    Service,
    ServiceDuration,
    TimeOff,
    WorkingHours,
)
from staff.models.settings import SalonSettings

__all__ = [
    "ApiKey",
    "Holiday",
    "IdempotentAnswer",
    "Location",
    "OpeningException",
    "SalonSettings",
    "Service",
    "ServiceDuration",
    "Staff",
    "StaffManager",
    "TimeOff",
    "WorkingHours",
]
