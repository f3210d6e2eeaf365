"""What the database has kept count of, beside what there is (docs/adr/0109)."""

from __future__ import annotations

from collections import Counter

from bookings.models import Booking, BookingTotal


def kept() -> dict[tuple[int, str], int]:
    """By person and status; where there is none, none is told."""
    rows = BookingTotal.objects.exclude(number=0).values_list("staff_id", "status", "number")
    return {(staff_id, status): number for staff_id, status, number in rows}


def counted() -> dict[tuple[int, str], int]:
    return dict(Counter(Booking.objects.order_by().values_list("staff_id", "status")))
