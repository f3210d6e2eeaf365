"""Where providers come in: /api/channels/:id/{receipts,inbound}/<secret> (contract §10; docs/adr/0103).

Form or JSON as the provider sends it, by POST or GET. What is not signed stores nothing.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from django.conf import settings
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from drf_spectacular.types import OpenApiTypes
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from notifications.channels.active import note_down
from notifications.channels.provider import Called
from notifications.channels.providers import provider_of
from notifications.channels.receipts import take_receipt
from notifications.channels.replies import take_reply
from notifications.channels.sealing import KeyLost, opened
from notifications.models import Channel
from staff.storage.storing import found
from staff.wire.refusals import Forbidden, NotFound
from staff.wire.schema import ID_IN_PATH, documented

MOST_FIELDS = 100


class NotSigned(Forbidden):
    code = "not_signed"
    message = "The provider's signature is missing or wrong."


class _Door(APIView):
    authentication_classes: list[Any] = []
    permission_classes: list[Any] = []
    throttle_classes: list[Any] = []

    def take(self, channel: Channel, called: Called, *, is_signed: bool, now: datetime) -> None:
        raise NotImplementedError

    def _come_in(self, request: Request, id: int, secret: str) -> Response:
        """204 for all that is signed, old news included. Raises NotFound, NotSigned."""
        now = timezone.now()
        channel = found(Channel.objects.all(), id)
        if not constant_time_compare(channel.secret, secret):
            raise NotFound("Channel not found")
        called = _called(request)
        self.take(channel, called, is_signed=_is_signed(channel, called, now=now), now=now)
        return Response(status=204)


class ReceiptsView(_Door):
    @documented(
        "Take a delivery receipt",
        description="For the provider of the channel; its signature over the address and the body counts.",
        request=OpenApiTypes.OBJECT,
        status=204,
        refused=[403, 404],
        parameters=[ID_IN_PATH],
        public=True,
    )
    def post(self, request: Request, id: int, secret: str) -> Response:
        return self._come_in(request, id, secret)

    @documented(
        "Take a delivery receipt",
        description="As by POST, for a provider that delivers by GET.",
        status=204,
        refused=[403, 404],
        parameters=[ID_IN_PATH],
        public=True,
    )
    def get(self, request: Request, id: int, secret: str) -> Response:
        return self._come_in(request, id, secret)

    def take(self, channel: Channel, called: Called, *, is_signed: bool, now: datetime) -> None:
        if not is_signed:
            raise NotSigned
        delivery = provider_of(channel).delivery(called)
        if delivery is not None:
            take_receipt(channel, delivery, now=now)


class InboundView(_Door):
    @documented(
        "Take a reply",
        description="For the provider of the channel. STOP and its like ends texts to the number; a yes "
        "confirms the one visit that asks; anything else is told to the desk.",
        request=OpenApiTypes.OBJECT,
        status=204,
        refused=[403, 404],
        parameters=[ID_IN_PATH],
        public=True,
    )
    def post(self, request: Request, id: int, secret: str) -> Response:
        return self._come_in(request, id, secret)

    @documented(
        "Take a reply",
        description="As by POST, for a provider that delivers by GET.",
        status=204,
        refused=[403, 404],
        parameters=[ID_IN_PATH],
        public=True,
    )
    def get(self, request: Request, id: int, secret: str) -> Response:
        return self._come_in(request, id, secret)

    def take(self, channel: Channel, called: Called, *, is_signed: bool, now: datetime) -> None:
        if not is_signed and not _takes_unsigned(channel):
            raise NotSigned
        written = provider_of(channel).reply(called)
        if written is not None:
            take_reply(channel, written, signed_by_provider=is_signed, now=now)


def _is_signed(channel: Channel, called: Called, *, now: datetime) -> bool:
    provider = provider_of(channel)
    try:
        credentials = opened(channel.credentials)
    except KeyLost as error:
        note_down(channel, error=f"{error} Enter the credentials again.", now=now)
        return False
    return provider.signs(credentials) and provider.is_signed(called, credentials, now=now)


def _takes_unsigned(channel: Channel) -> bool:
    """Only where nothing could be signed: a signature that is wrong is no missing one."""
    if not channel.unsigned_inbound:
        return False
    try:
        return not provider_of(channel).signs(opened(channel.credentials))
    except KeyLost:
        return False


def _called(request: Request) -> Called:
    plain = request._request
    body: bytes = plain.body
    kind = request.content_type.partition(";")[0].strip().lower() if body else ""
    return Called(
        method=plain.method or "",
        url=f"{settings.PUBLIC_URL.rstrip('/')}{plain.get_full_path()}",
        headers=plain.headers,
        body=body,
        query=_fields(plain.META.get("QUERY_STRING", "")),
        form=_fields(body.decode("utf-8", "replace")) if "form" in kind else {},
        data=_json(body) if "json" in kind else {},
    )


def _fields(text: str) -> dict[str, str]:
    try:
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS))
    except ValueError:
        return {}


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return {}
