"""Keeping a time for somebody without a login (contract §9 "send", "API twin").

At most: one live hold that an address asked for, one for a contact whose code is on its way, two of both for
an address, of which a new one gives the oldest free; 20 in the salon.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet

from bookings.errors import SlotTaken
from bookings.models import Booking, Hold, MailedCode, PublicHold
from bookings.online.choice import Choice
from bookings.online.digests import digest
from bookings.online.starts import starts
from bookings.online.submission import NotOffered
from bookings.slots import holds
from bookings.slots.availability.chains import Placed, assign, explain
from bookings.slots.availability.starts import lies_on_grid
from bookings.slots.availability.wishes import AskedItem, wishes_for
from bookings.slots.visit_holds import keep_visit
from staff.access.actor import Actor
from staff.models import SalonSettings
from staff.wire.refusals import BadRequest, TooMany
from staff.wire.times import local_date

MOST_IN_SALON = 20
MOST_OF_ADDRESS = 2
MINUTES = 5
CODE_MINUTES = 10


class ProofNeeded(BadRequest):
    code = "proof_needed"
    message = "Solve a challenge of /api/public/challenge first, and send it as proof; each counts once."


class TooManyHolds(TooMany):
    message = "Many people are choosing a time at this moment; try again in some minutes."


@dataclass(frozen=True, slots=True)
class Held:
    """What is kept until `expires_at` (UTC), with one token for all of it."""

    token: str
    expires_at: datetime
    items: Sequence[Hold]


def stranger(door: str, name: str = "", client_id: int | None = None) -> Actor:
    """Somebody without a login, through `door`: page or public."""
    return Actor(type="client", id=client_id, name=name, channel=door)


def take_turn() -> None:
    """Submissions and holds of strangers come one at a time: what is counted then is exact.

    The first lock of the transaction; SQLite has one writer anyhow.
    """
    list(SalonSettings.objects.select_for_update(no_key=True).filter(pk=1).values_list("pk"))


def keep_for_address(
    choices: Sequence[Choice], *, start_at: datetime, address: str, salon: SalonSettings, now: datetime
) -> Held:
    """POST /api/public/holds: five minutes; an earlier such hold of this address is given free.

    In the caller's transaction, after `take_turn`. Raises NotOffered (400), SlotTaken (409), TooManyHolds
    (429). That the proof was given, the caller has seen to.
    """
    who = digest("address", address)
    live = _live(now=now)
    _give_free(live.filter(address=who, contact=""))
    _make_room(live.filter(address=who))
    if live.count() >= MOST_IN_SALON:
        raise TooManyHolds(retry_after=60)
    return _keep(choices, start_at=start_at, minutes=MINUTES, address=who, contact="", salon=salon, now=now)


def keep_for_code(
    choices: Sequence[Choice],
    *,
    start_at: datetime,
    address: str,
    contact: str,
    instead_of: str = "",
    salon: SalonSettings,
    now: datetime,
) -> Held | None:
    """Ten minutes, while the code is on its way; None where no more may be kept for them, which is no error.

    A contact's earlier hold from the same address is given free; from another one it stays, and is theirs
    again where it keeps just this (until it expires, no longer). `contact` is a digest; `instead_of`: the
    token of a hold of theirs that this one follows. In the caller's transaction, after `take_turn`. Raises as
    `keep_for_address`.
    """
    who = digest("address", address)
    live = _live(now=now)
    _give_free(live.filter(address=who, contact=contact))
    _give_free(live.filter(token=instead_of))
    theirs = live.filter(contact=contact).first()
    if theirs is not None:
        kept = kept_for(choices, token=theirs.token, start_at=start_at)
        if kept:
            return Held(theirs.token, theirs.expires_at, kept)
    else:
        _make_room(live.filter(address=who))
    if theirs is not None or live.count() >= MOST_IN_SALON:
        require_offered(choices, start_at=start_at, salon=salon, now=now)
        return None
    return _keep(
        choices,
        start_at=start_at,
        minutes=CODE_MINUTES,
        address=who,
        contact=contact,
        salon=salon,
        now=now,
    )


def own_token(token: str, *, now: datetime) -> str | None:
    """`token` where it is a live hold that was made at a public door; any other counts as none."""
    if not token or not PublicHold.objects.filter(token=token).exists():
        return None
    return token if Hold.objects.filter(token=token, expires_at__gt=now).exists() else None


def kept_for(choices: Sequence[Choice], *, token: str | None, start_at: datetime) -> list[Hold]:
    """The holds with `token` where they keep these services, with the people asked for, from `start_at` on;
    else none."""
    if not token:
        return []
    kept = list(Hold.objects.filter(token=token).order_by("pk"))
    fit = len(kept) == len(choices) and all(
        hold.service_id == each.offer.id and (each.person is None or hold.staff_id == each.person.id)
        for hold, each in zip(kept, choices, strict=True)
    )
    return kept if fit and kept[0].start_at == start_at else []


def forget_holds(*, now: datetime) -> int:
    """Periodic: whose holds that were; gives how many."""
    return PublicHold.objects.filter(expires_at__lte=now).delete()[0]


def offered_at(
    choices: Sequence[Choice], *, start_at: datetime, salon: SalonSettings, now: datetime
) -> list[Placed] | None:
    """Who would do what if it began then, as a client may book it; None where nobody can."""
    if choices[0].offer.seats == 1:
        if not on_grid(choices, start_at=start_at, salon=salon):
            return None
        wishes = wishes_for([each.asked for each in choices], start_at=start_at)
        return assign(wishes, start_at=start_at, salon=salon, now=now)
    day = local_date(start_at, zone=salon.zone)
    found = starts(choices, first=day, days=1, salon=salon, now=now)
    start = next((each for each in found[0].starts if each.start_at == start_at), None)
    if start is None:
        return None
    [item] = start.items
    person = next(each for each in choices[0].offer.people if str(each.key) == item.staff_key)
    return [Placed(person.id, item.start_at, item.end_at, ())]


def on_grid(choices: Sequence[Choice], *, start_at: datetime, salon: SalonSettings) -> bool:
    """Whether it is a start that availability shows, or would if nobody were in the way."""
    first = choices[0]
    people = [each.id for each in first.offer.people if first.person in (None, each)]
    return lies_on_grid(start_at, staff_ids=people, salon=salon)


def require_offered(
    choices: Sequence[Choice], *, start_at: datetime, salon: SalonSettings, now: datetime
) -> list[Placed]:
    """Raises SlotTaken where only somebody else is in the way, else NotOffered."""
    placed = offered_at(choices, start_at=start_at, salon=salon, now=now)
    if placed is not None:
        return placed
    if choices[0].offer.seats == 1:
        if not on_grid(choices, start_at=start_at, salon=salon):
            raise NotOffered
        wishes = wishes_for([each.asked for each in choices], start_at=start_at)
        misfit = explain(wishes, start_at=start_at, salon=salon, now=now)
        if misfit is not None and misfit.objection.code != SlotTaken.code:
            raise NotOffered
    elif not (on_grid(choices, start_at=start_at, salon=salon) or _class_at(choices[0], start_at)):
        raise NotOffered
    raise SlotTaken


def _class_at(choice: Choice, start_at: datetime) -> bool:
    """Whether it stands there, full perhaps: the desk may begin one off the grid."""
    return Booking.objects.occupying().filter(service_id=choice.offer.id, start_at=start_at).exists()


def _keep(
    choices: Sequence[Choice],
    *,
    start_at: datetime,
    minutes: int,
    address: str,
    contact: str,
    salon: SalonSettings,
    now: datetime,
) -> Held:
    placed = require_offered(choices, start_at=start_at, salon=salon, now=now)
    actor, first = stranger("public"), choices[0].offer
    if first.seats > 1:
        one = holds.keep(
            actor=actor,
            service_id=first.id,
            staff_id=placed[0].staff_id,
            start_at=start_at,
            minutes=minutes,
            salon=salon,
            now=now,
        )
        kept = [one]
    else:
        items = [
            AskedItem(each.offer.id, where.staff_id, each.same_start, where.start_at)
            for each, where in zip(choices, placed, strict=True)
        ]
        kept = keep_visit(actor=actor, items=items, start_at=start_at, minutes=minutes, salon=salon, now=now)
    token, expires_at = kept[0].token, now + timedelta(minutes=minutes)
    PublicHold.objects.create(token=token, address=address, contact=contact, expires_at=expires_at)
    return Held(token, expires_at, kept)


def _live(*, now: datetime) -> QuerySet[PublicHold]:
    return PublicHold.objects.filter(expires_at__gt=now).order_by("pk")


def _make_room(mine: QuerySet[PublicHold]) -> None:
    """For one more of this address: the oldest go."""
    stay = list(mine.order_by("-pk").values_list("pk", flat=True)[: MOST_OF_ADDRESS - 1])
    _give_free(mine.exclude(pk__in=stay))


def _give_free(mine: QuerySet[PublicHold]) -> None:
    """A code that was mailed meanwhile books as ever, where the time is still free."""
    tokens = list(mine.values_list("token", flat=True))
    for token in tokens:
        with suppress(holds.HoldNotFound):
            holds.release(token=token)
    MailedCode.objects.filter(hold_token__in=tokens).update(hold_token="")
    PublicHold.objects.filter(token__in=tokens).delete()
