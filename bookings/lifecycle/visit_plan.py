"""Who does each item of a visit, and when: found under the locks of everybody who may (contract §7)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bookings.errors import HolidayClosed, SlotTaken
from bookings.lifecycle.book import AgreedPrice
from bookings.models import Hold
from bookings.slots import holds
from bookings.slots.availability.chains import Placed, assign_earliest, explain
from bookings.slots.availability.fits import CLIENTS, DESK, OF_THE_FIRST_START
from bookings.slots.availability.wishes import AskedItem, Wish, WrongItem, everybody_in, wishes_for
from bookings.slots.busy import lock_staff
from bookings.slots.holds import NobodyFree
from bookings.slots.refused_to_everybody import bookable, check_agenda
from staff.access.actor import Actor
from staff.models import SalonSettings, Staff
from staff.salon.durations import duration_of
from staff.salon.parts import ONE_MINUTE
from staff.wire.refusals import BadRequest


@dataclass(frozen=True, slots=True)
class ItemOrder:
    """One service of a visit; times are UTC.

    Without `staff_id` somebody who offers it does it, of those in `among` where that is given; without
    `start_at` it follows the one before, or begins together with it (`same_start`).
    """

    service_id: int
    staff_id: int | None = None
    same_start: bool = False
    start_at: datetime | None = None
    staff_requested: bool = False
    price: AgreedPrice | None = None
    among: frozenset[int] | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where an item goes; `number` counts from 0, as the request's list does. Times are UTC."""

    number: int
    item: ItemOrder
    staff: Staff
    start_at: datetime
    end_at: datetime


def find_places(
    items: Sequence[ItemOrder],
    *,
    start_at: datetime,
    patience: timedelta = timedelta(),
    hold_token: str | None = None,
    by_client: bool = False,
    overlap: bool = False,
    actor: Actor,
    salon: SalonSettings,
    now: datetime,
) -> list[Place]:
    """Lock everybody who may do one of the items, in id order, and say who does it when.

    It begins at `start_at`, or at the first minute of the `patience` after it at which all are free. Who is
    named gets the item also where it does not fit: the database then refuses it, or takes it with `overlap`.
    Raises BadRequest, Forbidden, NobodyFree.
    """
    if hold_token is not None:
        items = _as_held(items, hold_token)
    wishes = _wishes(items, start_at=start_at, actor=actor)
    people = lock_staff(*everybody_in(wishes))
    if hold_token is not None:
        holds.take_over_all(token=hold_token, staff_ids=people, now=now)
    placed = assign_earliest(
        wishes,
        starts=[start_at + ONE_MINUTE * number for number in range(patience // ONE_MINUTE + 1)],
        salon=salon,
        now=now,
        # For the desk within working hours where that can be, else by who is free alone.
        bindings=[CLIENTS] if by_client else [CLIENTS - OF_THE_FIRST_START, DESK],
    )
    if placed is None:
        binding = CLIENTS if by_client else DESK
        misfit = explain(wishes, start_at=start_at, salon=salon, now=now, binding=binding)
        if misfit is not None and misfit.objection.code != SlotTaken.code:
            if misfit.objection.code == HolidayClosed.code:
                raise HolidayClosed(misfit.objection.message)
            name = f"items.{misfit.item - 1}.start_at"
            raise BadRequest.field(name, misfit.objection.message, code=misfit.objection.code)
        if not overlap and any(each.staff_id is None for each in items):
            raise NobodyFree
        placed = _one_after_the_other(wishes, start_at=start_at)
    return _places(items, placed, people)


def _as_held(items: Sequence[ItemOrder], token: str) -> list[ItemOrder]:
    """What an item leaves open is as it is held."""
    held = list(Hold.objects.filter(token=token).order_by("pk"))
    if len(held) != len(items):
        return list(items)
    return [
        replace(each, staff_id=each.staff_id or hold.staff_id, start_at=each.start_at or hold.start_at)
        for each, hold in zip(items, held, strict=True)
    ]


def who_may_do(items: Sequence[ItemOrder], *, actor: Actor) -> set[int]:
    """The ids of everybody whom `find_places` will lock. Raises BadRequest, Forbidden."""
    return everybody_in(_wishes(items, start_at=None, actor=actor))


def _wishes(items: Sequence[ItemOrder], *, start_at: datetime | None, actor: Actor) -> list[Wish]:
    for each in items:
        if each.staff_id is not None:
            check_agenda(actor, each.staff_id)
    asked = [
        AskedItem(each.service_id, each.staff_id, each.same_start, each.start_at, each.among)
        for each in items
    ]
    try:
        return wishes_for(asked, start_at=start_at, only=actor.agenda_of)
    except WrongItem as wrong:
        raise wrong.at_its_field() from wrong


def _places(items: Sequence[ItemOrder], placed: Sequence[Placed], people: dict[int, Staff]) -> list[Place]:
    return [
        Place(number, item, bookable(people.get(each.staff_id), each.staff_id), each.start_at, each.end_at)
        for number, (item, each) in enumerate(zip(items, placed, strict=True))
    ]


def _one_after_the_other(wishes: Sequence[Wish], *, start_at: datetime) -> list[Placed]:
    """As if everybody were free."""
    placed: list[Placed] = []
    reached = start_at
    for wish in wishes:
        staff_id = wish.staff_ids[0]
        duration = duration_of(wish.service, staff_id)
        begins = wish.start_at or (placed[-1].start_at if wish.with_previous else reached)
        placed.append(Placed(staff_id, begins, begins + duration.length, duration.parts))
        reached = max(reached, begins + duration.length)
    return placed


@contextmanager
def naming_item(number: int, *, under: str = "items") -> Iterator[None]:
    """What refuses a field inside the block says of which item it is."""
    try:
        yield
    except BadRequest as refused:
        if refused.details is not None:
            refused.details = {f"{under}.{number}.{name}": told for name, told in refused.details.items()}
            refused.message = f"{under}.{number}.{refused.message}"
        raise
