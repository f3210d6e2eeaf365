"""When what was chosen can begin (contract §9 "time"): what a client may book, and nothing else.

The search is that of `bookings.slots.availability`: working hours, holidays, notice and horizon bind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from bookings.online.choice import Choice, wishes_of
from bookings.slots.availability import availability
from bookings.slots.availability.chains import Placed, chain_starts
from staff.models import SalonSettings
from staff.wire.refusals import BadRequest
from staff.wire.times import local_date

PAGE_DAYS = 14
MOST_DAYS = 31


class StartItem(NamedTuple):
    """One service of a start: who does it and when (UTC), by key and by name."""

    service_key: str
    service_name: str
    staff_key: str
    staff_name: str
    start_at: datetime
    end_at: datetime


class OnlineStart(NamedTuple):
    """A time that can be booked (UTC). `seats_left`: of a class that stands there; None: nobody is there yet,
    or it is no class."""

    start_at: datetime
    end_at: datetime
    items: Sequence[StartItem]
    seats_left: int | None = None


@dataclass(frozen=True, slots=True)
class OnlineDay:
    """One salon date, with its starts in order of time; one for each instant."""

    date: date
    starts: Sequence[OnlineStart]


def starts(
    choices: Sequence[Choice], *, first: date, days: int = PAGE_DAYS, salon: SalonSettings, now: datetime
) -> list[OnlineDay]:
    """The starts on each of `days` salon dates from `first` on (1 to 31), with who does what.

    At an instant with several free people the one whom the booking would choose. Raises BadRequest (`days`,
    and items that no search would find: one person for two that begin together).
    """
    if not 1 <= days <= MOST_DAYS:
        raise BadRequest.field("days", f"Ask for 1 to {MOST_DAYS} days at once.")
    last = first + timedelta(days=days - 1)
    if choices[0].offer.seats > 1:
        return _of_class(choices[0], first, last, salon=salon, now=now)
    wishes = wishes_of(choices)
    found = chain_starts(wishes, first=first, last=last, salon=salon, now=now)
    named = _Names(choices)
    return [OnlineDay(day.date, [named.start(placed) for placed in day.starts]) for day in found]


def first_free(
    choices: Sequence[Choice], *, salon: SalonSettings, now: datetime, after: date | None = None
) -> OnlineStart | None:
    """The first time from the salon date `after` (today) on at which it can be booked; None: none within the
    salon's horizon. Looks at 14 days at a time, one search each."""
    today = local_date(now, zone=salon.zone)
    reached = max(after or today, today)
    horizon = today + timedelta(days=salon.booking_horizon_days)
    while reached <= horizon:
        for day in starts(choices, first=reached, salon=salon, now=now):
            if day.starts:
                return day.starts[0]
        reached += timedelta(days=PAGE_DAYS)
    return None


def nearest_to(
    choices: Sequence[Choice], start_at: datetime, *, most: int = 3, salon: SalonSettings, now: datetime
) -> list[OnlineStart]:
    """The `most` starts nearest to `start_at` (UTC), of three days before to ten days after, by time."""
    day = local_date(start_at, zone=salon.zone)
    found = starts(choices, first=day - timedelta(days=3), salon=salon, now=now)
    every = [each for one in found for each in one.starts if each.start_at != start_at]
    nearest = sorted(every, key=lambda each: (abs(each.start_at - start_at), each.start_at))[:most]
    return sorted(nearest, key=lambda each: each.start_at)


def _of_class(
    choice: Choice, first: date, last: date, *, salon: SalonSettings, now: datetime
) -> list[OnlineDay]:
    """A class that stands there with room, before one that would begin anew."""
    named = _Names([choice])
    allowed = [each.id for each in choice.offer.people if choice.person in (None, each)]
    days = availability(service=choice.offer.service, first=first, last=last, salon=salon, now=now)
    found: list[OnlineDay] = []
    for day in days:
        places: dict[datetime, OnlineStart] = {}
        for session in day.sessions or ():
            left = choice.offer.seats - session.taken
            if session.staff_id in allowed and left > 0 and session.start_at > now:
                item = named.item(0, session.staff_id, session.start_at, session.end_at)
                places.setdefault(session.start_at, OnlineStart(item.start_at, item.end_at, [item], left))
        for one in day.staff:
            for start_at in one.starts if one.staff_id in allowed else ():
                item = named.item(0, one.staff_id, start_at, start_at + one.duration.length)
                places.setdefault(start_at, OnlineStart(item.start_at, item.end_at, [item]))
        found.append(OnlineDay(day.date, [places[start_at] for start_at in sorted(places)]))
    return found


class _Names:
    """What services and people are called, printed once: a page has hundreds of starts."""

    def __init__(self, choices: Sequence[Choice]) -> None:
        self._services = [(str(each.offer.key), each.offer.name) for each in choices]
        people = {person.id: person for each in choices for person in each.offer.people}
        self._people = {staff_id: (str(person.key), person.name) for staff_id, person in people.items()}

    def item(self, number: int, staff_id: int, start_at: datetime, end_at: datetime) -> StartItem:
        """Of the service that was chosen as `number`, counted from 0."""
        return StartItem(*self._services[number], *self._people[staff_id], start_at, end_at)

    def start(self, placed: Sequence[Placed]) -> OnlineStart:
        """Of a visit of these items."""
        items = [
            StartItem(*service, *self._people[staff_id], start_at, end_at)
            for service, (staff_id, start_at, end_at, _) in zip(self._services, placed, strict=True)
        ]
        return OnlineStart(items[0].start_at, max([each.end_at for each in items]), items)
