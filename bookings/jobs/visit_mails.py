"""Mails that follow a visit: the review request and the salon's own sequences (contract §1.4).

Nobody counts on them: after a kill in mid-sending they are not sent again.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q

from bookings.followups import REACHED
from bookings.jobs.appointment_mails import require_theirs
from bookings.jobs.client_mail import ClientMail, not_needed
from bookings.mails import visit
from bookings.mails.letter import Letter, Reader
from bookings.models import Booking, Feedback
from bookings.reasons import Reason
from bookings.self_service.unsubscribe import unsubscribe_token
from clients.models import Client
from notifications.handlers import TryLater
from notifications.models import FollowupStep, Job, Message

A_TWIN_TAKES = timedelta(seconds=30)


class VisitMail(ClientMail):
    """A mail after a completed visit, to a client the salon still has."""

    client_counts_on_it = False

    def letter(self, job: Job, booking: Booking, *, reader: Reader, now: datetime) -> Letter:
        require_theirs(booking, reader)
        if reader.client.archived_at is not None:
            raise not_needed(Reason.CLIENT_ARCHIVED)
        if booking.status != Booking.Status.COMPLETED:
            raise not_needed(Reason.NO_LONGER_COMPLETED)
        return self.words(job, booking, reader=reader, now=now)

    def words(self, job: Job, booking: Booking, *, reader: Reader, now: datetime) -> Letter:
        raise NotImplementedError


class ReviewRequest(VisitMail):
    """review.request: once per visit, and once per client in `review_min_days`."""

    def words(self, job: Job, booking: Booking, *, reader: Reader, now: datetime) -> Letter:
        """As ClientMail.letter. Raises TryLater while another request to this client is being sent."""
        if booking.feedback_token is None:
            raise not_needed(Reason.GONE)
        if Feedback.objects.filter(booking_id=booking.pk).exists():
            raise not_needed(Reason.ALREADY_ANSWERED)
        _give_way_to_twins(job, now=now)
        since = now - timedelta(days=reader.salon.review_min_days)
        asked = Message.objects.filter(type=job.type, client_id=reader.client.pk, state__in=REACHED)
        if asked.filter(
            Q(booking_id=booking.pk) | Q(sent_at__gt=since) | Q(sent_at=None, created_at__gt=since)
        ).exists():
            raise not_needed(Reason.ALREADY_ASKED)
        return visit.review_request(booking, feedback_token=booking.feedback_token, reader=reader)


class FollowupMail(VisitMail):
    """followup.step: one step of a sequence, with the way out."""

    worded_by_salon = True

    def words(self, job: Job, booking: Booking, *, reader: Reader, now: datetime) -> Letter:
        client = reader.client
        step = FollowupStep.objects.select_related("sequence").filter(pk=job.payload.get("step_id")).first()
        if step is None:
            raise not_needed(Reason.GONE)
        if not step.sequence.is_active:
            raise not_needed(Reason.SEQUENCE_STOPPED)
        if not client.marketing_consent:
            raise not_needed(Reason.NO_CONSENT)
        if step.sequence.stop_on_rebook and _has_booked_since(job, client, booking):
            raise not_needed(Reason.REBOOKED)
        reached = Message.objects.filter(
            type=job.type, booking_id=booking.pk, client_id=client.pk, state__in=REACHED
        )
        if reached.filter(job__payload__step_id=step.pk).exists():
            raise not_needed(Reason.ALREADY_SENT)
        return visit.followup(booking, step, unsubscribe_token=unsubscribe_token(client))


def _has_booked_since(job: Job, client: Client, booking: Booking) -> bool:
    """Whether the client has made another booking since this visit was completed."""
    later = Booking.objects.filter(client_id=client.pk, created_at__gt=job.created_at)
    return later.exclude(pk=booking.pk).exclude(status=Booking.Status.CANCELLED).exists()


def _give_way_to_twins(job: Job, *, now: datetime) -> None:
    """Two visits of one client on one day: the second request looks again when the first is through."""
    others = Job.objects.filter(type=job.type, recipient=job.recipient, state=Job.State.CLAIMED)
    if others.exclude(pk=job.pk).exists():
        raise TryLater("Another review request to this client is being sent.", after=now + A_TWIN_TAKES)
