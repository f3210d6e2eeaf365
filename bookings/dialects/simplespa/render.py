"""Rows and errors as SimpleSpa prints them (contract §2). Times are the salon's wall clock."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from bookings.dialects.simplespa.codes import LABELS, SHOWN_AS
from bookings.models import Booking
from clients.models import Client
from staff.models import Service, Staff
from staff.wire.refusals import Refused
from staff.wire.times import print_when


def appointment(booking: Booking, *, zone: ZoneInfo) -> dict[str, Any]:
    """One appointment; the booking comes with its client, service and staff member."""
    code = SHOWN_AS[booking.status, booking.status_detail]
    return {
        "appointment_id": str(booking.pk),
        "created_at": print_when(booking.created_at, zone=zone),
        "start": print_when(booking.start_at, zone=zone),
        "end": print_when(booking.end_at, zone=zone),
        "status": code,
        "status_label": LABELS[code],
        "client": _short_client(booking.client),
        "service": {"service_id": str(booking.service_id), "service_name": booking.service.name},
        "staff": {"staff_id": str(booking.staff_id), "staff_name": booking.staff.name},
    }


def _short_client(client: Client | None) -> dict[str, Any]:
    """All keys stay after an erasure, with nothing in them."""
    if client is None:
        return {"client_id": "", "first_name": "", "last_name": "", "mobile": "", "email": ""}
    return {
        "client_id": str(client.pk),
        "first_name": client.first_name,
        "last_name": client.last_name,
        "mobile": client.mobile or client.phone,
        "email": client.email,
    }


def full_client(client: Client, *, zone: ZoneInfo) -> dict[str, Any]:
    return {**_short_client(client), "created_at": print_when(client.created_at, zone=zone)}


def service(row: Service) -> dict[str, Any]:
    return {
        "service_id": str(row.pk),
        "service_name": row.name,
        "category": row.category,
        "duration": row.duration_minutes,
        "price": None if row.price is None else format(row.price.normalize(), "f"),
    }


def staff(row: Staff) -> dict[str, Any]:
    return {"staff_id": str(row.pk), "staff_name": row.name, "email": row.email or "", "phone": row.phone}


def error(problem: Refused) -> tuple[int, dict[str, Any]]:
    """The vendor's error form, with the real HTTP status."""
    details = problem.details or {}
    errors = [
        {"code": problem.code, "detail": f"{name}: {sentence}"}
        for name, sentences in details.items()
        for sentence in sentences
    ]
    return problem.http_status, {
        "success": False,
        "statusCode": problem.http_status,
        "message": problem.message,
        "errors": errors or [{"code": problem.code, "detail": problem.message}],
    }
