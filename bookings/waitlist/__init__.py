"""The waitlist: who waits, and who is offered a slot that is freed (contract §1.4 "waitlist step")."""

from bookings.waitlist.entries import EntryNotFound, add, book_entry, cancel, change
from bookings.waitlist.offers import (
    FreedSlot,
    expire_passed_dates,
    offer_freed_slot,
    pass_on,
    sweep_offers,
)

__all__ = [
    "EntryNotFound",
    "FreedSlot",
    "add",
    "book_entry",
    "cancel",
    "change",
    "expire_passed_dates",
    "offer_freed_slot",
    "pass_on",
    "sweep_offers",
]
