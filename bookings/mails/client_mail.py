"""What every mail to a client has in common: for whom it is, re-read and re-checked at the sending."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NoReturn

from bookings.models import Booking
from bookings.why_not_sent import Reason
from clients.models import Client
from clients.numbers import textable
from notifications.handlers import NotNeeded, Text, TryLater
from notifications.letters.handler import LetterHandler
from notifications.letters.letter import Reader
from notifications.models import Job
from notifications.outbox import Recipient
from staff.models import SalonSettings

CONFIRMED_NO_SMS = "confirmed_no_sms"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientReader(Reader):
    """A client who reads a mail."""

    client: Client

    @classmethod
    def of(cls, client: Client, *, salon: SalonSettings | None = None) -> ClientReader:
        return cls(
            name=client.first_name,
            email=client.email,
            locale=client.locale,
            salon=salon or SalonSettings.load(),
            deliver_outside=not client.is_demo,
            phone=textable(client),
            client=client,
        )


class ClientMail(LetterHandler[Booking, ClientReader]):
    """A mail about the booking `Job.booking_id` to the client named in `Job.recipient`.

    What it raises NotNeeded with is a code of `Reason`.
    """

    def read(self, job: Job) -> tuple[Booking, ClientReader]:
        booking = read_booking(job)
        return booking, ClientReader.of(read_recipient(job, booking=booking))

    def compose_text(self, job: Job, *, now: datetime) -> Text:
        require_texts_wanted(read_booking(job))
        return super().compose_text(job, now=now)


def require_texts_wanted(booking: Booking) -> None:
    """Raises NotNeeded for a booking that was confirmed with the wish for no texts (SimpleSpa's 22)."""
    if booking.status_detail == CONFIRMED_NO_SMS:
        raise not_needed(Reason.ASKED_NOT_TO)


def not_needed(reason: Reason) -> NotNeeded:
    return NotNeeded(reason.value)


def put_off(*, until: datetime, latest: datetime) -> NoReturn:
    """A text that came into the quiet hours: raises TryLater for their end (`until`), or NotNeeded where that
    is later than `latest`."""
    if until > latest:
        raise not_needed(Reason.QUIET_HOURS)
    raise TryLater("The quiet hours have begun.", after=until + timedelta(seconds=1))


def require_theirs(booking: Booking, reader: ClientReader) -> None:
    """Raises NotNeeded when the booking is no longer this client's."""
    if booking.client_id != reader.client.pk:
        raise not_needed(Reason.ANOTHER_CLIENT)


def read_booking(job: Job) -> Booking:
    """The job's booking with all that a mail says of it, in one statement. Raises NotNeeded."""
    with_all = Booking.objects.select_related("client", "staff", "service", "location", "visit")
    booking: Booking | None = with_all.filter(pk=job.booking_id or 0).first()
    if booking is None:
        raise not_needed(Reason.GONE)
    return booking


def read_recipient(job: Job, *, booking: Booking | None = None) -> Client:
    """The client the job is for, or the one they were merged into. Raises NotNeeded after an erasure.

    The `booking`'s own client is not read again.
    """
    if (
        booking is not None
        and booking.client is not None
        and booking.client_id == Recipient(job.recipient).client_id
    ):
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
