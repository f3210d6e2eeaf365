"""One booking by its id, as the one scoped queryset shows it: to who sees all, and to who is limited to an
agenda (contract §1.1)."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from django.db.models import BigAutoField, QuerySet

from bookings.models import Booking
from staff.access.actor import SYSTEM, Actor
from staff.storage.prepared_statements import Blank, Prepared

_AGENDA_OF: Any = Blank("agenda_of", BigAutoField())
LIMITED = replace(SYSTEM, agenda_of=_AGENDA_OF)
"""Somebody limited to an agenda, whose is filled in: for statements that are written once."""


class VisibleBooking:
    """What is read of it: `columns`, as `values_list` takes them."""

    def __init__(self, *columns: str) -> None:
        self._seen_by_all = Prepared(partial(_visible, SYSTEM, columns))
        self._of_an_agenda = Prepared(partial(_visible, LIMITED, columns))

    def row(self, booking_id: int, *, to: Actor) -> tuple[Any, ...] | None:
        """None where there is none, or `to` may not see it. One statement."""
        if to.agenda_of is None:
            rows = self._seen_by_all.rows(id=booking_id)
        else:
            rows = self._of_an_agenda.rows(id=booking_id, agenda_of=to.agenda_of)
        return rows[0] if rows else None


def _visible(actor: Actor, columns: tuple[str, ...]) -> QuerySet[Booking, tuple[Any, ...]]:
    bookings = Booking.objects.visible_to(actor).filter(pk=Blank("id", BigAutoField()))
    rows: QuerySet[Booking, tuple[Any, ...]] = bookings.order_by().values_list(*columns)
    return rows
