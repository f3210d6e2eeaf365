"""Holds for a visit of several items: one token, a hold for each item (contract §7 "holds")."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction

from bookings.errors import HolidayClosed, SlotTaken
from bookings.models import Hold
from bookings.slots import holds
from bookings.slots.availability.chains import TOO_EARLY, TOO_LONG, Misfit, Placed, assign, explain
from bookings.slots.availability.fits import DESK
from bookings.slots.availability.wishes import AskedItem, Wish, everybody_in, wishes_for
from bookings.slots.busy import lock_staff, slot_guard, taken
from bookings.slots.neighbours import Buffers, VisitItem, buffers_within
from bookings.slots.refused_to_everybody import check_agenda
from staff.access.actor import Actor
from staff.models import SalonSettings
from staff.salon.durations import duration_of
from staff.wire.refusals import BadRequest, Refused


def keep_visit(
    *,
    actor: Actor,
    items: Sequence[AskedItem],
    start_at: datetime,
    minutes: int = holds.USUAL_MINUTES,
    salon: SalonSettings,
    now: datetime,
) -> list[Hold]:
    """Keep all `items` of a visit from `start_at` (UTC) on for `minutes`, or none: in their order, one token.

    Raises BadRequest (400, holiday included), Forbidden (somebody else's agenda), SlotTaken, NobodyFree
    (409). Everybody who may be chosen is locked first, in id order, so the choice is exact.
    """
    wishes = wishes_of(items, start_at=start_at, actor=actor)
    with slot_guard(actor=actor, zone=salon.zone), transaction.atomic():
        lock_staff(*everybody_in(wishes))
        placed = place(wishes, start_at=start_at, actor=actor, salon=salon, now=now)
        token, expires_at = holds.new_token(), now + timedelta(minutes=minutes)
        return [
            holds.write(
                staff_id=each.staff_id,
                service=wish.service,
                start_at=each.start_at,
                end_at=each.end_at,
                parts=each.parts,
                expires_at=expires_at,
                token=token,
                buffers=buffers,
                now=now,
            )
            for wish, each, buffers in zip(wishes, placed, _buffers(wishes, placed), strict=True)
        ]


def wishes_of(items: Sequence[AskedItem], *, start_at: datetime, actor: Actor) -> list[Wish]:
    """`wishes_for` somebody who with the personal agenda books only their own. Raises Forbidden too."""
    for each in items:
        if each.staff_id is not None:
            check_agenda(actor, each.staff_id)
    return wishes_for(items, start_at=start_at, only=actor.agenda_of)


def place(
    wishes: Sequence[Wish], *, start_at: datetime, actor: Actor, salon: SalonSettings, now: datetime
) -> list[Placed]:
    """What a client could book, as availability shows it, else what the desk could: who does what, and when.

    Under the locks of `everybody_in(wishes)`. Raises what speaks against the first item that does not fit:
    BadRequest, HolidayClosed, SlotTaken, NobodyFree.
    """
    placed = assign(wishes, start_at=start_at, salon=salon, now=now)
    if placed is None:
        placed = assign(wishes, start_at=start_at, salon=salon, now=now, binding=DESK)
    if placed is not None:
        return placed
    misfit = explain(wishes, start_at=start_at, salon=salon, now=now, binding=DESK, viewer=actor)
    raise _refusal(misfit, wishes, actor=actor, salon=salon)


def _buffers(wishes: Sequence[Wish], placed: Sequence[Placed]) -> list[Buffers]:
    return buffers_within(
        [
            VisitItem(each.staff_id, each.start_at, each.end_at, *Buffers.of(wish.service))
            for wish, each in zip(wishes, placed, strict=True)
        ]
    )


def _refusal(misfit: Misfit | None, wishes: Sequence[Wish], *, actor: Actor, salon: SalonSettings) -> Refused:
    """The words of a single hold where they are the same, with the number of the item."""
    if misfit is None:
        return SlotTaken()
    objection, wish, named = misfit.objection, wishes[misfit.item - 1], f"Item {misfit.item}: "
    if objection.code == HolidayClosed.code:
        return HolidayClosed(named + objection.message)
    if objection in (TOO_LONG, TOO_EARLY):
        return BadRequest.field("items", named + objection.message)
    if wish.anybody:
        return holds.NobodyFree(named + holds.NobodyFree.message)
    if misfit.stretch is None or misfit.staff_id is None:
        return SlotTaken(named + objection.message)
    parts = duration_of(wish.service, misfit.staff_id).parts
    wanted = holds.wanted_booking(misfit.staff_id, wish.service, *misfit.stretch, parts)
    refused = taken(wanted, actor=actor, zone=salon.zone)
    return SlotTaken(named + refused.message, conflicts=refused.conflicts)
