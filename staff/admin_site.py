"""Django admin as the salon sees it: its name, its login, and passwords changed there (docs/adr/0034)."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.admin import AdminSite
from django.contrib.admin.forms import AdminAuthenticationForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.text import slugify
from django.utils.translation import gettext as _

from staff.access.accounts import log_out_everywhere
from staff.access.throttles import LoginThrottle, proxy_is_unknown
from staff.models import Staff

DAILY = (
    (
        "Bookings",
        (
            "bookings.Booking",
            "bookings.Visit",
            "bookings.WaitlistEntry",
            "bookings.NoShowFee",
            "bookings.Feedback",
        ),
    ),
    ("Clients", ("clients.Client",)),
    (
        "Opening hours",
        ("staff.WorkingHours", "staff.OpeningException", "staff.Holiday", "staff.TimeOff"),
    ),
    ("The salon", ("staff.Staff", "staff.Service", "staff.Location", "staff.SalonSettings")),
    (
        "Messages",
        (
            "notifications.Message",
            "notifications.MessageText",
            "notifications.FollowupSequence",
            "notifications.Notification",
        ),
    ),
)
"""The headings of the first page and what stands below each, in that order."""

TECHNICAL = "Technical"
"""The last heading: what an engineer looks at, and every table that is named nowhere above."""

FIRST_OF_TECHNICAL = (
    "notifications.Job",
    "notifications.WebhookEndpoint",
    "notifications.WebhookDelivery",
    "staff.ApiKey",
    "knox.AuthToken",
)


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
    enable_nav_sidebar = False
    """The lists need its width; the first page is one click away."""

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """The first page says so when no mail leaves, as /readyz does, and when a proxy is before us that we
        were told nothing of."""
        said = {
            "mail_is_off": not settings.EMAIL_URL and not settings.DEBUG,
            "proxy_is_unknown": proxy_is_unknown(),
        }
        return super().index(request, {**(extra_context or {}), **said})

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """What an owner uses daily stands first; what only an engineer uses, under one heading at the end.

        The page of one app keeps that app's tables.
        """
        apps = super().get_app_list(request, app_label)
        if app_label is not None:
            return apps
        tables = {
            f"{app['app_label']}.{table['object_name']}": table for app in apps for table in app["models"]
        }
        groups = [(name, [tables.pop(each, None) for each in labels]) for name, labels in DAILY]
        technical = [tables.pop(each, None) for each in FIRST_OF_TECHNICAL]
        groups.append((TECHNICAL, [*technical, *tables.values()]))
        return [
            _heading(name, [each for each in found if each is not None])
            for name, found in groups
            if any(found)
        ]

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """Another password ends the API logins too."""
        response = super().password_change(request, extra_context)
        if request.method == "POST" and response.status_code == 302 and isinstance(request.user, Staff):
            log_out_everywhere(request.user)
        return response


def _heading(name: str, tables: list[dict[str, Any]]) -> dict[str, Any]:
    """One group of the first page, as admin's templates show an app."""
    label = slugify(name)
    return {
        "name": name,
        "app_label": label,
        "app_url": f"{reverse('admin:index')}#{label}",
        "has_module_perms": True,
        "models": tables,
    }
