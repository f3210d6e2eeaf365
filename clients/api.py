"""/api/clients (contract §1.5): staff, admins and native keys (merging: `bookings.api.client_merge`)."""

from __future__ import annotations

from functools import partial

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from clients.models import Client
from clients.printing import ClientChangedJson, ClientJson, client_json
from clients.records import add_client, archive_client, change_client
from clients.search import found_by
from clients.serializers import ClientSerializer
from clients.walk_in import walk_in
from staff.access.auth import IsLoggedIn, salon_of
from staff.access.idempotency import IDEMPOTENCY_KEY, idempotent
from staff.api.affected import affected
from staff.salon.affected import Touched
from staff.storage.storing import found
from staff.wire.addresses import searched_address
from staff.wire.answers import ListAnswer
from staff.wire.filters import FlagFilter, ListFilter, OrderFilter, SearchFilter, TextFilter
from staff.wire.paging import answer_queryset
from staff.wire.reading import checked_body
from staff.wire.schema import ID_IN_PATH, documented
from staff.wire.views import GatedView


class ClientFilter(ListFilter):
    search = SearchFilter(found_by)
    archived = FlagFilter(
        initial=False,
        method="with_archived",
        help_text="1: archived ones too. Without it they are left out.",
    )
    email = TextFilter(
        method="with_email", help_text="Only this address, in any case, with or without punycode."
    )
    marketing_consent = FlagFilter(help_text="Only those who (did not) agree to marketing.")
    is_walk_in = FlagFilter(help_text="1: only the walk-in; 0: everybody else.")
    order = OrderFilter(
        {
            "name": ("first_name", "last_name"),
            "last_name": ("last_name", "first_name"),
            "created_at": ("created_at",),
            "id": (),
        }
    )

    @staticmethod
    def with_archived(clients: QuerySet[Client], name: str, too: bool) -> QuerySet[Client]:
        return clients if too else clients.filter(archived_at__isnull=True)

    @staticmethod
    def with_email(clients: QuerySet[Client], name: str, email: str) -> QuerySet[Client]:
        return clients.filter(email__iexact=searched_address(email))


class ClientListView(GatedView):
    permission_classes = [IsLoggedIn]

    @documented(
        "List clients",
        answer=ListAnswer(ClientJson),
        parameters=ClientFilter.parameters(),
        description="Searched: names, e-mail, phone, mobile; a telephone number also as dialled locally.",
    )
    def get(self, request: Request) -> HttpResponseBase:
        asked = ClientFilter.of(request, Client.objects.all())
        zone = salon_of(request).zone
        return answer_queryset(asked.page, asked.qs, row=partial(client_json, zone=zone))

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
        client = add_client(
            fields=checked_body(ClientSerializer, request), salon=salon_of(request), now=timezone.now()
        )
        return Response(client_json(client, zone=salon_of(request).zone), status=201)


class WalkInView(GatedView):
    permission_classes = [IsLoggedIn]

    @documented(
        "The walk-in",
        answer=ClientJson,
        description="The one client that is nobody in particular, to book for who comes without an "
        "appointment; made with the first call.",
        tags=["clients"],
    )
    def post(self, request: Request) -> Response:
        return _answer(request, walk_in(salon_of(request)))


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
        answer=ClientChangedJson,
        refused=[404, 409],
        parameters=[ID_IN_PATH],
        description="Absent keys keep their value.",
    )
    def put(self, request: Request, id: int) -> Response:
        fields = checked_body(ClientSerializer, request, partial=True)
        client = change_client(id, fields=fields, salon=salon_of(request), now=timezone.now())
        return _archived(request, client) if fields.get("is_archived") else _answer(request, client)

    patch = put

    @documented(
        "Archive a client",
        answer=ClientChangedJson,
        refused=[404],
        parameters=[ID_IN_PATH],
        description="Bookings refer to clients, so the row stays, out of the lists; `is_archived: false` "
        "brings it back.",
    )
    def delete(self, request: Request, id: int) -> Response:
        client = archive_client(id, salon=salon_of(request), now=timezone.now())
        return _archived(request, client)


def _archived(request: Request, client: Client) -> Response:
    """With what the client still has ahead."""
    ahead = Touched(timezone.now(), client_id=client.pk)
    printed = client_json(client, zone=salon_of(request).zone)
    return Response({**printed, "affected_bookings": affected(request, ahead)})


def _answer(request: Request, client: Client) -> Response:
    return Response(client_json(client, zone=salon_of(request).zone))
