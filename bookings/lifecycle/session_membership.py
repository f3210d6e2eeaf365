"""A booking among those of its session: how it leaves, whose party it takes (contract §6, docs/adr/0004)."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db.models import BigAutoField, QuerySet

from bookings.lifecycle.checks import live_members
from bookings.models import Booking
from bookings.slots.class_seats import party_of_seats
from staff.storage.prepared_statements import Blank, Prepared


def leave_session(booking: Booking) -> None:
    """Contract §6: `session_id` is the id of the session's first booking, so when that one leaves,
    those who stay are named after the next one (docs/adr/0004)."""
    if booking.session_of_id is not None:
        booking.session_of_id = None
        return
    # By session_id, which has the index: those who stay are the session without its first booking.
    staying = [pk for (pk,) in _IN_SESSION.rows(session_id=booking.pk) if pk != booking.pk]
    if staying:
        Booking.objects.filter(pk=staying[0]).update(session_of_id=None)
        Booking.objects.filter(pk__in=staying[1:]).update(session_of_id=staying[0])


def _in_session() -> QuerySet[Booking, tuple[int]]:
    session = Booking.objects.filter(session_id=Blank("session_id", BigAutoField()))
    return session.order_by("pk").values_list("pk")


_IN_SESSION = Prepared(_in_session)


def party_of_return(booking: Booking, *, now: datetime) -> uuid.UUID:
    """The party of those present in the session that it comes back to; of the holds, where only these keep
    seats of its class; else a fresh one.

    Never the one it had: a deliberate overlap may stand there under that party, and a later move or
    restore is checked anew (contract §1.3).
    """
    present = live_members(booking.session_of_id or booking.pk, but=booking.pk)
    if present:
        return present[0].party
    kept = party_of_seats(
        service=booking.service, staff_id=booking.staff_id, start_at=booking.start_at, now=now
    )
    return kept or uuid.uuid4()
