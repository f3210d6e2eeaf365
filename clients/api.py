"""/api/clients (contract §1.5): staff, admins and native keys (merging: `bookings.api.client_merge`)."""

from __future__ import annotations

from functools import partial

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from clients.models import Client
from clients.printing import ClientJson, client_json
from clients.records import add_client, archive_client, change_client, not_archived
from clients.search import found_by
from clients.serializers import ClientSerializer
from staff.access.auth import IsLoggedIn, salon_of
from staff.access.idempotency import IDEMPOTENCY_KEY, idempotent
from staff.storage.storing import found
from staff.wire.answers import ListAnswer
from staff.wire.paging import PAGE_PARAMETERS, answer_queryset
from staff.wire.query import query_bool, query_text
from staff.wire.reading import SEARCH, checked_body, order_of, ordered
from staff.wire.schema import ID_IN_PATH, documented, flag, text_filter
from staff.wire.views import GatedView

ORDERS = {
    "name": ("first_name", "last_name"),
    "last_name": ("last_name", "first_name"),
    "created_at": ("created_at",),
    "id": (),
}


class ClientListView(GatedView):
    permission_classes = [IsLoggedIn]

    @documented(
        "List clients",
        answer=ListAnswer(ClientJson),
        parameters=[
            *PAGE_PARAMETERS,
            SEARCH,
            flag("archived", "1: archived ones too. Without it they are left out."),
            text_filter("email", "Only this address, in any case."),
            flag("marketing_consent", "Only those who (did not) agree to marketing."),
            order_of(ORDERS),
        ],
        description="Searched: names, e-mail, phone, mobile; a telephone number also as dialled locally.",
    )
    def get(self, request: Request) -> HttpResponseBase:
        clients = ordered(request, _asked_for(request), ORDERS)
        return answer_queryset(request, clients, row=partial(client_json, zone=salon_of(request).zone))

    @documented(
        "Add a client",
        request=ClientSerializer,
        answer=ClientJson,
        status=201,
        refused=[409, 422],
        parameters=[IDEMPOTENCY_KEY],
    )
    @idempotent
    def post(self, request: Request) -> Response:
        client = add_client(fields=checked_body(ClientSerializer, request), now=timezone.now())
        return Response(client_json(client, zone=salon_of(request).zone), status=201)


class ClientView(GatedView):
    permission_classes = [IsLoggedIn]

    @documented(
        "One client",
        answer=ClientJson,
        refused=[404],
        parameters=[ID_IN_PATH],
        description="Archived ones too.",
    )
    def get(self, request: Request, id: int) -> Response:
        return _answer(request, found(Client.objects.all(), id))

    @documented(
        "Change a client",
        request=ClientSerializer(partial=True),
        answer=ClientJson,
        refused=[404, 409],
        parameters=[ID_IN_PATH],
        description="Absent keys keep their value.",
    )
    def put(self, request: Request, id: int) -> Response:
        fields = checked_body(ClientSerializer, request, partial=True)
        return _answer(request, change_client(id, fields=fields, now=timezone.now()))

    patch = put

    @documented(
        "Archive a client",
        answer=ClientJson,
        refused=[404],
        parameters=[ID_IN_PATH],
        description="Bookings refer to clients, so the row stays, out of the lists; `is_archived: false` "
        "brings it back.",
    )
    def delete(self, request: Request, id: int) -> Response:
        return _answer(request, archive_client(id, now=timezone.now()))


def _asked_for(request: Request) -> QuerySet[Client]:
    clients = Client.objects.all() if query_bool(request, "archived") else not_archived()
    if (email := query_text(request, "email")) is not None:
        clients = clients.filter(email__iexact=email.strip())
    if (consent := query_bool(request, "marketing_consent")) is not None:
        clients = clients.filter(marketing_consent=consent)
    return clients.filter(found_by(query_text(request, "search") or ""))


def _answer(request: Request, client: Client) -> Response:
    return Response(client_json(client, zone=salon_of(request).zone))
