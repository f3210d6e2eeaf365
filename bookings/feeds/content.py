"""What a calendar program reads: one event for each booking, in UTC, row by row (contract §11 "Feeds").

Spoken in the active language. A client's alert never stands in it: it is read at the desk, not on a telephone
that others look at.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from icalendar import Calendar, Event

from bookings.mails.ics import CANCELLED, CONFIRMED, PRODUCT, PUBLISH, TENTATIVE
from bookings.models import Booking, CalendarFeed
from bookings.slots.stretches import work_parts
from notifications.letters.plain import one_line, paragraphs
from staff.access.auth import actor_for
from staff.models import SalonSettings
from staff.wire.streaming import streamed

BACK = timedelta(days=30)
AHEAD = timedelta(days=365)
CANCELLED_KEPT = timedelta(days=14)
READ_AGAIN = timedelta(hours=1)
"""What we ask of programs; Google looks every 8 to 24 hours whatever it is told."""
ROWS_AT_ONCE = 500
LONGEST_NOTE = 1000
STATUSES = {Booking.Status.PROVISIONAL: TENTATIVE, Booking.Status.CANCELLED: CANCELLED}


def bookings_of(feed: CalendarFeed, *, salon: SalonSettings, now: datetime) -> QuerySet[Booking]:
    """What the feed's person may see as of now, within its scope, from 30 days back to 365 ahead.

    A location's feed of somebody who has no location any more is of their own bookings.
    """
    actor = actor_for(feed.staff, salon=salon, channel="page")
    seen: QuerySet[Booking] = Booking.objects.visible_to(actor)
    match feed.scope:
        case CalendarFeed.Scope.ALL:
            pass
        case CalendarFeed.Scope.LOCATION if feed.staff.location_id is not None:
            seen = seen.filter(location_id=feed.staff.location_id)
        case _:
            seen = seen.filter(staff_id=feed.staff_id)
    return (
        seen.filter(start_at__gte=now - BACK, start_at__lt=now + AHEAD)
        .filter(~Q(status=Booking.Status.CANCELLED) | Q(updated_at__gte=now - CANCELLED_KEPT))
        .select_related("client", "service", "staff", "location")
        .order_by("start_at", "id")
    )


def calendar_lines(feed: CalendarFeed, *, salon: SalonSettings, now: datetime) -> Iterator[bytes]:
    """The file, an event at a time; one statement."""
    head, end = _frame(feed, salon=salon)
    yield head
    rows = bookings_of(feed, salon=salon, now=now)
    for booking in streamed(rows, chunk_size=ROWS_AT_ONCE):
        for event in _events(booking, feed=feed):
            yield event.to_ical()
    yield end


def _frame(feed: CalendarFeed, *, salon: SalonSettings) -> tuple[bytes, bytes]:
    """What stands before and after the events."""
    name = one_line(" - ".join(part for part in (salon.business_name, feed.staff.name) if part))
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", PUBLISH)
    calendar.add("name", name)
    calendar.add("x-wr-calname", name)
    calendar.add("refresh-interval", READ_AGAIN, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT1H")
    end = b"END:VCALENDAR\r\n"
    return calendar.to_ical().removesuffix(end), end


def _events(booking: Booking, *, feed: CalendarFeed) -> Iterator[Event]:
    if feed.detail == CalendarFeed.Detail.BUSY:
        for part in work_parts(booking.start_at, booking.end_at, booking.parts):
            place = "" if part.number == 1 else f"-{part.number}"
            yield _event(booking, f"staff{place}", part.start_at, part.end_at, summary=_("Busy"))
        return
    event = _event(booking, "staff", booking.start_at, booking.end_at, summary=_summary(booking, feed=feed))
    if booking.location is not None:
        named = (one_line(booking.location.name), one_line(booking.location.address))
        event.add("location", ", ".join(part for part in named if part))
    if feed.detail == CalendarFeed.Detail.FULL and (told := _told(booking)):
        event.add("description", told)
    yield event


def _event(booking: Booking, uid: str, start_at: datetime, end_at: datetime, *, summary: str) -> Event:
    """Stamped with the booking's own last change, so that the same rows are the same bytes."""
    changed = booking.updated_at.astimezone(UTC).replace(microsecond=0)
    status = STATUSES.get(Booking.Status(booking.status), CONFIRMED)
    event = Event()
    event.add("uid", f"{booking.key}-{uid}@bookings")
    event.add("sequence", booking.version)
    event.add("dtstamp", changed)
    event.add("last-modified", changed)
    event.add("dtstart", start_at.astimezone(UTC))
    event.add("dtend", end_at.astimezone(UTC))
    event.add("summary", summary)
    event.add("status", status)
    event.add("transp", "TRANSPARENT" if status == CANCELLED else "OPAQUE")
    return event


def _summary(booking: Booking, *, feed: CalendarFeed) -> str:
    """Service, client and, in a calendar of several people, who does it."""
    client = booking.client
    if client is None:
        who = ""
    elif feed.detail == CalendarFeed.Detail.FULL:
        who = one_line(client.name)
    else:
        names = (one_line(name) for name in (client.first_name, client.last_name))
        who = "".join(f"{name[0].upper()}." for name in names if name)
    by = "" if feed.scope == CalendarFeed.Scope.OWN else one_line(booking.staff.name)
    return " - ".join(part for part in (one_line(booking.service.name), who, by) if part)


def _told(booking: Booking) -> str:
    """The client's number and the booking's note."""
    client = booking.client
    number = "" if client is None else one_line(client.mobile or client.phone)
    note = paragraphs(booking.notes[:LONGEST_NOTE])
    return "\n".join(part for part in (number, *note) if part)
