"""The salon's front page, and what search engines may read of it (contract §9 "addresses", "markup")."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import dateformat, timezone
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views import View

from bookings.links import public_url
from bookings.online import Offer, catalogue
from bookings.pages.shell import Button, PublicPage, language_wished
from notifications.letters.plain import one_line
from staff.models import SalonSettings
from staff.salon.opening_hours import OpeningHours, Otherwise, Spans, opening_hours
from staff.wire.money import from_minor, to_minor
from staff.wire.times import local_date

BOOKING_PATH = "/book"
MONDAY = date(2026, 11, 23)
"""Any Monday: the names of the weekdays are read from its week."""

_SCHEMA_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_DANGEROUS = {ord("<"): "\\u003C", ord(">"): "\\u003E", ord("&"): "\\u0026"}
"""What could end a script element, written as JSON writes it too."""


class Line(NamedTuple):
    """A line of the opening hours, in words."""

    day: str
    hours: str
    is_today: bool = False


class FrontPage(PublicPage):
    """In the reader's language; nothing to send, so a POST is 405."""

    http_method_names = ["get", "head"]

    def first_language(self, request: HttpRequest) -> str:
        return language_wished(request, self.salon)

    def get(self, request: HttpRequest) -> HttpResponse:
        today = local_date(timezone.now(), zone=self.salon.zone)
        hours = opening_hours(today=today, zone=self.salon.zone)
        books = self.salon.online_booking != SalonSettings.OnlineBooking.OFF
        offers = catalogue().offers if books else []
        return self.page(
            "pages/front.html",
            heading=one_line(self.salon.business_name) or _("Welcome"),
            book=Button(_("Book an appointment"), public_url("", BOOKING_PATH)) if books and offers else None,
            reachable=bool(self.salon.business_phone or self.salon.reply_to or self.salon.business_address),
            week=[*_week(hours, today=today)] if hours.is_known else [],
            otherwise=[_line(each) for each in hours.otherwise] if hours.is_known else [],
            languages=languages_of(self.language),
            canonical=public_url("", "/"),
            markup=as_data(markup(self.salon, hours, offers)),
            agenda=Button(_("For staff: the agenda"), public_url("", "/agenda")),
            admin=Button(_("For administrators: log in"), public_url("", "/admin/")),
            developers=Button(_("For developers: the API"), public_url("", "/api/docs")),
            headers={"X-Robots-Tag": "all"},
        )


class RobotsFile(View):
    """Where search engines have nothing to look for; what may be shown, each page says itself."""

    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest) -> HttpResponse:
        lines = ("User-agent: *", "Disallow: /admin/", "Disallow: /api/", "")
        return HttpResponse("\n".join(lines), content_type="text/plain; charset=utf-8")


class Language(NamedTuple):
    code: str
    name: str
    is_current: bool


def languages_of(current: str) -> list[Language]:
    """The languages of our pages, each by its own name."""
    return [Language(code, name, code == current) for code, name in settings.LANGUAGES]


def _week(hours: OpeningHours, *, today: date) -> Iterator[Line]:
    for weekday, spans in enumerate(hours.week):
        name = dateformat.format(MONDAY + timedelta(days=weekday), "l")
        yield Line(name[:1].upper() + name[1:], _in_words(spans), weekday == today.weekday())


def _line(otherwise: Otherwise) -> Line:
    # Translators: Django's date format characters for weekday, day and month, short.
    form = pgettext("short date", "D j M")
    day = dateformat.format(otherwise.first, form)
    if otherwise.last != otherwise.first:
        last = dateformat.format(otherwise.last, form)
        day = pgettext("time span", "%(start)s to %(end)s") % {"start": day, "end": last}
    hours = _in_words(otherwise.spans)
    return Line(day, f"{hours} ({one_line(otherwise.name)})" if otherwise.name else hours)


def _in_words(spans: Spans) -> str:
    return ", ".join(f"{opens}\N{EN DASH}{closes}" for opens, closes in spans) or _("closed")


def markup(salon: SalonSettings, hours: OpeningHours, offers: Iterable[Offer]) -> dict[str, Any]:
    """The salon as schema.org describes one, without what it did not tell; `offers` can be booked."""
    address = one_line(salon.business_address)
    offered = [_offer(each, salon) for each in offers]
    described: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "HairSalon",
        "name": one_line(salon.business_name),
        "url": public_url("", "/"),
        "telephone": salon.business_phone,
        "email": salon.reply_to,
        "address": {"@type": "PostalAddress", "streetAddress": address} if address else None,
        "openingHoursSpecification": [*_open(hours)],
        "hasOfferCatalog": {"@type": "OfferCatalog", "itemListElement": offered} if offered else None,
        "potentialAction": {
            "@type": "ReserveAction",
            "target": {"@type": "EntryPoint", "urlTemplate": public_url("", BOOKING_PATH)},
            "result": {"@type": "Reservation"},
        }
        if offered
        else None,
    }
    return {key: value for key, value in described.items() if value}


def _open(hours: OpeningHours) -> Iterator[dict[str, Any]]:
    kind = {"@type": "OpeningHoursSpecification"}
    for day, spans in zip(_SCHEMA_DAYS, hours.week, strict=True):
        for opens, closes in spans:
            yield kind | {"dayOfWeek": f"https://schema.org/{day}", "opens": opens, "closes": closes}
    for each in hours.otherwise:
        dates = {"validFrom": str(each.first), "validThrough": str(each.last)}
        for opens, closes in each.spans or (("00:00", "00:00"),):
            yield kind | dates | {"opens": opens, "closes": closes}


def _offer(offer: Offer, salon: SalonSettings) -> dict[str, Any]:
    price: dict[str, str] = {}
    if offer.price is not None:
        minor = to_minor(offer.price, currency=salon.currency)
        exact = from_minor(minor, currency=salon.currency)
        price = {"price": str(exact), "priceCurrency": salon.currency}
    service = {"@type": "Service", "name": one_line(offer.name)}
    return {"@type": "Offer", "itemOffered": service, **price}


def as_data(described: dict[str, Any]) -> SafeString:
    """JSON that no text in it can lead out of its script element."""
    text = json.dumps(described, ensure_ascii=False).translate(_DANGEROUS)
    return mark_safe(text)
