"""GET /api/availability, POST /api/holds, DELETE /api/holds/:token (contract §1.5, of visits §7)."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, NotRequired, TypedDict
from zoneinfo import ZoneInfo

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from bookings.api.visit_availability import (
    QueryItems,
    VisitAvailabilityJson,
    VisitHoldJson,
    VisitHoldRequestSerializer,
    asked_items,
    visit_availability_json,
    visit_hold_json,
)
from bookings.models import Hold
from bookings.slots import holds
from bookings.slots.availability import Blocked, Day, StaffDay, availability
from bookings.slots.availability.chains import chain_starts
from bookings.slots.availability.wishes import MOST_ITEMS, wishes_for
from bookings.slots.class_seats import Standing
from bookings.slots.refused_to_everybody import find_service, nobody_bookable
from bookings.slots.visit_holds import keep_visit
from staff.access.actor import Actor
from staff.access.auth import actor_of, salon_of
from staff.access.idempotency import IDEMPOTENCY_KEY, idempotent
from staff.models import SalonSettings, Service
from staff.salon.parts import PartJson
from staff.storage.may_lag import may_lag
from staff.wire.answers import Count, Date, EitherAnswer, Id, Number, When
from staff.wire.fields import StrictIdField, StrictIntegerField, WallClockField
from staff.wire.query import Query, QueryDate, QueryFlag, QueryId
from staff.wire.reading import checked_body
from staff.wire.schema import documented
from staff.wire.times import print_date, print_when, printing_when
from staff.wire.views import GatedView

MOST_DAYS = 62
TOKEN_IN_PATH = OpenApiParameter("token", str, OpenApiParameter.PATH, required=True)


class DatesQuery(Query):
    date_from = QueryDate(required=True)
    date_to = QueryDate(required=True, help_text=f"Inclusive; at most {MOST_DAYS} days.")
    explain = QueryFlag(initial=False, help_text="1: also why the other starts are refused.")

    def clean(self) -> None:
        first, last = self.cleaned_data.get("date_from"), self.cleaned_data.get("date_to")
        if first is None or last is None:
            return
        if last < first:
            self.add_error("date_to", "must not be before date_from.")
        elif (last - first).days >= MOST_DAYS:
            self.add_error("date_to", f"at most {MOST_DAYS} days at once.")


class AvailabilityQuery(DatesQuery):
    service_id = QueryId(required=True, help_text="Or `items`.")
    staff_id = QueryId(help_text="Absent: everyone who offers the service.")
    field_order = ("service_id",)


class VisitAvailabilityQuery(DatesQuery):
    items = QueryItems(
        required=True, help_text=f"1 to {MOST_ITEMS} services at one go: service:staff[:same]."
    )
    service_id = QueryId()
    staff_id = QueryId()

    def clean(self) -> None:
        super().clean()
        for name in ("service_id", "staff_id"):
            if name in self.data:
                self.add_error(name, "send items alone; each names its service and its staff member.")


def _either_query() -> list[OpenApiParameter]:
    """The parameters of both, of which no call needs all."""
    each_query = (VisitAvailabilityQuery, AvailabilityQuery)
    both = {each.name: each for query in each_query for each in query.parameters()}
    for name in ("items", "service_id"):
        both[name].required = False
    return list(both.values())


class BlockedJson(TypedDict):
    start_at: Annotated[When, "The first refused start."]
    end_at: Annotated[When, "Starts from here on are judged anew."]
    code: Annotated[str, "The rule, as a refusing door names it: slot_taken, holiday, ..."]
    message: str
    booking_id: Annotated[Id | None, "The booking in the way; null for a hold and where you may not see it."]


class StaffDayJson(TypedDict):
    staff_id: Id
    duration_minutes: Annotated[Number, "How long the service takes with this person."]
    parts: list[PartJson]
    starts: list[When]
    blocked: NotRequired[Annotated[list[BlockedJson], "Only with explain=1."]]


class SessionJson(TypedDict):
    """A class that begins on this date."""

    staff_id: Id
    session_of: Annotated[
        Id | None, "To join it; null while only holds keep seats in it, and where you may not see it."
    ]
    start_at: When
    end_at: When
    seats_left: Annotated[Count, "Neither booked nor held."]


class DayJson(TypedDict):
    date: Date
    staff: list[StaffDayJson]
    sessions: NotRequired[Annotated[list[SessionJson], "Only of a service with max_capacity over 1."]]


class AvailabilityJson(TypedDict):
    service_id: Id
    timezone: str
    step_minutes: Number
    days: list[DayJson]


class HoldJson(TypedDict):
    hold_token: Annotated[str, "Send it as hold_token of POST /api/bookings."]
    staff_id: Id
    start_at: When
    end_at: When
    expires_at: When


class HoldRequestSerializer(serializers.Serializer):
    service_id = StrictIdField()
    start_at = WallClockField()
    staff_id = StrictIdField(
        required=False, allow_null=True, help_text="Absent: chosen, least busy that day."
    )
    end_at = WallClockField(
        required=False, allow_null=True, help_text="Absent: as long as it takes this person."
    )
    persons = StrictIntegerField(
        required=False, min_value=1, max_value=1000, default=1, help_text="Seats to keep in a class."
    )
    minutes = StrictIntegerField(
        required=False,
        min_value=holds.SHORTEST_MINUTES,
        max_value=holds.LONGEST_MINUTES,
        default=holds.USUAL_MINUTES,
    )


class AvailabilityView(GatedView):
    @documented(
        "Free start times",
        description=(
            "The starts at which the service can be booked, on the salon's wall clock, `slot_step_minutes` "
            "apart, counted from the opening of each working window. A staff member without working hours is "
            "never free. With explain=1 also why every other start is refused. With `items` the starts of a "
            "visit of several services, each with who does what and when; what is answered can be booked."
        ),
        answer=EitherAnswer("AvailabilityOrVisits", (AvailabilityJson, VisitAvailabilityJson)),
        parameters=_either_query(),
        tags=["availability"],
    )
    @may_lag
    def get(self, request: Request) -> Response:
        if "items" in request.query_params:
            return self._visits(request)
        asked = AvailabilityQuery.of(request)
        staff_id, explain = asked["staff_id"], asked["explain"]
        service = find_service(asked["service_id"])
        salon = salon_of(request)
        days = availability(
            service=service,
            first=asked["date_from"],
            last=asked["date_to"],
            salon=salon,
            now=timezone.now(),
            staff_id=staff_id,
            explain_to=actor_of(request) if explain else None,
        )
        # Who takes no bookings has no agenda.
        if staff_id is not None and not days[0].staff:
            raise nobody_bookable(staff_id)
        days = [_without_unseen(day, actor=actor_of(request)) for day in days]
        return Response(_availability_json(service, days, salon=salon, explain=explain))

    def _visits(self, request: Request) -> Response:
        asked = VisitAvailabilityQuery.of(request)
        wishes, salon, explain = wishes_for(asked["items"]), salon_of(request), asked["explain"]
        days = chain_starts(
            wishes,
            first=asked["date_from"],
            last=asked["date_to"],
            salon=salon,
            now=timezone.now(),
            explain_to=actor_of(request) if explain else None,
        )
        return Response(visit_availability_json(wishes, days, salon=salon, explain=explain))


class HoldsView(GatedView):
    @documented(
        "Hold a slot",
        description="Keeps the slot for some minutes. A booking made with the `hold_token` takes it over. "
        "With `items` all slots of a visit, with one token.",
        request=EitherAnswer("HoldOrVisit", (HoldRequestSerializer, VisitHoldRequestSerializer)),
        answer=EitherAnswer("HeldOrVisit", (HoldJson, VisitHoldJson)),
        status=201,
        refused=[409, 422],
        parameters=[IDEMPOTENCY_KEY],
        tags=["availability"],
    )
    @idempotent
    def post(self, request: Request) -> Response:
        salon, now = salon_of(request), timezone.now()
        if isinstance(request.data, dict) and "items" in request.data:
            wanted = checked_body(VisitHoldRequestSerializer, request, zone=salon.zone, now=now)
            wanted["items"] = asked_items(wanted["items"])
            held = keep_visit(actor=actor_of(request), salon=salon, now=now, **wanted)
            return Response(visit_hold_json(held, zone=salon.zone), status=201)
        wanted = checked_body(HoldRequestSerializer, request, zone=salon.zone, now=now)
        hold = holds.keep(actor=actor_of(request), salon=salon, now=now, **wanted)
        return Response(_hold_json(hold, zone=salon.zone), status=201)


class HoldView(GatedView):
    @documented(
        "Give a held slot free, or all slots of a visit",
        status=204,
        refused=[404],
        parameters=[TOKEN_IN_PATH],
        tags=["availability"],
    )
    def delete(self, request: Request, token: str) -> Response:
        holds.release(token=token)
        return Response(status=204)


def _without_unseen(day: Day, *, actor: Actor) -> Day:
    """With the personal agenda nobody learns the ids of others' bookings."""
    if actor.agenda_of is None or not day.sessions:
        return day
    own = [
        each if each.staff_id == actor.agenda_of else replace(each, session_id=None) for each in day.sessions
    ]
    return replace(day, sessions=own)


