"""What a client has chosen: services and people, by their keys (contract §9 "choose")."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from bookings.online.catalogue import Offer, Person, bookable_online, offers_of, open_locations
from bookings.slots.availability.wishes import MOST_ITEMS, AskedItem, Wish, check_begins
from staff.wire.refusals import BadRequest

NOT_OFFERED = "There is no such service; choose one from the booking page."
NOBODY = "There is no such person who does this; choose somebody from the booking page, or anybody."
CLASS_ALONE = "This is a class; book it by itself."


@dataclass(frozen=True, slots=True)
class Wanted:
    """One service as somebody typed or linked to it, by key. Without `staff_key` anybody may do it.

    `same_start`: it begins together with the one before it, and somebody else does it. Anything that is not
    a key of what is offered, an id too, is answered like one that does not exist.
    """

    service_key: str
    staff_key: str | None = None
    same_start: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """Found offers, each with the person who was asked for; None: anybody of `offer.people`."""

    offer: Offer
    person: Person | None
    same_start: bool = False

    @property
    def asked(self) -> AskedItem:
        """As availability searches it."""
        return AskedItem(
            self.offer.id,
            None if self.person is None else self.person.id,
            self.same_start,
            among=frozenset(each.id for each in self.offer.people),
        )


def chosen(wanted: Sequence[Wanted], *, location: str = "") -> list[Choice]:
    """The offers that are meant, hidden ones too: who has the key may book it. Four statements.

    Raises BadRequest, naming the item (`items.0.service`, `items.0.staff`), also for an unknown `location`
    (a slug), more than six items, and a class beside something else.
    """
    locations = open_locations()
    here = next((each for each in locations if each.slug == location), None)
    if location and here is None:
        raise BadRequest.field("location", "There is no such branch of this salon.")
    keys = [key_of(each.service_key) for each in wanted]
    services = bookable_online().filter(key__in=[key for key in keys if key is not None])
    return chosen_of(wanted, offers_of(services, here=here, alone=len(locations) == 1))


def chosen_of(wanted: Sequence[Wanted], offered: Iterable[Offer]) -> list[Choice]:
    """As `chosen`, of `offered` as they were read: no statement."""
    if not 1 <= len(wanted) <= MOST_ITEMS:
        raise BadRequest.field("items", f"Choose 1 to {MOST_ITEMS} services.")
    offers = {each.key: each for each in offered}
    choices: list[Choice] = []
    for number, each in enumerate(wanted):
        key = key_of(each.service_key)
        offer = offers.get(key) if key is not None else None
        if offer is None:
            raise BadRequest.field(f"items.{number}.service", NOT_OFFERED)
        if offer.seats > 1 and len(wanted) > 1:
            raise BadRequest.field(f"items.{number}.service", CLASS_ALONE)
        choices.append(Choice(offer, _person(each, offer, number), each.same_start))
    return choices


def wishes_of(choices: Sequence[Choice]) -> list[Wish]:
    """What `wishes_for` makes of them, of the offers as they were read: for looking, not for booking. No
    statement.

    Raises BadRequest for items that no search would find: one person for two that begin together.
    """
    check_begins([each.asked for each in choices], None)
    return [
        Wish(
            each.offer.service,
            tuple(sorted(person.id for person in ([each.person] if each.person else each.offer.people))),
            anybody=each.person is None,
            with_previous=each.same_start,
        )
        for each in choices
    ]


def _person(wanted: Wanted, offer: Offer, number: int) -> Person | None:
    if wanted.staff_key is None:
        return None
    key = key_of(wanted.staff_key)
    person = next((each for each in offer.people if each.key == key), None)
    if person is None:
        raise BadRequest.field(f"items.{number}.staff", NOBODY)
    return person


def keys_in(words: Iterable[str]) -> list[UUID]:
    """Those of the words that are keys; the others name nothing."""
    return [key for key in map(key_of, words) if key is not None]


def key_of(typed: str) -> UUID | None:
    """Only as we print it: an id, or a uuid in another form, is no key."""
    try:
        key = UUID(typed)
    except ValueError:
        return None
    return key if str(key) == typed.lower() else None
