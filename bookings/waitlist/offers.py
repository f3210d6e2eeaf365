"""Offering a freed slot to the first who waits, and passing it on (contract §1.4; docs/adr/0022).

An entry that waits becomes notified with the offer, and waits again, behind those never offered anything,
when the offer is not taken. At most one live offer per slot and per entry, kept by the database. With the
salon's `waitlist_hold_minutes` the slot is held while the offer is live; without, whoever comes first has
it, and the offer lasts `UNHELD_OFFER_LASTS`. A seat in a session that goes on without one who left is offered
as a slot is, one after the other, and never held by the offer. Locks: the staff member, then one entry; who
has an entry already waits for no other.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import formats, translation
from django.utils.translation import gettext as _

from bookings.channel_choice import way_to
from bookings.links import new_token
from bookings.models import WaitlistEntry, WaitlistOffer
from bookings.quiet_hours import text_from
from bookings.slots import holds
from bookings.slots.busy import lock_staff
from bookings.slots.warn_or_refuse import refusals_for
from bookings.waitlist.freed_slots import FreedSlot, is_away, is_offered, live_offers_around, who_waits
from bookings.waitlist.place_for_one import Place, place_at
from bookings.why_not_sent import Reason
from notifications.inapp import tell_staff
from notifications.models import SMS
from notifications.one_by_one import one_by_one
from notifications.outbox import Due, Recipient, drop, enqueue
from staff.models import SalonSettings, Service, Staff
from staff.salon.parts import Parts
from staff.salon.schedule import holidays_touched
from staff.wire.times import local_date

OFFER = "waitlist.offer"
UNHELD_OFFER_LASTS = timedelta(hours=24)


def offer_freed_slot(
    *,
    freed: FreedSlot,
    salon: SalonSettings,
    now: datetime,
    event_id: int | None = None,
    queueing: bool = True,
) -> bool:
    """The waitlist step: offer the slot to the first who waits for it, if there is a place.

    Inside the caller's transaction, after `lock_staff` and after the slot's busy times are gone. `event_id`
    is the audit event that freed it; None when an offer is passed on. `queueing` False, for who has locked an
    entry already: one that somebody else has locked is passed over. Gives whether an entry may be locked from
    now on, offered or not. One statement when nobody waits.
    """
    if freed.start_at <= now:
        return False
    waiting = who_waits(freed, salon=salon, first_round=event_id is not None)
    if not waiting:
        return False
    end_dead_offers(freed, now=now)
    place = _what_can_be_offered(freed, salon=salon, now=now)
    if place is None:
        return False
    outside = [pk for pk, client_id in waiting if client_id not in place.client_ids]
    for number, pk in enumerate(outside):
        # One that was waited for is locked, also when it waits no more: behind it nothing is waited for.
        entry = _locked_waiting(pk, queueing=queueing and number == 0)
        if entry is not None:
            make_offer(entry, freed, place=place, salon=salon, event_id=event_id, now=now)
            break
    return bool(outside)


def make_offer(
    entry: WaitlistEntry,
    freed: FreedSlot,
    *,
    place: Place,
    salon: SalonSettings,
    event_id: int | None,
    now: datetime,
) -> WaitlistOffer:
    """Write the offer and tell everybody: the entry is locked and waits, its client may have the place.

    An offer whose text waits for the end of the quiet hours lasts from then.
    """
    held_for = timedelta(minutes=salon.waitlist_hold_minutes if place.session_id is None else 0)
    way = way_to(entry.client, salon=salon)
    leaves_at = text_from(now, start_at=freed.start_at, salon=salon) if way.channel == SMS else now
    offer = _write_offer(
        entry, freed, parts=place.parts, held_for=held_for, told_at=leaves_at or now, now=now
    )
    entry.status = WaitlistEntry.Status.NOTIFIED
    entry.last_offered_at = now
    entry.save(update_fields=["status", "last_offered_at", "updated_at"])
    due = Due(
        type=OFFER,
        once_key=_once_key(offer, event_id=event_id),
        run_at=leaves_at or now,
        booking_id=freed.booking_id,
        client_id=entry.client_id,
        recipient=Recipient.client(entry.client_id),
        to=way.to,
        channel=way.channel,
        payload={"offer_id": offer.pk},
        not_sent="" if leaves_at else Reason.QUIET_HOURS,
    )
    enqueue([due], now=now)
    tell_salon(offer, to_call=not (way.to and leaves_at), salon=salon, now=now)
    return offer


def sweep_offers(*, now: datetime) -> int:
    """Periodic: pass on the offers that are over or can no longer be taken, expire entries of passed dates.

    Gives how many offers were passed on. Each offer is a transaction of its own.
    """
    salon = SalonSettings.load()
    live = WaitlistOffer.objects.filter(state=WaitlistOffer.State.LIVE).select_related(
        "entry__service", "entry__client"
    )
    over = [offer.pk for offer in live if not _is_good(offer, now=now)]
    passed = one_by_one(pass_on, over, salon=salon, now=now)
    expire_passed_dates(now=now, salon=salon)
    return passed


def pass_on(offer_id: int, *, salon: SalonSettings, now: datetime) -> bool:
    """End a live offer that was not taken, and offer the slot to the next if it is still free.

    The entry waits again, unless it has been booked, cancelled or has expired. False when the offer was no
    longer live, or has come to last longer (`put_off`).
    """
    with transaction.atomic():
        known = WaitlistOffer.objects.filter(pk=offer_id).first()
        if known is None:
            return False
        lock_staff(known.staff_id)
        entry = lock_entry(known.entry_id)
        offer = live_offer_of(entry)
        if offer is None or offer.pk != offer_id or _is_good(offer, now=now):
            return False
        if entry.status == WaitlistEntry.Status.NOTIFIED:
            entry.status = WaitlistEntry.Status.WAITING
            entry.save(update_fields=["status", "updated_at"])
        end_offer(offer, salon=salon, now=now)
    return True


def end_offer(offer: WaitlistOffer, *, salon: SalonSettings, now: datetime) -> None:
    """Close an offer that was not taken and offer its slot to the next, in the caller's transaction.

    After `lock_staff` and `lock_entry`, and after the entry's own status is written.
    """
    close_offer(offer, state=WaitlistOffer.State.PASSED, now=now)
    offer_what_is_left(offer, salon=salon, now=now)


def offer_what_is_left(offer: WaitlistOffer, *, salon: SalonSettings, now: datetime) -> None:
    """The slot of an offer that is closed goes to the next, as far as there is a place. As `end_offer`.

    One that the desk had chosen, and nobody freed, only where a client could book it themselves.
    """
    freed = offer.freed_booking
    if freed is None and _is_refused_to_clients(offer, salon=salon, now=now):
        return
    offer_freed_slot(
        freed=FreedSlot(
            staff_id=offer.staff_id,
            service_id=offer.entry.service_id,
            start_at=offer.start_at,
            end_at=offer.end_at,
            client_id=None if freed is None else freed.client_id,
            booking_id=offer.freed_booking_id,
            base_url=offer.base_url,
        ),
        salon=salon,
        now=now,
        queueing=False,
    )


def place_of(offer: WaitlistOffer, *, now: datetime) -> Place | None:
    """Where its client would sit, the offer's own hold left aside; None when somebody else was quicker."""
    place = place_at(
        service=offer.entry.service,
        staff_id=offer.staff_id,
        start_at=offer.start_at,
        end_at=offer.end_at,
        now=now,
        own_holds=() if offer.hold_id is None else (offer.hold_id,),
    )
    return None if place is None or offer.entry.client_id in place.client_ids else place


