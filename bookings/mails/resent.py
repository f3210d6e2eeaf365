"""booking.resent: a mail that the client should have had, once more (contract §6a "send again").

Its words, and what is checked at the sending, are those of the mail it stands for.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from django.db.models import Q

from bookings.mails.appointment import AppointmentMail
from bookings.mails.cancellation import CancellationMail
from bookings.mails.client_mail import ClientReader
from bookings.mails.confirmation import ConfirmationMail, WaitlistConfirmationMail
from bookings.mails.lapse import LapseMail
from bookings.mails.online_request import DeclinedMail, RequestedMail, RequestLapsedMail
from bookings.mails.request import RequestMail
from bookings.models import Booking, BookingEvent
from notifications.letters.letter import Letter
from notifications.models import Job

Original = ConfirmationMail | RequestMail | CancellationMail | RequestedMail | DeclinedMail


class Kind(StrEnum):
    """What can be sent again, as the API says it; kept in the job's payload under `type`."""

    CONFIRMATION = "confirmation"
    REQUEST = "request"
    CANCELLATION = "cancellation"


class ResentMail(AppointmentMail):
    """To the address the client has when it leaves; also for who was told before.

    With `booking_ids` in the payload of those of a series that were confirmed together.
    """

    type = "booking.resent"
    worded_by_salon = True

    def letter(self, job: Job, booking: Booking, *, reader: ClientReader, now: datetime) -> Letter:
        original = self._original(job, booking)
        if isinstance(original, ConfirmationMail) and "booking_ids" in job.payload:
            return original.again_together(job, reader=reader, now=now)
        return original.again(booking, reader=reader, now=now)

    def worded_as(self, job: Job, subject: Booking) -> str:
        return self._original(job, subject).type

    def _original(self, job: Job, booking: Booking) -> Original:
        return original_of(booking, Kind(job.payload["type"]))


def original_of(booking: Booking, kind: Kind) -> Original:
    """The mail that the booking would get of this kind."""
    match kind:
        case Kind.REQUEST:
            return RequestedMail() if booking.asked_online else RequestMail()
        case Kind.CANCELLATION:
            return _closing(booking)()
    entry = booking.waitlist
    waited = entry is not None and entry.client_id == booking.client_id
    return WaitlistConfirmationMail() if waited else ConfirmationMail()


def _closing(booking: Booking) -> type[CancellationMail | DeclinedMail]:
    """What the last cancelling of its visit was told with: a request that lapsed or was declined has its own
    words."""
    of_visit = Q(booking=booking) | Q(booking__visit_id=booking.visit_id, booking__visit_id__isnull=False)
    closings = BookingEvent.objects.filter(of_visit, to_status=Booking.Status.CANCELLED)
    last = closings.exclude(from_status=Booking.Status.CANCELLED).order_by("-id").first()
    if last is None:
        return CancellationMail
    own_words = {each.type: each for each in (LapseMail, DeclinedMail, RequestLapsedMail)}
    told = Job.objects.filter(type__in=own_words, visit_id=booking.visit_id)
    job = told.filter(once_key__endswith=f":{last.pk}:{booking.client_id}").first()
    return CancellationMail if job is None else own_words[job.type]
