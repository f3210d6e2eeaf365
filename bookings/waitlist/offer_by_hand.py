"""Offering a time by hand (contract §6a "waitlist"): the row and the mail of the automatic step.

What that step would leave out is refused here, in words.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from django.db import transaction

from bookings.errors import ClientAlreadyInSession, SlotTaken
from bookings.models import WaitlistEntry, WaitlistOffer
from bookings.slots.availability import Objection
from bookings.slots.busy import conflicts_of, lock_staff
from bookings.slots.holds import wanted_booking
from bookings.slots.refused_to_everybody import bookable, check_agenda, check_holiday, find_offered
from bookings.slots.warn_or_refuse import ON_WAITLIST, circumstances_of, warnings_for
from bookings.waitlist.entries import EntryClosed, EntryNotFound
from bookings.waitlist.freed_slots import FreedSlot, is_away, is_offered
from bookings.waitlist.offers import end_dead_offers, lock_entry, make_offer
from bookings.waitlist.place_for_one import Place, place_at
from staff.access.actor import Actor
from staff.models import SalonSettings
from staff.salon.parts import Duration
from staff.wire.refusals import BadRequest, Conflict
from staff.wire.times import local_date


class OfferIsOut(Conflict):
    code = "offer_out"
    message = "A time is being offered to this client; set the entry to 'waiting' first, which ends it."


class OfferMade(NamedTuple):
    """The offer, and what speaks against its time: the desk may overrule it, and is told."""

    offer: WaitlistOffer
    warnings: list[Objection]


TIME_IS_OFFERED = "This time is being offered to somebody else; choose another, or end that offer first."


def offer_by_hand(
    *, actor: Actor, entry_id: int, staff_id: int, start_at: datetime, salon: SalonSettings, now: datetime
) -> OfferMade:
    """Offer `start_at` (UTC) with this staff member to the entry, as long as its service lasts.

    Raises EntryNotFound, BadRequest (400, holiday and time_off included), Forbidden (another's agenda),
    EntryClosed, OfferIsOut (the entry has an offer, or somebody else has one of this time), SlotTaken,
    ClientAlreadyInSession (409).
    """
    check_agenda(actor, staff_id)
    with transaction.atomic():
        staff = bookable(lock_staff(staff_id).get(staff_id), staff_id)
        if not WaitlistEntry.objects.filter(pk=entry_id).exists():
            raise EntryNotFound
        entry = lock_entry(entry_id)
        _check_open(entry)
        _check_wanted(entry, staff_id=staff_id, start_at=start_at, salon=salon, now=now)
        service, duration = find_offered(entry.service_id, staff_id)
        freed = FreedSlot(
            staff_id=staff_id,
            service_id=service.pk,
            start_at=start_at,
            end_at=start_at + duration.length,
            client_id=None,
            booking_id=None,
            base_url="",
        )
        place = _checked_place(entry, freed, duration, actor=actor, salon=salon, now=now)
        times: dict[str, Any] = {"start_at": freed.start_at, "end_at": freed.end_at}
        about = circumstances_of(
            staff_id=staff_id, service_id=service.pk, client_id=entry.client_id, zone=salon.zone, **times
        )
        objections = warnings_for(
            about, staff=staff, service=service, salon=salon, now=now, parts=duration.parts, **times
        )
        made = make_offer(entry, freed, place=place, salon=salon, event_id=None, now=now)
        return OfferMade(made, [each for each in objections if each != ON_WAITLIST])


def _check_open(entry: WaitlistEntry) -> None:
    if entry.status == WaitlistEntry.Status.NOTIFIED:
        raise OfferIsOut
    if entry.status != WaitlistEntry.Status.WAITING:
        raise EntryClosed


def _check_wanted(
    entry: WaitlistEntry, *, staff_id: int, start_at: datetime, salon: SalonSettings, now: datetime
) -> None:
    if entry.client.archived_at is not None:
        raise BadRequest("This client is archived; nothing is offered to them.", code="client_archived")
    if start_at <= now:
        raise BadRequest.field("start_at", "This time has begun; offer a later one.")
    if local_date(start_at, zone=salon.zone) != entry.date:
        raise BadRequest.field("start_at", f"This client waits for {entry.date:%Y-%m-%d}; offer a time then.")
    if entry.staff_id not in (None, staff_id):
        raise BadRequest.field("staff_id", f"This client waits for staff member {entry.staff_id} alone.")


def _checked_place(
    entry: WaitlistEntry,
    freed: FreedSlot,
    duration: Duration,
    *,
    actor: Actor,
    salon: SalonSettings,
    now: datetime,
) -> Place:
    """Where the client would sit: nobody has the time or an offer of it, and nobody is away."""
    start_at, end_at = freed.start_at, freed.end_at
    check_holiday(start_at, end_at, zone=salon.zone)
    if is_away(freed, duration.parts):
        raise BadRequest.field("start_at", "The staff member is away then.", code="time_off")
    end_dead_offers(freed, now=now)
    if is_offered(freed, duration.parts):
        raise OfferIsOut(TIME_IS_OFFERED)
    service = entry.service
    place = place_at(service=service, staff_id=freed.staff_id, start_at=start_at, end_at=end_at, now=now)
    if place is None:
        wanted = wanted_booking(freed.staff_id, service, start_at, end_at, duration.parts)
        raise SlotTaken(conflicts=conflicts_of(wanted, actor=actor, zone=salon.zone))
    if entry.client_id in place.client_ids:
        raise ClientAlreadyInSession
    return place