def close_offer(offer: WaitlistOffer, *, state: str, now: datetime) -> None:
    """The offer is live no more: its hold is gone, its mail is not sent if it is still waiting."""
    if offer.hold_id is not None:
        holds.drop(hold_id=offer.hold_id)
        offer.hold = None
    offer.state = state
    offer.save(update_fields=["state", "hold"])
    drop(
        now=now,
        reason=Reason.SPENT,
        booking_id=offer.freed_booking_id,
        types=[OFFER],
        recipient=Recipient.client(offer.entry.client_id),
        # A time that no booking freed leaves the key alone to tell its mail from another such.
        once_keys=[_once_key(offer, event_id=None)] if offer.freed_booking_id is None else None,
    )


def expire_passed_dates(*, now: datetime, salon: SalonSettings) -> int:
    """Entries that wait for a salon date that is over become expired. Gives how many."""
    still_open = [WaitlistEntry.Status.WAITING, WaitlistEntry.Status.NOTIFIED]
    passed = WaitlistEntry.objects.filter(status__in=still_open, date__lt=local_date(now, zone=salon.zone))
    return passed.update(status=WaitlistEntry.Status.EXPIRED, updated_at=now)


def lock_entry(entry_id: int) -> WaitlistEntry:
    """The entry, its row locked; entries are never deleted."""
    return WaitlistEntry.objects.select_for_update(of=("self",)).get(pk=entry_id)


def live_offer_of(entry: WaitlistEntry) -> WaitlistOffer | None:
    """The offer the entry has now; its row is guarded by the entry's lock."""
    return (
        WaitlistOffer.objects.filter(entry=entry, state=WaitlistOffer.State.LIVE)
        .select_related("entry", "freed_booking")
        .first()
    )


def _is_refused_to_clients(offer: WaitlistOffer, *, salon: SalonSettings, now: datetime) -> bool:
    refused = refusals_for(
        staff=offer.staff,
        service=offer.entry.service,
        start_at=offer.start_at,
        end_at=offer.end_at,
        salon=salon,
        now=now,
    )
    return bool(refused)


