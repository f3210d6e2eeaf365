"""/api/waitlist (contract §1.5): staff, administrators and native keys."""

from __future__ import annotations

from functools import partial
from typing import Annotated, TypedDict
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet
from django.http.response import HttpResponseBase
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from bookings import waitlist
from bookings.api.serializers import WarningJson, printed_warnings
from bookings.models import WaitlistEntry
from clients.search import found_by
from staff.access.auth import actor_of, salon_of
from staff.access.idempotency import IDEMPOTENCY_KEY, idempotent
from staff.wire.answers import Date, Id, ListAnswer, When, one_of
from staff.wire.fields import CalendarDateField, ChoiceTextField, StrictIdField, TextField, WallClockField
from staff.wire.filters import (
    ChoiceFilter,
    DateFilter,
    FlagFilter,
    IdFilter,
    ListFilter,
    OrderFilter,
    SearchFilter,
)
from staff.wire.paging import answer_queryset
from staff.wire.reading import checked_body
from staff.wire.schema import ID_IN_PATH, documented
from staff.wire.times import print_date, print_when
from staff.wire.views import GatedView


class WaitlistFilter(ListFilter):
    search = SearchFilter(partial(found_by, client="client", besides="searched"))
    status = ChoiceFilter(choices=WaitlistEntry.Status.values, help_text="Only entries in this status.")
    open = FlagFilter(method="that_are_open", help_text="1: only who still waits; 0: the others.")
    date = DateFilter(help_text="Only this salon date.")
    service_id = IdFilter(help_text="Only this service.")
    staff_id = IdFilter(help_text="Only who waits for this staff member in particular.")
    client_id = IdFilter(help_text="Only this client.")
    order = OrderFilter({"date": ("date",), "created_at": ("created_at",), "id": ()})

    @staticmethod
    def that_are_open(entries: QuerySet[WaitlistEntry], name: str, are_open: bool) -> QuerySet[WaitlistEntry]:
        waits = Q(status__in=WaitlistEntry.OPEN_STATUSES)
        return entries.filter(waits) if are_open else entries.exclude(waits)


STATUS_HELP = "Written as waiting or cancelled; the others come from offers, bookings and time."


class WaitlistEntrySerializer(serializers.Serializer):
    """A client who waits for a slot of a service on a date; `staff_id` null means with anyone."""

    client_id = StrictIdField()
    service_id = StrictIdField()
    staff_id = StrictIdField(required=False, allow_null=True)
    date = CalendarDateField(help_text="The salon date waited for.")
    notes = TextField(required=False)
    status = ChoiceTextField(
        choices=WaitlistEntry.Status.values, required=False, help_text=f"{STATUS_HELP} Ignored in a POST."
    )


class WaitlistEntryJson(TypedDict):
    """A client who waits for a slot of a service on a date; `staff_id` null means with anyone."""

    id: Id
    client_id: Id
    service_id: Id
    staff_id: Id | None
    date: Annotated[Date, "The salon date waited for."]
    notes: str
    status: Annotated[str, one_of(WaitlistEntry.Status.values), STATUS_HELP]
    client_name: str
    service_name: str
    staff_name: str | None
    last_offered_at: When | None
    created_at: When
    updated_at: When


class TimeToOfferSerializer(serializers.Serializer):
    staff_id = StrictIdField()
    start_at = WallClockField(help_text="It lasts as long as the service.")


class WaitlistOfferJson(TypedDict):
    """A time that is offered to a client who waits."""

    id: Id
    waitlist_id: Id
    staff_id: Id
    start_at: When
    end_at: When
    held: Annotated[bool, "The time is kept for the client until expires_at."]
    expires_at: When
    warnings: Annotated[list[WarningJson], "What speaks against the time, as for a booking by staff."]


class WaitlistView(GatedView):
    @documented(
        "List the waitlist",
        answer=ListAnswer(WaitlistEntryJson),
        parameters=WaitlistFilter.parameters(),
        description="Searched: the client's names, e-mail, phone and mobile, notes.",
        tags=["waitlist"],
    )
    def get(self, request: Request) -> HttpResponseBase:
        asked = WaitlistFilter.of(request, _entries())
        zone = salon_of(request).zone
        return answer_queryset(asked.page, asked.qs, row=partial(_entry_json, zone=zone))

    @documented(
        "Put a client on the waitlist",
        request=WaitlistEntrySerializer,
        answer=WaitlistEntryJson,
        status=201,
        refused=[409, 422],
        parameters=[IDEMPOTENCY_KEY],
        tags=["waitlist"],
    )
    @idempotent
    def post(self, request: Request) -> Response:
        fields = checked_body(WaitlistEntrySerializer, request)
        fields.pop("status", None)
        entry = waitlist.add(**fields, salon=salon_of(request), now=timezone.now())
        return _answer(request, entry, status=201)


