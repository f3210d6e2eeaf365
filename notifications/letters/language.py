"""Which language somebody reads, and dates, times and amounts as that language writes them.

All functions but `language_for` speak the active language (`translation.override`). Times go in as
UTC and come out on the salon's wall clock.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import dateformat
from django.utils.formats import number_format
from django.utils.translation import get_supported_language_variant, pgettext

from staff.wire.money import from_minor, minor_digits, to_minor

KEPT_TIMES = 10_000
"""Of instants in print; a megabyte or two of a process."""

SYMBOLS = {
    "AUD": "A$",
    "BRL": "R$",
    "CAD": "C$",
    "EUR": "€",
    "GBP": "£",
    "INR": "₹",
    "JPY": "¥",
    "NZD": "NZ$",
    "PLN": "zł",
    "TRY": "₺",
    "USD": "$",
}


def language_for(*wishes: str) -> str:
    """The first of `wishes` that we speak ("de-AT" and "de_AT" are "de"), else settings.LANGUAGE_CODE."""
    for wish in wishes:
        try:
            return get_supported_language_variant(wish.replace("_", "-").lower())
        except LookupError:
            continue
    return settings.LANGUAGE_CODE


def long_date(instant: datetime, *, zone: ZoneInfo) -> str:
    """Weekday, day, month and year: Monday 23 November 2026."""
    # Translators: Django's date format characters for weekday, day, month and year.
    return dateformat.format(instant.astimezone(zone), pgettext("date with year", "l j F Y"))


def short_date(instant: datetime, *, zone: ZoneInfo) -> str:
    """Weekday, day and month: Monday 23 November."""
    # Translators: Django's date format characters for weekday, day and month.
    return dateformat.format(instant.astimezone(zone), pgettext("date without year", "l j F"))


@lru_cache(KEPT_TIMES)
def clock_time(instant: datetime, *, zone: ZoneInfo) -> str:
    """`HH:MM`, 24 hours. Kept, because the pages of free times tell the same ones again and again."""
    return instant.astimezone(zone).isoformat()[11:16]


def moment(instant: datetime, *, zone: ZoneInfo, date: str = "") -> str:
    """A day and a time inside a sentence: Monday 23 November at 10:00. `date`: the `short_date` of it, where
    that was said before."""
    date = date or short_date(instant, zone=zone)
    return moment_form() % {"date": date, "time": clock_time(instant, zone=zone)}


def moment_form() -> str:
    """How `moment` puts `date` and `time` together, for who tells hundreds."""
    return pgettext("moment", "%(date)s at %(time)s")


def long_moment(instant: datetime, *, zone: ZoneInfo) -> str:
    """As `moment`, with the year."""
    return moment_form() % {"date": long_date(instant, zone=zone), "time": clock_time(instant, zone=zone)}


def time_span(start_at: datetime, end_at: datetime, *, zone: ZoneInfo) -> str:
    """From when to when on one day, with the zone: 10:00 to 10:45 (Europe/Amsterdam, CET)."""
    zones = [zone.key]
    if zone_name(start_at, zone=zone) == zone_name(end_at, zone=zone) != zone.key:
        zones.append(zone_name(start_at, zone=zone))
    return f"{time_range(start_at, end_at, zone=zone)} ({', '.join(zones)})"


def time_range(start_at: datetime, end_at: datetime, *, zone: ZoneInfo) -> str:
    """From when to when on one day: 10:00 to 10:45.

    When the clocks change in between, each time carries its own zone name: 02:30 CEST to 02:30 CET.
    """
    start, end = clock_time(start_at, zone=zone), clock_time(end_at, zone=zone)
    start_zone, end_zone = zone_name(start_at, zone=zone), zone_name(end_at, zone=zone)
    if start_zone != end_zone:
        start, end = f"{start} {start_zone}", f"{end} {end_zone}"
    return pgettext("time span", "%(start)s to %(end)s") % {"start": start, "end": end}


def zone_name(instant: datetime, *, zone: ZoneInfo) -> str:
    """What the zone is called at that instant: CET, or UTC+03 where it has no name."""
    name = instant.astimezone(zone).tzname() or ""
    return f"UTC{name}" if name[:1] in "+-" else name


def money(amount: Decimal, currency: str) -> str:
    """An amount with the decimals its currency has, half-up: €45.00, ¥4,500, KWD 12.500."""
    exact = from_minor(to_minor(amount, currency=currency), currency=currency)
    parts = {
        "symbol": SYMBOLS.get(currency, currency),
        "number": number_format(exact, decimal_pos=minor_digits(currency), force_grouping=True),
    }
    if parts["symbol"].isalpha():
        return pgettext("amount with currency code", "%(symbol)s\N{NO-BREAK SPACE}%(number)s") % parts
    return pgettext("amount with currency symbol", "%(symbol)s%(number)s") % parts