def _is_good(offer: WaitlistOffer, *, now: datetime) -> bool:
    """The offer can be taken: not over, its entry not booked, cancelled or archived, its slot free."""
    entry = offer.entry
    if offer.expires_at <= now or entry.status != WaitlistEntry.Status.NOTIFIED or entry.client.archived_at:
        return False
    return place_of(offer, now=now) is not None


def _locked_waiting(entry_id: int, *, queueing: bool) -> WaitlistEntry | None:
    """The entry, locked and still waiting; None when somebody was faster."""
    return (
        WaitlistEntry.objects.select_for_update(of=("self",), skip_locked=not queueing)
        .filter(pk=entry_id, status=WaitlistEntry.Status.WAITING)
        .select_related("client", "service")
        .first()
    )


def _what_can_be_offered(freed: FreedSlot, *, salon: SalonSettings, now: datetime) -> Place | None:
    """The place there, if nobody else has an offer for the slot and a booking would be taken."""
    service = Service.objects.filter(pk=freed.service_id, is_active=True).first()
    if service is None:
        return None
    place = place_at(
        service=service, staff_id=freed.staff_id, start_at=freed.start_at, end_at=freed.end_at, now=now
    )
    if place is None:
        return None
    person = Staff.objects.filter(pk=freed.staff_id, is_active=True, bookable=True)
    closed = holidays_touched(freed.start_at, freed.end_at, zone=salon.zone)
    if closed or not person.exists() or is_away(freed, place.parts) or is_offered(freed, place.parts):
        return None
    return place


def end_dead_offers(freed: FreedSlot, *, now: datetime) -> None:
    """Ends what nobody can take any more of the live offers in the way of this slot, before the sweep does.

    Their clients wait again. One whose entry somebody has locked is left to the sweep.
    """
    for offer in live_offers_around(freed).select_related("entry__service", "entry__client", "freed_booking"):
        if _is_good(offer, now=now):
            continue
        entry = _locked_entry_if_free(offer.entry_id)
        if entry is None or live_offer_of(entry) is None:
            continue
        if entry.status == WaitlistEntry.Status.NOTIFIED:
            entry.status = WaitlistEntry.Status.WAITING
            entry.save(update_fields=["status", "updated_at"])
        close_offer(offer, state=WaitlistOffer.State.PASSED, now=now)


def _locked_entry_if_free(entry_id: int) -> WaitlistEntry | None:
    free = WaitlistEntry.objects.select_for_update(of=("self",), skip_locked=True)
    return free.filter(pk=entry_id).first()


def _write_offer(
    entry: WaitlistEntry,
    freed: FreedSlot,
    *,
    parts: Parts,
    held_for: timedelta,
    told_at: datetime,
    now: datetime,
) -> WaitlistOffer:
    expires_at = ends_at(told_at, start_at=freed.start_at, held_for=held_for)
    hold = None
    if held_for:
        hold = holds.write(
            staff_id=freed.staff_id,
            service=entry.service,
            start_at=freed.start_at,
            end_at=freed.end_at,
            parts=parts,
            expires_at=expires_at,
            now=now,
        )
    return WaitlistOffer.objects.create(
        entry=entry,
        token=new_token(),
        staff_id=freed.staff_id,
        start_at=freed.start_at,
        end_at=freed.end_at,
        freed_booking_id=freed.booking_id,
        hold=hold,
        base_url=freed.base_url,
        expires_at=expires_at,
        created_at=now,
    )


def ends_at(told_at: datetime, *, start_at: datetime, held_for: timedelta) -> datetime:
    """Until when an offer of `start_at` lasts whose client is told at `told_at` (all UTC)."""
    return min(told_at + (held_for or UNHELD_OFFER_LASTS), start_at)


def _once_key(offer: WaitlistOffer, *, event_id: int | None) -> str:
    cause = f"event:{event_id}" if event_id is not None else f"offer:{offer.pk}"
    return f"{OFFER}:{offer.freed_booking_id}:{cause}"


def tell_salon(offer: WaitlistOffer, *, to_call: bool, salon: SalonSettings, now: datetime) -> None:
    """`to_call`: no message of the offer reaches its client."""
    entry = offer.entry
    client = entry.client
    with translation.override(salon.locale):
        if to_call:
            title = _("Please call: a time is free for somebody on the waitlist without an e-mail address")
            reach = client.phone or client.mobile
        else:
            title, reach = _("A freed time was offered to the waitlist"), ""
        when = formats.date_format(offer.start_at.astimezone(salon.zone), "l j F H:i")
        tell_staff(
            staff_ids=[offer.staff_id],
            and_admins=True,
            type=OFFER,
            title=title,
            body=", ".join(part for part in (client.name, reach, entry.service.name, when) if part),
            booking_id=offer.freed_booking_id,
            now=now,
        )
