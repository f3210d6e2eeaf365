"""A colour with a gap in which it develops, for the tests of parts (contract §7)."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from bookings.models import Booking, BusyTime
from staff.models import Service, ServiceDuration, Staff
from staff.salon.parts import PartJson
from tests.cast.bookings import Salon
from tests.cast.factories import caller, make_service

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
TUESDAY = "2026-03-24"


def work(minutes: int) -> PartJson:
    return {"kind": "work", "minutes": minutes}


def gap(minutes: int) -> PartJson:
    return {"kind": "gap", "minutes": minutes}


COLOUR = [work(30), gap(45), work(30)]
"""30 minutes of work, 45 in which it develops, 30 of work."""


def make_colour(salon: Salon, parts: list[PartJson] | None = None, **fields: Any) -> Service:
    """A service of 105 minutes unless `parts` say otherwise, which Bea and Cora offer."""
    kept = COLOUR if parts is None else parts
    minutes = sum(each["minutes"] for each in kept)
    colour = make_service("Colour", duration_minutes=minutes, parts=kept, **fields)
    for person in (salon.bea, salon.cora):
        person.services.add(colour)
    return colour


def own_minutes(person: Staff, service: Service, *parts: PartJson) -> ServiceDuration:
    return ServiceDuration.objects.create(
        staff=person,
        service=service,
        duration_minutes=sum(each["minutes"] for each in parts),
        parts=[] if len(parts) == 1 else list(parts),
    )


def post(salon: Salon, service: Service, time: str, end: str | None = None, **changes: Any) -> Any:
    """POST /api/bookings on the Tuesday of the cast, without an end unless one is given."""
    order = salon.order(service_id=service.pk, start_at=f"{TUESDAY} {time}:00", **changes)
    del order["end_at"]
    if end is not None:
        order["end_at"] = f"{TUESDAY} {end}:00"
    return caller(salon.ada).post("/api/bookings", order, format="json")


def booked(salon: Salon, service: Service, time: str, end: str | None = None, **changes: Any) -> Booking:
    answer = post(salon, service, time, end, **changes)
    assert answer.status_code == 200, answer.content
    booking: Booking = Booking.objects.get(pk=answer.json()["id"])
    return booking


def busy(of: Booking | None = None) -> list[tuple[str, str]]:
    """The busy times (of a booking) on the salon's wall clock, by their start."""
    rows = BusyTime.objects.all() if of is None else of.busy_times.all()
    return [(clock(row.starts_at), clock(row.ends_at)) for row in rows.order_by("starts_at", "ends_at")]


def clock(instant: datetime) -> str:
    return f"{instant.astimezone(AMSTERDAM):%H:%M}"
