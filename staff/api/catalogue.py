"""/api/services and /api/locations (contract §1.5): everybody reads, administrators write."""

from __future__ import annotations

from functools import partial

from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response

from staff.access.auth import AdminWrites, salon_of
from staff.models import Location, Service
from staff.printing import (
    LocationJson,
    ServiceDurationJson,
    ServiceJson,
    location_json,
    service_duration_json,
    service_json,
)
from staff.salon.catalogue import add_location, add_service, change_location, change_service
from staff.salon.durations import durations_of, remove_duration, set_duration
from staff.serializers import LocationSerializer, ServiceDurationSerializer, ServiceSerializer
from staff.storage.storing import found
from staff.wire.answers import ListAnswer
from staff.wire.filters import (
    FlagFilter,
    IdFilter,
    ListFilter,
    OrderFilter,
    SearchFilter,
    TextFilter,
    every_word_in,
)
from staff.wire.paging import PageQuery, answer_queryset, page_request
from staff.wire.query import Query, QueryId
from staff.wire.reading import checked_body
from staff.wire.schema import ID_IN_PATH, documented
from staff.wire.views import GatedView


class ServiceFilter(ListFilter):
    search = SearchFilter(every_word_in("name", "category"))
    is_active = FlagFilter(help_text="Only those (not) on offer.")
    category = TextFilter(help_text="Only this category.")
    staff_id = IdFilter("staff", help_text="Only those this person offers.")
    order = OrderFilter({"name": ("name",), "price": ("price",), "duration": ("duration_minutes",), "id": ()})


class LocationFilter(ListFilter):
    search = SearchFilter(every_word_in("name", "slug", "address"))
    is_active = FlagFilter(help_text="Only those (not) in use.")
    order = OrderFilter({"name": ("name",), "id": ()})


class ServiceListView(GatedView):
    permission_classes = [AdminWrites]

    @documented(
        "List services",
        answer=ListAnswer(ServiceJson),
        parameters=ServiceFilter.parameters(),
        description="Searched: name, category.",
    )
    def get(self, request: Request) -> HttpResponseBase:
        asked = ServiceFilter.of(request, Service.objects.all())
        currency = salon_of(request).currency
        return answer_queryset(asked.page, asked.qs, row=partial(service_json, currency=currency))

    @documented("Add a service", request=ServiceSerializer, answer=ServiceJson, status=201)
    def post(self, request: Request) -> Response:
        service = add_service(fields=checked_body(ServiceSerializer, request))
        return Response(service_json(service, currency=salon_of(request).currency), status=201)


class ServiceView(GatedView):
    permission_classes = [AdminWrites]

    @documented("One service", answer=ServiceJson, refused=[404], parameters=[ID_IN_PATH])
    def get(self, request: Request, id: int) -> Response:
        return _service_answer(request, found(Service.objects.all(), id))

    @documented(
        "Change a service",
        request=ServiceSerializer(partial=True),
        answer=ServiceJson,
        refused=[404],
        parameters=[ID_IN_PATH],
        description="Absent keys keep their value; parts equal to the stored ones count as absent. Bookings "
        "keep the price, buffers and parts they were made with.",
    )
    def put(self, request: Request, id: int) -> Response:
        fields = checked_body(ServiceSerializer, request, partial=True)
        return _service_answer(request, change_service(id, fields=fields))

    patch = put

    @documented(
        "Take a service off",
        answer=ServiceJson,
        refused=[404],
        parameters=[ID_IN_PATH],
        description="Bookings refer to services, so the row stays with `is_active: false`.",
    )
    def delete(self, request: Request, id: int) -> Response:
        return _service_answer(request, change_service(id, fields={"is_active": False}))


class DurationQuery(Query):
    staff_id = QueryId(required=True, help_text="Whose minutes they are.")


class ServiceDurationsView(GatedView):
    """Who is quicker or slower than the service says."""

    permission_classes = [AdminWrites]

    @documented(
        "List people's own minutes",
        answer=ListAnswer(ServiceDurationJson),
        refused=[404],
        parameters=[ID_IN_PATH, *PageQuery.parameters()],
        tags=["services"],
    )
    def get(self, request: Request, id: int) -> HttpResponseBase:
        return answer_queryset(page_request(request), durations_of(id), row=service_duration_json)

    @documented(
        "Set a person's own minutes",
        request=ServiceDurationSerializer,
        answer=ServiceDurationJson,
        refused=[404],
        parameters=[ID_IN_PATH],
        description="In place of those they had. Bookings keep the parts they were made with.",
        tags=["services"],
    )
    def put(self, request: Request, id: int) -> Response:
        fields = checked_body(ServiceDurationSerializer, request)
        return Response(service_duration_json(set_duration(id, fields=fields)))

    @documented(
        "Remove a person's own minutes",
        status=204,
        refused=[404],
        parameters=[ID_IN_PATH, *DurationQuery.parameters()],
        tags=["services"],
    )
    def delete(self, request: Request, id: int) -> Response:
        remove_duration(id, staff_id=DurationQuery.of(request)["staff_id"])
        return Response(status=204)


class LocationListView(GatedView):
    permission_classes = [AdminWrites]

    @documented(
        "List locations",
        answer=ListAnswer(LocationJson),
        parameters=LocationFilter.parameters(),
        description="Searched: name, slug, address.",
    )
    def get(self, request: Request) -> HttpResponseBase:
        asked = LocationFilter.of(request, Location.objects.all())
        return answer_queryset(asked.page, asked.qs, row=location_json)

    @documented("Add a location", request=LocationSerializer, answer=LocationJson, status=201, refused=[409])
    def post(self, request: Request) -> Response:
        location = add_location(fields=checked_body(LocationSerializer, request))
        return Response(location_json(location), status=201)


class LocationView(GatedView):
    permission_classes = [AdminWrites]

    @documented("One location", answer=LocationJson, refused=[404], parameters=[ID_IN_PATH])
    def get(self, request: Request, id: int) -> Response:
        return Response(location_json(found(Location.objects.all(), id)))

    @documented(
        "Change a location",
        request=LocationSerializer(partial=True),
        answer=LocationJson,
        refused=[404, 409],
        parameters=[ID_IN_PATH],
        description="Absent keys keep their value.",
    )
    def put(self, request: Request, id: int) -> Response:
        fields = checked_body(LocationSerializer, request, partial=True)
        return Response(location_json(change_location(id, fields=fields)))

    patch = put

    @documented(
        "Close a location",
        answer=LocationJson,
        refused=[404],
        parameters=[ID_IN_PATH],
        description="Bookings refer to locations, so the row stays with `is_active: false`.",
    )
    def delete(self, request: Request, id: int) -> Response:
        return Response(location_json(change_location(id, fields={"is_active": False})))


def _service_answer(request: Request, service: Service) -> Response:
    return Response(service_json(service, currency=salon_of(request).currency))
