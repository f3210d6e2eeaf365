"""/api/working-hours, /api/time-off, /api/holidays (contract §1.5).

Administrators write everybody's, staff their own. Working hours and holidays are read by everybody, time off
by whom it concerns. No booking refers to these rows, so DELETE removes them (204).
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from staff.access.auth import AdminWrites, PersonWrites, actor_of, salon_of
from staff.models import Holiday, Staff, TimeOff, WorkingHours
from staff.printing import (
    HolidayAnswerJson,
    HolidayJson,
    TimeOffAnswerJson,
    TimeOffJson,
    WorkingHoursJson,
    holiday_json,
    time_off_json,
    working_hours_json,
)
from staff.salon.affected import affected_bookings
from staff.salon.opening import (
    add_holiday,
    add_time_off,
    add_working_hours,
    change_holiday,
    change_time_off,
    change_working_hours,
    remove_holiday,
    remove_time_off,
    remove_working_hours,
    time_off_visible_to,
)
from staff.serializers import HolidaySerializer, TimeOffSerializer, WorkingHoursSerializer
from staff.storage.storing import found
from staff.wire.answers import ListAnswer
from staff.wire.paging import PAGE_PARAMETERS, answer_queryset
from staff.wire.query import query_date, query_id, query_integer
from staff.wire.reading import SEARCH, checked_body, order_of, ordered, searched
from staff.wire.schema import ID_IN_PATH, date_filter, documented, id_filter
from staff.wire.times import day_start
from staff.wire.views import GatedView

ONE_DAY = timedelta(days=1)
DATES = [
    date_filter("date_from", "From this salon date on."),
    date_filter("date_to", "Up to this salon date, inclusive."),
]
WORKING_HOURS_ORDERS = {"weekday": ("weekday", "opens"), "staff": ("staff_id", "weekday", "opens"), "id": ()}
TIME_OFF_ORDERS = {"start_at": ("start_at",), "id": ()}
HOLIDAY_ORDERS = {"date": ("date",), "id": ()}


class WorkingHoursListView(GatedView):
    permission_classes = [PersonWrites]

    @documented(
        "List working hours",
        answer=ListAnswer(WorkingHoursJson),
        parameters=[
            *PAGE_PARAMETERS,
            id_filter("staff_id", "Only this person's."),
            OpenApiParameter(
                "weekday",
                {"type": "integer", "minimum": 0, "maximum": 6},
                description="Only this weekday, 0 = Monday.",
            ),
            order_of(WORKING_HOURS_ORDERS),
        ],
    )
    def get(self, request: Request) -> HttpResponseBase:
        filters = {
            "staff_id": query_id(request, "staff_id"),
            "weekday": query_integer(request, "weekday", largest=6),
        }
        rows = WorkingHours.objects.filter(**_present(filters))
        return answer_queryset(request, ordered(request, rows, WORKING_HOURS_ORDERS), row=working_hours_json)

    @documented("Add working hours", request=WorkingHoursSerializer, answer=WorkingHoursJson, status=201)
    def post(self, request: Request) -> Response:
        fields = checked_body(WorkingHoursSerializer, request)
        return Response(
            working_hours_json(add_working_hours(actor=actor_of(request), fields=fields)), status=201
        )


class WorkingHoursView(GatedView):
    permission_classes = [PersonWrites]

    @documented("One stretch", answer=WorkingHoursJson, refused=[404], parameters=[ID_IN_PATH])
    def get(self, request: Request, id: int) -> Response:
        return Response(working_hours_json(found(WorkingHours.objects.all(), id)))

    @documented(
        "Change working hours",
        request=WorkingHoursSerializer(partial=True),
        answer=WorkingHoursJson,
        refused=[404],
        parameters=[ID_IN_PATH],
        description="Absent keys keep their value.",
    )
    def put(self, request: Request, id: int) -> Response:
        fields = checked_body(WorkingHoursSerializer, request, partial=True)
        hours = change_working_hours(id, actor=actor_of(request), fields=fields)
        return Response(working_hours_json(hours))

    patch = put

    @documented("Remove working hours", status=204, refused=[404], parameters=[ID_IN_PATH])
    def delete(self, request: Request, id: int) -> Response:
        remove_working_hours(id, actor=actor_of(request))
        return Response(status=204)


class TimeOffListView(GatedView):
    permission_classes = [PersonWrites]

    @documented(
        "List time off",
        answer=ListAnswer(TimeOffJson),
        parameters=[
            *PAGE_PARAMETERS,
            SEARCH,
            id_filter("staff_id", "Only this person's."),
            *DATES,
            order_of(TIME_OFF_ORDERS),
        ],
        description="Administrators, API keys and the front desk see everybody's, others their own. "
        "The dates keep what touches them. Searched: reason.",
    )
    def get(self, request: Request) -> HttpResponseBase:
        zone = salon_of(request).zone
        first, last = query_date(request, "date_from"), query_date(request, "date_to")
        filters = {
            "staff_id": query_id(request, "staff_id"),
            "end_at__gt": first and day_start(first, zone=zone),
            "start_at__lt": last and day_start(last + ONE_DAY, zone=zone),
        }
        rows = searched(request, _visible_time_off(request).filter(**_present(filters)), fields=("reason",))
        return answer_queryset(
            request, ordered(request, rows, TIME_OFF_ORDERS), row=partial(time_off_json, zone=zone)
        )

    @documented(
        "Add time off",
        request=TimeOffSerializer,
        answer=TimeOffAnswerJson,
        status=201,
        description="`affected_bookings` are this person's that stand in it, as far as you may see them.",
    )
    def post(self, request: Request) -> Response:
        fields = checked_body(TimeOffSerializer, request, zone=salon_of(request).zone)
        away = add_time_off(actor=actor_of(request), fields=fields)
        return Response(_time_off_answer(request, away), status=201)


class TimeOffView(GatedView):
    permission_classes = [PersonWrites]

    @documented("One absence", answer=TimeOffJson, refused=[404], parameters=[ID_IN_PATH])
    def get(self, request: Request, id: int) -> Response:
        return Response(time_off_json(found(_visible_time_off(request), id), zone=salon_of(request).zone))

    @documented(
        "Change time off",
        request=TimeOffSerializer(partial=True),
        answer=TimeOffAnswerJson,
        refused=[404],
        parameters=[ID_IN_PATH],
        description="Absent keys keep their value.",
    )
    def put(self, request: Request, id: int) -> Response:
        rows = _visible_time_off(request)
        away = found(rows, id)
        fields = checked_body(
            TimeOffSerializer,
            request,
            partial=True,
            zone=salon_of(request).zone,
            stored={"start_at": away.start_at, "end_at": away.end_at},
        )
        return Response(
            _time_off_answer(request, change_time_off(rows, id, actor=actor_of(request), fields=fields))
        )

    patch = put

    @documented("Remove time off", status=204, refused=[404], parameters=[ID_IN_PATH])
    def delete(self, request: Request, id: int) -> Response:
        remove_time_off(_visible_time_off(request), id, actor=actor_of(request))
        return Response(status=204)


class HolidayListView(GatedView):
    permission_classes = [AdminWrites]

    @documented(
        "List holidays",
        answer=ListAnswer(HolidayJson),
        parameters=[*PAGE_PARAMETERS, SEARCH, *DATES, order_of(HOLIDAY_ORDERS)],
        description="Searched: name.",
    )
    def get(self, request: Request) -> HttpResponseBase:
        filters = {"date__gte": query_date(request, "date_from"), "date__lte": query_date(request, "date_to")}
        rows = searched(request, Holiday.objects.filter(**_present(filters)), fields=("name",))
        return answer_queryset(request, ordered(request, rows, HOLIDAY_ORDERS), row=holiday_json)

    @documented(
        "Add a holiday",
        request=HolidaySerializer,
        answer=HolidayAnswerJson,
        status=201,
        refused=[409],
        description="`affected_bookings` are those that stand on that day, as far as you may see them.",
    )
    def post(self, request: Request) -> Response:
        holiday = add_holiday(fields=checked_body(HolidaySerializer, request))
        return Response(_holiday_answer(request, holiday), status=201)


class HolidayView(GatedView):
    permission_classes = [AdminWrites]

    @documented("One holiday", answer=HolidayJson, refused=[404], parameters=[ID_IN_PATH])
    def get(self, request: Request, id: int) -> Response:
        return Response(holiday_json(found(Holiday.objects.all(), id)))

    @documented(
        "Change a holiday",
        request=HolidaySerializer(partial=True),
        answer=HolidayAnswerJson,
        refused=[404, 409],
        parameters=[ID_IN_PATH],
        description="Absent keys keep their value.",
    )
    def put(self, request: Request, id: int) -> Response:
        fields = checked_body(HolidaySerializer, request, partial=True)
        return Response(_holiday_answer(request, change_holiday(id, fields=fields)))

    patch = put

    @documented("Remove a holiday", status=204, refused=[404], parameters=[ID_IN_PATH])
    def delete(self, request: Request, id: int) -> Response:
        remove_holiday(id)
        return Response(status=204)


def _visible_time_off(request: Request) -> QuerySet[TimeOff]:
    front_desk = isinstance(request.user, Staff) and request.user.sees_all_bookings
    return time_off_visible_to(actor_of(request), sees_all=front_desk)


def _time_off_answer(request: Request, away: TimeOff) -> TimeOffAnswerJson:
    zone = salon_of(request).zone
    affected = affected_bookings(
        actor=actor_of(request),
        starts_at=away.start_at,
        ends_at=away.end_at,
        staff_id=away.staff_id,
        zone=zone,
    )
    return {**time_off_json(away, zone=zone), "affected_bookings": affected}


def _holiday_answer(request: Request, holiday: Holiday) -> HolidayAnswerJson:
    zone = salon_of(request).zone
    affected = affected_bookings(
        actor=actor_of(request),
        starts_at=day_start(holiday.date, zone=zone),
        ends_at=day_start(holiday.date + ONE_DAY, zone=zone),
        staff_id=None,
        zone=zone,
    )
    return {**holiday_json(holiday), "affected_bookings": affected}


def _present(filters: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in filters.items() if value is not None}
