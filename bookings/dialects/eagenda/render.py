"""Rows and errors as eAgenda prints them (contract §4)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from bookings.dialects.eagenda.codes import shown_for
from bookings.models import Booking
from clients.models import Client
from staff.models import Location, Service, Staff
from staff.wire.refusals import Refused

FIELDS = {
    "client_id": "attendees",
    "staff_id": "calendar_key",
    "service_id": "service_list",
    "start_at": "start",
    "end_at": "end",
    "notes": "description",
    "location_id": "account_slug",
    "email": "attendees",
    "phone": "attendees",
    "first_name": "attendees",
}
"""How a domain refusal's fields are called here."""


def appointment(
    members: Sequence[Booking], *, zone: ZoneInfo, account_slug: str | None = None
) -> dict[str, Any]:
    """One session with all its clients; `members` oldest first, with client, service, staff and location."""
    first = members[0]
    return {
        "appointment_key": str(first.key),
        "search_code": f"A{first.pk:03d}",
        "status": shown_for(members),
        "calendar": calendar(first.staff),
        "service_list": [service(first.service)],
        "tag_list": [],
        "attendees": [person(member.client) for member in members if member.client is not None],
        "owner_user": None,
        "start": when(first.start_at, zone=zone),
        "end": when(first.end_at, zone=zone),
        "description": first.notes or None,
        "questionnaires": [],
        "created_at": when(first.created_at, zone=zone),
        "location": None if first.location is None else first.location.name,
        "conference_data": None,
        "account_slug": account_slug,
    }


def calendar(staff: Staff) -> dict[str, str]:
    return {"calendar_key": str(staff.key), "calendar_name": staff.name}


def service(row: Service) -> dict[str, str]:
    return {"service_key": str(row.key), "service_name": row.name}


def person(client: Client) -> dict[str, Any]:
    return {
        "person_key": str(client.key),
        "name": client.name,
        "email": client.email or None,
        "phone": client.phone or client.mobile or None,
        "identification_code": None,
        "identification_type": None,
    }


def account(location: Location) -> dict[str, str]:
    return {"account_slug": location.slug, "account_name": location.name}


def when(instant: datetime, *, zone: ZoneInfo) -> dict[str, str]:
    """The salon's wall clock with its offset; Z for UTC. Microseconds are dropped."""
    text = instant.astimezone(zone).isoformat(timespec="seconds")
    if zone.key == "UTC":
        text = text.removesuffix("+00:00") + "Z"
    return {"dateTime": text, "timeZone": zone.key}


def error(problem: Refused) -> tuple[int, dict[str, Any]]:
    """400 names the fields; everything else is a `detail`."""
    if problem.http_status != 400:
        return problem.http_status, {"detail": problem.message}
    fields: dict[str, list[str]] = {}
    for name, sentences in (problem.details or {}).items():
        fields.setdefault(FIELDS.get(name, name), []).extend(sentences)
    return 400, fields or {"non_field_errors": [problem.message]}
