"""Django admin as the salon sees it: its name, its login, and passwords changed there (docs/adr/0034)."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.admin import AdminSite
from django.contrib.admin.forms import AdminAuthenticationForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from staff.access.accounts import log_out_everywhere
from staff.access.throttles import LoginThrottle
from staff.models import Staff

APP_NAMES = {
    "bookings": "Bookings",
    "clients": "Clients",
    "staff": "The salon",
    "notifications": "Messages and jobs",
    "knox": "Logins",
    "axes": "Failed logins",
}
"""App label to its heading, in the order of the first page."""


class SalonLoginForm(AdminAuthenticationForm):
    """Counts towards the same 30 logins a minute for an address as the API's."""

    def clean(self) -> dict[str, Any]:
        if self.request is not None and not LoginThrottle().allow_request(self.request, None):  # type: ignore[arg-type]
            raise ValidationError(_("Too many logins from your address; wait a minute."), code="throttled")
        return super().clean()


class SalonAdminSite(AdminSite):
    site_header = "Bookings"
    site_title = "Bookings"
    index_title = "What would you like to see?"
    login_form = SalonLoginForm
    index_template = "admin/first_page.html"

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """The first page says so when no mail leaves, as /readyz does."""
        mail_is_off = not settings.EMAIL_URL and not settings.DEBUG
        return super().index(request, {**(extra_context or {}), "mail_is_off": mail_is_off})

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """What is used daily stands first, under names a salon knows."""
        apps = super().get_app_list(request, app_label)
        for app in apps:
            app["name"] = APP_NAMES.get(app["app_label"], app["name"])
        known = list(APP_NAMES)
        return sorted(
            apps, key=lambda app: known.index(app["app_label"]) if app["app_label"] in known else 99
        )

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """Another password ends the API logins too."""
        response = super().password_change(request, extra_context)
        if request.method == "POST" and response.status_code == 302 and isinstance(request.user, Staff):
            log_out_everywhere(request.user)
        return response
