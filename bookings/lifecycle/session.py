"""Changing a whole session, and noting what changes nothing (contract §3 "group", §2 "same code again")."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from bookings.errors import BookingNotFound, SessionFull
from bookings.lifecycle import checks
from bookings.lifecycle.audit import record
from bookings.lifecycle.change import SLOT, apply
from bookings.lifecycle.how import AS_USUAL, How
from bookings.lifecycle.outcome import Outcome
from bookings.models import Booking
from bookings.slots.busy import lock_staff, release, slot_guard
from staff.access.actor import Actor
from staff.models import SalonSettings


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

    A move takes the closed ones along, so that all of a session share one time. All or nothing. Gives
    the outcomes oldest booking first. Raises BookingNotFound and what `change` raises, SessionFull also
    when another service has no room for all who stand.
    """
    salon = salon or SalonSettings.load()
    with slot_guard(actor=actor, zone=salon.zone), transaction.atomic():
        members = lock_members(actor=actor, session_id=session_id)
        standing = [member for member in members if member.stands]
        moving = [member for member in standing if _gives_up_its_time(member, changes)]
        staying = [member for member in standing if member not in moving]
        party = staying[0].party if staying else uuid.uuid4()
        if moving:
            lock_staff(*{member.staff_id for member in members}, changes.get("staff_id", members[0].staff_id))
            for member in moving:
                release(member)
        together = replace(how, party=party)
        outcomes = [
            apply(actor=actor, booking=member, changes=changes, how=together, salon=salon, now=now)
            for member in members
        ]
        if "service_id" in changes:
            check_all_fit(members)
        return outcomes


def lock_members(*, actor: Actor, session_id: int) -> list[Booking]:
    """The session's bookings, oldest first, locked until the caller's transaction ends.

    The first one is locked on its own before the others are read: who joined while we waited for it is
    then among them. Raises BookingNotFound when `actor` sees none.
    """
    checks.lock_session(session_id)
    members = list(checks.locked(Booking.objects.visible_to(actor).filter(session_id=session_id)))
    if not members:
        raise BookingNotFound
    return members


def check_all_fit(members: Sequence[Booking]) -> None:
    """Raises SessionFull when those who stand are more than their (new) service takes."""
    service = members[0].service
    persons = sum(member.persons for member in members if member.stands)
    if persons > service.max_capacity:
        raise SessionFull(f"{service.name} takes {service.max_capacity} persons; {persons} are booked.")


def _gives_up_its_time(booking: Booking, changes: Mapping[str, Any]) -> bool:
    """It moves or closes: all of a session do so together, so their time is free before the first of them."""
    if changes.get("status", booking.status) not in Booking.OCCUPYING:
        return True
    return any(getattr(booking, name) != changes[name] for name in SLOT & set(changes))


def note(*, actor: Actor, booking_id: int, reason: str, now: datetime | None = None) -> Booking:
    """Write an audit row for a call that changed nothing. Raises BookingNotFound."""
    with transaction.atomic():
        booking = checks.lock_booking(actor=actor, booking_id=booking_id)
        record(
            booking,
            actor=actor,
            from_status=booking.status,
            changes={},
            reason=reason,
            now=now or timezone.now(),
        )
    return booking
