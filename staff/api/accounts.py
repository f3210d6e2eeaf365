"""/api/auth: login, logout, who am I, password (contract §1.5); resets: `notifications.password_reset`."""

from __future__ import annotations

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from staff.access.accounts import change_password, log_in, log_out, log_out_everywhere
from staff.access.auth import AnyoneButKeys, ApiKeyAuthentication, IsPerson, person_of, salon_of
from staff.access.throttles import LoginThrottle, PasswordThrottle
from staff.printing import LoggedInJson, UserJson, user_json
from staff.serializers import LoginSerializer, PasswordSerializer
from staff.wire.reading import checked_body
from staff.wire.schema import documented
from staff.wire.times import print_when
from staff.wire.views import GatedView


class LoginView(GatedView):
    authentication_classes = [ApiKeyAuthentication]
    permission_classes = [AnyoneButKeys]
    throttle_classes = [LoginThrottle]

    @documented(
        "Log in",
        request=LoginSerializer,
        answer=LoggedInJson,
        refused=[401, 403],
        public=True,
        description="The token goes into `Authorization: Bearer <token>` and expires after 8 hours. After 10 "
        "failures in 15 minutes the account is refused with 429; an address has 30 attempts a minute.",
    )
    def post(self, request: Request) -> Response:
        body = checked_body(LoginSerializer, request)
        login = log_in(request._request, email=body["email"], password=body["password"], now=timezone.now())
        expires_at = print_when(login.expires_at, zone=salon_of(request).zone)
        answer: LoggedInJson = {
            "token": login.token,
            "expires_at": expires_at,
            "user": user_json(login.person),
        }
        return Response(answer)


class LogoutView(GatedView):
    permission_classes = [IsPerson]

    @documented("Log out", status=204, description="This token is gone.")
    def post(self, request: Request) -> Response:
        log_out(request.auth)
        return Response(status=204)


class LogoutAllView(GatedView):
    permission_classes = [IsPerson]

    @documented("Log out everywhere", status=204, description="All your tokens are gone.")
    def post(self, request: Request) -> Response:
        log_out_everywhere(person_of(request))
        return Response(status=204)


class MeView(GatedView):
    permission_classes = [IsPerson]

    @documented("Who am I", answer=UserJson)
    def get(self, request: Request) -> Response:
        return Response(user_json(person_of(request)))


class PasswordView(GatedView):
    permission_classes = [IsPerson]
    throttle_classes = [PasswordThrottle]

    @documented(
        "Change my password",
        request=PasswordSerializer,
        status=204,
        description="This token stays; all others of yours are gone.",
    )
    def post(self, request: Request) -> Response:
        body = checked_body(PasswordSerializer, request)
        change_password(person_of(request), old=body["old"], new=body["new"], keep=request.auth)
        return Response(status=204)
