"""Amelia's five statuses over our two columns (contract §5), and the status of a whole appointment (§3)."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Case, CharField, Count, F, Min, Q, Sum, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce

from bookings.models import Booking

APPROVED, PENDING, CANCELED, REJECTED, NO_SHOW = "approved", "pending", "canceled", "rejected", "no-show"
STATUSES = (APPROVED, PENDING, CANCELED, REJECTED, NO_SHOW)
LIVE = (APPROVED, PENDING)

WRITTEN_AS: dict[str, tuple[str, str]] = {
    APPROVED: ("scheduled", ""),
    PENDING: ("provisional", ""),
    CANCELED: ("cancelled", ""),
    REJECTED: ("cancelled", "rejected"),
    NO_SHOW: ("no-show", ""),
}

_SHOWN_AS = {
    "scheduled": APPROVED,
    "completed": APPROVED,
    "provisional": PENDING,
    "cancelled": CANCELED,
    "no-show": NO_SHOW,
}

_IS_APPROVED = Q(status__in=["scheduled", "completed"])
_IS_PENDING = Q(status="provisional")
_IS_REJECTED = Q(status="cancelled", status_detail="rejected")
_IS_NO_SHOW = Q(status="no-show")


def shown_as(booking: Booking) -> str:
    """The status of one booking as Amelia shows it."""
    if (booking.status, booking.status_detail) == WRITTEN_AS[REJECTED]:
        return REJECTED
    return _SHOWN_AS[booking.status]


def status_of_all(seats: Iterable[tuple[str, int]], *, min_capacity: int) -> str:
    """The appointment's status from the (status, persons) of its bookings.

    All closed alike: that; none live: canceled; enough approved persons: approved; else pending.
    """
    taken = list(seats)
    present = {status for status, _ in taken}
    if not present & set(LIVE):
        return present.pop() if len(present) == 1 else CANCELED
    approved = sum(persons for status, persons in taken if status == APPROVED)
    return APPROVED if approved >= min_capacity else PENDING


def counted_by_status() -> dict[str, Combinable]:
    """What a session's rows are summed up to, for `status_in_sql`."""
    return {
        "seats": Count("pk"),
        "live_seats": Count("pk", filter=_IS_APPROVED | _IS_PENDING),
        "rejected_seats": Count("pk", filter=_IS_REJECTED),
        "no_show_seats": Count("pk", filter=_IS_NO_SHOW),
        "approved_persons": Coalesce(Sum("persons", filter=_IS_APPROVED), 0),
        "min_persons": Min("service__min_capacity"),
    }


def status_in_sql() -> Case:
    """`status_of_all` over the sums of `counted_by_status`."""
    return Case(
        When(rejected_seats=F("seats"), then=Value(REJECTED)),
        When(no_show_seats=F("seats"), then=Value(NO_SHOW)),
        When(live_seats=0, then=Value(CANCELED)),
        When(approved_persons__gte=F("min_persons"), then=Value(APPROVED)),
        default=Value(PENDING),
        output_field=CharField(),
    )
