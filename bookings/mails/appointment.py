"""The mails about one appointment, in words (contract §1.4). Spoken in the active language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from bookings import ics, links
from bookings.mails.language import long_date, long_moment, moment, money, time_span, zone_name
from bookings.mails.letter import Button, Letter, Reader, Row, how_to_reach, if_in_doubt
from bookings.mails.plain import one_line
from bookings.models import Booking
from staff.models import Location, Service, Staff

LONGEST_NOTE = 1000


@dataclass(frozen=True, slots=True)
class Times:
    """From when to when (UTC) a mail says the appointment is."""

    start_at: datetime
    end_at: datetime

    @classmethod
    def of(cls, booking: Booking) -> Times:
        return cls(booking.start_at, booking.end_at)

    @classmethod
    def told(cls, booking: Booking) -> Times | None:
        """What the client was last told; None when they were told nothing."""
        if booking.announced_start_at is None or booking.announced_end_at is None:
            return None
        return cls(booking.announced_start_at, booking.announced_end_at)


def created(booking: Booking, *, reader: Reader, now: datetime) -> Letter:
    """The appointment is confirmed; with the calendar file."""
    when = moment(booking.start_at, zone=reader.salon.zone)
    return Letter(
        subject=_("Your appointment on %(when)s is confirmed") % {"when": when},
        introduction=_("Your appointment is confirmed. We look forward to seeing you."),
        rows=rows(booking, reader=reader, times=Times.of(booking)),
        closing=[_("The attached file puts the appointment in your calendar."), if_unable(reader)],
        ics=_invitation(booking, reader=reader, status=ics.CONFIRMED, now=now),
        ics_method=ics.REQUEST,
        facts=announces(booking),
    )


def waitlist_confirmed(booking: Booking, *, reader: Reader, now: datetime) -> Letter:
    """As `created`, for somebody who waited for it."""
    when = moment(booking.start_at, zone=reader.salon.zone)
    return Letter(
        subject=_("Your waitlist slot on %(when)s is confirmed") % {"when": when},
        introduction=_("Good news: your waitlist slot is confirmed. We look forward to seeing you."),
        rows=rows(booking, reader=reader, times=Times.of(booking)),
        closing=[_("The attached file puts the appointment in your calendar."), if_unable(reader)],
        ics=_invitation(booking, reader=reader, status=ics.CONFIRMED, now=now),
        ics_method=ics.REQUEST,
        facts=announces(booking),
    )


def provisional(booking: Booking, *, reader: Reader) -> Letter:
    """Would you like to come? With both links and no calendar file, whose own buttons would confuse."""
    when = moment(booking.start_at, zone=reader.salon.zone)
    return Letter(
        subject=_("Please confirm your appointment on %(when)s") % {"when": when},
        introduction=_("We have reserved this time for you. Please let us know whether it suits you."),
        rows=rows(booking, reader=reader, times=Times.of(booking)),
        question=_("Would you like to come at this time?"),
        buttons=_answers(booking),
        closing=[_answer_before(booking, reader), if_in_doubt(reader.salon)],
        facts=announces(booking),
    )


def updated(booking: Booking, *, reader: Reader, now: datetime) -> Letter:
    """The appointment has new times; what is still a request repeats both links."""
    if booking.status == Booking.Status.PROVISIONAL:
        return _updated_request(booking, reader=reader, now=now)
    when = moment(booking.start_at, zone=reader.salon.zone)
    return Letter(
        subject=_("Your appointment has been moved to %(when)s") % {"when": when},
        introduction=_("Your appointment has been moved. These are the new times."),
        rows=rows(booking, reader=reader, times=Times.of(booking), before=Times.told(booking)),
        closing=[
            _("The attached file updates the appointment in your calendar."),
            _joined(_("Does the new time not suit you? Please let us know."), how_to_reach(reader.salon)),
        ],
        ics=_invitation(booking, reader=reader, status=ics.CONFIRMED, now=now),
        ics_method=ics.REQUEST,
        facts=announces(booking),
    )


def _updated_request(booking: Booking, *, reader: Reader, now: datetime) -> Letter:
    when = moment(booking.start_at, zone=reader.salon.zone)
    asks = booking.provisional_token is not None
    return Letter(
        subject=_("Your requested appointment has been moved to %(when)s") % {"when": when},
        introduction=_("The time we have reserved for you has changed. These are the new times."),
        rows=rows(booking, reader=reader, times=Times.of(booking), before=Times.told(booking)),
        question=_("Would you like to come at this time?") if asks else "",
        buttons=_answers(booking),
        closing=[_answer_before(booking, reader) if asks else "", if_in_doubt(reader.salon)],
        ics=_invitation(booking, reader=reader, status=ics.TENTATIVE, now=now),
        ics_method=ics.REQUEST,
        facts=announces(booking),
    )


def cancelled(booking: Booking, *, reader: Reader, times: Times, now: datetime) -> Letter:
    """The appointment does not take place; `times` are those the client was told."""
    when = moment(times.start_at, zone=reader.salon.zone)
    return Letter(
        subject=_("Your appointment on %(when)s has been cancelled") % {"when": when},
        introduction=_("Your appointment has been cancelled. You do not need to do anything."),
        rows=rows(booking, reader=reader, times=times, with_note=False),
        closing=[
            _("The attached file removes the appointment from your calendar."),
            _joined(_("We are glad to find another time for you."), how_to_reach(reader.salon)),
        ],
        ics=_cancellation(booking, reader=reader, times=times, now=now),
        ics_method=ics.CANCEL,
        facts={"announces": None},
    )


def lapsed(booking: Booking, *, reader: Reader, times: Times, in_calendar: bool, now: datetime) -> Letter:
    """The request was not answered in time; the calendar file only for who has it `in_calendar`."""
    when = moment(times.start_at, zone=reader.salon.zone)
    removal = _("The attached file removes the appointment from your calendar.") if in_calendar else ""
    return Letter(
        subject=_("Your request for %(when)s has lapsed") % {"when": when},
        introduction=_(
            "We have not received your answer in time. Your request has lapsed, and the time is free again."
        ),
        rows=rows(booking, reader=reader, times=times, with_note=False),
        closing=[
            removal,
            _joined(
                _("Would you still like to come? We are glad to find a time for you."),
                how_to_reach(reader.salon),
            ),
        ],
        ics=_cancellation(booking, reader=reader, times=times, now=now) if in_calendar else "",
        ics_method=ics.CANCEL if in_calendar else "",
        facts={"announces": None},
    )


def announces(booking: Booking) -> dict[str, Any]:
    """What the client believes once they have read this mail; kept by the handler's `sent`."""
    return {
        "announces": {
            "as": booking.status,
            "start_at": booking.start_at.isoformat(),
            "end_at": booking.end_at.isoformat(),
        }
    }


