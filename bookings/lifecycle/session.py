"""Changing a whole session, and noting what changes nothing (contract §3 "group", §2 "same code again")."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils import timezone

from bookings import waitlist
from bookings.errors import BookingNotFound, SessionFull
from bookings.lifecycle import effects
from bookings.lifecycle.audit import record
from bookings.lifecycle.change import write
from bookings.lifecycle.edit import SLOT
from bookings.lifecycle.how import AS_USUAL, How
from bookings.lifecycle.locks import VisitChanged, begin_again, lock_booking, lock_bookings
from bookings.lifecycle.outcome import Outcome
from bookings.models import Booking, Hold
from bookings.slots import holds
from bookings.slots.busy import lock_staff, release, slot_guard
from staff.access.actor import Actor
from staff.models import SalonSettings
from staff.wire.times import local_date

COMES = SLOT | {"client_id", "status"}
"""What decides whether a booking fulfils what its client waits for."""


@begin_again
def change_session(
    *,
    actor: Actor,
    session_id: int,
    changes: Mapping[str, Any],
    how: How = AS_USUAL,
    salon: SalonSettings | None = None,
    now: datetime | None = None,
) -> list[Outcome]:
    """Make the same `changes` (as `change` takes them) to every booking of a session, which stays together.

    A move takes the closed ones and the seats that holds keep along, so that all share one time. All or
    nothing. Gives the outcomes oldest booking first. Raises BookingNotFound and what `change` raises,
    SessionFull also when another service has no room for all who stand.
    """
    salon = salon or SalonSettings.load()
    with slot_guard(actor=actor, zone=salon.zone), transaction.atomic():
        members = lock_members(actor=actor, session_id=session_id)
        standing = [member for member in members if member.stands]
        moving = [member for member in standing if _gives_up_its_time(member, changes)]
        staying = [member for member in standing if member not in moving]
        party = staying[0].party if staying else uuid.uuid4()
        waited, held = False, list[Hold]()
        if moving:
            now = now or timezone.now()
            lock_staff(*{member.staff_id for member in members}, changes.get("staff_id", members[0].staff_id))
            waited = lock_who_comes([(member, changes) for member in members], zone=salon.zone)
            if not staying and changes.get("status", moving[0].status) in Booking.OCCUPYING:
                held = holds.lift(party=moving[0].party, staff_id=moving[0].staff_id, now=now)
            release(*moving)
        together = replace(how, party=party)
        written = [
            write(actor=actor, booking=member, changes=changes, how=together, salon=salon, now=now)
            for member in members
        ]
        if held:
            holds.seat(held, beside=next(member for member in members if member.stands))
        if held or "service_id" in changes:
            check_all_fit(members, held=held)
        made = [each.made for each in written if each is not None]
        dues = iter(effects.set_all_in_motion(made, queueing=not (waited or how.among_others)))
        return [
            Outcome(booking=member, changed=False) if each is None else each.outcome(dues=next(dues))
            for member, each in zip(members, written, strict=True)
        ]


def lock_members(*, actor: Actor, session_id: int) -> list[Booking]:
    """The session's bookings, oldest first, locked until the caller's transaction ends.

    Who joins locks the first one, so after it nobody more comes; who joined while we waited for it makes
    this begin again (VisitChanged). Raises BookingNotFound when `actor` sees none.
    """
    known = Booking.objects.filter(session_id=session_id).order_by()
    found = lock_bookings(list(known.values_list("pk", flat=True)))
    present = list(known.values_list("pk", flat=True))
    if not set(present) <= set(found):
        raise VisitChanged
    seen = Booking.objects.visible_to(actor)
    if actor.agenda_of is not None:
        present = list(seen.filter(pk__in=present).values_list("pk", flat=True))
    if not present:
        raise BookingNotFound
    return [found[pk] for pk in sorted(present)]


def lock_who_comes(
    changes: Collection[tuple[Booking, Mapping[str, Any]]],
    *,
    more: Collection[waitlist.Coming] = (),
    zone: ZoneInfo,
) -> bool:
    """The clients whom changes of several bookings concern, then what they wait for; `more` is to be booked
    beside. After `lock_staff`. Gives whether a waitlist entry is locked."""
    comings = [coming for booking, wanted in changes for coming in _comes_to(booking, wanted, zone=zone)]
    counted = {
        client_id
        for booking, wanted in changes
        if "client_id" in wanted or Booking.Status.NO_SHOW in (booking.status, wanted.get("status"))
        for client_id in (booking.client_id, wanted.get("client_id"))
    }
    return waitlist.lock_open_entries([*comings, *more], counted=counted)


def _comes_to(booking: Booking, changes: Mapping[str, Any], *, zone: ZoneInfo) -> Iterator[waitlist.Coming]:
    """What it comes to by the changes, if its client may have waited for that."""
    if changes.get("status", booking.status) in Booking.OCCUPYING and COMES & set(changes):
        yield waitlist.Coming(
            client_id=changes.get("client_id", booking.client_id),
            service_id=changes.get("service_id", booking.service_id),
            date=local_date(changes.get("start_at", booking.start_at), zone=zone),
        )


def check_all_fit(members: Sequence[Booking], *, held: Sequence[Hold] = ()) -> None:
    """Raises SessionFull when who stands and the seats `held` are more than the (new) service takes."""
    service = members[0].service
    booked = sum(member.persons for member in members if member.stands)
    kept = sum(hold.persons for hold in held)
    if booked + kept > service.max_capacity:
        more = f" and {kept} held" if kept else ""
        raise SessionFull(f"{service.name} takes {service.max_capacity} persons; {booked} are booked{more}.")


def _gives_up_its_time(booking: Booking, changes: Mapping[str, Any]) -> bool:
    """It moves or closes: all of a session do so together, so their time is free before the first of them."""
    if changes.get("status", booking.status) not in Booking.OCCUPYING:
        return True
    return any(getattr(booking, name) != changes[name] for name in SLOT & set(changes))


@begin_again
def note(*, actor: Actor, booking_id: int, reason: str, now: datetime | None = None) -> Booking:
    """Write an audit row for a call that changed nothing. Raises BookingNotFound."""
    with transaction.atomic():
        booking = lock_booking(actor=actor, booking_id=booking_id)
        record(
            booking,
            actor=actor,
            from_status=booking.status,
            changes={},
            reason=reason,
            now=now or timezone.now(),
        )
    return booking
