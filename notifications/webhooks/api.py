"""/api/webhooks (contract §1.5): administrators only."""

from __future__ import annotations

from functools import partial

from django.conf import settings
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
from staff.wire.filters import ChoiceFilter, FlagFilter, IdFilter, ListFilter, SearchFilter, every_word_in
from staff.wire.paging import answer_queryset
from staff.wire.reading import checked_body
from staff.wire.schema import ID_IN_PATH, documented
from staff.wire.views import GatedView


class WebhookFilter(ListFilter):
    search = SearchFilter(every_word_in("url"))
    is_active = FlagFilter(help_text="Only those that are told (1), or not (0).")


class WebhookDeliveryFilter(ListFilter):
    state = ChoiceFilter(
        choices=STATES,
        method=lambda deliveries, name, state: deliveries.filter(STATES[state]),
        help_text="Only this state.",
    )
    type = ChoiceFilter("event_type", choices=settings.WEBHOOK_EVENTS, help_text="Only this event.")
    booking_id = IdFilter(help_text="Only those about this booking.")


class WebhookListView(GatedView):
    permission_classes = [IsAdmin]

    @documented(
        "List webhook endpoints",
        answer=ListAnswer(WebhookJson),
        parameters=WebhookFilter.parameters(),
        description="Oldest first. Searched: url.",
    )
    def get(self, request: Request) -> HttpResponseBase:
        asked = WebhookFilter.of(request, WebhookEndpoint.objects.order_by("id"))
        zone = salon_of(request).zone
        return answer_queryset(asked.page, asked.qs, row=partial(endpoint_json, zone=zone))

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
        parameters=[ID_IN_PATH, *WebhookDeliveryFilter.parameters()],
        description="Newest first; kept for 30 days.",
    )
    def get(self, request: Request, id: int) -> HttpResponseBase:
        endpoint = found(WebhookEndpoint.objects.all(), id)
        deliveries = WebhookDelivery.objects.filter(endpoint=endpoint).select_related("job")
        asked = WebhookDeliveryFilter.of(request, deliveries.order_by("-id"))
        zone = salon_of(request).zone
        return answer_queryset(asked.page, asked.qs, row=partial(delivery_json, zone=zone))


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


def _answer(request: Request, endpoint: WebhookEndpoint) -> Response:
    return Response(endpoint_json(endpoint, zone=salon_of(request).zone))
