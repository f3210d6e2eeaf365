"""/api/opening-exceptions (contract §6a): administrators write all, staff their own, everybody reads."""

from __future__ import annotations

from datetime import date

from django.db.models import Q, QuerySet
from django.http.response import HttpResponseBase
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from staff.access.auth import PersonWrites, actor_of, salon_of
from staff.api.affected import AFFECTED_BY_HOURS, affected
from staff.models import OpeningException
from staff.printing import OpeningExceptionAnswerJson, OpeningExceptionJson, opening_exception_json
from staff.salon.exceptions import add_exception, change_exception, exceptions, remove_exception, touched_by
from staff.serializers import OpeningExceptionSerializer
from staff.storage.storing import found
from staff.wire.answers import ListAnswer
from staff.wire.filters import DateFilter, IdFilter, ListFilter, OrderFilter, SearchFilter, every_word_in
from staff.wire.paging import answer_queryset
from staff.wire.reading import checked_body
from staff.wire.schema import ID_IN_PATH, documented
from staff.wire.views import GatedView


class OpeningExceptionFilter(ListFilter):
    search = SearchFilter(every_word_in("name"))
    staff_id = IdFilter("people", help_text="Only this person's own.")
    location_id = IdFilter(help_text="Only this location's own.")
    date_from = DateFilter(
        method="from_date", help_text="Those that hold on this salon date or later, and every year's."
    )
    date_to = DateFilter(
        method="to_date", help_text="Those that hold on this salon date or earlier, and every year's."
    )
    order = OrderFilter({"date_from": ("date_from",), "id": ()})

    @staticmethod
    def from_date(rows: QuerySet[OpeningException], name: str, day: date) -> QuerySet[OpeningException]:
        return rows.filter(Q(date_to__gte=day) | Q(every_year=True))

    @staticmethod
    def to_date(rows: QuerySet[OpeningException], name: str, day: date) -> QuerySet[OpeningException]:
        return rows.filter(Q(date_from__lte=day) | Q(every_year=True))


class OpeningExceptionListView(GatedView):
    permission_classes = [PersonWrites]

    @documented(
        "List opening exceptions",
        answer=ListAnswer(OpeningExceptionJson),
        parameters=OpeningExceptionFilter.parameters(),
        description="Searched: name.",
    )
    def get(self, request: Request) -> HttpResponseBase:
        asked = OpeningExceptionFilter.of(request, exceptions())
        return answer_queryset(asked.page, asked.qs, row=opening_exception_json)

    @documented(
        "Add an opening exception",
        request=OpeningExceptionSerializer,
        answer=OpeningExceptionAnswerJson,
        status=201,
        description=AFFECTED_BY_HOURS,
    )
    def post(self, request: Request) -> Response:
        fields = checked_body(OpeningExceptionSerializer, request)
        exception = add_exception(actor=actor_of(request), fields=fields)
        return Response(_answer(request, exception, exception), status=201)


class OpeningExceptionView(GatedView):
    permission_classes = [PersonWrites]

    @documented("One exception", answer=OpeningExceptionJson, refused=[404], parameters=[ID_IN_PATH])
    def get(self, request: Request, id: int) -> Response:
        return Response(opening_exception_json(found(exceptions(), id)))

    @documented(
        "Change an opening exception",
        request=OpeningExceptionSerializer(partial=True),
        answer=OpeningExceptionAnswerJson,
        refused=[404],
        parameters=[ID_IN_PATH],
        description=f"Absent keys keep their value. {AFFECTED_BY_HOURS}",
    )
    def put(self, request: Request, id: int) -> Response:
        fields = checked_body(OpeningExceptionSerializer, request, partial=True)
        before, after = change_exception(id, actor=actor_of(request), fields=fields)
        return Response(_answer(request, after, before, after))

    patch = put

    @documented(
        "Remove an opening exception",
        answer=OpeningExceptionAnswerJson,
        refused=[404],
        parameters=[ID_IN_PATH],
        description=f"Answers it as it was. {AFFECTED_BY_HOURS}",
    )
    def delete(self, request: Request, id: int) -> Response:
        exception = remove_exception(id, actor=actor_of(request))
        return Response(_answer(request, exception, exception))


def _answer(
    request: Request, shown: OpeningException, *changed: OpeningException
) -> OpeningExceptionAnswerJson:
    touched = touched_by(*changed, zone=salon_of(request).zone, now=timezone.now())
    return {**opening_exception_json(shown), "affected_bookings": affected(request, touched)}
