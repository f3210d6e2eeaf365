"""/api/services and /api/locations (contract §1.5): everybody reads, administrators write."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response

from staff.access.auth import AdminWrites, salon_of
from staff.models import Location, Service
from staff.printing import LocationJson, ServiceJson, location_json, service_json
from staff.salon.catalogue import add_location, add_service, change_location, change_service
from staff.serializers import LocationSerializer, ServiceSerializer
from staff.storage.storing import found
from staff.wire.answers import ListAnswer
from staff.wire.paging import PAGE_PARAMETERS, answer_queryset
from staff.wire.query import query_bool, query_id, query_text
from staff.wire.reading import SEARCH, checked_body, order_of, ordered, searched
from staff.wire.schema import ID_IN_PATH, documented, flag, id_filter, text_filter
from staff.wire.views import GatedView

SERVICE_ORDERS = {"name": ("name",), "price": ("price",), "duration": ("duration_minutes",), "id": ()}
LOCATION_ORDERS = {"name": ("name",), "id": ()}


class ServiceListView(GatedView):
    permission_classes = [AdminWrites]

    @documented(
        "List services",
        answer=ListAnswer(ServiceJson),
        parameters=[
            *PAGE_PARAMETERS,
            SEARCH,
            flag("is_active", "Only those (not) on offer."),
            text_filter("category", "Only this category."),
            id_filter("staff_id", "Only those this person offers."),
            order_of(SERVICE_ORDERS),
        ],
        description="Searched: name, category.",
    )
    def get(self, request: Request) -> HttpResponseBase:
        services = ordered(request, _services_asked_for(request), SERVICE_ORDERS)
        return answer_queryset(
            request, services, row=partial(service_json, currency=salon_of(request).currency)
        )

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
        description="Absent keys keep their value. Bookings keep the price and buffers they were made with.",
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


class LocationListView(GatedView):
    permission_classes = [AdminWrites]

    @documented(
        "List locations",
        answer=ListAnswer(LocationJson),
        parameters=[
            *PAGE_PARAMETERS,
            SEARCH,
            flag("is_active", "Only those (not) in use."),
            order_of(LOCATION_ORDERS),
        ],
        description="Searched: name, slug, address.",
    )
    def get(self, request: Request) -> HttpResponseBase:
        locations = ordered(request, _locations_asked_for(request), LOCATION_ORDERS)
        return answer_queryset(request, locations, row=location_json)

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


def _services_asked_for(request: Request) -> QuerySet[Service]:
    filters: dict[str, Any] = {
        "is_active": query_bool(request, "is_active"),
        "category": query_text(request, "category"),
        "staff": query_id(request, "staff_id"),
    }
    services = Service.objects.filter(**{name: value for name, value in filters.items() if value is not None})
    return searched(request, services, fields=("name", "category"))


def _locations_asked_for(request: Request) -> QuerySet[Location]:
    is_active = query_bool(request, "is_active")
    locations = Location.objects.all() if is_active is None else Location.objects.filter(is_active=is_active)
    return searched(request, locations, fields=("name", "slug", "address"))
