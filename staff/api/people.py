"""/api/staff (contract §1.5): everybody reads, administrators write."""

from __future__ import annotations

from django.http.response import HttpResponseBase
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from staff.access.auth import AdminWrites
from staff.api.affected import affected
from staff.models import Staff
from staff.printing import StaffAnswerJson, StaffJson, staff_json
from staff.salon.affected import Touched
from staff.salon.people import Changed, change_person, deactivate, hire, with_services
from staff.serializers import StaffSerializer
from staff.storage.storing import found
from staff.wire.answers import ListAnswer
from staff.wire.filters import (
    ChoiceFilter,
    FlagFilter,
    IdFilter,
    ListFilter,
    OrderFilter,
    SearchFilter,
    every_word_in,
)
from staff.wire.paging import answer_queryset
from staff.wire.reading import checked_body
from staff.wire.schema import ID_IN_PATH, documented
from staff.wire.views import GatedView


class StaffFilter(ListFilter):
    search = SearchFilter(every_word_in("name", "email", "phone"))
    is_active = FlagFilter(help_text="Only those who (do not) work here any more.")
    bookable = FlagFilter(help_text="Only those who can (not) be booked.")
    role = ChoiceFilter(choices=Staff.Role.values, help_text="Only this role.")
    service_id = IdFilter("services", help_text="Only those who offer this service.")
    location_id = IdFilter(help_text="Only those of this location.")
    order = OrderFilter({"name": ("name",), "id": ()})


class StaffListView(GatedView):
    permission_classes = [AdminWrites]

    @documented(
        "List staff",
        answer=ListAnswer(StaffJson),
        parameters=StaffFilter.parameters(),
        description="Searched: name, e-mail, phone.",
    )
    def get(self, request: Request) -> HttpResponseBase:
        asked = StaffFilter.of(request, with_services(Staff.objects.all()))
        return answer_queryset(asked.page, asked.qs, row=staff_json)

    @documented("Add a person", request=StaffSerializer, answer=StaffJson, status=201, refused=[409])
    def post(self, request: Request) -> Response:
        return Response(staff_json(hire(fields=checked_body(StaffSerializer, request))), status=201)


class StaffView(GatedView):
    permission_classes = [AdminWrites]

    @documented("One person", answer=StaffJson, refused=[404], parameters=[ID_IN_PATH])
    def get(self, request: Request, id: int) -> Response:
        return Response(staff_json(found(with_services(Staff.objects.all()), id)))

    @documented(
        "Change a person",
        request=StaffSerializer(partial=True),
        answer=StaffAnswerJson,
        refused=[404, 409],
        parameters=[ID_IN_PATH],
        description="Absent keys keep their value. A new password or `is_active: false` ends all their "
        "logins. The last active administrator stays one (409).",
    )
    def put(self, request: Request, id: int) -> Response:
        changed = change_person(id, fields=checked_body(StaffSerializer, request, partial=True))
        return Response(_answer(request, changed))

    patch = put

    @documented(
        "Deactivate a person",
        answer=StaffAnswerJson,
        refused=[404, 409],
        parameters=[ID_IN_PATH],
        description="Bookings refer to people, so the row stays, with `is_active: false`. Their logins end.",
    )
    def delete(self, request: Request, id: int) -> Response:
        return Response(_answer(request, deactivate(id)))


def _answer(request: Request, changed: Changed) -> StaffAnswerJson:
    ahead = Touched(timezone.now(), staff_ids=frozenset([changed.person.pk]))
    return {
        **staff_json(changed.person),
        "affected_bookings": affected(request, ahead) if changed.deactivated else [],
    }
