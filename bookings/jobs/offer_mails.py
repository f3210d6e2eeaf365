"""The waitlist's offer of a freed time (contract §1.4 "waitlist step")."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import override

from bookings.jobs.client_mail import ClientMail, addressed, find_recipient, not_needed
from bookings.mails import visit
from bookings.mails.letter import Reader
from bookings.models import WaitlistEntry, WaitlistOffer
from bookings.reasons import Reason
from bookings.waitlist.offers import place_of
from notifications.handlers import Mail
from notifications.models import Job
from staff.models import SalonSettings


class WaitlistOfferMail(ClientMail):
    """waitlist.offer: while the offer lives and the time is still free. `payload`: offer_id."""

    def compose(self, job: Job, *, now: datetime) -> Mail:
        offer = (
            WaitlistOffer.objects.select_related("entry__service", "staff__location")
            .filter(pk=job.payload.get("offer_id"))
            .first()
        )
        if offer is None:
            raise not_needed(Reason.GONE)
        client = find_recipient(job)
        if client is None:
            raise not_needed(Reason.CLIENT_ERASED)
        reader = Reader(client=client, salon=SalonSettings.load())
        if reader.client.archived_at is not None:
            raise not_needed(Reason.CLIENT_ARCHIVED)
        if not _is_live(offer, now=now):
            raise not_needed(Reason.SPENT)
        if place_of(offer, now=now) is None:
            raise not_needed(Reason.SLOT_TAKEN)
        with override(reader.locale):
            letter = visit.waitlist_offer(offer, reader=reader)
        return addressed(letter, job=job, reader=reader)


def _is_live(offer: WaitlistOffer, *, now: datetime) -> bool:
    return (
        offer.state == WaitlistOffer.State.LIVE
        and offer.entry.status == WaitlistEntry.Status.NOTIFIED
        and min(offer.expires_at, offer.start_at) > now
    )
