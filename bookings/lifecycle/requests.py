"""A mailed request: its token, its deadline, and how it is spent (contract §1.4 "provisional")."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from bookings.links import new_token
from bookings.models import Booking, SpentToken
from clients.walk_in import refuse_walk_in


def ask_client(booking: Booking, *, hours: int, now: datetime) -> None:
    """Give the booking a fresh token that is good for `hours`, and never past the start. Not saved here.

    Raises IsWalkIn: there is nobody to ask.
    """
    refuse_walk_in(booking.client)
    booking.provisional_token = new_token()
    set_deadline(booking, hours=hours, now=now)


def set_deadline(booking: Booking, *, hours: int, now: datetime) -> None:
    """The links expire at start_at or after `hours` (`provisional_hours`), whichever comes first."""
    booking.provisional_expires_at = min(booking.start_at, now + timedelta(hours=hours))


def spend_token(booking: Booking, *, outcome: str, now: datetime) -> None:
    """The token is used up; whoever opens the link again is told `outcome`. The booking is not saved here.

    `outcome` is "accepted", "declined", "lapsed"; "confirmed" or "withdrawn" when the salon decided itself.
    """
    if booking.provisional_token is None:
        return
    SpentToken.objects.create(
        token_hash=hash_token(booking.provisional_token), booking=booking, outcome=outcome, spent_at=now
    )
    booking.provisional_token = None
    booking.provisional_expires_at = None


def hash_token(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
