"""booking.cancelled: the appointment does not take place (contract §1.4)."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _

from bookings.lifecycle.announced import Announced, last_announced, last_told_to_stand
from bookings.mails import ics
from bookings.mails.appointment import NOTHING_STANDS, AppointmentMail, require_status
from bookings.mails.client_mail import ClientReader, not_needed, require_theirs
from bookings.mails.details import Times, rows, withdrawal
from bookings.models import Booking
from bookings.why_not_sent import Reason
from notifications import outbox
from notifications.handlers import TryLater
from notifications.letters.language import moment
from notifications.letters.letter import Letter, how_to_reach, joined
from notifications.models import Job


class CancellationMail(AppointmentMail):
    """To the booking's client, or to the one it was taken from by a change of client.

    The mail names the times this client was told. Who was told nothing gets nothing.
    """

    type = "booking.cancelled"

    def letter(self, job: Job, booking: Booking, *, reader: ClientReader, now: datetime) -> Letter:
        if booking.client_id == reader.client.pk:
            if booking.status != Booking.Status.CANCELLED:
                raise not_needed(Reason.RESTORED)
            if not booking.announced_as:
                _wait_for_series(job, booking)
            times = Times.announced(booking) if booking.announced_as else None
            ends = booking.end_at
        else:
            times = _announced_to_former_client(job, reader)
            ends = booking.end_at if times is None else times.end_at
        if times is None:
            raise not_needed(Reason.NEVER_ANNOUNCED)
        if max(ends, times.end_at) <= now:
            raise not_needed(Reason.ALREADY_ENDED)
        return self.words(booking, reader=reader, times=times, now=now)

    def again(self, booking: Booking, *, reader: ClientReader, now: datetime) -> Letter:
        require_theirs(booking, reader)
        require_status(booking, Booking.Status.CANCELLED)
        times = Times.announced(booking)
        if times is None:
            told = last_told_to_stand(booking, client_id=reader.client.pk)
            times = None if told is None else Times.said(told)
        if times is None:
            raise not_needed(Reason.NEVER_ANNOUNCED)
        if max(booking.end_at, times.end_at) <= now:
            raise not_needed(Reason.ALREADY_ENDED)
        return self.words(booking, reader=reader, times=times, now=now)

    def words(self, booking: Booking, *, reader: ClientReader, times: Times, now: datetime) -> Letter:
        """`times` are those the client was told."""
        when = moment(times.start_at, zone=reader.salon.zone)
        return Letter(
            subject=_("Your appointment on %(when)s has been cancelled") % {"when": when},
            introduction=_("Your appointment has been cancelled. You do not need to do anything."),
            rows=rows(booking, reader=reader, times=times, with_note=False),
            closing=[
                _("The attached file removes the appointment from your calendar."),
                joined(_("We are glad to find another time for you."), how_to_reach(reader.salon)),
            ],
            ics=withdrawal(booking, reader=reader, times=times, now=now),
            ics_method=ics.CANCEL,
            facts=NOTHING_STANDS,
        )


def _wait_for_series(job: Job, booking: Booking) -> None:
    """The mail for a whole series keeps no order with those about its later dates: what it says counts here.

    Raises TryLater while it is on its way; reads anew what it has announced.
    """
    if booking.series_id is None:
        return
    recipient = outbox.Recipient(job.recipient)
    if outbox.on_its_way(booking_id=booking.series_id, types=["booking.created"], recipient=recipient):
        raise TryLater("The confirmation of the whole series is on its way.")
    booking.refresh_from_db(fields=["announced_as", "announced_start_at", "announced_end_at"])


def _announced_to_former_client(job: Job, reader: ClientReader) -> Times | None:
    """What somebody who no longer has the booking was last told of it.

    The message log knows best: a confirmation may have left after the change of client froze the payload.
    """
    announced = last_announced(booking_id=job.booking_id or 0, client_id=reader.client.pk)
    if announced is None:
        announced = Announced.read(job.payload.get("announced"))
    return Times.said(announced)
