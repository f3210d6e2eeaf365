"""The mails about a booking or a visit, and how long one that tells of another time waits (contract §1.4)."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings

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
