"""The waitlist: who waits, and who is offered a slot that is freed (contract §1.4 "waitlist step")."""

from bookings.waitlist.client_booked import (
    NOBODY,
    BookedEntries,
    Coming,
    book_entries,
    lock_open_entries,
    lock_with_its_like,
    pass_on_slots,
)
from bookings.waitlist.entries import EntryNotFound, add, cancel, change, join, lock_open_of
from bookings.waitlist.freed_slots import FreedSlot
from bookings.waitlist.offer_by_hand import OfferMade, offer_by_hand
from bookings.waitlist.offers import (
    expire_passed_dates,
    offer_freed_slot,
    sweep_offers,
)
from bookings.waitlist.put_off import put_off

__all__ = [
    "NOBODY",
    "BookedEntries",
    "Coming",
    "EntryNotFound",
    "FreedSlot",
    "OfferMade",
    "add",
    "book_entries",
    "cancel",
    "change",
    "expire_passed_dates",
    "join",
    "lock_open_entries",
    "lock_open_of",
    "lock_with_its_like",
    "offer_by_hand",
    "offer_freed_slot",
    "pass_on_slots",
    "put_off",
    "sweep_offers",
]