class WaitlistEntryView(GatedView):
    @documented(
        "One entry",
        answer=WaitlistEntryJson,
        refused=[404],
        parameters=[ID_IN_PATH],
        tags=["waitlist"],
    )
    def get(self, request: Request, id: int) -> Response:
        entry = _entries().filter(pk=id).first()
        if entry is None:
            raise waitlist.EntryNotFound
        return _answer(request, entry)

    @documented(
        "Change an entry",
        request=WaitlistEntrySerializer(partial=True),
        answer=WaitlistEntryJson,
        refused=[404, 409],
        parameters=[ID_IN_PATH],
        description="Absent keys keep their value. Setting the status ends an offer that is out.",
        tags=["waitlist"],
    )
    def put(self, request: Request, id: int) -> Response:
        changes = checked_body(WaitlistEntrySerializer, request, partial=True)
        entry = waitlist.change(entry_id=id, changes=changes, salon=salon_of(request), now=timezone.now())
        return _answer(request, entry)

    patch = put

    @documented(
        "Take a client off the waitlist",
        answer=WaitlistEntryJson,
        refused=[404, 409],
        parameters=[ID_IN_PATH],
        description="The entry stays, cancelled; a booked one cannot be cancelled.",
        tags=["waitlist"],
    )
    def delete(self, request: Request, id: int) -> Response:
        return _answer(request, waitlist.cancel(entry_id=id, salon=salon_of(request), now=timezone.now()))


class OfferByHandView(GatedView):
    @documented(
        "Offer a time to who waits",
        request=TimeToOfferSerializer,
        answer=WaitlistOfferJson,
        status=201,
        refused=[404, 409, 422],
        parameters=[ID_IN_PATH, IDEMPOTENCY_KEY],
        description="The mail and the link of an automatic offer. 409 offer_out while the client has an "
        "offer, or somebody else has one of this time. What the desk may overrule is said in `warnings`.",
        tags=["waitlist"],
    )
    @idempotent
    def post(self, request: Request, id: int) -> Response:
        salon, now = salon_of(request), timezone.now()
        wanted = checked_body(TimeToOfferSerializer, request, zone=salon.zone, now=now)
        made = waitlist.offer_by_hand(actor=actor_of(request), entry_id=id, salon=salon, now=now, **wanted)
        return Response(_offer_json(made, zone=salon.zone), status=201)


def _offer_json(made: waitlist.OfferMade, *, zone: ZoneInfo) -> WaitlistOfferJson:
    offer = made.offer
    return {
        "id": offer.pk,
        "waitlist_id": offer.entry_id,
        "staff_id": offer.staff_id,
        "start_at": print_when(offer.start_at, zone=zone),
        "end_at": print_when(offer.end_at, zone=zone),
        "held": offer.hold_id is not None,
        "expires_at": print_when(offer.expires_at, zone=zone),
        "warnings": printed_warnings(made.warnings),
    }


def _entries() -> QuerySet[WaitlistEntry]:
    return WaitlistEntry.objects.select_related("client", "service", "staff")


def _answer(request: Request, entry: WaitlistEntry, *, status: int = 200) -> Response:
    return Response(_entry_json(entry, zone=salon_of(request).zone), status=status)


def _entry_json(entry: WaitlistEntry, *, zone: ZoneInfo) -> WaitlistEntryJson:
    return {
        "id": entry.pk,
        "client_id": entry.client_id,
        "service_id": entry.service_id,
        "staff_id": entry.staff_id,
        "date": print_date(entry.date),
        "notes": entry.notes,
        "status": entry.status,
        "client_name": entry.client.name,
        "service_name": entry.service.name,
        "staff_name": None if entry.staff is None else entry.staff.name,
        "last_offered_at": print_when(entry.last_offered_at, zone=zone),
        "created_at": print_when(entry.created_at, zone=zone),
        "updated_at": print_when(entry.updated_at, zone=zone),
    }
