"""What admin pages share: rows stay, refusals become form errors, bookings in the way are named.

Names: KeptAdmin, say_refusal, say_affected, say_outside_hours.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils import timezone

from staff.access.auth import actor_for
from staff.models import SalonSettings, Staff, WorkingHours
from staff.salon.affected import Touched, affected_bookings
from staff.salon.opening import hours_touched
from staff.wire.refusals import Refused

MOST_NAMED = 10


class KeptAdmin(admin.ModelAdmin):
    """Rows that others refer to: no delete, no bulk action."""

    actions: Any = None
    list_per_page = 50

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def say_refusal(form: forms.BaseForm, refused: Refused) -> None:
    """Put the refusal's sentences at the fields they name, else above the form."""
    named = {
        name.removesuffix("_id"): sentences
        for name, sentences in (refused.details or {}).items()
        if name.removesuffix("_id") in form.fields
    }
    for name, sentences in named.items():
        for sentence in sentences:
            form.add_error(name, sentence)
    if not named:
        form.add_error(None, _sentence(refused))


def _sentence(refused: Refused) -> str:
    taken = refused.conflicts or []
    by = ", ".join(f"#{each['booking_id']} {each['start_at']} - {each['end_at'][11:16]}" for each in taken)
    return f"{refused.message} ({by})" if by else refused.message


def say_affected(request: HttpRequest, touched: Touched) -> None:
    """A warning with the bookings that the change touched; nothing when there are none."""
    if not isinstance(request.user, Staff):
        return
    salon = SalonSettings.load()
    found = affected_bookings(
        touched, actor=actor_for(request.user, salon=salon, channel="admin"), zone=salon.zone
    )
    if not found:
        return
    named = [f"#{each['booking_id']} {each['start_at'][:16]} {each['client_name']}" for each in found]
    rest = f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
    messages.warning(request, f"Still booked: {', '.join(named[:MOST_NAMED])}{rest}.")


def say_outside_hours(
    request: HttpRequest, *, before: Sequence[WorkingHours], after: Sequence[WorkingHours]
) -> None:
    """A warning with the bookings ahead that lie outside the hours since `after` stands for `before`."""
    say_affected(request, hours_touched(before=before, after=after, now=timezone.now()))
