"""followup.step: one step of a sequence that the salon wrote, with the way out (contract §1.4; RFC 8058)."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _

from bookings import links
from bookings.after_visit import REACHED
from bookings.mails.after_visit import VisitMail
from bookings.mails.client_mail import ClientReader, not_needed
from bookings.mails.page_link import link_to, page_of
from bookings.models import Booking
from bookings.self_service.unsubscribe import unsubscribe_token
from bookings.why_not_sent import Reason
from clients.models import Client
from notifications.letters.letter import Button, Letter
from notifications.models import FollowupStep, Job, Message


class FollowupMail(VisitMail):
    """While the sequence runs and the client wants it. `payload`: step_id."""

    type = "followup.step"
    urgency = Job.Urgency.IN_ITS_TURN
    worded_by_salon = True

    def after_visit(self, job: Job, booking: Booking, *, reader: ClientReader, now: datetime) -> Letter:
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
            type=self.type, booking_id=booking.pk, client_id=client.pk, state__in=REACHED
        )
        if reached.filter(job__payload__step_id=step.pk).exists():
            raise not_needed(Reason.ALREADY_SENT)
        return _words(booking, step, unsubscribe_token=unsubscribe_token(client), reader=reader)


def _has_booked_since(job: Job, client: Client, booking: Booking) -> bool:
    """Whether the client has made another booking since this visit was completed."""
    later = Booking.objects.filter(client_id=client.pk, created_at__gt=job.created_at)
    return later.exclude(pk=booking.pk).exclude(status=Booking.Status.CANCELLED).exists()


def _words(booking: Booking, step: FollowupStep, *, unsubscribe_token: str, reader: ClientReader) -> Letter:
    """The one-click address in the header is ours, whatever front end the links stand under: it has to
    answer a POST."""
    return Letter(
        subject=step.subject,
        introduction=step.body,
        links=link_to(page_of([booking], reader=reader), cancelled=True),
        small_print=[_("You receive this mail because you agreed to hear from us after a visit.")],
        small_print_link=Button(_("Unsubscribe"), links.unsubscribe_url(booking.base_url, unsubscribe_token)),
        headers={
            "List-Unsubscribe": f"<{links.unsubscribe_url('', unsubscribe_token)}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        },
    )
