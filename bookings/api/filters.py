"""The optional filters of GET /api/bookings (contract §1.2); a bad value is 400."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import Any

from django.db.models import QuerySet

from bookings.models import Booking, BookingQuerySet, kept_total
from clients.search import found_by
from staff.access.auth import actor_of, salon_of
from staff.salon.schedule import ONE_DAY
from staff.wire.filters import ChoiceFilter, DateFilter, FlagFilter, IdFilter, ListFilter, SearchFilter
from staff.wire.times import day_start


class StartFilter(ListFilter):
    """Of what has a `start_at`: by salon date."""

    date_from = DateFilter(method="from_date", help_text="First salon date of start_at, inclusive.")
    date_to = DateFilter(method="to_date", help_text="Last salon date of start_at, inclusive.")

    def from_date(self, found: QuerySet[Any], name: str, day: date) -> QuerySet[Any]:
        return found.filter(start_at__gte=day_start(day, zone=salon_of(self.request).zone))

    def to_date(self, found: QuerySet[Any], name: str, day: date) -> QuerySet[Any]:
        return found.filter(start_at__lt=day_start(day + ONE_DAY, zone=salon_of(self.request).zone))


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

    def count(self) -> int:
        """How many bookings are listed: as the database has kept count, wherever it knows (docs/adr/0109)."""
        if not self.filters.keys() <= {"staff_id", "status", "order"}:
            return self.qs.order_by().count()
        own, asked = actor_of(self.request).agenda_of, self.asked["staff_id"]
        if None not in (own, asked) and own != asked:
            return 0  # Who sees their own agenda alone asks for somebody else's.
        return kept_total(staff_id=asked if own is None else own, status=self.asked["status"])

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        found = super().filter_queryset(queryset.order_by("-start_at", "-id"))
        return found if "status" in self.filters else found.exclude(status=Booking.Status.CANCELLED)

    def waiting(self, bookings: BookingQuerySet, name: str, waiting: bool) -> BookingQuerySet:
        asked = Booking.objects.waiting_for_salon().order_by()
        return bookings.filter(pk__in=asked) if waiting else bookings.exclude(pk__in=asked)

    def by_start(self, bookings: BookingQuerySet, name: str, order: str) -> BookingQuerySet:
        return bookings.order_by("start_at", "id") if order == "asc" else bookings
