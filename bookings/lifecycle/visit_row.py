"""The visit of a booking: made with its first one, kept true with every change of one (contract §7)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

from bookings.models import Booking, Visit, stamp

SAYS_MORE = (
    Booking.Status.PROVISIONAL,
    Booking.Status.SCHEDULED,
    Booking.Status.NO_SHOW,
    Booking.Status.COMPLETED,
    Booking.Status.CANCELLED,
)
"""A visit has the first of these that one of its bookings has."""


def begin(items: Sequence[Booking], *, now: datetime) -> Visit:
    """A visit of these bookings, not saved yet, saved; they are placed in it in this order."""
    first = items[0]
    taken = Visit.objects.filter(key=first.key).exists() if first.pk is not None else False
    visit = Visit(
        key=uuid.uuid4() if taken else first.key,
        client_id=first.client_id,
        created_at=now,
        updated_at=stamp(now),
    )
    visit.items = list(items)
    _derive(visit)
    visit.save(force_insert=True)
    for position, booking in enumerate(items, start=1):
        booking.visit, booking.position = visit, position
    return visit


def keep_true(
    booking: Booking, *, of_other_client: bool, moved: bool, together: bool, now: datetime
) -> Visit | None:
    """Write the visit of a locked booking that is about to be saved as it is now; gives the one it left.

    `of_other_client`: it has come to another client; alone it then leaves into a visit of its own, unless
    all of its visit change `together`: these the caller stores once.
    """
    visit = booking.visit
    if visit is None or (of_other_client and not together and len(visit.items) > 1):
        if visit is not None:
            visit.items = [each for each in visit.items if each.pk != booking.pk]
            store(visit, now=now)
        begin([booking], now=now)
        return visit
    visit.items = [booking if each.pk == booking.pk else each for each in visit.items]
    if visit.client_id != booking.client_id:
        visit.client_id, visit.policy = booking.client_id, None
        visit.link_nonce += 1
    if of_other_client or moved:
        visit.client_confirmed_at = None
    if not together:
        store(visit, now=now)
    return None


def add(visit: Visit, booking: Booking, *, now: datetime) -> None:
    """Put a new booking, about to be saved, at the end of a locked visit."""
    booking.visit, booking.position = visit, max(each.position for each in visit.items) + 1
    visit.items = [*visit.items, booking]
    store(visit, now=now)


def confirm(visit: Visit, *, confirmed: bool, now: datetime) -> None:
    """The client has said that they come, or the salon says that they have not."""
    visit.client_confirmed_at = now if confirmed else None
    store(visit, now=now)


def store(visit: Visit, *, now: datetime) -> None:
    """What its bookings, as they are now, say of a locked visit; another version."""
    _derive(visit)
    visit.version += 1
    visit.updated_at = stamp(now)
    visit.save()


def _derive(visit: Visit) -> None:
    """Status and times from its bookings: of those not cancelled, or of all where all are."""
    counted = [each for each in visit.items if each.status != Booking.Status.CANCELLED] or visit.items
    visit.status = next(status for status in SAYS_MORE if any(each.status == status for each in counted))
    visit.start_at = min(each.start_at for each in counted)
    visit.end_at = max(each.end_at for each in counted)
