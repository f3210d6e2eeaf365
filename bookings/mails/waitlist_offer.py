"""waitlist.offer: a time has come free for somebody who waits (contract §1.4 "waitlist step")."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from bookings import links, waitlist
from bookings.mails.client_mail import ClientReader, not_needed, put_off, read_recipient
from bookings.mails.details import Times, what_and_with_whom, when_rows, where
from bookings.models import WaitlistEntry, WaitlistOffer
from bookings.quiet_hours import NEAREST, out_of_quiet_hours
from bookings.waitlist.offers import place_of
from bookings.why_not_sent import Reason
from notifications.handlers import Text
from notifications.letters.handler import LetterHandler
from notifications.letters.language import moment, money
from notifications.letters.letter import Button, Letter, Reader, Row, if_in_doubt
from notifications.models import Job


class WaitlistOfferMail(LetterHandler[WaitlistOffer, ClientReader]):
    """While the offer lives and the time is still free. `payload`: offer_id."""

    type = "waitlist.offer"

    def read(self, job: Job) -> tuple[WaitlistOffer, ClientReader]:
        offer = (
            WaitlistOffer.objects.select_related("entry__service", "staff__location")
            .filter(pk=job.payload.get("offer_id"))
            .first()
        )
        if offer is None:
            raise not_needed(Reason.GONE)
        return offer, ClientReader.of(read_recipient(job))

    def compose_text(self, job: Job, *, now: datetime) -> Text:
        """Raises TryLater until the end of the quiet hours, if a late or failed try has come into them: the
        offer lasts from then."""
        text = super().compose_text(job, now=now)
        offer, reader = self.read(job)
        morning = out_of_quiet_hours(now, salon=reader.salon)
        if morning != now:
            if not waitlist.put_off(offer.pk, salon=reader.salon, now=now):
                raise not_needed(Reason.SPENT)
            put_off(until=morning, latest=offer.start_at - NEAREST)
        return text

    def letter(self, job: Job, offer: WaitlistOffer, *, reader: ClientReader, now: datetime) -> Letter:
        if reader.client.archived_at is not None:
            raise not_needed(Reason.CLIENT_ARCHIVED)
        if not _is_live(offer, now=now):
            raise not_needed(Reason.SPENT)
        if place_of(offer, now=now) is None:
            raise not_needed(Reason.SLOT_TAKEN)
        return _words(offer, reader=reader)


def _is_live(offer: WaitlistOffer, *, now: datetime) -> bool:
    return (
        offer.state == WaitlistOffer.State.LIVE
        and offer.entry.status == WaitlistEntry.Status.NOTIFIED
        and min(offer.expires_at, offer.start_at) > now
    )


def _words(offer: WaitlistOffer, *, reader: Reader) -> Letter:
    """With a hold the time is kept for this client until the offer expires."""
    salon, service = reader.salon, offer.entry.service
    when = moment(offer.start_at, zone=salon.zone)
    facts = [
        *when_rows(Times(offer.start_at, offer.end_at), zone=salon.zone),
        *what_and_with_whom(service, offer.staff),
    ]
    place = where(offer.staff.location, reader=reader)
    if place:
        facts.append(Row(pgettext("label", "Where"), place))
    if service.price is not None:
        facts.append(Row(pgettext("label", "Price"), money(service.price, salon.currency)))
    if offer.hold_id is None:
        how_long = _("The time is not reserved: it is yours as soon as you take it, while it is still free.")
    else:
        how_long = _("We keep this time for you until %(until)s.") % {
            "until": moment(offer.expires_at, zone=salon.zone)
        }
    return Letter(
        subject=_("A time has come free: %(when)s") % {"when": when},
        introduction=_("You are on our waiting list, and a time has come free for you."),
        rows=facts,
        question=_("Would you like to come at this time?"),
        buttons=[Button(_("Take this time"), links.waitlist_url(offer.base_url, offer.token))],
        closing=[how_long, if_in_doubt(salon)],
    )
