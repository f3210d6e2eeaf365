"""Mails about one appointment: what they tell is re-read and re-checked at the sending (contract §1.4).

`Booking.announced_*` is what the client was last told; `sent` keeps it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bookings.jobs.client_mail import ClientMail, find_recipient, not_needed
from bookings.lifecycle.announced import Told, last_told, stands_in_calendar
from bookings.mails import appointment
from bookings.mails.appointment import Times
from bookings.mails.letter import Letter, Reader
from bookings.models import Booking
from bookings.reasons import Reason
from notifications import outbox
from notifications.handlers import TryLater
from notifications.models import Job, Message

Status = Booking.Status

MEANWHILE = {
    Status.SCHEDULED: Reason.ACCEPTED_MEANWHILE,
    Status.PROVISIONAL: Reason.PROVISIONAL_MEANWHILE,
    Status.COMPLETED: Reason.COMPLETED_MEANWHILE,
    Status.CANCELLED: Reason.CANCELLED_MEANWHILE,
    Status.NO_SHOW: Reason.NO_SHOW_MEANWHILE,
}
"""Why a mail is moot, by the status its booking has come to."""


class AppointmentMail(ClientMail):
    """A mail that changes what the client believes about their booking."""

    def sent(self, job: Job, message: Message, *, now: datetime) -> None:
        """Keeps what the client now believes, if the booking is still theirs."""
        reader = find_recipient(job)
        if reader is None or job.booking_id is None:
            return
        keep_what_was_told(job.booking_id, client_id=reader.pk, told=message.facts.get("announces"))


class Created(AppointmentMail):
    """booking.created: the appointment is confirmed."""

    def letter(self, job: Job, booking: Booking, *, reader: Reader, now: datetime) -> Letter:
        self.require_news(booking, reader=reader, now=now)
        return self.words(booking, reader=reader, now=now)

    def require_news(self, booking: Booking, *, reader: Reader, now: datetime) -> None:
        """Raises NotNeeded unless the appointment stands, is still ahead, and the client does not know it."""
        require_theirs(booking, reader)
        require_status(booking, Status.SCHEDULED)
        require_not_ended(booking, now=now)
        if booking.announced_as == Status.SCHEDULED and Times.told(booking) == Times.of(booking):
            raise not_needed(Reason.ALREADY_ANNOUNCED)

    def words(self, booking: Booking, *, reader: Reader, now: datetime) -> Letter:
        return appointment.created(booking, reader=reader, now=now)


class WaitlistConfirmed(Created):
    """waitlist.confirmed: the same, for somebody who waited for it."""

    def words(self, booking: Booking, *, reader: Reader, now: datetime) -> Letter:
        return appointment.waitlist_confirmed(booking, reader=reader, now=now)


class Provisional(AppointmentMail):
    """booking.provisional: would you like to come? With accept and decline links."""

    def letter(self, job: Job, booking: Booking, *, reader: Reader, now: datetime) -> Letter:
        require_theirs(booking, reader)
        require_status(booking, Status.PROVISIONAL)
        require_not_ended(booking, now=now)
        if booking.provisional_token is None or links_are_spent(booking, now=now):
            raise not_needed(Reason.SPENT)
        return appointment.provisional(booking, reader=reader)


class Updated(AppointmentMail):
    """booking.updated: the new times, once, if they differ from those last told."""

    def letter(self, job: Job, booking: Booking, *, reader: Reader, now: datetime) -> Letter:
        require_theirs(booking, reader)
        require_status(booking, Status.SCHEDULED, Status.PROVISIONAL)
        require_not_ended(booking, now=now)
        if booking.announced_as and Times.told(booking) == Times.of(booking):
            raise not_needed(Reason.DRAGGED_BACK)
        if booking.provisional_token is not None and links_are_spent(booking, now=now):
            raise not_needed(Reason.SPENT)
        return appointment.updated(booking, reader=reader, now=now)


class Cancelled(AppointmentMail):
    """booking.cancelled: to the booking's client, or to the one it was taken from by a change of client.

    The mail names the times this client was told. Who was told nothing gets nothing.
    """

    def letter(self, job: Job, booking: Booking, *, reader: Reader, now: datetime) -> Letter:
        if booking.client_id == reader.client.pk:
            if booking.status != Status.CANCELLED:
                raise not_needed(Reason.RESTORED)
            if not booking.announced_as:
                _wait_for_series(job, booking)
            times = Times.told(booking) if booking.announced_as else None
            ends = booking.end_at
        else:
            times = _told_to_former_client(job, reader)
            ends = booking.end_at if times is None else times.end_at
        if times is None:
            raise not_needed(Reason.NEVER_ANNOUNCED)
        if max(ends, times.end_at) <= now:
            raise not_needed(Reason.ALREADY_ENDED)
        return self.words(booking, reader=reader, times=times, now=now)

    def words(self, booking: Booking, *, reader: Reader, times: Times, now: datetime) -> Letter:
        return appointment.cancelled(booking, reader=reader, times=times, now=now)


class Lapsed(Cancelled):
    """booking.lapsed: the same, because the request was not answered in time."""

    def words(self, booking: Booking, *, reader: Reader, times: Times, now: datetime) -> Letter:
        in_calendar = stands_in_calendar(booking, client_id=reader.client.pk)
        return appointment.lapsed(booking, reader=reader, times=times, in_calendar=in_calendar, now=now)


def require_theirs(booking: Booking, reader: Reader) -> None:
    if booking.client_id != reader.client.pk:
        raise not_needed(Reason.ANOTHER_CLIENT)


def require_status(booking: Booking, *wanted: Status) -> None:
    if booking.status not in wanted:
        raise not_needed(MEANWHILE[Status(booking.status)])


def require_not_ended(booking: Booking, *, now: datetime) -> None:
    if booking.end_at <= now:
        raise not_needed(Reason.ALREADY_ENDED)


def links_are_spent(booking: Booking, *, now: datetime) -> bool:
    """Whether accept and decline would answer 410: at the start, or after the time to answer."""
    expires_at = booking.provisional_expires_at or booking.start_at
    return min(expires_at, booking.start_at) <= now


def keep_what_was_told(booking_id: int, *, client_id: int, told: Mapping[str, Any] | None) -> None:
    """Stores what the client believes of this booking, if it is still theirs; None: that there is none."""
    now_believed = Told.read(told)
    Booking.objects.filter(pk=booking_id, client_id=client_id).update(
        announced_as=now_believed.status,
        announced_start_at=now_believed.start_at,
        announced_end_at=now_believed.end_at,
    )


def _wait_for_series(job: Job, booking: Booking) -> None:
    """The mail for a whole series keeps no order with those about its later dates: what it says counts here.

    Raises TryLater while it is on its way; reads anew what it has announced.
    """
    if booking.series_id is None:
        return
    if outbox.on_its_way(
        booking_id=booking.series_id, types=["booking.created"], recipient=outbox.Recipient(job.recipient)
    ):
        raise TryLater("The confirmation of the whole series is on its way.")
    booking.refresh_from_db(fields=["announced_as", "announced_start_at", "announced_end_at"])


def _told_to_former_client(job: Job, reader: Reader) -> Times | None:
    """What somebody who no longer has the booking was last told of it.

    The message log knows best: a confirmation may have left after the change of client froze the payload.
    """
    told = last_told(booking_id=job.booking_id or 0, client_id=reader.client.pk)
    if told is None:
        told = Told.read(job.payload.get("announced"))
    if told.start_at is None or told.end_at is None:
        return None
    return Times(told.start_at, told.end_at)
