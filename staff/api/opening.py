"""/api/working-hours, /api/time-off, /api/holidays (contract §1.5, §6a "opening").

Administrators write everybody's, staff their own. Working hours and holidays are read by everybody, time off
by whom it concerns. No booking refers to these rows, so DELETE removes them: of working hours it answers the
row as it was with `affected_bookings` (200), of the others nothing (204).
"""

from __future__ import annotations

from functools import partial

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from staff.access.auth import AdminWrites, PersonWrites, actor_of, salon_of
from staff.api.affected import AFFECTED_BY_HOURS, affected
from staff.models import Holiday, Staff, TimeOff, WorkingHours
from staff.printing import (
    HolidayAnswerJson,
    HolidayJson,
    TimeOffAnswerJson,
    TimeOffJson,
    WeekAnswerJson,
    WorkingHoursAnswerJson,
    WorkingHoursJson,
    holiday_json,
    time_off_json,
    working_hours_json,
)
from staff.salon.affected import Touched
from staff.salon.day_filters import FromDay, UpToDay
from staff.salon.opening import (
    add_holiday,
    add_time_off,
    add_working_hours,
    change_holiday,
    change_time_off,
    change_working_hours,
    day_touched,
    hours_touched,
    remove_holiday,
    remove_time_off,
    remove_working_hours,
    replace_week,
    time_off_visible_to,
)
from staff.serializers import HolidaySerializer, TimeOffSerializer, WeekSerializer, WorkingHoursSerializer
from staff.storage.storing import found
from staff.wire.answers import ListAnswer
from staff.wire.filters import (
    DateFilter,
    IdFilter,
    ListFilter,
    NumberFilter,
    OrderFilter,
    SearchFilter,
    every_word_in,
)
from staff.wire.paging import answer_queryset
from staff.wire.query import Query, QueryId
from staff.wire.reading import checked_body
from staff.wire.schema import ID_IN_PATH, documented
from staff.wire.views import GatedView

FROM = "From this salon date on."
UP_TO = "Up to this salon date, inclusive."


class WorkingHoursFilter(ListFilter):
    staff_id = IdFilter(help_text="Only this person's.")
    weekday = NumberFilter(largest=6, help_text="Only this weekday, 0 = Monday.")
    order = OrderFilter(
        {"weekday": ("weekday", "opens"), "staff": ("staff_id", "weekday", "opens"), "id": ()}
    )


class WeekQuery(Query):
    staff_id = QueryId(required=True, help_text="Whose week it is.")


class TimeOffFilter(ListFilter):
    search = SearchFilter(every_word_in("reason"))
    staff_id = IdFilter(help_text="Only this person's.")
    date_from = FromDay("end_at", "gt", help_text=FROM)
    date_to = UpToDay("start_at", help_text=UP_TO)
    order = OrderFilter({"start_at": ("start_at",), "id": ()})


class HolidayFilter(ListFilter):
    search = SearchFilter(every_word_in("name"))
    date_from = DateFilter("date", "gte", help_text=FROM)
    date_to = DateFilter("date", "lte", help_text=UP_TO)
    order = OrderFilter({"date": ("date",), "id": ()})


class WorkingHoursListView(GatedView):
    permission_classes = [PersonWrites]

    @documented(
        "List working hours",
        answer=ListAnswer(WorkingHoursJson),
        parameters=WorkingHoursFilter.parameters(),
    )
    def get(self, request: Request) -> HttpResponseBase:
        asked = WorkingHoursFilter.of(request, WorkingHours.objects.all())
        return answer_queryset(asked.page, asked.qs, row=working_hours_json)

    @documented(
        "Add working hours",
        request=WorkingHoursSerializer,
        answer=WorkingHoursAnswerJson,
        status=201,
        description=AFFECTED_BY_HOURS,
    )
    def post(self, request: Request) -> Response:
        fields = checked_body(WorkingHoursSerializer, request)
        hours = add_working_hours(actor=actor_of(request), fields=fields)
        return Response(_hours_answer(request, hours, before=[], after=[hours]), status=201)

    @documented(
        "Replace a week",
        operation="working_hours_week_replace",
        request=WeekSerializer,
        answer=WeekAnswerJson,
        refused=[404],
        parameters=WeekQuery.parameters(),
        description=f"All working hours of this person at once, or none of them. {AFFECTED_BY_HOURS}",
    )
    def put(self, request: Request) -> Response:
        staff_id = WeekQuery.of(request)["staff_id"]
        before, after = replace_week(
            staff_id, actor=actor_of(request), rows=checked_body(WeekSerializer, request)["hours"]
        )
        touched = hours_touched(before=before, after=after, now=timezone.now())
        return Response(
            {
                "hours": [working_hours_json(each) for each in after],
                "affected_bookings": affected(request, touched),
            }
        )


