"""/api/auth/password-reset and /confirm (contract §1.5): here, because `staff` may not know the outbox."""

from __future__ import annotations

from typing import TypedDict

from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from notifications.password_reset.reset import ask_for_reset, reset_password
from staff.access.accounts import LONGEST_PASSWORD
from staff.access.auth import AnyoneButKeys, ApiKeyAuthentication
from staff.access.throttles import LoginThrottle, PublicLinkThrottle
from staff.salon.base_urls import checked_base_url
from staff.wire.fields import TextField
from staff.wire.reading import checked_body
from staff.wire.schema import documented
from staff.wire.views import GatedView

SENT = "If somebody here has this address, a mail with a link is on its way."


class PasswordResetSerializer(serializers.Serializer):
    email = TextField(max_length=254, allow_blank=False)
    base_url = TextField(
        as_sent=True,
        max_length=500,
        allow_blank=False,
        required=False,
        help_text="The front end under which the link stands, listed in FRONTEND_ORIGINS; else PUBLIC_URL.",
    )


class PasswordResetAnswerJson(TypedDict):
    message: str


class PasswordResetConfirmSerializer(serializers.Serializer):
    token = TextField(as_sent=True, max_length=200, allow_blank=False, help_text="The last part of the link.")
    new = TextField(as_sent=True, max_length=LONGEST_PASSWORD, allow_blank=False, write_only=True)


class PasswordResetView(GatedView):
    authentication_classes = [ApiKeyAuthentication]
    permission_classes = [AnyoneButKeys]
    throttle_classes = [LoginThrottle]

    @documented(
        "Ask for a new password",
        request=PasswordResetSerializer,
        answer=PasswordResetAnswerJson,
        status=202,
        refused=[401, 403],
        public=True,
        description="The same answer whether the address is known or not. The link is "
        "`{base_url}/password-reset/{token}`, works once and for two hours.",
    )
    def post(self, request: Request) -> Response:
        body = checked_body(PasswordResetSerializer, request)
        base_url = checked_base_url(body["base_url"]) if "base_url" in body else ""
        ask_for_reset(email=body["email"], base_url=base_url, now=timezone.now())
        answer: PasswordResetAnswerJson = {"message": SENT}
        return Response(answer, status=202)


class PasswordResetConfirmView(GatedView):
    authentication_classes = [ApiKeyAuthentication]
    permission_classes = [AnyoneButKeys]
    throttle_classes = [PublicLinkThrottle]

    @documented(
        "Set the new password",
        request=PasswordResetConfirmSerializer,
        status=204,
        refused=[401, 403, 410],
        public=True,
        description="All logins of the person end; an account closed by failed logins is open again.",
    )
    def post(self, request: Request) -> Response:
        body = checked_body(PasswordResetConfirmSerializer, request)
        reset_password(token=body["token"], new=body["new"])
        return Response(status=204)
