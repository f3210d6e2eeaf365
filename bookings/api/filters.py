"""The optional filters of GET /api/bookings (contract §1.2); a bad value is 400."""

from __future__ import annotations

from datetime import date
from typing import Any

import django_filters
from django import forms
from rest_framework.request import Request

from bookings.models import Booking, BookingQuerySet
from clients.search import found_by
from staff.models import SalonSettings
from staff.salon.schedule import ONE_DAY
from staff.wire.refusals import BadRequest
from staff.wire.text import LARGEST_INTEGER
from staff.wire.times import BadTime, day_start, parse_date

LONGEST_SEARCH = 200


class IdField(forms.Field):
    def to_python(self, value: Any) -> int | None:
        if value is None:
            return None
        if not (value.isascii() and value.isdigit() and 1 <= int(value[:20]) <= LARGEST_INTEGER):
            raise forms.ValidationError("Send an id: a whole number from 1.")
        return int(value)


class DayField(forms.Field):
    def to_python(self, value: Any) -> date | None:
        if value is None:
            return None
        try:
            return parse_date(value)
        except BadTime as refused:
            raise forms.ValidationError(refused.message) from None


class WordField(forms.Field):
    """One of `words`, as it stands."""

    def __init__(self, *, words: tuple[str, ...], **kwargs: Any) -> None:
        self.words = words
        super().__init__(**kwargs)

    def to_python(self, value: Any) -> str | None:
        if value is not None and value not in self.words:
            raise forms.ValidationError(f"Send one of: {', '.join(self.words)}.")
        return None if value is None else str(value)


class SearchField(forms.Field):
    def to_python(self, value: Any) -> str | None:
        if value is not None and len(value) > LONGEST_SEARCH:
            raise forms.ValidationError(f"Send at most {LONGEST_SEARCH} characters.")
        return None if value is None else str(value).strip()


class _Id(django_filters.Filter):
    field_class = IdField


class _Day(django_filters.Filter):
    field_class = DayField


class _Word(django_filters.Filter):
    field_class = WordField


class _Search(django_filters.Filter):
    field_class = SearchField


class BookingFilter(django_filters.FilterSet):
    date_from = _Day(method="from_date", label="First salon date of start_at, inclusive.")
    date_to = _Day(method="to_date", label="Last salon date of start_at, inclusive.")
    staff_id = _Id(field_name="staff_id")
    client_id = _Id(field_name="client_id")
    service_id = _Id(field_name="service_id")
    location_id = _Id(field_name="location_id")
    status = _Word(method="with_status", words=tuple(Booking.Status.values))
    search = _Search(method="found", label="Client name, phone or mail.")
    order = _Word(method="unchanged", words=("asc", "desc"))

    class Meta:
        model = Booking
        fields: list[str] = []

    def __init__(self, *args: Any, salon: SalonSettings, **kwargs: Any) -> None:
        self.zone = salon.zone
        super().__init__(*args, **kwargs)

    def from_date(self, bookings: BookingQuerySet, name: str, day: date) -> BookingQuerySet:
        return bookings.filter(start_at__gte=day_start(day, zone=self.zone))

    def to_date(self, bookings: BookingQuerySet, name: str, day: date) -> BookingQuerySet:
        return bookings.filter(start_at__lt=day_start(day + ONE_DAY, zone=self.zone))

    def with_status(self, bookings: BookingQuerySet, name: str, status: str) -> BookingQuerySet:
        return bookings.filter(status=status)

    def found(self, bookings: BookingQuerySet, name: str, text: str) -> BookingQuerySet:
        return bookings.filter(found_by(text, client="client__"))

    def unchanged(self, bookings: BookingQuerySet, name: str, value: str) -> BookingQuerySet:
        return bookings


def filtered(bookings: BookingQuerySet, request: Request, *, salon: SalonSettings) -> BookingQuerySet:
    """What the query asks for, newest start first (`order=asc`: oldest), cancelled ones only by status.

    Raises BadRequest naming each bad parameter.
    """
    found = bookings
    # A set of filters is dear to make, and most lists ask for none.
    if not BookingFilter.base_filters.keys().isdisjoint(request.query_params):
        asked = BookingFilter(data=request.query_params, queryset=bookings, salon=salon)
        if not asked.is_valid():
            details = {name: [str(each) for each in sentences] for name, sentences in asked.errors.items()}
            first = next(iter(details))
            raise BadRequest(f"{first}: {details[first][0]}", details=details)
        found = asked.qs
    if "status" not in request.query_params:
        found = found.exclude(status=Booking.Status.CANCELLED)
    if request.query_params.get("order") == "asc":
        return found.order_by("start_at", "id")
    return found.order_by("-start_at", "-id")
