"""What mails about one appointment have in common: what is asked before, what is kept after (contract §1.4).

`Booking.announced_*` is what the client was last told; `sent` keeps it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from bookings.lifecycle.announced import Announced
from bookings.mails.client_mail import ClientMail, find_recipient, not_needed
from bookings.models import Booking
from bookings.why_not_sent import Reason
from notifications.handlers import NotNeeded
from notifications.models import Job, Message

Status = Booking.Status
Told = TypeVar("Told")

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
        """Keeps what the client now believes of each booking it was about, if that is still theirs."""
        client = find_recipient(job)
        if client is None or job.booking_id is None:
            return
        told = message.facts.get("announces_each", {job.booking_id: message.facts.get("announces")})
        for booking_id, announced in told.items():
            keep_announced(int(booking_id), client_id=client.pk, announced=announced)


def announces(booking: Booking) -> dict[str, Any]:
    """What the client believes once they have read this mail; kept by the handler's `sent`."""
    return {
        "announces": {
            "as": booking.status,
            "start_at": booking.start_at.isoformat(),
            "end_at": booking.end_at.isoformat(),
        }
    }


def announces_each(bookings: Sequence[Booking]) -> dict[str, Any]:
    """As `announces`, by booking id."""
    return {"announces_each": {str(each.pk): announces(each)["announces"] for each in bookings}}


def in_payload(job: Job) -> list[Booking]:
    """The bookings that a mail about several of them may tell of, with all that it says, by their start."""
    found = Booking.objects.filter(pk__in=job.payload["booking_ids"])
    return list(found.select_related("client", "staff", "service", "location").order_by("start_at", "pk"))


def sorted_out(bookings: Iterable[Booking], *, tell: Callable[[Booking], Told]) -> list[tuple[Booking, Told]]:
    """The bookings that are news, with what `tell` gives; it raises NotNeeded for one that is none.

    Raises what it raised for the first one when none is left.
    """
    fresh: list[tuple[Booking, Told]] = []
    moot: NotNeeded | None = None
    for booking in bookings:
        try:
            fresh.append((booking, tell(booking)))
        except NotNeeded as why:
            moot = moot or why
    if not fresh:
        raise moot or not_needed(Reason.GONE)
    return fresh


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
