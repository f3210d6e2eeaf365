"""What a mailed request's link was about (contract §1.4 "client accepts / declines").

Names: link_history, LinkHistory.
"""

from __future__ import annotations

from dataclasses import dataclass

from bookings.lifecycle.requests import hash_token
from bookings.models import Booking, BookingEvent, SpentToken
from clients.models import Client


@dataclass(frozen=True, slots=True)
class LinkHistory:
    """What a request's link was about, used and lapsed links included: for the words of a refusal.

    `reader` is who was sent the link. `booking` is None when it has gone to another client since: then
    nothing of it is theirs to read.
    """

    booking: Booking | None = None
    reader: Client | None = None


def link_history(token: str) -> LinkHistory:
    named = Booking.objects.select_related("client", "service", "staff")
    asked: Booking | None = named.filter(provisional_token=token).first()
    if asked is not None:
        return LinkHistory(asked, asked.client)
    spent = SpentToken.objects.filter(token_hash=hash_token(token)).first()
    if spent is None:
        return LinkHistory()
    booking: Booking = named.get(pk=spent.booking_id)
    reader = _client_at(spent, booking)
    return LinkHistory(booking if reader == booking.client else None, reader)


def _client_at(spent: SpentToken, booking: Booking) -> Client | None:
    """Whose booking it was when the link was spent; a client who was merged is the one they became."""
    later = BookingEvent.objects.filter(
        booking_id=booking.pk, at__gte=spent.spent_at, changes__has_key="client_id"
    )
    first = later.order_by("id").values_list("changes", flat=True).first()
    if first is None:
        return booking.client
    former = Client.objects.filter(pk=first["client_id"][0]).select_related("merged_into").first()
    return None if former is None else former.survivor
