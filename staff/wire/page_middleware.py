"""Django's middleware, and that of others, for pages alone (docs/adr/0110).

A JSON call has no cookie, so no session, no login of admin, no form to forge and no message; its language is
ours and its headers never change (`staff.wire.middleware`). Passing it through all of them costs as much as
finding the one row it asks for. `JsonEdgeMiddleware`, which stands before them, has said which it is.
"""

from __future__ import annotations

from typing import Any

from csp import middleware as csp
from django.contrib.auth import middleware as auth
from django.contrib.messages import middleware as messages
from django.contrib.sessions import middleware as sessions
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware import clickjacking, common, csrf, locale
from whitenoise import middleware as whitenoise

from staff.wire.middleware import answers_json


class _ForPages:
    get_response: Any

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        through = self.get_response if answers_json(request) else super().__call__  # type: ignore[misc]
        answer: HttpResponseBase = through(request)
        return answer


class WhiteNoiseMiddleware(_ForPages, whitenoise.WhiteNoiseMiddleware):
    pass


class SessionMiddleware(_ForPages, sessions.SessionMiddleware):
    pass


class LocaleMiddleware(_ForPages, locale.LocaleMiddleware):
    pass


class CommonMiddleware(_ForPages, common.CommonMiddleware):
    pass


class CsrfViewMiddleware(_ForPages, csrf.CsrfViewMiddleware):
    def process_view(self, request: HttpRequest, *about: Any) -> Any:
        return None if answers_json(request) else super().process_view(request, *about)


class AuthenticationMiddleware(_ForPages, auth.AuthenticationMiddleware):
    pass


class MessageMiddleware(_ForPages, messages.MessageMiddleware):
    pass


class XFrameOptionsMiddleware(_ForPages, clickjacking.XFrameOptionsMiddleware):
    pass


class CSPMiddleware(_ForPages, csp.CSPMiddleware):
    pass
