"""What is taken back from the client whom a booking belonged to before (contract §1.4 "another client").

Of a visit of several bookings `visit_effects` and `visit_leaving` do it.
"""

from __future__ import annotations

from bookings.lifecycle.mail_types import RESENT, STANDING_MAILS, mail_to_client
from bookings.lifecycle.outcome import Before, Change
from bookings.models import Booking
from clients.models import Client
from notifications import outbox
from notifications.outbox import Due, Recipient


def tell_former_client(change: Change) -> list[Due]:
    """Another client: what the old one was told, or is being told at this moment, is taken back.

    A cancellation that is still to reach them stays as it is, and a visit that is over may get another name
    without a mail.
    """
    before, booking = change.before, change.booking
    if before is None or not before.for_somebody or not change.notify_client or before.end_at <= change.now:
        return []
    if before.client_id is None or before.status == Booking.Status.CANCELLED or change.left_visit is not None:
        return []
    being_told = outbox.on_its_way(
        booking_id=booking.pk, types=[*STANDING_MAILS, RESENT], recipient=Recipient.client(before.client_id)
    )
    start_at, end_at = before.announced_start_at, before.announced_end_at
    if being_told:
        start_at, end_at = before.start_at, before.end_at
    announced = {
        "as": before.announced_as or (before.status if being_told else ""),
        "start_at": None if start_at is None else start_at.isoformat(),
        "end_at": None if end_at is None else end_at.isoformat(),
    }
    client = Client.objects.filter(pk=before.client_id).first()
    due = mail_to_client(
        "booking.cancelled",
        [change],
        booking=booking,
        client=client,
        client_id=before.client_id,
        run_at=change.now,
        payload={"announced": announced},
    )
    return [due]


def told_before(before: Before, *, being_told: bool) -> dict[str, str]:
    """What a mail said of the booking, or what one that is leaving at this moment says of it."""
    start_at, end_at = before.start_at, before.end_at
    if not being_told and before.announced_start_at and before.announced_end_at:
        start_at, end_at = before.announced_start_at, before.announced_end_at
    return {
        "as": before.announced_as or before.status,
        "start_at": start_at.isoformat(),
        "end_at": end_at.isoformat(),
    }
