"""What mails about one appointment have in common: what is asked before, what is kept after (contract §1.4).

`Booking.announced_*` is what the client was last told; `sent` keeps it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bookings.lifecycle.announced import Announced
from bookings.mails.client_mail import ClientMail, find_recipient, not_needed
from bookings.models import Booking
from bookings.why_not_sent import Reason
from notifications.models import Job, Message

Status = Booking.Status

MEANWHILE = {
    Status.SCHEDULED: Reason.ACCEPTED_MEANWHILE,
    Status.PROVISIONAL: Reason.PROVISIONAL_MEANWHILE,
    Status.COMPLETED: Reason.COMPLETED_MEANWHILE,
    Status.CANCELLED: Reason.CANCELLED_MEANWHILE,
    Status.NO_SHOW: Reason.NO_SHOW_MEANWHILE,
}
"""Why a mail is moot, by the status its booking has come to."""

NOTHING_STANDS: Mapping[str, Any] = {"announces": None}
"""`announces` of a mail after which the client believes that there is no appointment."""


class AppointmentMail(ClientMail):
    """A mail that changes what the client believes about their booking."""

    def sent(self, job: Job, message: Message, *, now: datetime) -> None:
        """Keeps what the client now believes, if the booking is still theirs."""
        client = find_recipient(job)
        if client is not None and job.booking_id is not None:
            keep_announced(job.booking_id, client_id=client.pk, announced=message.facts.get("announces"))


def announces(booking: Booking) -> dict[str, Any]:
    """What the client believes once they have read this mail; kept by the handler's `sent`."""
    return {
        "announces": {
            "as": booking.status,
            "start_at": booking.start_at.isoformat(),
            "end_at": booking.end_at.isoformat(),
        }
    }


def require_status(booking: Booking, *wanted: Status) -> None:
    if booking.status not in wanted:
        raise not_needed(MEANWHILE[Status(booking.status)])


def require_not_ended(booking: Booking, *, now: datetime) -> None:
    if booking.end_at <= now:
        raise not_needed(Reason.ALREADY_ENDED)


def links_are_spent(booking: Booking, *, now: datetime) -> bool:
    """Whether accept and decline would answer 410: at the start, or after the time to answer."""
    expires_at = booking.provisional_expires_at or booking.start_at
    return min(expires_at, booking.start_at) <= now


def keep_announced(booking_id: int, *, client_id: int, announced: Mapping[str, Any] | None) -> None:
    """Stores what the client believes of this booking, if it is still theirs; None: that there is none."""
    now_announced = Announced.read(announced)
    Booking.objects.filter(pk=booking_id, client_id=client_id).update(
        announced_as=now_announced.status,
        announced_start_at=now_announced.start_at,
        announced_end_at=now_announced.end_at,
    )
