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

from django.db.models import Q, QuerySet

from staff.models import Location, Service, ServiceDuration, Staff
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
    out. Four statements. Raises LocationUnknown (404).
    """
    locations = list(Location.objects.filter(is_active=True))
    here = next((each for each in locations if each.slug == location), None)
    if location and here is None:
        raise LocationUnknown
    shown = Q(hidden=False) | Q(key__in=list(also))
    offers = offers_of(bookable_online().filter(shown), here=here, alone=len(locations) == 1)
    by_category: dict[str, list[Offer]] = defaultdict(list)
    for offer in offers:
        by_category[offer.category].append(offer)
    names = sorted(by_category, key=lambda name: (not name, name))
    return Catalogue([Category(name, by_category[name]) for name in names], locations, here)


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
    people = may_be_chosen_online().filter(services__in=rows)
    if here is not None:
        people = people.filter(Q(location=here) | Q(location=None) if alone else Q(location=here))
    doing: dict[int, list[Person]] = defaultdict(list)
    persons: dict[int, Person] = {}
    columns = ("pk", "key", "name", "bio", "location__slug")
    for service_id, staff_id, key, name, bio, slug in people.values_list("services", *columns).order_by():
        if staff_id not in persons:
            persons[staff_id] = Person(id=staff_id, key=key, name=name, bio=bio, location=slug or "")
        doing[service_id].append(persons[staff_id])
    own = {
        (each.service_id, each.staff_id): each.duration_minutes
        for each in ServiceDuration.objects.filter(service__in=rows, staff_id__in=persons)
    }
    found: list[Offer] = []
    for service in rows:
        who = sorted(doing[service.pk], key=lambda each: (each.name, each.id))
        if who:
            minutes = [own.get((service.pk, each.id), service.duration_minutes) for each in who]
            found.append(_offer(service, who, minutes))
    return found


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
