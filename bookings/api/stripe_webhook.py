"""POST /api/stripe/webhook: what Stripe tells of payments. Its signature is the credential."""

from __future__ import annotations

from typing import Annotated, Any, TypedDict

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bookings.noshow.webhook import take_event
from staff.wire.refusals import UnsupportedMedia
from staff.wire.renderer import JSON
from staff.wire.schema import documented


class TakenJson(TypedDict):
    received: Annotated[bool, "Always true: Stripe need not send it again."]
    taken: Annotated[bool, "False for old news and for what is no concern of ours."]


class StripeWebhookView(APIView):
    authentication_classes: list[Any] = []
    permission_classes: list[Any] = []

    @documented(
        "Take an event from Stripe",
        description="The `Stripe-Signature` over the exact body is the credential.",
        request=OpenApiTypes.OBJECT,
        answer=TakenJson,
        public=True,
    )
    def post(self, request: Request) -> Response:
        """200 for every event that Stripe signed, old news included; 400 for anything else."""
        body = request._request.body
        if body and request.content_type.partition(";")[0].strip().lower() != JSON:
            raise UnsupportedMedia()
        signature = request.headers.get("Stripe-Signature", "")
        taken = take_event(body, signature=signature, now=timezone.now())
        answer: TakenJson = {"received": True, "taken": taken}
        return Response(answer)
