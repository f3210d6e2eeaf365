"""By analogy, in no document here: the customers, providers, services, categories, locations and free slots
that an integration looks up before it books (contract §3)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from rest_framework import serializers

from bookings.dialects.amelia.render import Json, customer, number, user
from bookings.dialects.amelia.routing import LARGEST_PAGE, Call
from bookings.errors import BookingNotFound
from bookings.slots.availability import availability
from bookings.slots.refused_to_everybody import bookable, find_service
from clients.models import Client
from clients.records import add_client, not_archived
from clients.search import found_by
from staff.models import Location, SalonSettings, Service, Staff
from staff.wire.fields import CalendarDateField, EmailAddressField, PhoneField, TextField
from staff.wire.refusals import BadRequest
from staff.wire.times import BadTime, local_date, parse_date

CUSTOMERS_PER_PAGE = 100
MOST_DAYS = 62
DAYS_SHOWN = 14


class CustomerSerializer(serializers.Serializer):
    """A new customer under Amelia's names."""

    firstName = TextField(source="first_name", max_length=200, single_line=True, allow_blank=False)
    lastName = TextField(source="last_name", max_length=200, single_line=True, required=False)
    email = EmailAddressField(required=False)
    phone = PhoneField(required=False)
    birthday = CalendarDateField(required=False, allow_null=True)
    note = TextField(source="notes", required=False)


def customers(call: Call) -> Json:
    everybody = not_archived().order_by("id")
    found = found_by(everybody, call.text("search") or "")
    size = min(call.count("limit") or CUSTOMERS_PER_PAGE, CUSTOMERS_PER_PAGE)
    offset = ((call.count("page", largest=LARGEST_PAGE) or 1) - 1) * size
    return {
        "users": [customer(each) for each in found[offset : offset + size]],
        "filteredCount": found.count(),
        "totalCount": everybody.count(),
    }


def find_customer(customer_id: int) -> Json:
    """Raises BookingNotFound ("entityMissing")."""
    found = Client.objects.filter(pk=customer_id).first()
    if found is None:
        raise BookingNotFound("There is no customer with this id.")
    return customer(found)


def add_customer(body: Mapping[str, Any], *, salon: SalonSettings, now: datetime) -> Json:
    if body.get("firstName") in (None, ""):
        raise BadRequest("Mandatory fields not passed! Missing: firstName", code="missing_fields")
    reader = CustomerSerializer(data=body)
    reader.is_valid(raise_exception=True)
    return customer(add_client(fields=reader.validated_data, salon=salon, now=now))


def providers(call: Call) -> Json:
    people = [provider(each) for each in _providers()]
    return {"users": people, "filteredCount": len(people), "totalCount": len(people)}


def provider(person: Staff) -> Json:
    first_name, _, last_name = person.name.partition(" ")
    return user(
        person.pk,
        first_name=first_name,
        last_name=last_name.strip(),
        email=person.email or "",
        kind="provider",
        phone=person.phone or None,
        is_visible=person.is_active and person.bookable,
    ) | {"locationId": person.location_id}


def services() -> list[Json]:
    offered = list(Service.objects.filter(is_active=True).order_by("id"))
    ids = _category_ids(offered)
    return [service(each) | {"categoryId": ids.get(each.category)} for each in offered]


def service(row: Service) -> Json:
    """Durations and buffers are seconds."""
    return {
        "id": row.pk,
        "name": row.name,
        "description": None,
        "color": None,
        "price": number(row.price),
        "categoryId": None,
        "minCapacity": row.min_capacity,
        "maxCapacity": row.max_capacity,
        "duration": row.duration_minutes * 60,
        "timeBefore": row.buffer_before_minutes * 60,
        "timeAfter": row.buffer_after_minutes * 60,
        "status": "visible" if row.is_active else "hidden",
    }


def categories() -> list[Json]:
    offered = list(Service.objects.filter(is_active=True).order_by("id"))
    return [
        {
            "id": category_id,
            "name": name,
            "status": "visible",
            "serviceList": [
                service(each) | {"categoryId": category_id} for each in offered if each.category == name
            ],
        }
        for name, category_id in _category_ids(offered).items()
    ]


def locations() -> list[Json]:
    return [
        {"id": each.pk, "name": each.name, "address": each.address, "status": "visible"}
        for each in Location.objects.filter(is_active=True).order_by("id")
    ]


def slots(call: Call, *, salon: SalonSettings, now: datetime) -> Json:
    """Free starts by date and time: {date: {"HH:MM": [[provider id, location id]]}}."""
    service_id = call.count("serviceId")
    if service_id is None:
        raise BadRequest("Mandatory fields not passed! Missing: serviceId", code="missing_fields")
    wanted = find_service(service_id)
    first, last = _window(call, salon=salon, now=now)
    provider_ids = call.ids("providerIds") or call.ids("providerId")
    people = {each.pk: each for each in _providers()}
    for provider_id in provider_ids:
        bookable(people.get(provider_id), provider_id)
    days = availability(
        service=wanted,
        first=first,
        last=last,
        salon=salon,
        now=now,
        staff_id=provider_ids[0] if len(provider_ids) == 1 else None,
    )
    free: dict[str, dict[str, list[list[int | None]]]] = {}
    for day in days:
        for one in day.staff:
            if provider_ids and one.staff_id not in provider_ids:
                continue
            location_id = people[one.staff_id].location_id if one.staff_id in people else None
            for start_at in one.starts:
                local = start_at.astimezone(salon.zone)
                times = free.setdefault(f"{local:%Y-%m-%d}", {})
                times.setdefault(f"{local:%H:%M}", []).append([one.staff_id, location_id])
    return {
        "minimum": f"{first.isoformat()} 00:00",
        "maximum": f"{last.isoformat()} 23:59",
        "slots": {day: dict(sorted(times.items())) for day, times in free.items()} or [],
        "occupied": [],
    }


def _providers() -> list[Staff]:
    return list(Staff.objects.filter(is_active=True, bookable=True).order_by("id"))


def _category_ids(offered: list[Service]) -> dict[str, int]:
    """A category is a name here: its id is that of its first service."""
    ids: dict[str, int] = {}
    for each in offered:
        if each.category:
            ids.setdefault(each.category, each.pk)
    return ids


def _window(call: Call, *, salon: SalonSettings, now: datetime) -> tuple[date, date]:
    """The salon dates from startDateTime to endDateTime, both included; a time of day is ignored."""
    first = _date(call, "startDateTime") or local_date(now, zone=salon.zone)
    last = _date(call, "endDateTime") or first + timedelta(days=DAYS_SHOWN - 1)
    if last < first:
        raise BadRequest.field("endDateTime", "must not be before startDateTime.")
    if (last - first).days >= MOST_DAYS:
        raise BadRequest.field("endDateTime", f"at most {MOST_DAYS} days at once.")
    return first, last


def _date(call: Call, name: str) -> date | None:
    text = call.text(name)
    try:
        return None if text is None else parse_date(text[:10])
    except BadTime as refused:
        raise BadRequest.field(name, refused.message) from None
