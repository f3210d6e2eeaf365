"""Taking a slot that the waitlist offered (contract §1.4 "waitlist step")."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from bookings.models import Booking, WaitlistOffer
from bookings.pages.appointment import appointment_facts, facts_of
from bookings.pages.provisional import spent_words, status_for_reader
from bookings.pages.shell import Fact, PublicPage, greeting
from bookings.self_service.offer import (
    OfferPassed,
    OfferTaken,
    SlotGone,
    find_offer,
    offer_of,
    offered_to,
    take_offer,
)
from clients.models import Client
from notifications.letters.language import long_moment
from staff.wire.refusals import Refused


class WaitlistPage(PublicPage):
    """The offer (GET) and taking it (POST)."""

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        offer = offer_of(token=token)
        self.speak_to(offer.entry.client)
        held = offer.hold_id is not None
        until = long_moment(min(offer.expires_at, offer.start_at), zone=self.salon.zone)
        kept = _("We keep it for you until %(moment)s.") if held else _("You can take it until %(moment)s.")
        first_come = "" if held else " " + _("Whoever takes it first has it, so do not wait too long.")
        question = _("You are on our waitlist. Would this time suit you?")
        return self.page(
            "pages/act.html",
            heading=_("A time has come free"),
            sentences=[*greeting(offer.entry.client), question],
            facts=self.facts(offer),
            small=kept % {"moment": until} + first_come,
            label=_("Take this appointment"),
        )

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        self.about = booking = take_offer(token=token, salon=self.salon)
        self.speak_to(booking.client)
        return self.notice(
            _("The appointment is yours"),
            _("We look forward to seeing you. A confirmation is on its way to you by e-mail."),
            facts=facts_of(booking, salon=self.salon),
        )

    def facts(self, offer: WaitlistOffer) -> list[Fact]:
        return appointment_facts(
            service=offer.entry.service.name,
            staff=offer.staff.name,
            start_at=offer.start_at,
            end_at=offer.end_at,
            salon=self.salon,
        )

    def refuse(self, problem: Refused) -> HttpResponse:
        if not isinstance(problem, OfferTaken | OfferPassed | SlotGone):
            return super().refuse(problem)
        offer = find_offer(self.kwargs["token"])
        reader = offered_to(offer)
        self.speak_to(reader)
        self.about = booking = None if reader is None else booking_from(offer, reader=reader)
        stands = booking is not None and booking.status == Booking.Status.SCHEDULED
        heading, sentences = why_not(problem, status=status_for_reader(booking))
        facts = facts_of(booking, salon=self.salon) if booking is not None and stands else []
        return self.notice(heading, *sentences, facts=facts, status=problem.http_status)


def booking_from(offer: WaitlistOffer, *, reader: Client) -> Booking | None:
    """What has come of the waiting, if it is the reader's."""
    booking: Booking | None = (
        Booking.objects.filter(waitlist_id=offer.entry_id, client=reader)
        .select_related("service", "staff")
        .order_by("-id")
        .first()
    )
    return booking


def why_not(problem: OfferTaken | OfferPassed | SlotGone, *, status: str) -> tuple[str, list[str]]:
    """Heading and kind words for an offer that cannot be taken; `status` is that of `booking_from`, or ""."""
    mine = _("You need do nothing more. We look forward to seeing you.")
    match problem:
        case OfferTaken() if status == Booking.Status.SCHEDULED:
            return _("You have taken this appointment"), [mine]
        case OfferTaken():
            return spent_words("link_accepted", status=status)
        case SlotGone():
            sorry = _("We are sorry: somebody else was a little quicker.")
            waits = _("You are still on our waitlist. We will write to you when another time comes free.")
            return _("This time has just been taken"), [sorry, waits]
    if status == Booking.Status.SCHEDULED:
        return _("This offer is over"), [_("We have booked an appointment for you in the meantime."), mine]
    over = _("The time to take it has passed. If you are still looking for an appointment, contact us.")
    return _("This offer is over"), [over]
