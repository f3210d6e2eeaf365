"""Answering a mailed request exactly as it was shown (contract §1.4 "client accepts / declines").

Names: answer_request, behind, Behind, RequestMoved, Shown.

The salon may move a request while its page stands open on the client's phone. An answer then is none: the
client is shown the new times and asked again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from bookings import lifecycle
from bookings.lifecycle.requests import hash_token
from bookings.models import Booking, BookingEvent, SpentToken
from clients.models import Client
from staff.wire.refusals import Conflict

Shown = Callable[[Booking], bool]
"""Whether the booking is still what the client was shown."""


class RequestMoved(Conflict):
    code = "request_changed"
    message = "The salon has changed this appointment in the meantime; look at it again before you answer."


def answer_request(
    *, token: str, yes: bool, shown: Shown | None = None, now: datetime | None = None
) -> Booking:
    """Accept (`yes`) or decline. Raises LinkUnknown (404), LinkSpent (410), RequestMoved (409).

    `shown` is asked under the booking's lock, so that no move comes between it and the answer.
    """
    answer = lifecycle.accept if yes else lifecycle.decline
    with transaction.atomic():
        if shown is not None:
            booking = (
                Booking.objects.select_for_update(no_key=True, of=("self",))
                .filter(provisional_token=token)
                .first()
            )
            if booking is not None and not shown(booking):
                raise RequestMoved
        return answer(token=token, now=now)


@dataclass(frozen=True, slots=True)
class Behind:
    """What a request's link was about, used and lapsed links included: for the words of a refusal.

    `reader` is who was sent the link. `booking` is None when it has gone to another client since: then
    nothing of it is theirs to read.
    """

    booking: Booking | None = None
    reader: Client | None = None


def behind(token: str) -> Behind:
    named = Booking.objects.select_related("client", "service", "staff")
    asked: Booking | None = named.filter(provisional_token=token).first()
    if asked is not None:
        return Behind(asked, asked.client)
    spent = SpentToken.objects.filter(token_hash=hash_token(token)).first()
    if spent is None:
        return Behind()
    booking: Booking = named.get(pk=spent.booking_id)
    reader = _client_at(spent, booking)
    return Behind(booking if reader == booking.client else None, reader)


def _client_at(spent: SpentToken, booking: Booking) -> Client | None:
    """Whose booking it was when the link was spent; a client who was merged is the one they became."""
    later = BookingEvent.objects.filter(
        booking_id=booking.pk, at__gte=spent.spent_at, changes__has_key="client_id"
    )
    first = later.order_by("id").values_list("changes", flat=True).first()
    if first is None:
        return booking.client
    former = Client.objects.filter(pk=first["client_id"][0]).select_related("merged_into").first()
    return former if former is None or former.merged_into is None else former.merged_into