def rows(
    booking: Booking, *, reader: Reader, times: Times, before: Times | None = None, with_note: bool = True
) -> list[Row]:
    """The table of facts; `before` is what the times were."""
    salon = reader.salon
    found = when_rows(times, zone=salon.zone)
    if before is not None and before != times:
        found.append(Row(pgettext("label", "Before"), long_moment(before.start_at, zone=salon.zone)))
    found += what_and_with_whom(booking.service, booking.staff)
    place = where(booking.location, reader=reader)
    if place:
        found.append(Row(pgettext("label", "Where"), place))
    if booking.persons > 1:
        found.append(Row(pgettext("label", "Persons"), str(booking.persons)))
    if booking.price is not None:
        found.append(Row(pgettext("label", "Price"), money(booking.price, salon.currency)))
    note = one_line(booking.notes, longest=LONGEST_NOTE)
    if note and with_note:
        found.append(Row(pgettext("label", "Note"), note))
    return found


def when_rows(times: Times, *, zone: ZoneInfo) -> list[Row]:
    """Date and time; start and end where midnight lies between them."""
    if times.start_at.astimezone(zone).date() == times.end_at.astimezone(zone).date():
        return [
            Row(pgettext("label", "Date"), long_date(times.start_at, zone=zone)),
            Row(pgettext("label", "Time"), time_span(times.start_at, times.end_at, zone=zone)),
        ]
    return [
        Row(label, f"{long_moment(instant, zone=zone)} ({zone_name(instant, zone=zone)})")
        for label, instant in (
            (pgettext("label", "Start"), times.start_at),
            (pgettext("label", "End"), times.end_at),
        )
    ]


def what_and_with_whom(service: Service, staff: Staff) -> list[Row]:
    return [
        Row(pgettext("label", "Service"), one_line(service.name)),
        Row(pgettext("label", "With"), one_line(staff.name)),
    ]


def where(location: Location | None, *, reader: Reader) -> str:
    """The branch with its address, else the salon's own; empty when nothing is known."""
    if location is not None:
        named = (one_line(location.name), one_line(location.address))
    else:
        named = (reader.salon_name, one_line(reader.salon.business_address))
    return ", ".join(part for part in named if part)


def if_unable(reader: Reader) -> str:
    """What to do when something comes between."""
    return _joined(_("Can you not make it? Please let us know in good time."), how_to_reach(reader.salon))


def calendar_entry(booking: Booking, *, reader: Reader, times: Times) -> ics.Appointment:
    """What stands in the client's calendar."""
    service = one_line(booking.service.name)
    with_whom = f"{pgettext('label', 'With')}: {one_line(booking.staff.name)}"
    return ics.Appointment(
        key=str(booking.key),
        sequence=booking.sequence,
        start_at=times.start_at,
        end_at=times.end_at,
        zone=reader.salon.zone,
        summary=f"{service} - {reader.salon_name}" if reader.salon_name else service,
        location=where(booking.location, reader=reader),
        description="\n".join(line for line in (with_whom, how_to_reach(reader.salon)) if line),
        organizer=settings.DEFAULT_FROM_EMAIL,
        organizer_name=reader.salon_name,
        attendee=reader.client.email,
        attendee_name=reader.client.name,
    )


def _answers(booking: Booking) -> Sequence[Button]:
    if booking.provisional_token is None:
        return ()
    token, base_url = booking.provisional_token, booking.base_url
    return (
        Button(_("Accept the appointment"), links.accept_url(base_url, token)),
        Button(_("Decline the appointment"), links.decline_url(base_url, token)),
    )


def _answer_before(booking: Booking, reader: Reader) -> str:
    until = min(booking.provisional_expires_at or booking.start_at, booking.start_at)
    return _("Please answer before %(until)s. After that, the time is free again for others.") % {
        "until": moment(until, zone=reader.salon.zone)
    }


def _joined(*sentences: str) -> str:
    return " ".join(sentence for sentence in sentences if sentence)


def _invitation(booking: Booking, *, reader: Reader, status: str, now: datetime) -> str:
    entry = calendar_entry(booking, reader=reader, times=Times.of(booking))
    return ics.invitation(entry, status=status, now=now)


def _cancellation(booking: Booking, *, reader: Reader, times: Times, now: datetime) -> str:
    return ics.cancellation(calendar_entry(booking, reader=reader, times=times), now=now)
