"""Putting a visit into the client's own calendar: a file, or a page of their provider (contract §8)."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlencode

from django.http import HttpResponse
from django.utils.translation import gettext as _

from bookings.mails import ics
from bookings.mails.client_mail import ClientReader
from bookings.mails.details import Times, calendar_entry
from bookings.models import Booking, Visit, counted
from bookings.pages.render import HEADERS
from bookings.pages.shell import Button

GOOGLE = "https://calendar.google.com/calendar/render"
OUTLOOK = "https://outlook.live.com/calendar/0/deeplink/compose"


def calendar_links(visit: Visit, *, reader: ClientReader, file: str) -> list[Button]:
    """`file`: the address of ours. What the providers are told has no link in it: their logs are theirs."""
    items = counted(visit.items)
    entry = calendar_entry(items, reader=reader, times=Times.of(items))
    start, end = entry.start_at.astimezone(UTC), entry.end_at.astimezone(UTC)
    google = {
        "action": "TEMPLATE",
        "text": entry.summary,
        "dates": f"{start:%Y%m%dT%H%M%SZ}/{end:%Y%m%dT%H%M%SZ}",
        "location": entry.location,
        "details": entry.description,
    }
    outlook = {
        "path": "/calendar/action/compose",
        "rru": "addevent",
        "subject": entry.summary,
        "startdt": f"{start:%Y-%m-%dT%H:%M:%SZ}",
        "enddt": f"{end:%Y-%m-%dT%H:%M:%SZ}",
        "location": entry.location,
        "body": entry.description,
    }
    return [
        Button(_("Calendar file"), file),
        Button("Google", f"{GOOGLE}?{urlencode(google)}"),
        Button("Outlook", f"{OUTLOOK}?{urlencode(outlook)}"),
    ]


def file_of(visit: Visit, *, reader: ClientReader, page: str, now: datetime) -> HttpResponse:
    """The event that the mails about this visit speak of."""
    items = counted(visit.items)
    entry = calendar_entry(items, reader=reader, times=Times.of(items), page=page)
    status = ics.CONFIRMED if visit.status == Booking.Status.SCHEDULED else ics.TENTATIVE
    return HttpResponse(
        ics.publication(entry, status=status, now=now),
        content_type="text/calendar; charset=utf-8",
        headers={**HEADERS, "Content-Disposition": 'attachment; filename="appointment.ics"'},
    )
