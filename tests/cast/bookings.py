"""A small salon for the booking tests: Bea cuts Alice's hair, Ada administers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bookings.models import Booking, BookingEvent, BusyTime
from clients.models import Client
from notifications.models import Job, Message, Notification
from staff.models import Service, Staff
from tests.cast.factories import (
    caller,
    make_ada,
    make_alice,
    make_bea,
    make_client,
    make_cora,
    make_hours,
    make_salon,
    make_service,
)
from tests.cast.rows import Rows, rows_of

MORNING = datetime(2026, 3, 20, 8, 0, tzinfo=UTC)
"""Friday 20 March 2026, 9:00 in Amsterdam: four days before the booking of the cast."""


@dataclass
class Salon:
    service: Service
    bea: Staff
    cora: Staff
    ada: Staff
    alice: Client
    bob: Client

    def order(self, **changes: Any) -> dict[str, Any]:
        """An hour with Bea for Alice on Tuesday 24 March 2026, 10:00 in Amsterdam, with `changes`."""
        return {
            "client_id": self.alice.pk,
            "staff_id": self.bea.pk,
            "service_id": self.service.pk,
            "start_at": "2026-03-24 10:00:00",
            "end_at": "2026-03-24 11:00:00",
            **changes,
        }

    def book(self, **changes: Any) -> dict[str, Any]:
        answer = caller(self.ada).post("/api/bookings", self.order(**changes), format="json")
        assert answer.status_code == 200, answer.content
        body: dict[str, Any] = answer.json()
        return body

    def put(self, booking: dict[str, Any], body: Any, *, who: Staff | None = None, **headers: str) -> Any:
        path = f"/api/bookings/{booking['id']}"
        return caller(who or self.ada).put(path, body, format="json", headers=headers)

    def delete(self, booking: dict[str, Any], *, who: Staff | None = None, **headers: str) -> Any:
        return caller(who or self.ada).delete(f"/api/bookings/{booking['id']}", headers=headers)

    def get(self, booking: dict[str, Any], *, who: Staff | None = None) -> Any:
        return caller(who or self.ada).get(f"/api/bookings/{booking['id']}")


def make_cast(**settings: Any) -> Salon:
    make_salon(**settings)
    service = make_service()
    bea, cora = make_bea(services=[service]), make_cora(services=[service])
    make_hours(bea)
    make_hours(cora)
    return Salon(service, bea, cora, make_ada(), make_alice(), make_client("Bob", "Brown"))


def jobs(booking: dict[str, Any] | None = None) -> list[tuple[str, str]]:
    """Type and state of every job (of the booking), oldest first."""
    found = Job.objects.order_by("id")
    if booking is not None:
        found = found.filter(booking_id=booking["id"])
    return list(found.values_list("type", "state"))


STORED = (Booking, BookingEvent, BusyTime, Job, Message, Notification)
"""What a booking call may write."""


def stored() -> Rows:
    """Equal before and after a refusal."""
    return rows_of(STORED)


def told(booking: dict[str, Any], status: str = "scheduled") -> None:
    """As if every pending mail about the booking had been sent: the client believes what stands."""
    now = Booking.objects.get(pk=booking["id"])
    Job.objects.filter(booking_id=booking["id"], state="pending").update(state="done")
    Message.objects.filter(booking_id=booking["id"], state="waiting").update(state="sent")
    Booking.objects.filter(pk=booking["id"]).update(
        announced_as=status, announced_start_at=now.start_at, announced_end_at=now.end_at
    )
