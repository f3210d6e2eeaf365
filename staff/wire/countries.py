"""The salon's country: whose national telephone numbers are meant (contract §6a, settings.country).

Names: country_of_zone, known_countries. ISO 3166-1 codes of two letters, from the tables of tzdata.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def known_countries() -> dict[str, str]:
    """Code to English name."""
    return {row[0]: row[1] for row in _table("iso3166.tab")}


def country_of_zone(zone: str) -> str | None:
    """The country whose zone of the tz database this is; None for UTC and the like."""
    return _countries_by_zone().get(zone)


@cache
def _countries_by_zone() -> dict[str, str]:
    return {row[2]: row[0] for row in _table("zone.tab")}


def _table(name: str) -> list[list[str]]:
    text = (files("tzdata") / "zoneinfo" / name).read_text("utf-8")
    return [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]
