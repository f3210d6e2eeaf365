"""Django admin as the salon sees it: its name, its login, and passwords changed there (docs/adr/0034)."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.admin import AdminSite
from django.contrib.admin.forms import AdminAuthenticationForm
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

from staff.access.accounts import log_out_everywhere
from staff.access.actor import Actor
from staff.access.auth import actor_for, salon_of
from staff.access.throttles import LoginThrottle, proxy_is_unknown
from staff.models import Staff
from staff.salon.setup_list import setup_list

DAILY = (
    (
        _("Bookings"),
        (
            "bookings.Booking",
            "bookings.Visit",
            "bookings.WaitlistEntry",
            "bookings.NoShowFee",
            "bookings.Feedback",
            "bookings.CalendarFeed",
        ),
    ),
    (_("Clients"), ("clients.Client",)),
    (
        _("Opening hours"),
        ("staff.WorkingHours", "staff.OpeningException", "staff.Holiday", "staff.TimeOff"),
    ),
    (_("The salon"), ("staff.Staff", "staff.Service", "staff.Location", "staff.SalonSettings")),
    (
        _("Messages"),
        (
            "notifications.Message",
            "notifications.MessageText",
            "bookings.ReminderRule",
            "notifications.InboundText",
            "notifications.OptOut",
            "notifications.Channel",
            "notifications.FollowupSequence",
            "notifications.Notification",
        ),
    ),
)
"""The headings of the first page and what stands below each, in that order."""

TECHNICAL = _("Technical")
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
    index_title = _("Today")
    login_form = SalonLoginForm
    index_template = "admin/first_page.html"
    enable_nav_sidebar = False
    """The lists need its width; the first page is one click away."""

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Every page is headed with the salon's own name."""
        context = super().each_context(request)
        named = salon_of(request).business_name
        return {**context, "site_header": named, "site_title": named} if named else context

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """Today, what needs somebody, and what a new salon still has to do.

        It says so when no mail leaves, as /readyz does, and when a proxy is before us that we were told
        nothing of.
        """
        salon = salon_of(request)
        tell: Any = import_string(settings.FIRST_PAGE_TODAY)
        said = {
            "mail_is_off": not settings.EMAIL_URL and not settings.DEBUG,
            "proxy_is_unknown": proxy_is_unknown(),
            "today": tell(_reader(request), salon=salon, now=timezone.now()),
            "setup": setup_list(salon),
            "booking_page": salon.online_booking != salon.OnlineBooking.OFF,
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
            _heading(name, [each for each in found if each is not None], number=number)
            for number, (name, found) in enumerate(groups, start=1)
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


def _reader(request: HttpRequest) -> Actor:
    """Who is logged in. Raises PermissionDenied without a login."""
    if not isinstance(request.user, Staff):
        raise PermissionDenied
    return actor_for(request.user, salon=salon_of(request), channel="admin")


def _heading(name: Any, tables: list[dict[str, Any]], *, number: int) -> dict[str, Any]:
    """One group of the first page, as admin's templates show an app."""
    label = f"tables-{number}"
    return {
        "name": name,
        "app_label": label,
        "app_url": f"{reverse('admin:index')}#{label}",
        "has_module_perms": True,
        "models": tables,
    }
