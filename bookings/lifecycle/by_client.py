"""What a client does with their own visit, by the link to its page (contract §8; docs/adr/0085).

Each is asked under the visit's lock: whether the link is still theirs, whether the visit is still what they
were shown, whether the salon's terms allow it. A refusal stores nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import transaction

from bookings import webhooks
from bookings.errors import LinkVoid, NotAllowed, ShownChanged, SlotTaken
from bookings.lifecycle import visit_row
from bookings.lifecycle.client_terms import ClientTerms, standing, terms_for
from bookings.lifecycle.how import How
from bookings.lifecycle.locks import begin_again
from bookings.lifecycle.visit_items import Step, change_items
from bookings.lifecycle.visit_scope import ONE, lock_visits_in
from bookings.models import Booking, Visit
from bookings.slots.availability.chains import Placed
from bookings.slots.availability.moving import place_to_move, wishes_to_move
from bookings.slots.availability.wishes import Wish, everybody_in
from bookings.slots.busy import lock_staff, slot_guard
from staff.access.actor import Actor
from staff.models import SalonSettings


@dataclass(frozen=True, slots=True)
class ClientRequest:
    """Somebody with a link to a visit, `nonce` being the one of the link, who was `shown` it (`fingerprint`).

    `channel`: "page" or "public".
    """

    visit_id: int
    nonce: int
    shown: str
    channel: str


@dataclass(frozen=True, slots=True)
class _Locked:
    visit: Visit
    terms: ClientTerms
    actor: Actor


Act = Callable[[_Locked], None]


def fingerprint(visit: Visit) -> str:
    """What a page shows of the visit, in short: another value means that it showed something else."""
    shown: list[tuple[Any, ...]] = [
        (each.pk, each.status, each.start_at, each.end_at, each.staff_id, each.service_id, each.total_price)
        for each in visit.items
        if each.status != Booking.Status.CANCELLED
    ]
    return hashlib.sha256(repr(shown).encode()).hexdigest()[:16]


def confirm_by_client(request: ClientRequest, *, salon: SalonSettings, now: datetime) -> Visit:
    """ "I will come"; a second time changes nothing. Raises LinkVoid, ShownChanged, NotAllowed, TooLate."""

    def confirm(locked: _Locked) -> None:
        locked.terms.check_open()
        if locked.visit.status != Booking.Status.SCHEDULED:
            raise NotAllowed("This appointment is not certain yet.")
        if locked.visit.client_confirmed_at is not None:
            return
        event = visit_row.confirm(locked.visit, confirmed=True, actor=locked.actor, now=now)
        webhooks.announce([event], now=now)

    return _act(request, confirm, salon=salon, now=now)


def cancel_by_client(request: ClientRequest, *, reason: str, salon: SalonSettings, now: datetime) -> Visit:
    """The whole visit, with the detail `client`. Raises LinkVoid, ShownChanged, NotAllowed, TooLate."""

    def cancel(locked: _Locked) -> None:
        locked.terms.check_cancel()
        locked.visit.late = locked.terms.cancel_is_late
        changes = {"status": Booking.Status.CANCELLED, "status_detail": "client"}
        _change(locked, [Step(each, changes) for each in standing(locked.visit)], reason=reason, now=now)

    return _act(request, cancel, salon=salon, now=now)


def note_by_client(request: ClientRequest, *, notes: str, salon: SalonSettings, now: datetime) -> Visit:
    """The note to the salon, of all that stands. Raises LinkVoid, ShownChanged, NotAllowed, TooLate."""

    def note(locked: _Locked) -> None:
        locked.terms.check_open()
        _change(locked, [Step(each, {"notes": notes}) for each in standing(locked.visit)], now=now)

    return _act(request, note, salon=salon, now=now)


def move_by_client(
    request: ClientRequest,
    *,
    start_at: datetime,
    staff_ids: Sequence[int] | None,
    salon: SalonSettings,
    now: datetime,
) -> Visit:
    """To `start_at` (UTC), done by `staff_ids` in the order of the items; None: by whom they are now.

    Raises LinkVoid, ShownChanged, NotAllowed, TooLate, RescheduleLimitReached, and SlotTaken where a client
    could not book it.
    """

    def move(locked: _Locked) -> None:
        locked.terms.check_move()
        items = standing(locked.visit)
        wishes = _by_whom(items, staff_ids, salon=salon)
        lock_staff(*everybody_in(wishes), *(each.staff_id for each in items))
        placed = place_to_move(wishes, items, start_at=start_at, salon=salon, now=now)
        if placed is None:
            raise SlotTaken
        steps = [Step(item, _moved_to(item, place)) for item, place in zip(items, placed, strict=True)]
        if all(
            getattr(each.booking, name) == value for each in steps for name, value in each.changes.items()
        ):
            return
        locked.visit.client_moves += 1
        locked.visit.late = locked.visit.late or locked.terms.move_is_late
        _change(locked, steps, now=now)

    return _act(request, move, salon=salon, now=now)


@begin_again
def _act(request: ClientRequest, act: Act, *, salon: SalonSettings, now: datetime) -> Visit:
    with slot_guard(actor=_NOBODY, zone=salon.zone), transaction.atomic():
        [visit] = lock_visits_in(ONE, actor=_NOBODY, visit_id=request.visit_id, now=now)
        if visit.client is None or visit.link_nonce != request.nonce:
            raise LinkVoid
        if fingerprint(visit) != request.shown:
            raise ShownChanged
        client = visit.client
        actor = Actor(type="client", id=client.pk, name=client.name, channel=request.channel)
        act(_Locked(visit, terms_for(visit, salon=salon, now=now), actor))
    return visit


_NOBODY = Actor(type="client", id=None, name="", channel="page")


def _change(locked: _Locked, steps: Sequence[Step], *, reason: str = "", now: datetime) -> None:
    salon = locked.terms.salon
    change_items(steps, actor=locked.actor, how=How(reason=reason), salon=salon, now=now)


def _by_whom(
    items: Sequence[Booking], staff_ids: Sequence[int] | None, *, salon: SalonSettings
) -> list[Wish]:
    """Raises NotAllowed for somebody the client may not take."""
    if staff_ids is None or list(staff_ids) == [each.staff_id for each in items]:
        return wishes_to_move(items, salon=salon, others=False)
    wishes = wishes_to_move(items, salon=salon, others=True)
    if len(staff_ids) != len(wishes) or any(
        staff_id not in wish.staff_ids for staff_id, wish in zip(staff_ids, wishes, strict=False)
    ):
        raise NotAllowed("This appointment cannot be moved to that person here; please contact the salon.")
    return [replace(wish, staff_ids=(staff_id,)) for staff_id, wish in zip(staff_ids, wishes, strict=True)]


def _moved_to(item: Booking, place: Placed) -> dict[str, Any]:
    """Another person than the one the client had asked for is their own choice too."""
    changes: dict[str, Any] = {"start_at": place.start_at, "end_at": place.end_at}
    if place.staff_id != item.staff_id:
        changes |= {"staff_id": place.staff_id, "parts": list(place.parts), "staff_requested": False}
    return changes
