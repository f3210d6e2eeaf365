"""/api/reviews: what clients said, and the averages (contract §1.4 "to completed").

A review: `{id, booking_id, start_at, client_id, client_name, staff_id, staff_name, service_id, service_name,
rating, comment, created_at}`, newest first. Filters, on both addresses: search (what was said, the client's
name), staff_id, service_id, client_id, rating, date_from and date_to (salon dates on which it was written,
inclusive).
`/api/reviews/summary`: `{count, average, ratings: {"1": n, ... "5": n}, staff: [{staff_id, staff_name, count,
average}], services: [{service_id, service_name, count, average}]}`; averages have two decimals, null of
nothing. Everybody who may see the booking may see what was said of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, TypedDict
from zoneinfo import ZoneInfo

from django.db import models
from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response

from bookings.models import Booking, Feedback
from bookings.self_service.feedback import HIGHEST, LOWEST
from staff.access.auth import actor_of, salon_of
from staff.salon.day_filters import FromDay, UpToDay
from staff.wire.answers import Count, Id, ListAnswer, Number, When, between
from staff.wire.filters import (
    IdFilter,
    ListFilter,
    NumberFilter,
    SearchFilter,
    every_word_in,
)
from staff.wire.paging import PageQuery, answer_queryset
from staff.wire.query import Query
from staff.wire.refusals import NotFound
from staff.wire.schema import ID_IN_PATH, documented
from staff.wire.times import print_when
from staff.wire.views import GatedView

COLUMNS = (
    "id",
    "booking_id",
    "booking__start_at",
    "booking__client_id",
    "booking__client__first_name",
    "booking__client__last_name",
    "booking__staff_id",
    "booking__staff__name",
    "booking__service_id",
    "booking__service__name",
    "rating",
    "comment",
    "created_at",
)


class ReviewFilter(ListFilter):
    search = SearchFilter(
        every_word_in("comment", "booking__client__first_name", "booking__client__last_name")
    )
    staff_id = IdFilter("booking__staff_id", help_text="Only visits with this person.")
    service_id = IdFilter("booking__service_id", help_text="Only visits for this service.")
    client_id = IdFilter("booking__client_id", help_text="Only this client's.")
    rating = NumberFilter(smallest=LOWEST, largest=HIGHEST, help_text="Only this rating.")
    date_from = FromDay("created_at", "gte", help_text="Written on or after this salon date.")
    date_to = UpToDay("created_at", help_text="Written on or before this salon date.")

    class Meta:
        form = Query


class ReviewListFilter(ReviewFilter):
    class Meta:
        form = PageQuery


Rating = Annotated[int, between(LOWEST, HIGHEST)]
Average = Annotated[float, between(LOWEST, HIGHEST)]


class ReviewJson(TypedDict):
    id: Id
    booking_id: Id
    start_at: When
    client_id: Id | None
    client_name: str | None
    staff_id: Id
    staff_name: str
    service_id: Id
    service_name: str
    rating: Rating
    comment: str
    created_at: When


class StaffRatingJson(TypedDict):
    staff_id: Id
    staff_name: str
    count: Number
    average: Average


class ServiceRatingJson(TypedDict):
    service_id: Id
    service_name: str
    count: Number
    average: Average


class ReviewSummaryJson(TypedDict):
    count: Count
    average: Average | None
    ratings: Annotated[dict[str, Count], "How many of each."]
    staff: list[StaffRatingJson]
    services: list[ServiceRatingJson]


@dataclass(slots=True)
class Tally:
    """How often each rating was given."""

    counts: dict[int, int] = field(default_factory=lambda: dict.fromkeys(range(LOWEST, HIGHEST + 1), 0))

    def add(self, rating: int, count: int) -> None:
        self.counts[rating] += count

    @property
    def count(self) -> int:
        return sum(self.counts.values())

    @property
    def average(self) -> float:
        """Two decimals. There must be one to count."""
        total = sum(rating * count for rating, count in self.counts.items())
        return round(total / self.count, 2)


class ReviewListView(GatedView):
    @documented(
        "List reviews",
        answer=ListAnswer(ReviewJson),
        parameters=ReviewListFilter.parameters(),
        description="Newest first. With the personal agenda on, only those of one's own visits.",
    )
    def get(self, request: Request) -> HttpResponseBase:
        zone = salon_of(request).zone
        asked = ReviewListFilter.of(request, _visible(request).order_by("-id").values(*COLUMNS))
        return answer_queryset(asked.page, asked.qs, row=lambda row: review_json(row, zone=zone))


class ReviewView(GatedView):
    @documented("One review", answer=ReviewJson, refused=[404], parameters=[ID_IN_PATH])
    def get(self, request: Request, id: int) -> Response:
        row = _visible(request).filter(pk=id).values(*COLUMNS).first()
        if row is None:
            raise NotFound("Review not found")
        return Response(review_json(row, zone=salon_of(request).zone))


class ReviewSummaryView(GatedView):
    @documented(
        "Averages of all reviews, per staff member and per service",
        answer=ReviewSummaryJson,
        parameters=ReviewFilter.parameters(),
    )
    def get(self, request: Request) -> Response:
        return Response(summary_json(ReviewFilter.of(request, _visible(request)).qs))


def review_json(row: Mapping[str, Any], *, zone: ZoneInfo) -> ReviewJson:
    """A row of COLUMNS as it stands on the wire."""
    names = (row["booking__client__first_name"], row["booking__client__last_name"])
    return {
        "id": row["id"],
        "booking_id": row["booking_id"],
        "start_at": print_when(row["booking__start_at"], zone=zone),
        "client_id": row["booking__client_id"],
        "client_name": None if row["booking__client_id"] is None else " ".join(names).strip(),
        "staff_id": row["booking__staff_id"],
        "staff_name": row["booking__staff__name"],
        "service_id": row["booking__service_id"],
        "service_name": row["booking__service__name"],
        "rating": row["rating"],
        "comment": row["comment"],
        "created_at": print_when(row["created_at"], zone=zone),
    }


def summary_json(reviews: QuerySet[Feedback]) -> ReviewSummaryJson:
    """One statement, grouped; the sums are exact."""
    everything = Tally()
    staff: dict[tuple[str, int], Tally] = {}
    services: dict[tuple[str, int], Tally] = {}
    named = reviews.order_by().values_list(
        "booking__staff__name",
        "booking__staff_id",
        "booking__service__name",
        "booking__service_id",
        "rating",
    )
    grouped = named.annotate(times=models.Count("id"))
    for staff_name, staff_id, service_name, service_id, rating, count in grouped:
        everything.add(rating, count)
        staff.setdefault((staff_name, staff_id), Tally()).add(rating, count)
        services.setdefault((service_name, service_id), Tally()).add(rating, count)
    return {
        "count": everything.count,
        "average": everything.average if everything.count else None,
        "ratings": {str(rating): count for rating, count in everything.counts.items()},
        "staff": [
            {"staff_id": pk, "staff_name": name, "count": tally.count, "average": tally.average}
            for (name, pk), tally in sorted(staff.items())
        ],
        "services": [
            {"service_id": pk, "service_name": name, "count": tally.count, "average": tally.average}
            for (name, pk), tally in sorted(services.items())
        ],
    }


def _visible(request: Request) -> QuerySet[Feedback]:
    actor = actor_of(request)
    return Feedback.objects.filter(booking__in=Booking.objects.visible_to(actor).order_by().values("pk"))
