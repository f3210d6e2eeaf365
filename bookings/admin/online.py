"""What admin shows of online booking: requests that wait, and what strangers typed (contract §9)."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from bookings.models import Booking, Visit

TAKE_OVER = "_take_over"
LABELS = {
    "first_name": _("First name"),
    "last_name": _("Last name"),
    "email": _("E-mail"),
    "phone": _("Telephone"),
    "note": _("Note"),
}


class WaitingFilter(admin.SimpleListFilter):
    """Requests that the salon has to answer: no link accepts or declines them."""

    title = _("requests")
    parameter_name = "requests"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("waiting", _("Waiting for an answer"))]

    def queryset(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() != "waiting":
            return rows
        asked = Booking.objects.waiting_for_salon().order_by()
        return rows.filter(pk__in=asked.values("visit_id") if rows.model is Visit else asked)


def in_the_log(count: int) -> str:
    """How a link to the message log reads."""
    return gettext("%(count)d in the log") % {"count": count}


def typed_online(visit: Visit) -> SafeString | str:
    """As they said themselves, with a button that writes it on the client."""
    typed = visit.contact_typed
    if typed is None:
        return "-"
    told = [(LABELS[name], typed[name]) for name in LABELS if typed[name]]
    lines = format_html_join("", "{}: {}<br>", told)
    by_code, unproved = _("The mail address was proved by a code."), _("Nothing of it was proved.")
    proved = by_code if typed["verified"] else unproved
    others = ", ".join(f"#{each}" for each in typed["perhaps_client_ids"])
    same = gettext("Perhaps the same person as client %(others)s; merge them if so.") % {"others": others}
    hint = f" {same}" if others else ""
    if typed["taken_over_at"] is not None:
        return format_html("{}{}{} {}", lines, proved, hint, _("Taken over."))
    button = format_html(
        '<br><button type="submit" name="{}" value="1">{}</button>', TAKE_OVER, _("Take over")
    )
    return format_html("{}{}{}{}", lines, proved, hint, button)
