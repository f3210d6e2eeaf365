"""What admin pages share: rows stay, refusals become form errors, bookings in the way are named.

Names: KeptAdmin, refusal_of, say_affected.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from staff.access.auth import actor_for
from staff.models import SalonSettings, Staff
from staff.salon.affected import affected_bookings
from staff.wire.refusals import Refused

MOST_NAMED = 10


class KeptAdmin(admin.ModelAdmin):
    """Rows that others refer to: no delete, no bulk action."""

    actions: Any = None
    list_per_page = 50

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def refusal_of(refused: Refused) -> ValidationError:
    """The refusal as a form's error, at the fields it names."""
    return ValidationError(refused.details if refused.details else refused.message)


def say_affected(
    request: HttpRequest, *, starts_at: datetime, ends_at: datetime | None, staff_id: int | None
) -> None:
    """A warning with the bookings that stand in the stretch; nothing when there are none."""
    if not isinstance(request.user, Staff):
        return
    salon = SalonSettings.load()
    found = affected_bookings(
        actor=actor_for(request.user, salon=salon, channel="admin"),
        starts_at=starts_at,
        ends_at=ends_at,
        staff_id=staff_id,
        zone=salon.zone,
    )
    if not found:
        return
    named = [f"#{each['booking_id']} {each['start_at'][:16]} {each['client_name']}" for each in found]
    rest = f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
    messages.warning(request, f"Still booked: {', '.join(named[:MOST_NAMED])}{rest}.")
