"""Online booking: what a client does without an account, from catalogue to visit (contract §9).

The page `/book` and its JSON twin call the same functions. Above the door: a booking is made
by `bookings.lifecycle` like any other.
"""

from bookings.online.catalogue import Catalogue, Category, Offer, Person, catalogue
from bookings.online.choice import Choice, Wanted, chosen, chosen_of, keys_in
from bookings.online.join_waitlist import Waiting, join_waitlist
from bookings.online.proof import challenge
from bookings.online.starts import OnlineDay, OnlineStart, StartItem, first_free, starts
from bookings.online.submission import Booked, CodeAsked, SlotGone, Submission
from bookings.online.submit import submit

__all__ = [
    "Booked",
    "Catalogue",
    "Category",
    "Choice",
    "CodeAsked",
    "Offer",
    "OnlineDay",
    "OnlineStart",
    "Person",
    "SlotGone",
    "StartItem",
    "Submission",
    "Waiting",
    "Wanted",
    "catalogue",
    "challenge",
    "chosen",
    "chosen_of",
    "first_free",
    "join_waitlist",
    "keys_in",
    "starts",
    "submit",
]
