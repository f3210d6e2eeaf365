"""What a visit is asked to consist of: services, and for each who may do it (contract §7 "availability")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from django.db.models import Q

from staff.models import Service, Staff
from staff.salon.parts import Duration
from staff.wire.refusals import BadRequest

MOST_ITEMS = 6


class AskedItem(NamedTuple):
    """An item as somebody sent it: without `staff_id`, anybody who offers the service may do it, of those in
    `among` where that is given."""

    service_id: int
    staff_id: int | None = None
    with_previous: bool = False
    start_at: datetime | None = None
    among: frozenset[int] | None = None


class WrongItem(BadRequest):
    """An item that no search would find; `number` counts from 1.

    Told of `items` as a whole, which a query has in one parameter; a form puts it `at_its_field`.
    """

    def __init__(self, number: int, field: str, sentence: str) -> None:
        told = f"Item {number}: {sentence}"
        super().__init__(f"items: {told}", details={"items": [told]})
        self._at_its_field = BadRequest.field(
            f"items.{number - 1}.{field}", f"{sentence[:1].upper()}{sentence[1:]}"
        )

    def at_its_field(self) -> BadRequest:
        return self._at_its_field


@dataclass(frozen=True, slots=True)
class Wish:
    """One item of a visit. `staff_ids`: who may do it; with `anybody` one of them is chosen for the client.

    `with_previous`: it begins when the item before it does, so somebody else does it. `start_at` (UTC): it
    begins then; else as soon as it can, once all items before it have ended. `lasting`: with these people as
    long, by staff id, whatever their minutes for the service are: as it is booked with them.
    """

    service: Service
    staff_ids: tuple[int, ...]
    anybody: bool = False
    with_previous: bool = False
    start_at: datetime | None = None
    lasting: Mapping[int, Duration] = field(default_factory=dict)


def wishes_for(
    asked: Sequence[AskedItem], *, start_at: datetime | None = None, only: int | None = None
) -> list[Wish]:
    """The wishes that `asked` stands for, of a visit that begins at `start_at`; "anybody" is `only`, if it
    is given. Two statements. Who says of an item the instant at which the one before it begins says that they
    begin together, as availability answers it.

    Raises BadRequest, which names the item, for what no search would find: an unknown service or person, a
    class, two instants or one person for items that begin together.
    """
    if not 1 <= len(asked) <= MOST_ITEMS:
        raise BadRequest.field("items", f"A visit has 1 to {MOST_ITEMS} items.")
    asked = _together(asked, start_at)
    services = Service.objects.filter(is_active=True).in_bulk({each.service_id for each in asked})
    offering = _who_offers(asked)
    wishes: list[Wish] = []
    for number, each in enumerate(asked, start=1):
        service = services.get(each.service_id)
        if service is None:
            gone = f"there is no service {each.service_id}, or it is no longer offered."
            raise WrongItem(number, "service_id", gone)
        if service.max_capacity > 1:
            raise WrongItem(number, "service_id", f"{service.name} is a class; it is booked by itself.")
        wishes.append(
            Wish(
                service,
                _who(each, number, offering, only=only),
                anybody=each.staff_id is None,
                with_previous=each.with_previous,
                start_at=each.start_at,
            )
        )
    check_begins(asked, start_at)
    return wishes


def _together(asked: Sequence[AskedItem], start_at: datetime | None) -> list[AskedItem]:
    found: list[AskedItem] = []
    begins: datetime | None = None
    for number, each in enumerate(asked):
        together = each.with_previous or (
            number > 0 and each.start_at is not None and each.start_at == begins
        )
        if not together:
            begins = each.start_at or (None if number else start_at)
        found.append(each._replace(with_previous=together))
    return found


def everybody_in(wishes: Sequence[Wish]) -> set[int]:
    """The ids of all who may be chosen: whom to lock before one is."""
    return {staff_id for wish in wishes for staff_id in wish.staff_ids}


def _who_offers(asked: Sequence[AskedItem]) -> dict[int, set[int]]:
    """The services of everybody who takes bookings and may be meant, by staff id."""
    named = {each.staff_id for each in asked if each.staff_id is not None}
    anybody_for = {each.service_id for each in asked if each.staff_id is None}
    people = Staff.objects.filter(
        Q(pk__in=named) | Q(services__in=anybody_for), is_active=True, bookable=True
    )
    offering: dict[int, set[int]] = {}
    for staff_id, service_id in people.order_by("pk").values_list("pk", "services").distinct():
        offering.setdefault(staff_id, set()).add(service_id)
    return offering


def _who(
    asked: AskedItem, number: int, offering: dict[int, set[int]], *, only: int | None
) -> tuple[int, ...]:
    if asked.staff_id is None:
        offers = (staff_id for staff_id, services in offering.items() if asked.service_id in services)
        allowed = (staff_id for staff_id in offers if asked.among is None or staff_id in asked.among)
        return tuple(staff_id for staff_id in allowed if only in (None, staff_id))
    if asked.staff_id not in offering:
        raise WrongItem(number, "staff_id", f"there is no staff member {asked.staff_id} who takes bookings.")
    return (asked.staff_id,)


def check_begins(asked: Sequence[AskedItem], start_at: datetime | None) -> None:
    """Raises BadRequest where items that begin at one instant say two, or name one person twice."""
    if asked[0].with_previous:
        raise WrongItem(1, "after", "nothing comes before the first item; it cannot begin with it.")
    if start_at is not None and asked[0].start_at not in (None, start_at):
        raise WrongItem(
            1, "start_at", "the visit begins with it; leave its start_at out, or send that of the visit."
        )
    together: list[AskedItem] = []
    for number, each in enumerate(asked, start=1):
        if not each.with_previous:
            together = []
        if each.staff_id is not None and any(each.staff_id == other.staff_id for other in together):
            raise WrongItem(
                number, "staff_id", "it begins with the item before it, so another person must do it."
            )
        if len({other.start_at for other in (*together, each)} - {None}) > 1:
            raise WrongItem(number, "start_at", "it begins with the item before it; leave start_at out.")
        together.append(each)
