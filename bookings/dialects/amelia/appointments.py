"""Sessions as Amelia knows them: one appointment with its bookings (contract §3, §6). Reads only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Count, Min, Q

from bookings.dialects.amelia.codes import (
    APPROVED,
    LIVE,
    PENDING,
    counted_by_status,
    shown_as,
    status_in_sql,
    status_of_all,
)
from bookings.errors import BookingNotFound
from bookings.models import Booking
from staff.access.actor import Actor
from staff.salon.schedule import ONE_DAY
from staff.wire.times import day_start

OURS = "amelia"
"""The key of `Booking.foreign_data` under which this dialect keeps what it says back."""


@dataclass(frozen=True, slots=True)
class Appointment:
    """One session. `bookings` are those that are not deleted, oldest first; at least one."""

    id: int
    bookings: list[Booking]

    @property
    def lead(self) -> Booking:
        """Who speaks for the appointment where all of a session should agree: the first that is live."""
        return next((each for each in self.bookings if shown_as(each) in LIVE), self.bookings[0])

    @property
    def start_at(self) -> datetime:
        return self.lead.start_at

    @property
    def length(self) -> timedelta:
        return self.lead.end_at - self.lead.start_at

    @property
    def status(self) -> str:
        seats = [(shown_as(each), each.persons) for each in self.bookings]
        return status_of_all(seats, min_capacity=self.lead.service.min_capacity)

    @property
    def durations(self) -> dict[int, int]:
        """Seconds by booking id: as sent, else the service's, while the longest live one is the session's."""
        length = int(self.length.total_seconds())
        usual = min(self.lead.service.duration_minutes * 60, length)
        sent = {each.pk: kept(each).get("duration") or usual for each in self.bookings}
        longest = max((sent[each.pk] for each in self.bookings if shown_as(each) in LIVE), default=length)
        return sent if longest == length else dict.fromkeys(sent, length)


@dataclass(frozen=True, slots=True)
class Search:
    """GET /appointments. `size` None: everything; dates are salon dates, both included."""

    dates: tuple[date, date] | None
    services: list[int]
    providers: list[int]
    locations: list[int]
    customers: list[int]
    statuses: list[str]
    offset: int
    size: int | None


@dataclass(frozen=True, slots=True)
class Found:
    """A page of appointments, and the totals over all pages."""

    appointments: list[Appointment]
    total: int
    approved: int
    pending: int


def kept(booking: Booking) -> dict[str, Any]:
    """What this dialect stored with the booking."""
    ours = booking.foreign_data.get(OURS)
    return ours if isinstance(ours, dict) else {}


def find_appointment(appointment_id: int, *, actor: Actor) -> Appointment:
    """Raises BookingNotFound, also when all of it was deleted."""
    found = find_appointments([appointment_id], actor=actor)
    if not found:
        raise BookingNotFound("There is no appointment with this id.")
    return found[0]


def find_appointments(session_ids: Iterable[int], *, actor: Actor) -> list[Appointment]:
    """In the order of the ids; what is not there is left out. One statement."""
    wanted = list(session_ids)
    rows = _not_deleted(actor).filter(session_id__in=wanted)
    return _grouped(wanted, rows.select_related("client", "service", "staff").order_by("pk"))


def search(wanted: Search, *, actor: Actor, zone: ZoneInfo) -> Found:
    """Three statements, however many there are."""
    sessions = _sessions(wanted, actor=actor, zone=zone)
    totals = sessions.aggregate(
        total=Count("session_id"),
        approved=Count("session_id", filter=Q(shown=APPROVED)),
        pending=Count("session_id", filter=Q(shown=PENDING)),
    )
    page = sessions.order_by("first_start", "session_id").values_list("session_id", flat=True)
    ids = list(page if wanted.size is None else page[wanted.offset : wanted.offset + wanted.size])
    inside = ids if wanted.size is not None else page.order_by()
    rows = _not_deleted(actor).filter(session_id__in=inside)
    return Found(
        appointments=_grouped(ids, rows.select_related("client", "service", "staff").order_by("pk")),
        **totals,
    )


def _sessions(wanted: Search, *, actor: Actor, zone: ZoneInfo) -> Any:
    """One row per session: session_id, first_start, shown (its status)."""
    rows = _not_deleted(actor)
    for column, ids in (
        ("service_id", wanted.services),
        ("staff_id", wanted.providers),
        ("location_id", wanted.locations),
    ):
        if ids:
            rows = rows.filter(**{f"{column}__in": ids})
    if wanted.customers:
        theirs = _not_deleted(actor).filter(client_id__in=wanted.customers)
        rows = rows.filter(session_id__in=theirs.order_by().values("session_id"))
    if wanted.dates is not None:
        first, last = wanted.dates
        begins, ends = day_start(first, zone=zone), day_start(last + ONE_DAY, zone=zone)
        rows = rows.filter(start_at__gte=begins, start_at__lt=ends)
    sessions = (
        rows.order_by()
        .values("session_id")
        .annotate(first_start=Min("start_at"), **counted_by_status())
        .annotate(shown=status_in_sql())
    )
    return sessions.filter(shown__in=wanted.statuses) if wanted.statuses else sessions


def _not_deleted(actor: Actor) -> Any:
    return Booking.objects.visible_to(actor).filter(amelia_deleted=False)


def _grouped(session_ids: Iterable[int], rows: Iterable[Booking]) -> list[Appointment]:
    members: dict[int, list[Booking]] = defaultdict(list)
    for row in rows:
        members[row.session_id].append(row)
    return [Appointment(each, members[each]) for each in session_ids if each in members]
