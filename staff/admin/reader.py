"""What admin pages are read in: the salon's wall clock, and the reader's language (docs/adr/0099)."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone, translation
from django.utils.translation.trans_real import get_supported_language_variant, parse_accept_lang_header

from staff.access.auth import salon_of
from staff.models import SalonSettings

ADMIN = "/admin/"
ANY = "*"


class AdminReaderMiddleware:
    """Activates both for admin pages, and only there: the API prints its times itself, in no language."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith(ADMIN):
            return self.get_response(request)
        salon = salon_of(request)
        language = language_of(request, salon)
        with timezone.override(salon.zone), translation.override(language):
            response = self.get_response(request)
        response.headers.setdefault("Content-Language", language)
        return response


def language_of(request: HttpRequest, salon: SalonSettings) -> str:
    """The first of ours that the browser asks for, else the salon's, else English."""
    wished = [code for code, _ in parse_accept_lang_header(request.headers.get("Accept-Language", ""))]
    for code in (*(each for each in wished if each != ANY), salon.locale):
        try:
            return get_supported_language_variant(code)
        except LookupError:
            continue
    return settings.LANGUAGE_CODE
