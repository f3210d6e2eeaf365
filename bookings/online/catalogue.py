"""What can be booked online, and with whom (contract §9 "choose").

Everything is named by its key; ids mean nothing at a public door. A hidden service is in no list: it is found
by who knows its key.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.db.models import QuerySet

from staff.models import Location, Service, ServiceDuration, Staff
from staff.storage.may_lag import ask_the_writer
from staff.storage.prepared_statements import BlankIds, Prepared, PreparedRows
from staff.wire.refusals import NotFound


class LocationUnknown(NotFound):
    code = "location_unknown"
    message = "There is no such branch of this salon; look at its booking page."


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may be chosen online. `location`: the slug of their branch, "" without one."""

    id: int
    key: UUID
    name: str
    bio: str
    location: str


@dataclass(frozen=True, slots=True)
class Offer:
    """A service with those who do it online, by name.

    `shortest` and `longest`: minutes, over these people. `price` is for one person, in the salon's currency;
    None: not told. `seats` over 1: a class, booked by itself.
    """

    service: Service
    key: UUID
    name: str
    category: str
    description: str
    price: Decimal | None
    shortest: int
    longest: int
    seats: int
    hidden: bool
    people: Sequence[Person]

    @property
    def id(self) -> int:
        return self.service.pk


@dataclass(frozen=True, slots=True)
class Category:
    """Offers of one category, by name; "" is the name of those without one, which come last."""

    name: str
    offers: Sequence[Offer]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What the salon, or one branch of it, offers online. `locations`: all that are open, by name."""

    categories: Sequence[Category]
    locations: Sequence[Location]
    location: Location | None

    @property
    def offers(self) -> list[Offer]:
        return [offer for category in self.categories for offer in category.offers]


def catalogue(*, location: str = "", also: Collection[UUID] = ()) -> Catalogue:
    """Everything that can be booked online, at the branch with the slug `location` or anywhere.

    `also`: keys that somebody has, so that hidden services among them are shown too. What nobody does is left
    out; what the replica does not know is the writer's to show. Four statements. Raises LocationUnknown
    (404).
    """
    locations = open_locations()
    here = next((each for each in locations if each.slug == location), None)
    if location and here is None:
        raise LocationUnknown
    shown = [each for each in _BOOKABLE.all() if not each.hidden or each.key in also]
    if not {each.key for each in shown}.issuperset(also):
        ask_the_writer()
    offers = offers_of(shown, here=here, alone=len(locations) == 1)
    by_category: dict[str, list[Offer]] = defaultdict(list)
    for offer in offers:
        by_category[offer.category].append(offer)
    names = sorted(by_category, key=lambda name: (not name, name))
    return Catalogue([Category(name, by_category[name]) for name in names], locations, here)


def open_locations() -> list[Location]:
    """By name. One statement."""
    return _LOCATIONS.all()


def bookable_online() -> QuerySet[Service]:
    """Services that clients may book, hidden ones too."""
    return Service.objects.filter(is_active=True, online=True)


def may_be_chosen_online() -> QuerySet[Staff]:
    """People with whom clients may book."""
    return Staff.objects.filter(is_active=True, bookable=True, online=True)


def offers_of(services: Iterable[Service], *, here: Location | None, alone: bool) -> list[Offer]:
    """The services that somebody does online; `here`: at this branch. Three statements with the services.

    Who has no branch of their own is at the only one there is (`alone`).
    """
    rows = list(services)
    ids = [each.pk for each in rows]
    at = None if here is None else here.pk
    doing: dict[int, list[Person]] = defaultdict(list)
    persons: dict[int, Person] = {}
    for service_id, staff_id, key, name, bio, slug, location_id in _DOING.rows(services=ids):
        if at is not None and location_id != at and not (alone and location_id is None):
            continue
        if staff_id not in persons:
            persons[staff_id] = Person(id=staff_id, key=key, name=name, bio=bio, location=slug or "")
        doing[service_id].append(persons[staff_id])
    own = {(each.service_id, each.staff_id): each.duration_minutes for each in _OWN_MINUTES.all(services=ids)}
    found: list[Offer] = []
    for service in rows:
        who = sorted(doing[service.pk], key=lambda each: (each.name, each.id))
        if who:
            minutes = [own.get((service.pk, each.id), service.duration_minutes) for each in who]
            found.append(_offer(service, who, minutes))
    return found


_LOCATIONS = PreparedRows(Location, lambda: Location.objects.filter(is_active=True))
_BOOKABLE = PreparedRows(Service, bookable_online)
_DOING = Prepared(
    lambda: (
        may_be_chosen_online()
        .filter(services__in=BlankIds("services"))
        .order_by()
        .values_list("services", "pk", "key", "name", "bio", "location__slug", "location_id")
    )
)
_OWN_MINUTES = PreparedRows(
    ServiceDuration, lambda: ServiceDuration.objects.filter(service__in=BlankIds("services"))
)


def _offer(service: Service, people: Sequence[Person], minutes: Sequence[int]) -> Offer:
    return Offer(
        service=service,
        key=service.key,
        name=service.name,
        category=service.category,
        description=service.description,
        price=service.price,
        shortest=min(minutes),
        longest=max(minutes),
        seats=service.max_capacity,
        hidden=service.hidden,
        people=people,
    )
