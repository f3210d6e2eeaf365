"""What the booking page knows of its reader: the address, and nothing else (contract §9 "addresses").

No cookie and no row holds it: services, person, dates and the start that was chosen stand in the query, which
every link and form of the page carries on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import MAXYEAR, MINYEAR, UTC, date, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest

from bookings.online import Catalogue, Offer, Wanted, keys_in
from notifications.letters.language import KEPT_TIMES

LONGEST_VALUE = 200
MOST_SERVICES = 20
"""More than a visit has, so that too many are told of."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The query, read. `services` are keys in the order of the visit, `staff` a key or "" for anybody.

    `first`: the salon date from which times are shown, None for today. `start_at` (UTC) is the chosen start,
    None before. `wait`: the salon date to wait for. `edit` shows the services although some are chosen.
    """

    location: str = ""
    services: tuple[str, ...] = ()
    staff: str = ""
    first: date | None = None
    start_at: datetime | None = None
    wait: date | None = None
    edit: bool = False
    embed: bool = False
    lang: str = ""

    def query(self, **changes: Any) -> str:
        """The query with `changes`, which a link puts behind "?": relative, so that it stays on this page."""
        asked = replace(self, **changes)
        pairs = [
            ("service", ",".join(asked.services)),
            ("staff", asked.staff),
            ("from", "" if asked.first is None else str(asked.first)),
            ("start", "" if asked.start_at is None else print_start(asked.start_at)),
            ("wait", "" if asked.wait is None else str(asked.wait)),
            ("edit", "1" if asked.edit else ""),
            ("embed", "1" if asked.embed else ""),
            ("lang", asked.lang),
        ]
        return urlencode([(name, value) for name, value in pairs if value], safe=",:")

    def hidden(self, *names: str) -> list[tuple[str, str]]:
        """What a form with fields for `names` has to carry on beside them."""
        return [(name, value) for name, value in parse_qsl(self.query()) if name not in names]

    def wanted(self, offers: Iterable[Offer]) -> list[Wanted]:
        """The services in their order, each with the person where that person does it."""
        does = {str(each.key): {str(person.key) for person in each.people} for each in offers}
        return [Wanted(key, self.staff if self.staff in does.get(key, ()) else None) for key in self.services]

    def keys(self) -> list[UUID]:
        """The keys among `services`: with them hidden services are shown."""
        return keys_in(self.services)


def read_query(request: HttpRequest, *, location: str) -> Asked:
    """Of what cannot be read nothing is left: the page then asks for it."""
    query = request.GET
    typed = [key.strip() for each in query.getlist("service") for key in each.split(",")]
    services = tuple(dict.fromkeys(key for key in typed if key))[:MOST_SERVICES]
    lang = query.get("lang", "")
    return Asked(
        location=location,
        services=services,
        staff=query.get("staff", "")[:LONGEST_VALUE],
        first=read_day(query.get("from", "")),
        start_at=read_start(query.get("start", "")),
        wait=read_day(query.get("wait", "")),
        edit=bool(query.get("edit")),
        embed=query.get("embed") == "1",
        lang=lang if lang in dict(settings.LANGUAGES) else "",
    )


def known_in(asked: Asked, shown: Catalogue) -> Asked:
    """Without the services and the person that the catalogue does not have."""
    offers = {str(each.key): each for each in shown.offers}
    people = {str(person.key) for each in shown.offers for person in each.people}
    return replace(
        asked,
        services=tuple(key for key in asked.services if key in offers),
        staff=asked.staff if asked.staff in people else "",
    )


@lru_cache(KEPT_TIMES)
def print_start(start_at: datetime) -> str:
    """A start as it stands in an address: `2026-11-26T09:15Z`. Kept as `clock_time` is."""
    return f"{start_at.astimezone(UTC).isoformat()[:16]}Z"


def read_start(text: str) -> datetime | None:
    """None too where no salon is open: at the ends of the calendar a salon's clock cannot be told."""
    try:
        found = datetime.strptime(text[:LONGEST_VALUE], "%Y-%m-%dT%H:%MZ").replace(tzinfo=UTC)
    except ValueError:
        return None
    return found if MINYEAR < found.year < MAXYEAR else None


def read_day(text: str) -> date | None:
    try:
        return datetime.strptime(text[:LONGEST_VALUE], "%Y-%m-%d").replace(tzinfo=UTC).date()
    except ValueError:
        return None
