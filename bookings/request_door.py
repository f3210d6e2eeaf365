"""Answering a mailed request exactly as it was shown (contract §1.4 "client accepts / declines").

Names: answer_request, booking_behind, RequestMoved, Shown.

The salon may move a request while its page stands open on the client's phone. An answer then is none: the
client is shown the new times and asked again.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from bookings import lifecycle
from bookings.lifecycle.requests import hash_token
from bookings.models import Booking, SpentToken
from staff.errors import Conflict

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


def booking_behind(token: str) -> Booking | None:
    """The booking a request's link was about, used and lapsed links included: for the words of a refusal."""
    spent = SpentToken.objects.filter(token_hash=hash_token(token)).values("booking_id")
    booking: Booking | None = (
        Booking.objects.filter(Q(provisional_token=token) | Q(pk__in=spent))
        .select_related("client", "service", "staff")
        .first()
    )
    return booking
