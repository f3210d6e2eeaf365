"""booking.created and waitlist.confirmed: an appointment is confirmed, or a whole series (contract §1.4)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from django.utils.translation import gettext as _

from bookings.mails import ics
from bookings.mails.appointment import (
    AppointmentMail,
    announces,
    announces_each,
    in_payload,
    require_not_ended,
    require_status,
    sorted_out,
)
from bookings.mails.client_mail import ClientReader, not_needed, require_theirs
from bookings.mails.details import Times, calendar_entry, if_unable, invitation, rows, series_rows
from bookings.models import Booking
from bookings.why_not_sent import Reason
from notifications.letters.language import moment
from notifications.letters.letter import Letter
from notifications.models import Job


class ConfirmationMail(AppointmentMail):
    """Of one appointment; with `booking_ids` in the payload of those of them that are still to be told.

    `Job.booking_id` is the first of them.
    """

    type = "booking.created"

    def letter(self, job: Job, booking: Booking, *, reader: ClientReader, now: datetime) -> Letter:
        if "booking_ids" not in job.payload:
            _require_news(booking, reader=reader, now=now)
            return self.words(booking, reader=reader, now=now)
        return self._together(job, _require_news, reader=reader, now=now)

    def again_together(self, job: Job, *, reader: ClientReader, now: datetime) -> Letter:
        """Those in the payload that still stand, also where the client knows of them."""
        return self._together(job, _require_stands, reader=reader, now=now)

    def _together(
        self, job: Job, require: Callable[..., None], *, reader: ClientReader, now: datetime
    ) -> Letter:
        found = sorted_out(in_payload(job), tell=lambda each: require(each, reader=reader, now=now))
        fresh = [each for each, _ in found]
        if len(fresh) == 1:
            alone = self.words(fresh[0], reader=reader, now=now)
            return replace(alone, facts=announces_each(fresh))
        return _series_confirmed(fresh, reader=reader, now=now)

    def again(self, booking: Booking, *, reader: ClientReader, now: datetime) -> Letter:
        _require_stands(booking, reader=reader, now=now)
        return self.words(booking, reader=reader, now=now)

    def words(self, booking: Booking, *, reader: ClientReader, now: datetime) -> Letter:
        return _confirmed(booking, reader=reader, now=now)


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
    first = bookings[0]
    entries = [calendar_entry(each, reader=reader, times=Times.of(each)) for each in bookings]
    return Letter(
        subject=_("Your %(count)d appointments from %(when)s are confirmed")
        % {"count": len(bookings), "when": moment(first.start_at, zone=reader.salon.zone)},
        introduction=_("Your appointments are confirmed. We look forward to seeing you."),
        rows=series_rows(first, reader=reader, all_times=[Times.of(each) for each in bookings]),
        closing=[_("The attached file puts the appointments in your calendar."), if_unable(reader)],
        ics=ics.publication(*entries, now=now),
        ics_method=ics.PUBLISH,
        facts=announces_each(bookings),
    )
