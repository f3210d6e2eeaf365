"""An offer whose text has come into the quiet hours (contract §10 "quiet hours"; docs/adr/0022)."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from bookings.models import WaitlistEntry, WaitlistOffer
from bookings.quiet_hours import text_from
from bookings.slots import holds
from bookings.slots.busy import lock_staff
from bookings.waitlist.offers import ends_at, live_offer_of, lock_entry, tell_salon
from staff.models import SalonSettings


def put_off(offer_id: int, *, salon: SalonSettings, now: datetime) -> bool:
    """A text that was to leave by day and is composed in the quiet hours leaves at their end: the offer lasts
    from then, as one that was made in them, and its time stays held.

    Where they leave no time for it the desk is asked to call; once more should the worker die before the job
    is closed. A transaction of its own, with the locks of the waitlist: the staff member, then the entry; of
    the job its worker holds no lock, only its lease. False when the offer is over.
    """
    with transaction.atomic():
        known = WaitlistOffer.objects.filter(pk=offer_id).first()
        if known is None:
            return False
        lock_staff(known.staff_id)
        offer = live_offer_of(lock_entry(known.entry_id))
        if offer is None or offer.pk != offer_id or offer.expires_at <= now:
            return False
        if offer.entry.status != WaitlistEntry.Status.NOTIFIED:
            return False
        leaves_at = text_from(now, start_at=offer.start_at, salon=salon)
        if leaves_at is None:
            tell_salon(offer, to_call=True, salon=salon, now=now)
            return True
        held_for = timedelta(0)
        if offer.hold_id is not None:
            # Where the salon holds nothing any more, what was left of this one.
            held_for = timedelta(minutes=salon.waitlist_hold_minutes) or offer.expires_at - now
        until = ends_at(leaves_at, start_at=offer.start_at, held_for=held_for)
        if until > offer.expires_at:
            offer.expires_at = until
            offer.save(update_fields=["expires_at"])
            if offer.hold_id is not None:
                holds.prolong(hold_id=offer.hold_id, expires_at=until)
    return True
