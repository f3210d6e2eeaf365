"""Sending again what the client should have had: the wrong address is corrected, or one was added later.

Contract §6a "send again". Nothing of the booking changes; what the client then believes is kept when the mail
has left, as after any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from bookings.channel_choice import way_to
from bookings.errors import NothingToSend
from bookings.lifecycle.audit import record
from bookings.lifecycle.locks import begin_again, lock_booking
from bookings.lifecycle.mail_types import RESENT
from bookings.mails.client_mail import ClientReader
from bookings.mails.confirmation import ConfirmationMail
from bookings.mails.resent import Kind, Original, original_of
from bookings.models import Booking, BookingQuerySet
from bookings.why_not_sent import Reason
from notifications import outbox
from notifications.handlers import NotNeeded
from notifications.letters.plain import is_address
from notifications.models import EMAIL, Job, Message
from notifications.outbox import Due, Recipient
from notifications.outbox.states import IS_LIVE
from staff.access.actor import Actor

KIND_OF_STATUS: Mapping[str, Kind] = {
    Booking.Status.SCHEDULED: Kind.CONFIRMATION,
    Booking.Status.PROVISIONAL: Kind.REQUEST,
    Booking.Status.CANCELLED: Kind.CANCELLATION,
}
"""The mail that a status owes; the others owe none."""

DOUBLE_CLICK = timedelta(minutes=1)
"""Who asks again so soon has pressed twice, or not seen the answer to the first."""

NO_ADDRESS = "This client has no e-mail address; enter one first, then send again."
ERASED = "This client's data was erased; there is nobody to send it to."
STILL_WAITING = "This mail has not left yet; it goes to the address the client has then."
VISIT_CLOSED = "The visit is closed as {status}; no confirmation, request or cancellation would be true."
OTHER_KIND = "The booking is {status}: a {kind} would not be true; send the {owed} again."
SENTENCES: Mapping[str, str] = {
    Reason.ALREADY_ENDED: "The appointment has ended; no mail about it would be true any more.",
    Reason.NEVER_ANNOUNCED: "The client was never told of this booking; there is nothing to take back.",
    Reason.SPENT: "There is no link the client could answer with; set the status to provisional anew, which "
    "mails a new request, or confirm the booking yourself.",
}


@begin_again
def send_again(*, actor: Actor, booking_id: int, kind: Kind, now: datetime | None = None) -> Message:
    """Make the mail due at once, audited; gives its row in the message log.

    One that was asked for and has not left yet, or has just left, is given instead of a second one. What
    confirmed a series is sent again for all of it that stands. Raises BookingNotFound,
    and NothingToSend where no such mail would be true, the original is still to leave, or the client has no
    address.
    """
    now = now or timezone.now()
    with transaction.atomic():
        booking = lock_booking(actor=actor, booking_id=booking_id)
        original = _checked(booking, kind, now=now)
        waiting = _waiting(booking, kind, original, now=now)
        if waiting is not None:
            return waiting
        event = record(
            booking,
            actor=actor,
            from_status=booking.status,
            changes={"sent_again": [None, kind.value]},
            reason="",
            now=now,
        )
        once_key = f"{RESENT}:{booking.pk}:{event.pk}:{booking.client_id}"
        together = _confirmed_together(booking, original)
        due = _due(booking, kind, together=together, once_key=once_key, now=now)
        outbox.enqueue([due], now=now)
        return Message.objects.get(job__once_key=due.once_key)


def _checked(booking: Booking, kind: Kind, *, now: datetime) -> Original:
    """The mail that is meant. Raises NothingToSend when it would not be true now, or not arrive."""
    client = booking.client
    if client is None:
        raise NothingToSend(ERASED)
    state = Booking.Status(booking.status if booking.visit is None else booking.visit.status)
    status, owed = state.label.lower(), KIND_OF_STATUS.get(state)
    if owed is None:
        raise NothingToSend(VISIT_CLOSED.format(status=status))
    if owed != kind:
        raise NothingToSend(OTHER_KIND.format(status=status, kind=kind, owed=owed))
    original = original_of(booking, kind)
    try:
        original.again(booking, reader=ClientReader.of(client), now=now)
    except NotNeeded as moot:
        raise NothingToSend(SENTENCES[moot.reason]) from moot
    way = way_to(client)
    if not way.to or (way.channel == EMAIL and not is_address(way.to)):
        raise NothingToSend(NO_ADDRESS)
    return original


def _waiting(booking: Booking, kind: Kind, original: Original, *, now: datetime) -> Message | None:
    """The one asked for before, if it has yet to leave, is leaving or has just left as it would leave now.

    Raises NothingToSend when the original has yet to leave or is leaving so.
    """
    just_left = Q(type=RESENT, state=Job.State.DONE, finished_at__gt=now - DOUBLE_CLICK)
    found = Job.objects.filter(
        IS_LIVE | just_left,
        booking_id__in=_its_series(booking).values("pk"),
        type__in=[RESENT, original.type],
        recipient=Recipient.client(booking.client_id),
    )
    for job in found.select_related("message").order_by("id"):
        if not _told_by(job).filter(pk=booking.pk).exists() or not _leaves_as_now(job, booking):
            continue
        if job.type != RESENT:
            raise NothingToSend(STILL_WAITING)
        if job.payload["type"] == kind:
            return job.message
    return None


def _leaves_as_now(job: Job, booking: Booking) -> bool:
    """It is yet to be written, or goes to the address of now and no booking it tells of changed since."""
    written_at = job.sending_at or job.finished_at
    if job.state == Job.State.PENDING and written_at is None:
        return True
    if booking.client is None or job.message.to != way_to(booking.client).to:
        return False
    return written_at is None or not _told_by(job).filter(updated_at__gt=written_at).exists()


def _told_by(job: Job) -> BookingQuerySet:
    """The bookings that a mail tells of: those it names, else all of its visit."""
    if "booking_ids" in job.payload:
        return Booking.objects.filter(pk__in=job.payload["booking_ids"])
    return Booking.objects.filter(Q(pk=job.booking_id) | Q(visit_id=job.visit_id, visit_id__isnull=False))


def _its_series(booking: Booking) -> BookingQuerySet:
    """The bookings of its series; those of its visit outside of one."""
    if booking.series_id is not None:
        return Booking.objects.filter(series_id=booking.series_id)
    return Booking.objects.filter(Q(pk=booking.pk) | Q(visit_id=booking.visit_id, visit_id__isnull=False))


def _confirmed_together(booking: Booking, original: Original) -> list[int]:
    """Those of its series that one mail confirmed to its client with it; which still stand, the mail asks."""
    client_id = booking.client_id
    if booking.series_id is None or client_id is None or not isinstance(original, ConfirmationMail):
        return []
    mails = Job.objects.filter(
        type=original.type, booking_id__in=_its_series(booking).values("pk"), message__client_id=client_id
    )
    payloads = mails.order_by("-id").values_list("payload", flat=True)
    return next((ids for each in payloads if booking.pk in (ids := each.get("booking_ids", []))), [])


def _due(booking: Booking, kind: Kind, *, together: list[int], once_key: str, now: datetime) -> Due:
    way = way_to(booking.client)
    return Due(
        type=RESENT,
        once_key=once_key,
        run_at=now,
        booking_id=booking.pk,
        visit_id=booking.visit_id,
        client_id=booking.client_id,
        recipient=Recipient.client(booking.client_id),
        to=way.to,
        channel=way.channel,
        payload={"type": kind.value, **({"booking_ids": together} if together else {})},
    )