def _availability_json(
    service: Service, days: list[Day], *, salon: SalonSettings, explain: bool
) -> AvailabilityJson:
    return {
        "service_id": service.pk,
        "timezone": salon.timezone,
        "step_minutes": salon.slot_step_minutes,
        "days": [_day_json(day, service=service, zone=salon.zone, explain=explain) for day in days],
    }


def _day_json(day: Day, *, service: Service, zone: ZoneInfo, explain: bool) -> DayJson:
    printed: DayJson = {
        "date": print_date(day.date),
        "staff": [_staff_day_json(one, zone=zone, explain=explain) for one in day.staff],
    }
    if day.sessions is not None:
        printed["sessions"] = [_session_json(each, service=service, zone=zone) for each in day.sessions]
    return printed


def _session_json(session: Standing, *, service: Service, zone: ZoneInfo) -> SessionJson:
    return {
        "staff_id": session.staff_id,
        "session_of": session.session_id,
        "start_at": print_when(session.start_at, zone=zone),
        "end_at": print_when(session.end_at, zone=zone),
        "seats_left": session.seats_left(service),
    }


def _staff_day_json(one: StaffDay, *, zone: ZoneInfo, explain: bool) -> StaffDayJson:
    printed: StaffDayJson = {
        "staff_id": one.staff_id,
        "duration_minutes": one.duration.minutes,
        "parts": one.duration.in_full,
        "starts": list(map(printing_when(zone), one.starts)),
    }
    if explain:
        printed["blocked"] = [_blocked_json(each, zone=zone) for each in one.blocked]
    return printed


def _blocked_json(blocked: Blocked, *, zone: ZoneInfo) -> BlockedJson:
    return {
        "start_at": print_when(blocked.start_at, zone=zone),
        "end_at": print_when(blocked.end_at, zone=zone),
        "code": blocked.objection.code,
        "message": blocked.objection.message,
        "booking_id": blocked.objection.booking_id,
    }


def _hold_json(hold: Hold, *, zone: ZoneInfo) -> HoldJson:
    return {
        "hold_token": hold.token,
        "staff_id": hold.staff_id,
        "start_at": print_when(hold.start_at, zone=zone),
        "end_at": print_when(hold.end_at, zone=zone),
        "expires_at": print_when(hold.expires_at, zone=zone),
    }
