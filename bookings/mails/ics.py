"""The calendar file of a booking (iCalendar, iTIP): one event, whose UID never changes.

A later mail about the same booking carries the same UID and a higher SEQUENCE, so that a calendar
moves or removes what it already shows. Times stand in UTC and no VTIMEZONE is sent (contract §6a "ICS"):
programs differ on the hour at which such a block turns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parseaddr
from urllib.parse import quote

from icalendar import Calendar, Event, vCalAddress, vText

from notifications.letters.plain import one_line

PRODUCT = "-//Bookings//Bookings backend//EN"
REQUEST = "REQUEST"
CANCEL = "CANCEL"
PUBLISH = "PUBLISH"
CONFIRMED = "CONFIRMED"
TENTATIVE = "TENTATIVE"
CANCELLED = "CANCELLED"
# What a mailto address may hold as it is (RFC 6068); in the file a backslash is half of another character.
UNQUOTED = "@!$'()*+,;:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Appointment:
    """What stands in the client's calendar.

    `organizer` is the sender's mail address, also as `Name <address>`; `sequence` grows with every
    change of the booking. `url`: where it can be looked at.
    """

    key: str
    sequence: int
    start_at: datetime
    end_at: datetime
    summary: str
    location: str
    description: str
    organizer: str
    organizer_name: str
    attendee: str
    attendee_name: str
    url: str = ""


def invitation(appointment: Appointment, *, status: str, now: datetime) -> str:
    """The METHOD:REQUEST file that puts the appointment into a calendar; `status` CONFIRMED or TENTATIVE."""
    return _calendar(REQUEST, [appointment], status=status, now=now)


def cancellation(appointment: Appointment, *, now: datetime) -> str:
    """The METHOD:CANCEL file that takes the appointment out of a calendar."""
    return _calendar(CANCEL, [appointment], status=CANCELLED, now=now)


def publication(*appointments: Appointment, status: str = CONFIRMED, now: datetime) -> str:
    """The METHOD:PUBLISH file of several appointments (a REQUEST may hold one UID only), or to load down."""
    return _calendar(PUBLISH, appointments, status=status, now=now)


def withdrawals(*appointments: Appointment, now: datetime) -> str:
    """The METHOD:PUBLISH file that says of each that it is cancelled: a CANCEL may hold one UID only."""
    return _calendar(PUBLISH, appointments, status=CANCELLED, now=now)


def _calendar(method: str, appointments: Sequence[Appointment], *, status: str, now: datetime) -> str:
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", method)
    for appointment in appointments:
        event = _event(appointment, status=status, now=now)
        if method != PUBLISH:
            event.add("attendee", _attendee(appointment, status=status))
        calendar.add_component(event)
    return calendar.to_ical().decode()


def _event(appointment: Appointment, *, status: str, now: datetime) -> Event:
    event = Event()
    event.add("uid", f"{appointment.key}@bookings")
    event.add("sequence", appointment.sequence)
    event.add("dtstamp", now.astimezone(UTC).replace(microsecond=0))
    event.add("dtstart", appointment.start_at.astimezone(UTC))
    event.add("dtend", appointment.end_at.astimezone(UTC))
    event.add("summary", one_line(appointment.summary))
    if appointment.location:
        event.add("location", one_line(appointment.location))
    if appointment.description:
        event.add("description", _lines(appointment.description))
    if appointment.url:
        event.add("url", appointment.url)
    event.add("status", status)
    event.add("transp", "OPAQUE" if status != CANCELLED else "TRANSPARENT")
    event.add("organizer", _person(appointment.organizer, appointment.organizer_name))
    return event


def _attendee(appointment: Appointment, *, status: str) -> vCalAddress:
    attendee = _person(appointment.attendee, appointment.attendee_name)
    attendee.params["ROLE"] = vText("REQ-PARTICIPANT")
    attendee.params["PARTSTAT"] = vText("NEEDS-ACTION" if status == TENTATIVE else "ACCEPTED")
    attendee.params["RSVP"] = vText("FALSE")
    return attendee


def _person(address: str, name: str) -> vCalAddress:
    plain_address = one_line(parseaddr(address)[1] or address)
    person = vCalAddress("mailto:" + quote(plain_address, safe=UNQUOTED))
    clean_name = one_line(name).replace('"', "'")
    if clean_name:
        person.params["CN"] = vText(clean_name)
    return person


def _lines(text: str) -> str:
    return "\n".join(one_line(line) for line in text.splitlines())
