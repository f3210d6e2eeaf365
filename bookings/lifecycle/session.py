"""Changing a whole session, and noting what changes nothing (contract §3 "group", §2 "same code again")."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from bookings.busy import OCCUPYING, lock_staff, release, taken_as_conflict
from bookings.errors import BookingNotFound
from bookings.lifecycle import rules
from bookings.lifecycle.audit import record
from bookings.lifecycle.change import SLOT, How, apply
from bookings.lifecycle.outcome import Outcome
from bookings.models import Booking
from staff.actor import Actor
from staff.models import SalonSettings


def change_session(
    *,
    actor: Actor,
    session_id: int,
    changes: Mapping[str, Any],
    reason: str = "",
    allow_overlap: bool = False,
    notify_client: bool = True,
    salon: SalonSettings | None = None,
    now: datetime | None = None,
) -> list[Outcome]:
    """Make the same `changes` (as `change` takes them) to every booking of a session, which stays together.

    A move takes those that stand; the closed ones keep their times. All or nothing. Gives the outcomes
    oldest booking first. Raises BookingNotFound and what `change` raises.
    """
    salon = salon or SalonSettings.load()
    wanted: list[Booking] = []
    with taken_as_conflict(actor, wanted, zone=salon.zone), transaction.atomic():
        visible = Booking.objects.visible_to(actor).filter(session_id=session_id)
        members = list(rules.locked(visible))
        if not members:
            raise BookingNotFound
        moves = bool(SLOT & set(changes))
        standing = [member for member in members if member.status in OCCUPYING]
        party = uuid.uuid4() if moves or not standing else standing[0].party
        if moves:
            lock_staff(*{member.staff_id for member in members}, changes.get("staff_id", members[0].staff_id))
            for member in standing:
                release(member)
        how = How(reason=reason, overlap=allow_overlap, notify_client=notify_client, party=party)
        return [
            apply(actor=actor, booking=member, changes=changes, how=how, salon=salon, now=now, wanted=wanted)
            for member in (standing if moves and standing else members)
        ]


def note(*, actor: Actor, booking_id: int, reason: str, now: datetime | None = None) -> Booking:
    """Write an audit row for a call that changed nothing. Raises BookingNotFound."""
    with transaction.atomic():
        booking = rules.lock_booking(actor=actor, booking_id=booking_id)
        record(
            booking,
            actor=actor,
            from_status=booking.status,
            changes={},
            reason=reason,
            now=now or timezone.now(),
        )
    return booking
