"""The salon's wall clock in Django admin: times are shown and typed in `settings.timezone`."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

from staff.models import SalonSettings

ADMIN = "/admin/"


class SalonTimeMiddleware:
    """Activates the salon's zone for admin pages, and only there: the API prints its times itself."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith(ADMIN):
            return self.get_response(request)
        with timezone.override(SalonSettings.load().zone):
            return self.get_response(request)
