"""What every mail to a client has in common: for whom it is, re-read and re-checked at the sending."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import override

from bookings.mails.letter import Letter, Reader, sealed
from bookings.mails.plain import is_address
from bookings.models import Booking
from bookings.reasons import Reason
from clients.models import Client
from notifications.handlers import Mail, NotNeeded
from notifications.models import Job, Message
from notifications.outbox import Recipient
from staff.models import SalonSettings


class ClientMail:
    """A `notifications.handlers.MailHandler` for mails to the client named in `Job.recipient`.

    A subclass gives `letter`. `client_counts_on_it` True: after a kill in mid-sending the mail is sent once
    more with the same Message-ID.
    """

    client_counts_on_it = True

    def compose(self, job: Job, *, now: datetime) -> Mail:
        """The mail as of now, in the client's language. Raises NotNeeded with a code of `Reason`."""
        booking = read_booking(job)
        reader = Reader(client=read_recipient(job, booking=booking), salon=SalonSettings.load())
        with override(reader.locale):
            letter = self.letter(job, booking, reader=reader, now=now)
        return addressed(letter, job=job, reader=reader)

    def letter(self, job: Job, booking: Booking, *, reader: Reader, now: datetime) -> Letter:
        """What to say, in the active language. Raises NotNeeded when it is no longer true."""
        raise NotImplementedError

    def sent(self, job: Job, message: Message, *, now: datetime) -> None:
        """Nothing to keep, unless a subclass says so."""


def not_needed(reason: Reason) -> NotNeeded:
    return NotNeeded(reason.value)


def addressed(letter: Letter, *, job: Job, reader: Reader) -> Mail:
    """The letter as a mail to its reader. Raises NotNeeded when they have no address."""
    if not is_address(reader.client.email):
        raise not_needed(Reason.NO_ADDRESS)
    return sealed(letter, type=job.type, reader=reader)


def read_booking(job: Job) -> Booking:
    """The job's booking with all that a mail says of it, in one statement. Raises NotNeeded."""
    with_all = Booking.objects.select_related("client", "staff", "service", "location")
    booking: Booking | None = with_all.filter(pk=job.booking_id or 0).first()
    if booking is None:
        raise not_needed(Reason.GONE)
    return booking


def read_recipient(job: Job, *, booking: Booking) -> Client:
    """The client the job is for, or the one they were merged into. Raises NotNeeded after an erasure."""
    if booking.client is not None and booking.client_id == Recipient(job.recipient).client_id:
        return booking.client
    client = find_recipient(job)
    if client is None:
        raise not_needed(Reason.CLIENT_ERASED)
    return client


def find_recipient(job: Job) -> Client | None:
    """As `read_recipient`; None after an erasure."""
    known = Client.objects.select_related("merged_into")
    client = known.filter(pk=Recipient(job.recipient).client_id or 0).first()
    return None if client is None else client.survivor
