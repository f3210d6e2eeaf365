"""Changing the salon's settings (contract §1.5, /api/settings)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import available_timezones

from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string

from staff.models import SalonSettings
from staff.salon.online import as_stored
from staff.storage.storing import locked, store_changes
from staff.wire.countries import country_of_zone
from staff.wire.refusals import BadRequest

WHOLE = Decimal(100)


def change_settings(*, fields: Mapping[str, Any]) -> tuple[SalonSettings, str | None]:
    """Merges `fields`; beside the settings, the country before: another one makes `numbers_read_again` due.

    Another time zone changes no stored time, only how it is shown; where no country was known, it brings
    its own. Raises BadRequest.
    """
    country = SalonSettings.load().country
    with transaction.atomic():
        salon = locked(SalonSettings.objects.all(), 1)
        salon = store_changes(
            salon,
            as_stored(salon, with_country(fields, known=country)),
            check=lambda salon: check_settings(salon, changed=fields.keys()),
        )
    return salon, country


def numbers_read_again(salon: SalonSettings, *, before: str | None) -> int | None:
    """How many telephone numbers another country made E.164; None where it is the one it was `before`.

    After the transaction: it takes batches.
    """
    if salon.country == before:
        return None
    read_again: Callable[..., int] = import_string(settings.READ_NUMBERS_AGAIN)
    return read_again(country=salon.country)


def with_country(fields: Mapping[str, Any], *, known: str | None) -> Mapping[str, Any]:
    """`fields` with the country of the zone in them, unless one is `known` or among them."""
    if known is not None or "country" in fields or "timezone" not in fields:
        return fields
    return {**fields, "country": country_of_zone(fields["timezone"])}


def check_settings(salon: SalonSettings, *, changed: Collection[str]) -> None:
    """The rules between and beyond single fields. Raises BadRequest on the field that was sent."""
    if salon.timezone not in known_zones():
        raise BadRequest.field("timezone", "Send a zone of the tz database, such as Europe/Amsterdam.")
    percent = salon.noshow_fee_type == SalonSettings.FeeType.PERCENT
    if percent and salon.noshow_fee_value > WHOLE:
        field = "noshow_fee_value" if "noshow_fee_value" in changed else "noshow_fee_type"
        raise BadRequest.field(field, "A percentage goes from 0 to 100.")


@lru_cache
def known_zones() -> frozenset[str]:
    """The names of the tz database, without the machine's own zone and the one that stands for none."""
    return frozenset(available_timezones() - {"localtime", "Factory"})
