"""Taking a slot that the waitlist offered, by the link in the offer mail (contract §1.4 "waitlist step").

Names: offer_of, offered_to, take_offer, OfferTaken, OfferPassed, SlotGone.

Above the door: taking an offer is booking from the entry, which gives the offer's own hold to the booking; a
seat in a session is taken by joining it. Locks: the session as the door does, then as the waitlist has them,
the staff member and the entry, whose lock guards its offers.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from bookings import lifecycle, waitlist
from bookings.errors import ClientAlreadyInSession, LinkSpent, LinkUnknown, SessionFull, SlotTaken
from bookings.lifecycle.book import Order
from bookings.lifecycle.checks import lock_session
from bookings.models import Booking, WaitlistEntry, WaitlistOffer
from bookings.slots.busy import lock_staff
from bookings.waitlist.offers import OFFER, close_offer, offer_what_is_left, place_of
from clients.models import Client
from notifications.models import Job
from staff.access.actor import Actor
from staff.models import SalonSettings
from staff.wire.refusals import BadRequest


class OfferTaken(LinkSpent):
    code = "offer_taken"
    message = "You have already taken this appointment."


class OfferPassed(LinkSpent):
    code = "offer_passed"
    message = "This offer is over; you are still on the waitlist if you have not been booked."


class SlotGone(SlotTaken):
    message = "Somebody else has taken this time in the meantime; you stay on the waitlist."


def offer_of(*, token: str, now: datetime | None = None) -> WaitlistOffer:
    """The live offer behind a link, its slot still free. Changes nothing.

    Raises LinkUnknown (404), OfferTaken, OfferPassed (410), SlotGone (409).
    """
    now = now or timezone.now()
    offer = find_offer(token)
    _check_live(offer, now=now)
    if place_of(offer, now=now) is None:
        raise SlotGone
    return offer


def find_offer(token: str) -> WaitlistOffer:
    """The offer behind a link in whatever state. Raises LinkUnknown."""
    offer = (
        WaitlistOffer.objects.filter(token=token)
        .select_related("entry__client", "entry__service", "staff")
        .first()
    )
    if offer is None:
        raise LinkUnknown
    return offer


def offered_to(offer: WaitlistOffer) -> Client | None:
    """Who was sent the link (or who they became by a merge): the entry may be another client's since."""
    sent = Job.objects.filter(booking_id=offer.freed_booking_id, type=OFFER, payload__offer_id=offer.pk)
    return Client.objects.filter(pk__in=sent.values("message__client_id")).first()


def take_offer(*, token: str, now: datetime | None = None, salon: SalonSettings | None = None) -> Booking:
    """Book the offered slot for the client who waits. Raises as `offer_of`; a refusal stores nothing.

    Two clicks at once queue on the staff member's row: one books, the other is told so. A client never
    overlaps, also where the salon lets its staff.
    """
    now = now or timezone.now()
    salon = salon or SalonSettings.load()
    known = find_offer(token)
    _check_live(known, now=now)
    seen = place_of(known, now=now)
    session_id = None if seen is None else seen.session_id
    with transaction.atomic():
        if session_id is not None:
            lock_session(session_id)
        lock_staff(known.staff_id)
        waitlist.lock_with_its_like(known.entry)
        offer = find_offer(token)
        _check_live(offer, now=now)
        place = place_of(offer, now=now)
        # A session that has come to stand there since is not locked in the door's order: look again then.
        if place is None or place.session_id != session_id:
            raise SlotGone
        booking = _book(offer, session_id=session_id, salon=salon, now=now)
        offer = find_offer(token)
        close_offer(offer, state=WaitlistOffer.State.TAKEN, now=now)
        if offer.entry.service.max_capacity > 1:
            offer_what_is_left(offer, salon=salon, now=now)
    return booking


def _check_live(offer: WaitlistOffer, *, now: datetime) -> None:
    if offer.state == WaitlistOffer.State.TAKEN:
        raise OfferTaken
    live = offer.state == WaitlistOffer.State.LIVE and now < min(offer.expires_at, offer.start_at)
    if not live or offer.entry.status != WaitlistEntry.Status.NOTIFIED:
        raise OfferPassed


def _book(offer: WaitlistOffer, *, session_id: int | None, salon: SalonSettings, now: datetime) -> Booking:
    """Book from the entry; a rule that changed since the offer (a holiday, an archived service) ends it."""
    order = Order(
        client_id=offer.entry.client_id,
        staff_id=offer.staff_id,
        service_id=offer.entry.service_id,
        start_at=offer.start_at,
        end_at=offer.end_at,
        waitlist_id=offer.entry_id,
        base_url=offer.base_url,
        session_of=session_id,
        detail="online",
        source="link",
    )
    try:
        return lifecycle.book(actor=_actor(offer.entry.client), order=order, salon=salon, now=now).booking
    except (SlotTaken, SessionFull, ClientAlreadyInSession):
        raise SlotGone from None
    except BadRequest:
        raise OfferPassed from None


def _actor(client: Client) -> Actor:
    return Actor(type="client", id=client.pk, name=client.name, channel="link")
