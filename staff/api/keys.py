"""/api/api-keys (contract §1.5): administrators only, never a key itself."""

from __future__ import annotations

from functools import partial

from django.db.models import Q, QuerySet
from django.http.response import HttpResponseBase
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from staff.access.auth import IsAdmin, person_of, salon_of
from staff.access.keys import change_key, make_key, revoke_key
from staff.models import ApiKey
from staff.printing import ApiKeyJson, ApiKeyMadeJson, api_key_json
from staff.serializers import ApiKeySerializer
from staff.storage.storing import found
from staff.wire.answers import ListAnswer
from staff.wire.filters import (
    ChoiceFilter,
    FlagFilter,
    ListFilter,
    OrderFilter,
    SearchFilter,
    every_word_in,
)
from staff.wire.paging import answer_queryset
from staff.wire.reading import checked_body
from staff.wire.schema import ID_IN_PATH, documented
from staff.wire.views import GatedView


class ApiKeyFilter(ListFilter):
    search = SearchFilter(every_word_in("name", "prefix"))
    dialect = ChoiceFilter(choices=ApiKey.Dialect.values, help_text="Only this dialect.")
    is_active = FlagFilter(
        method="active",
        help_text="Only those that still open something (1), or those revoked or expired (0).",
    )
    order = OrderFilter({"id": (), "name": ("name",), "last_used_at": ("last_used_at",)})

    @staticmethod
    def active(keys: QuerySet[ApiKey], name: str, active: bool) -> QuerySet[ApiKey]:
        dead = Q(revoked_at__isnull=False) | Q(expires_at__lte=timezone.now())
        return keys.exclude(dead) if active else keys.filter(dead)


class ApiKeyListView(GatedView):
    permission_classes = [IsAdmin]

    @documented(
        "List API keys",
        answer=ListAnswer(ApiKeyJson),
        parameters=ApiKeyFilter.parameters(),
        description="Searched: name, prefix.",
    )
    def get(self, request: Request) -> HttpResponseBase:
        asked = ApiKeyFilter.of(request, ApiKey.objects.all())
        zone = salon_of(request).zone
        return answer_queryset(asked.page, asked.qs, row=partial(api_key_json, zone=zone))

    @documented(
        "Make an API key",
        request=ApiKeySerializer,
        answer=ApiKeyMadeJson,
        status=201,
        description="The secret is in `key`, once. `mode` takes `read`, `write`, `read_write`, or 1, 2, 3.",
    )
    def post(self, request: Request) -> Response:
        zone, now = salon_of(request).zone, timezone.now()
        fields = checked_body(ApiKeySerializer, request, zone=zone, now=now)
        key, secret = make_key(fields=fields, by=person_of(request), now=now)
        made: ApiKeyMadeJson = {**api_key_json(key, zone=zone), "key": secret}
        return Response(made, status=201)


class ApiKeyView(GatedView):
    permission_classes = [IsAdmin]

    @documented("One API key", answer=ApiKeyJson, refused=[404], parameters=[ID_IN_PATH])
    def get(self, request: Request, id: int) -> Response:
        return _answer(request, found(ApiKey.objects.all(), id))

    @documented(
        "Change an API key",
        request=ApiKeySerializer(partial=True),
        answer=ApiKeyJson,
        refused=[404],
        parameters=[ID_IN_PATH],
        description="Name, mode and expiry; the dialect stays. Absent keys keep their value.",
    )
    def put(self, request: Request, id: int) -> Response:
        zone, now = salon_of(request).zone, timezone.now()
        fields = checked_body(ApiKeySerializer, request, partial=True, zone=zone, now=now)
        return _answer(request, change_key(id, fields=fields, now=now))

    patch = put

    @documented(
        "Revoke an API key",
        answer=ApiKeyJson,
        refused=[404],
        parameters=[ID_IN_PATH],
        description="It opens nothing from now on; the row stays, with `revoked_at`.",
    )
    def delete(self, request: Request, id: int) -> Response:
        return _answer(request, revoke_key(id, now=timezone.now()))


def _answer(request: Request, key: ApiKey) -> Response:
    return Response(api_key_json(key, zone=salon_of(request).zone))
