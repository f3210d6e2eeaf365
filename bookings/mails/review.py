"""review.request: how was it? Once per visit, and once per client in `review_min_days` (contract §1.4)."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q
from django.utils.translation import gettext as _

from bookings import links
from bookings.after_visit import REACHED
from bookings.mails.after_visit import VisitMail
from bookings.mails.client_mail import ClientReader, not_needed
from bookings.mails.details import Times, what_and_with_whom, when_rows
from bookings.mails.page_link import link_to, page_of
from bookings.models import Booking, Feedback
from bookings.why_not_sent import Reason
from notifications.handlers import TryLater
from notifications.letters.language import short_date
from notifications.letters.letter import Button, Letter
from notifications.models import Job, Message

A_TWIN_TAKES = timedelta(seconds=30)


class ReviewMail(VisitMail):
    type = "review.request"
    urgency = Job.Urgency.IN_ITS_TURN

    def after_visit(self, job: Job, booking: Booking, *, reader: ClientReader, now: datetime) -> Letter:
        """As VisitMail says. Raises TryLater while another request to this client is being sent."""
        if booking.feedback_token is None:
            raise not_needed(Reason.GONE)
        if Feedback.objects.filter(booking_id=booking.pk).exists():
            raise not_needed(Reason.ALREADY_ANSWERED)
        _give_way_to_twins(job, now=now)
        if _was_asked(booking, reader=reader, now=now):
            raise not_needed(Reason.ALREADY_ASKED)
        return _words(booking, feedback_token=booking.feedback_token, reader=reader)


def _give_way_to_twins(job: Job, *, now: datetime) -> None:
    """Two visits of one client on one day: the second request looks again when the first is through."""
    others = Job.objects.filter(type=job.type, recipient=job.recipient, state=Job.State.CLAIMED)
    if others.exclude(pk=job.pk).exists():
        raise TryLater("Another review request to this client is being sent.", after=now + A_TWIN_TAKES)


def _was_asked(booking: Booking, *, reader: ClientReader, now: datetime) -> bool:
    """About this very visit, or about any in the last `review_min_days`."""
    since = now - timedelta(days=reader.salon.review_min_days)
    asked = Message.objects.filter(type=ReviewMail.type, client_id=reader.client.pk, state__in=REACHED)
    return asked.filter(
        Q(booking_id=booking.pk) | Q(sent_at__gt=since) | Q(sent_at=None, created_at__gt=since)
    ).exists()


def _words(booking: Booking, *, feedback_token: str, reader: ClientReader) -> Letter:
    zone = reader.salon.zone
    return Letter(
        subject=_("How was your visit on %(date)s?") % {"date": short_date(booking.start_at, zone=zone)},
        introduction=_("Thank you for your visit. We would love to hear how it was."),
        rows=[
            when_rows(Times.of([booking]), zone=zone)[0],
            *what_and_with_whom(booking.service, booking.staff),
        ],
        links=link_to(page_of([booking], reader=reader), cancelled=True),
        buttons=[Button(_("Give your opinion"), links.feedback_url(booking.base_url, feedback_token))],
        closing=[_("It takes less than a minute, and it helps us to do well.")],
    )
