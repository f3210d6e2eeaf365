"""The mails about a booking or a visit, and how long one that tells of another time waits (contract §1.4)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from bookings.models import Booking, BookingEvent
from clients.models import Client
from notifications.outbox import Due, Recipient

STANDING_MAILS = ("booking.created", "booking.provisional", "booking.updated", "waitlist.confirmed")
"""Mails that say the booking stands: moot once it does not."""

RESENT = "booking.resent"
"""One of the others once more (`bookings.send_again`). Which one would still be true it finds out itself."""

OF_THE_WHOLE_VISIT = (*STANDING_MAILS, "booking.cancelled", "booking.lapsed", RESENT)
"""These tell of all bookings of a visit, whichever of them the job names."""

UPDATE_MAIL_DELAY = timedelta(seconds=settings.UPDATE_MAIL_DELAY_SECONDS)
SOON = timedelta(minutes=60)
UPDATE_MAIL_DELAY_WHEN_SOON = timedelta(minutes=2)


def update_mail_delay(*, start_at: datetime, now: datetime) -> timedelta:
    """How long the mail waits for the last move; less for a start (UTC) that is near."""
    soon = start_at - now < SOON
    return min(UPDATE_MAIL_DELAY, UPDATE_MAIL_DELAY_WHEN_SOON) if soon else UPDATE_MAIL_DELAY


def mail_to_client(
    type: str,
    *,
    booking: Booking,
    event: BookingEvent,
    client: Client | None,
    client_id: int,
    run_at: datetime,
    dedupe_key: str | None = None,
    payload: Mapping[str, Any] | None = None,
) -> Due:
    """What a change owes to a client, who may be the one of before: `event` is its audit row, `booking` of a
    visit the first one."""
    return Due(
        type=type,
        once_key=f"{type}:{booking.pk}:{event.pk}:{client_id}",
        run_at=run_at,
        booking_id=booking.pk,
        visit_id=booking.visit_id,
        client_id=client_id,
        recipient=Recipient.client(client_id),
        to="" if client is None else client.email,
        payload=payload or {},
        dedupe_key=dedupe_key,
    )
