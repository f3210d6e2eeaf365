"""The optional filters of GET /api/bookings (contract §1.2); a bad value is 400."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache, partial
from typing import Any, Self

from django.db.models import QuerySet
from rest_framework.request import Request

from bookings.api.serializers import COLUMNS, BookingJson, Printer
from bookings.api.visible_booking import LIMITED
from bookings.models import Booking, BookingQuerySet, kept_total
from clients.search import found_by
from staff.access.actor import SYSTEM
from staff.access.auth import actor_of
from staff.salon.day_filters import FromDay, UpToDay
from staff.storage.prepared_statements import Blank, Prepared
from staff.wire.filters import ChoiceFilter, FlagFilter, IdFilter, ListFilter, SearchFilter

SHAPES_KEPT = 100
"""Choices of filters whose statement a process keeps."""

WITH_AN_INDEX_IN_ORDER = {"staff_id", "client_id", "date_from", "date_to", "order"}
"""Filters of which one plan is good for every value; of any other one a value may be rare or in every row."""


class StartFilter(ListFilter):
    """Of what has a `start_at`: by salon date."""

    date_from = FromDay("start_at", "gte", help_text="First salon date of start_at, inclusive.")
    date_to = UpToDay("start_at", help_text="Last salon date of start_at, inclusive.")


class BookingFilter(StartFilter):
    """Newest start first (`order=asc`: oldest), cancelled ones only by status."""

    staff_id = IdFilter(help_text="With this staff member.")
    client_id = IdFilter(help_text="For this client.")
    service_id = IdFilter(help_text="Of this service.")
    location_id = IdFilter(help_text="At this location.")
    series_id = IdFilter(help_text="Of the series with this id; its first booking is one of them.")
    visit_id = IdFilter(help_text="Of this visit.")
    status = ChoiceFilter(
        choices=Booking.Status.values, help_text="With this status; the only way to list cancelled ones."
    )
    requests_waiting = FlagFilter(
        method="waiting", help_text="1: only requests that the salon has to answer; 0: the others."
    )
    search = SearchFilter(
        partial(found_by, client="client"), help_text="Words in the client's name, phone or mail."
    )
    order = ChoiceFilter(method="by_start", choices=("asc", "desc"), help_text="asc: oldest start first.")

    @classmethod
    def of_caller(cls, request: Request) -> Self:
        """Of the bookings that the caller may see."""
        return cls.of(request, Booking.objects.visible_to(actor_of(request)))

    def count(self) -> int:
        """How many bookings are listed: as the database has kept count, wherever it knows (docs/adr/0109)."""
        if not self.compared.keys() <= {"staff_id", "status", "order"}:
            return self.qs.order_by().count()
        own, asked = actor_of(self.request).agenda_of, self.asked["staff_id"]
        if None not in (own, asked) and own != asked:
            return 0  # Who sees their own agenda alone asks for somebody else's.
        return kept_total(staff_id=asked if own is None else own, status=self.asked["status"])

    def printed(self, printer: Printer, *, offset: int, limit: int) -> list[BookingJson]:
        """A page. The statement of a first one that one plan serves for all values is written once (ADR 110).

        Of any other the ids come first, then what is printed of them: an OFFSET that joins what it skips is
        13 times slower.
        """
        if offset or not self.compared.keys() <= WITH_AN_INDEX_IN_ORDER:
            return printer.these(self.qs.values_list("pk", flat=True)[offset : offset + limit])
        own = actor_of(self.request).agenda_of
        shape = tuple(
            (name, None if self.base_filters[name].any_value else value)
            for name, value in self.compared.items()
        )
        first = _first_page(shape, limit=limit, of_own_agenda=own is not None)
        return list(printer.rows(first.rows(agenda_of=own or 0, **self.compared)))

    @classmethod
    def narrowed(cls, rows: QuerySet[Any], compared: Mapping[str, Any]) -> QuerySet[Any]:
        found = super().narrowed(rows.order_by("-start_at", "-id"), compared)
        return found if "status" in compared else found.exclude(status=Booking.Status.CANCELLED)

    @staticmethod
    def waiting(bookings: BookingQuerySet, name: str, waiting: bool) -> BookingQuerySet:
        asked = Booking.objects.waiting_for_salon().order_by()
        return bookings.filter(pk__in=asked) if waiting else bookings.exclude(pk__in=asked)

    @staticmethod
    def by_start(bookings: BookingQuerySet, name: str, order: str) -> BookingQuerySet:
        return bookings.order_by("start_at", "id") if order == "asc" else bookings


@lru_cache(SHAPES_KEPT)
def _first_page(shape: tuple[tuple[str, Any], ...], *, limit: int, of_own_agenda: bool) -> Prepared:
    """The rows of a first page; None in `shape`: any value of that filter."""
    caller = LIMITED if of_own_agenda else SYSTEM
    blanks = {name: _blank(name) if value is None else value for name, value in shape}
    bookings = BookingFilter.narrowed(Booking.objects.visible_to(caller), blanks)
    return Prepared(lambda: bookings.values_list(*COLUMNS)[:limit])


def _blank(name: str) -> Blank:
    return Blank(name, BookingFilter.base_filters[name].any_value())
