"""Lines of the set-up list about the salon itself; each is a `staff.salon.setup_list.FindsLine`."""

from __future__ import annotations

from django.conf import settings
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from staff.access.throttles import proxy_is_unknown
from staff.admin.week import week_address
from staff.models import SalonSettings, Service, Staff
from staff.salon.setup_list import SetupLine


def name(salon: SalonSettings) -> SetupLine:
    return SetupLine(
        _("The salon's name"),
        _("Write the name, address and telephone number that clients see."),
        bool(salon.business_name),
        _settings("business_name"),
    )


def clock(salon: SalonSettings) -> SetupLine:
    return SetupLine(
        _("Language, country and time zone"),
        _("Choose where the salon is: all hours, telephone numbers and prices are read by it."),
        bool(salon.country) and salon.timezone != "UTC",
        _settings("locale"),
    )


def services(salon: SalonSettings) -> SetupLine:
    return SetupLine(
        _("Services"),
        _("Add what clients book, with its minutes and its price."),
        Service.objects.filter(is_active=True).exists(),
        reverse("admin:staff_service_add"),
    )


def people(salon: SalonSettings) -> SetupLine:
    """Somebody does something; whoever is the only one here begins with themselves."""
    at_work = _bookable().filter(services__is_active=True)
    return SetupLine(
        _("People"),
        _("Add everybody who works here and choose what they do; on your own page too, if you do."),
        at_work.exists(),
        reverse("admin:staff_staff_changelist"),
    )


def hours(salon: SalonSettings) -> SetupLine:
    """Leads to the week of the first who has none."""
    without = _bookable().filter(working_hours=None).order_by("name", "id").values_list("pk", flat=True)
    first = next(iter(without[:1]), None)
    anywhere = reverse("admin:staff_staff_changelist")
    return SetupLine(
        _("Working hours"),
        _("Write each person's week: outside of it nothing can be booked online."),
        first is None and _bookable().exists(),
        anywhere if first is None else week_address(first),
    )


def mail(salon: SalonSettings) -> SetupLine:
    return SetupLine(
        _("Mail"),
        _("Have whoever runs this server set EMAIL_URL: until then mails are only kept in this log."),
        bool(settings.EMAIL_URL),
        reverse("admin:notifications_message_changelist"),
    )


def online_booking(salon: SalonSettings) -> SetupLine:
    return SetupLine(
        _("Online booking"),
        _("Choose whether clients book at once or ask, and show them the address of the booking page."),
        salon.online_booking != SalonSettings.OnlineBooking.OFF,
        _settings("online_booking"),
    )


def proxy(salon: SalonSettings) -> SetupLine:
    return SetupLine(
        _("Proxy"),
        _("Have whoever runs this server set TRUSTED_PROXIES to the number of proxies before it."),
        not proxy_is_unknown(),
        reverse("admin:axes_accessattempt_changelist"),
    )


def _bookable() -> QuerySet[Staff]:
    return Staff.objects.filter(is_active=True, bookable=True)


def _settings(field: str) -> str:
    return f"{reverse('admin:staff_salonsettings_change', args=[1])}#id_{field}"
