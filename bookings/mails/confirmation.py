"""booking.created and waitlist.confirmed: an appointment is confirmed, or a whole series (contract §1.4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from bookings.mails import ics
from bookings.mails.appointment import (
    AppointmentMail,
    announces,
    keep_announced,
    require_not_ended,
    require_status,
)
from bookings.mails.client_mail import ClientReader, find_recipient, not_needed, require_theirs
from bookings.mails.details import Times, calendar_entry, if_unable, invitation, rows, when_rows
from bookings.models import Booking
from bookings.why_not_sent import Reason
from notifications.handlers import NotNeeded
from notifications.letters.language import long_date, moment, time_range
from notifications.letters.letter import Letter, Row
from notifications.models import Job, Message


class ConfirmationMail(AppointmentMail):
    """Of one appointment; with `booking_ids` in the payload of those of them that are still to be told.

    `Job.booking_id` is the first of them.
    """

    type = "booking.created"

    def letter(self, job: Job, booking: Booking, *, reader: ClientReader, now: datetime) -> Letter:
        if "booking_ids" not in job.payload:
            _require_news(booking, reader=reader, now=now)
            return self.words(booking, reader=reader, now=now)
        fresh, moot = _sorted_out(job, reader=reader, now=now)
        if not fresh:
            raise moot or not_needed(Reason.GONE)
        if len(fresh) == 1:
            alone = self.words(fresh[0], reader=reader, now=now)
            return replace(alone, facts=_announces_each(fresh))
        return _series_confirmed(fresh, reader=reader, now=now)

    def again(self, booking: Booking, *, reader: ClientReader, now: datetime) -> Letter:
        _require_stands(booking, reader=reader, now=now)
        return self.words(booking, reader=reader, now=now)

    def words(self, booking: Booking, *, reader: ClientReader, now: datetime) -> Letter:
        return _confirmed(booking, reader=reader, now=now)

    def sent(self, job: Job, message: Message, *, now: datetime) -> None:
        """Keeps for each appointment of the mail what the client now believes."""
        each = message.facts.get("announces_each")
        if each is None:
            super().sent(job, message, now=now)
            return
        client = find_recipient(job)
        if client is not None:
            for booking_id, announced in each.items():
                keep_announced(int(booking_id), client_id=client.pk, announced=announced)


class WaitlistConfirmationMail(ConfirmationMail):
    """Of one appointment, for somebody who waited for it."""

    type = "waitlist.confirmed"

    def words(self, booking: Booking, *, reader: ClientReader, now: datetime) -> Letter:
        when = moment(booking.start_at, zone=reader.salon.zone)
        return replace(
            _confirmed(booking, reader=reader, now=now),
            subject=_("Your waitlist slot on %(when)s is confirmed") % {"when": when},
            introduction=_("Good news: your waitlist slot is confirmed. We look forward to seeing you."),
        )


def _require_news(booking: Booking, *, reader: ClientReader, now: datetime) -> None:
    """Raises NotNeeded unless the appointment stands, is still ahead, and the client does not know it."""
    _require_stands(booking, reader=reader, now=now)
    if booking.announced_as == Booking.Status.SCHEDULED and Times.announced(booking) == Times.of(booking):
        raise not_needed(Reason.ALREADY_ANNOUNCED)


def _require_stands(booking: Booking, *, reader: ClientReader, now: datetime) -> None:
    require_theirs(booking, reader)
    require_status(booking, Booking.Status.SCHEDULED)
    require_not_ended(booking, now=now)


def _sorted_out(
    job: Job, *, reader: ClientReader, now: datetime
) -> tuple[Sequence[Booking], NotNeeded | None]:
    """The job's appointments that are news, by their start, and why the first of the others is not."""
    fresh: list[Booking] = []
    moot: NotNeeded | None = None
    found = Booking.objects.filter(pk__in=job.payload["booking_ids"])
    for booking in found.select_related("staff", "service", "location").order_by("start_at", "pk"):
        try:
            _require_news(booking, reader=reader, now=now)
        except NotNeeded as why:
            moot = moot or why
        else:
            fresh.append(booking)
    return fresh, moot


def _confirmed(booking: Booking, *, reader: ClientReader, now: datetime) -> Letter:
    when = moment(booking.start_at, zone=reader.salon.zone)
    return Letter(
        subject=_("Your appointment on %(when)s is confirmed") % {"when": when},
        introduction=_("Your appointment is confirmed. We look forward to seeing you."),
        rows=rows(booking, reader=reader, times=Times.of(booking)),
        closing=[_("The attached file puts the appointment in your calendar."), if_unable(reader)],
        ics=invitation(booking, reader=reader, status=ics.CONFIRMED, now=now),
        ics_method=ics.REQUEST,
        facts=announces(booking),
    )


def _series_confirmed(bookings: Sequence[Booking], *, reader: ClientReader, now: datetime) -> Letter:
    """All dates, then what they have in common; with one calendar file. `bookings`: by their start."""
    zone = reader.salon.zone
    first = bookings[0]
    numbered = [
        Row(
            str(number),
            f"{long_date(each.start_at, zone=zone)}, {time_range(each.start_at, each.end_at, zone=zone)}",
        )
        for number, each in enumerate(bookings, start=1)
    ]
    own_times = len(when_rows(Times.of(first), zone=zone))
    entries = [calendar_entry(each, reader=reader, times=Times.of(each)) for each in bookings]
    return Letter(
        subject=_("Your %(count)d appointments from %(when)s are confirmed")
        % {"count": len(bookings), "when": moment(first.start_at, zone=zone)},
        introduction=_("Your appointments are confirmed. We look forward to seeing you."),
        rows=[
            *numbered,
            Row(pgettext("label", "Time zone"), zone.key),
            *rows(first, reader=reader, times=Times.of(first))[own_times:],
        ],
        closing=[_("The attached file puts the appointments in your calendar."), if_unable(reader)],
        ics=ics.publication(*entries, now=now),
        ics_method=ics.PUBLISH,
        facts=_announces_each(bookings),
    )


def _announces_each(bookings: Sequence[Booking]) -> dict[str, Any]:
    """As `announces`, by booking id."""
    return {"announces_each": {str(each.pk): announces(each)["announces"] for each in bookings}}
