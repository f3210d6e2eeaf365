"""Rows for the tests of availability, holds and the waitlist, written without the door."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils import timezone

from bookings.models import Booking, BusyTime, Hold
from bookings.slots.busy import occupy
from clients.models import Client
from staff.models import Service, Staff

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
MONDAY_NOON = datetime(2026, 11, 23, 11, 0, tzinfo=UTC)
"""Monday 2026-11-23 12:00 in Amsterdam."""


def at(text: str, zone: ZoneInfo = AMSTERDAM) -> datetime:
    """The instant of a wall-clock time, in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


def booked(
    person: Staff,
    service: Service,
    start_at: datetime,
    *,
    client: Client | None = None,
    minutes: int | None = None,
) -> Booking:
    """A scheduled booking that occupies the person, buffers included."""
    now = timezone.now()
    booking = Booking.objects.create(
        client=client,
        staff=person,
        service=service,
        start_at=start_at,
        end_at=start_at + timedelta(minutes=minutes or service.duration_minutes),
        buffer_before_minutes=service.buffer_before_minutes,
        buffer_after_minutes=service.buffer_after_minutes,
        created_at=now,
        updated_at=now,
    )
    occupy(booking, overlap=False, now=now)
    return booking


def held(
    person: Staff,
    service: Service,
    start_at: datetime,
    end_at: datetime,
    *,
    expires_at: datetime,
    token: str = "",
) -> Hold:
    """A hold with its busy time, without buffers."""
    hold = Hold.objects.create(
        token=token or uuid.uuid4().hex,
        staff=person,
        service=service,
        start_at=start_at,
        end_at=end_at,
        expires_at=expires_at,
        created_at=expires_at - timedelta(minutes=5),
    )
    BusyTime.objects.create(
        staff=person, party=hold.party, starts_at=start_at, ends_at=end_at, hold=hold, expires_at=expires_at
    )
    return hold
