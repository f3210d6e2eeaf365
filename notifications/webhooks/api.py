"""/api/webhooks (contract §1.5): administrators only."""

from __future__ import annotations

from functools import partial

from django.conf import settings
from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from notifications.models import WebhookDelivery, WebhookEndpoint
from notifications.webhooks.endpoints import add_endpoint, change_endpoint, check_url, remove_endpoint
from notifications.webhooks.order import replay
from notifications.webhooks.printing import (
    STATES,
    WebhookDeliveryJson,
    WebhookJson,
    WebhookMadeJson,
    delivery_json,
    endpoint_json,
)
from notifications.webhooks.serializers import WebhookSerializer
from staff.access.auth import IsAdmin, salon_of
from staff.storage.storing import found
from staff.wire.answers import ListAnswer
from staff.wire.paging import PAGE_PARAMETERS, answer_queryset
from staff.wire.query import query_bool, query_choice, query_id
from staff.wire.reading import SEARCH, checked_body, searched
from staff.wire.schema import ID_IN_PATH, choice, documented, flag, id_filter
from staff.wire.views import GatedView


class WebhookListView(GatedView):
    permission_classes = [IsAdmin]

    @documented(
        "List webhook endpoints",
        answer=ListAnswer(WebhookJson),
        parameters=[*PAGE_PARAMETERS, SEARCH, flag("is_active", "Only those that are told (1), or not (0).")],
        description="Oldest first. Searched: url.",
    )
    def get(self, request: Request) -> HttpResponseBase:
        endpoints = searched(request, WebhookEndpoint.objects.order_by("id"), fields=("url",))
        if (active := query_bool(request, "is_active")) is not None:
            endpoints = endpoints.filter(is_active=active)
        return answer_queryset(request, endpoints, row=partial(endpoint_json, zone=salon_of(request).zone))

    @documented(
        "Add a webhook endpoint",
        request=WebhookSerializer,
        answer=WebhookMadeJson,
        status=201,
        description="It is told of every booking event from now on, or of `events` only, by POST of "
        '`{"type", "timestamp", "data": {booking}}`, signed as Standard Webhooks says with `secret`, which '
        "this answer shows once. An address that leads to a private network is refused.",
    )
    def post(self, request: Request) -> Response:
        fields = checked_body(WebhookSerializer, request)
        check_url(fields["url"])
        endpoint = add_endpoint(fields=fields)
        made: WebhookMadeJson = {
            **endpoint_json(endpoint, zone=salon_of(request).zone),
            "secret": endpoint.secret,
        }
        return Response(made, status=201)


class WebhookView(GatedView):
    permission_classes = [IsAdmin]

    @documented("One webhook endpoint", answer=WebhookJson, refused=[404], parameters=[ID_IN_PATH])
    def get(self, request: Request, id: int) -> Response:
        return _answer(request, found(WebhookEndpoint.objects.all(), id))

    @documented(
        "Change a webhook endpoint",
        request=WebhookSerializer(partial=True),
        answer=WebhookJson,
        refused=[404],
        parameters=[ID_IN_PATH],
        description="Absent keys keep their value; the secret stays. Switched off, what waits for it is not "
        "sent; switched on again, it is told of what happens from then on.",
    )
    def put(self, request: Request, id: int) -> Response:
        fields = checked_body(WebhookSerializer, request, partial=True)
        found(WebhookEndpoint.objects.all(), id)
        if "url" in fields:
            check_url(fields["url"])
        return _answer(request, change_endpoint(id, fields=fields, now=timezone.now()))

    patch = put

    @documented(
        "Remove a webhook endpoint",
        status=204,
        refused=[404],
        parameters=[ID_IN_PATH],
        description="With the log of its deliveries; what waits for it is not sent.",
    )
    def delete(self, request: Request, id: int) -> Response:
        remove_endpoint(id, now=timezone.now())
        return Response(status=204)


class WebhookDeliveriesView(GatedView):
    permission_classes = [IsAdmin]

    @documented(
        "What was delivered to an endpoint",
        answer=ListAnswer(WebhookDeliveryJson),
        refused=[404],
        parameters=[
            ID_IN_PATH,
            *PAGE_PARAMETERS,
            choice("state", STATES, "Only this state."),
            choice("type", settings.WEBHOOK_EVENTS, "Only this event."),
            id_filter("booking_id", "Only those about this booking."),
        ],
        description="Newest first; kept for 30 days.",
    )
    def get(self, request: Request, id: int) -> HttpResponseBase:
        endpoint = found(WebhookEndpoint.objects.all(), id)
        deliveries = _asked_for(request, endpoint).select_related("job").order_by("-id")
        return answer_queryset(request, deliveries, row=partial(delivery_json, zone=salon_of(request).zone))


class ReplayView(GatedView):
    permission_classes = [IsAdmin]

    @documented(
        "Deliver an event once more",
        answer=WebhookDeliveryJson,
        refused=[404, 409],
        parameters=[ID_IN_PATH],
        description="The same body and webhook-id, due at once with its attempts anew. 409 while it is on "
        "its way already, and when the endpoint is switched off.",
    )
    def post(self, request: Request, id: int) -> Response:
        delivery = replay(id, now=timezone.now())
        return Response(delivery_json(delivery, zone=salon_of(request).zone))


def _asked_for(request: Request, endpoint: WebhookEndpoint) -> QuerySet[WebhookDelivery]:
    deliveries = WebhookDelivery.objects.filter(endpoint=endpoint)
    if (state := query_choice(request, "state", STATES)) is not None:
        deliveries = deliveries.filter(STATES[state])
    if (event_type := query_choice(request, "type", settings.WEBHOOK_EVENTS)) is not None:
        deliveries = deliveries.filter(event_type=event_type)
    if (booking_id := query_id(request, "booking_id")) is not None:
        deliveries = deliveries.filter(booking_id=booking_id)
    return deliveries


def _answer(request: Request, endpoint: WebhookEndpoint) -> Response:
    return Response(endpoint_json(endpoint, zone=salon_of(request).zone))
