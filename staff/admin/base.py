"""What admin pages share: rows stay, refusals become form errors, bookings in the way are named.

Names: KeptAdmin, acting, say_refusal, say_affected, say_outside_hours.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from staff.access.actor import Actor
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


def acting(request: HttpRequest) -> Actor:
    """Who is logged in, through this channel. Raises PermissionError without a login."""
    if not isinstance(request.user, Staff):
        raise PermissionError("admin without a login")
    return actor_for(request.user, salon=SalonSettings.load(), channel="admin")


def say_refusal(form: forms.BaseForm, refused: Refused, *, rows: Sequence[forms.BaseForm] = ()) -> None:
    """Put the refusal's sentences at the fields they name, else above the form.

    `items.1.staff_id` is the staff member of the second of `rows`; what a row has no field for is the form's.
    """
    named = [
        (place, sentences)
        for name, sentences in (refused.details or {}).items()
        if (place := _place_of(name, form, rows)) is not None
    ]
    for (at, field), sentences in named:
        for sentence in sentences:
            at.add_error(field, _(sentence))
    if not named:
        form.add_error(None, _sentence(refused))


def _place_of(
    name: str, form: forms.BaseForm, rows: Sequence[forms.BaseForm]
) -> tuple[forms.BaseForm, str] | None:
    """The form and the field that a refusal means by `name`."""
    field = name.rpartition(".")[2] if rows else name
    field = field.removesuffix("_id")
    number = re.fullmatch(r"items\.([0-9]+)\..*", name)
    if rows and number is not None and field in rows[int(number[1])].fields:
        return rows[int(number[1])], field
    return (form, field) if field in form.fields else None


def _sentence(refused: Refused) -> str:
    taken = refused.conflicts or []
    by = ", ".join(f"#{each['booking_id']} {each['start_at']} - {each['end_at'][11:16]}" for each in taken)
    said = _(refused.message)
    return f"{said} ({by})" if by else said


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
    more = len(found) - MOST_NAMED
    told = {"bookings": ", ".join(named[:MOST_NAMED]), "more": more}
    if more > 0:
        messages.warning(request, _("Still booked: %(bookings)s and %(more)d more.") % told)
    else:
        messages.warning(request, _("Still booked: %(bookings)s.") % told)


def say_outside_hours(
    request: HttpRequest, *, before: Sequence[WorkingHours], after: Sequence[WorkingHours]
) -> None:
    """A warning with the bookings ahead that lie outside the hours since `after` stands for `before`."""
    say_affected(request, hours_touched(before=before, after=after, now=timezone.now()))
