"""Finding sessions by key and by search: an appointment here is a session of ours (contract §4, §6)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from zoneinfo import ZoneInfo

from django.db.models import Q

from bookings import lifecycle
from bookings.dialects.eagenda.codes import CANCELED, RANKS, pairs_of
from bookings.dialects.eagenda.parse import Search
from bookings.errors import BookingNotFound
from bookings.models import Booking, BookingQuerySet
from staff.access.actor import Actor
from staff.salon.schedule import ONE_DAY
from staff.wire.times import day_start

JOINED = ("client", "service", "staff", "location")


def members_of(key: str, *, actor: Actor) -> list[Booking]:
    """The bookings of the session to which a booking with this key belongs, oldest first.

    Raises BookingNotFound, also for what is no UUID.
    """
    try:
        wanted = uuid.UUID(key)
    except ValueError:
        raise BookingNotFound("There is no appointment with this key.") from None
    visible = Booking.objects.visible_to(actor)
    named = visible.filter(key=wanted).values("session_id")
    members = list(visible.filter(session_id__in=named).select_related(*JOINED).order_by("id"))
    if not members:
        raise BookingNotFound("There is no appointment with this key.")
    return members


def held_members_of(key: str, *, actor: Actor) -> list[Booking]:
    """`members_of` for a write, locked until the caller's transaction ends: what they show is what is so."""
    lifecycle.lock_members(actor=actor, session_id=members_of(key, actor=actor)[0].session_id)
    return members_of(key, actor=actor)


def matching(search: Search, *, actor: Actor, zone: ZoneInfo) -> BookingQuerySet:
    """The first bookings of the sessions that match, by start."""
    visible = Booking.objects.visible_to(actor)
    found = visible
    if search.calendar_key is not None:
        found = found.filter(staff__key=search.calendar_key)
    if search.person_key is not None:
        found = found.filter(client__key=search.person_key)
    if search.session_id is not None:
        found = found.filter(session_id=search.session_id)
    if search.start_date is not None:
        found = found.filter(start_at__gte=day_start(search.start_date, zone=zone))
    if search.end_date is not None:
        found = found.filter(start_at__lt=day_start(search.end_date + ONE_DAY, zone=zone))
    if search.status is not None:
        found = _showing(found, visible, [search.status])
    if search.is_cancelled is not None:
        cancelled = _showing(found, visible, CANCELED)
        found = (
            cancelled if search.is_cancelled else found.exclude(session_id__in=cancelled.values("session_id"))
        )
    return visible.filter(pk__in=found.values("session_id")).order_by("start_at", "id")


def grouped(firsts: Sequence[Booking], *, actor: Actor) -> list[list[Booking]]:
    """The members of each of these sessions, in the order given. One statement."""
    members: dict[int, list[Booking]] = {first.pk: [] for first in firsts}
    visible = Booking.objects.visible_to(actor).filter(session_id__in=list(members))
    for booking in visible.select_related(*JOINED).order_by("id"):
        members[booking.session_id].append(booking)
    return list(members.values())


def _showing(found: BookingQuerySet, visible: BookingQuerySet, codes: Sequence[str]) -> BookingQuerySet:
    """Of `found`, those whose session shows one of `codes`: somebody has it and nobody outranks them."""
    outranking = RANKS[: min(RANKS.index(code) for code in codes)]
    own = found.filter(_with(codes))
    if not outranking:
        return own
    return own.exclude(session_id__in=visible.filter(_with(outranking)).values("session_id"))


def _with(codes: Sequence[str]) -> Q:
    shown = Q()
    for status, detail in pairs_of(*codes):
        shown |= Q(status=status, status_detail=detail)
    return shown