class WorkingHoursView(GatedView):
    permission_classes = [PersonWrites]

    @documented("One stretch", answer=WorkingHoursJson, refused=[404], parameters=[ID_IN_PATH])
    def get(self, request: Request, id: int) -> Response:
        return Response(working_hours_json(found(WorkingHours.objects.all(), id)))

    @documented(
        "Change working hours",
        request=WorkingHoursSerializer(partial=True),
        answer=WorkingHoursAnswerJson,
        refused=[404],
        parameters=[ID_IN_PATH],
        description=f"Absent keys keep their value. {AFFECTED_BY_HOURS}",
    )
    def put(self, request: Request, id: int) -> Response:
        fields = checked_body(WorkingHoursSerializer, request, partial=True)
        before = found(WorkingHours.objects.all(), id)
        hours = change_working_hours(id, actor=actor_of(request), fields=fields)
        return Response(_hours_answer(request, hours, before=[before], after=[hours]))

    patch = put

    @documented(
        "Remove working hours",
        answer=WorkingHoursAnswerJson,
        refused=[404],
        parameters=[ID_IN_PATH],
        description=f"Answers the row as it was. {AFFECTED_BY_HOURS}",
    )
    def delete(self, request: Request, id: int) -> Response:
        hours = remove_working_hours(id, actor=actor_of(request))
        return Response(_hours_answer(request, hours, before=[hours], after=[]))


class TimeOffListView(GatedView):
    permission_classes = [PersonWrites]

    @documented(
        "List time off",
        answer=ListAnswer(TimeOffJson),
        parameters=TimeOffFilter.parameters(),
        description="Administrators, API keys and the front desk see everybody's, others their own. "
        "The dates keep what touches them. Searched: reason.",
    )
    def get(self, request: Request) -> HttpResponseBase:
        asked = TimeOffFilter.of(request, _visible_time_off(request))
        zone = salon_of(request).zone
        return answer_queryset(asked.page, asked.qs, row=partial(time_off_json, zone=zone))

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
        parameters=HolidayFilter.parameters(),
        description="Searched: name.",
    )
    def get(self, request: Request) -> HttpResponseBase:
        asked = HolidayFilter.of(request, Holiday.objects.all())
        return answer_queryset(asked.page, asked.qs, row=holiday_json)

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


def _hours_answer(
    request: Request, hours: WorkingHours, *, before: list[WorkingHours], after: list[WorkingHours]
) -> WorkingHoursAnswerJson:
    touched = hours_touched(before=before, after=after, now=timezone.now())
    return {**working_hours_json(hours), "affected_bookings": affected(request, touched)}


def _time_off_answer(request: Request, away: TimeOff) -> TimeOffAnswerJson:
    touched = Touched(away.start_at, away.end_at, frozenset([away.staff_id]))
    return {
        **time_off_json(away, zone=salon_of(request).zone),
        "affected_bookings": affected(request, touched),
    }


def _holiday_answer(request: Request, holiday: Holiday) -> HolidayAnswerJson:
    touched = day_touched(holiday.date, zone=salon_of(request).zone)
    return {**holiday_json(holiday), "affected_bookings": affected(request, touched)}
