"""The cast and small factories: client Alice, staff Bea and Cora, admin Ada, and what the salon sells.

Rows here are written straight to the database; bookings go through the door (`bookings.lifecycle`).
"""

from __future__ import annotations

import json
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from knox.models import AuthToken
from rest_framework.test import APIClient

from bookings.lifecycle.book import Order, book
from bookings.models import Booking
from clients.models import Client
from staff.access.actor import SYSTEM, Actor
from staff.access.auth import make_key_secret
from staff.models import ApiKey, Holiday, Location, SalonSettings, Service, Staff, TimeOff, WorkingHours

PASSWORD = "correct horse battery staple"
AMSTERDAM = "Europe/Amsterdam"


def make_salon(**changes: Any) -> SalonSettings:
    """The salon's settings, in Amsterdam, with `changes`."""
    here = {"timezone": AMSTERDAM, "country": "NL", "currency": "EUR"}
    values = {"business_name": "Salon Zonne"} | here | changes
    salon = SalonSettings.load()
    for name, value in values.items():
        setattr(salon, name, value)
    salon.save()
    return salon


def make_staff(name: str = "Bea Bakker", **fields: Any) -> Staff:
    """A person who works here; e-mail is <first name>@salon.example unless given, password PASSWORD."""
    fields.setdefault("email", f"{name.split()[0].lower()}@salon.example")
    services = fields.pop("services", ())
    password = fields.pop("password", PASSWORD)
    person = Staff.objects.create_user(fields.pop("email"), password, name=name, **fields)
    person.services.set(services)
    return person


def make_ada(**fields: Any) -> Staff:
    """The administrator; not bookable unless said otherwise."""
    return make_staff("Ada Admin", **({"role": Staff.Role.ADMIN, "bookable": False} | fields))


def make_bea(**fields: Any) -> Staff:
    return make_staff("Bea Bakker", **fields)


def make_cora(**fields: Any) -> Staff:
    return make_staff("Cora Claes", **fields)


def make_service(name: str = "Haircut", **fields: Any) -> Service:
    """An hour for 40.00 unless said otherwise."""
    return Service.objects.create(name=name, **({"duration_minutes": 60, "price": Decimal("40.00")} | fields))


def make_location(name: str = "Centre", slug: str = "centre", **fields: Any) -> Location:
    return Location.objects.create(name=name, slug=slug, **fields)


def make_client(first_name: str = "Alice", last_name: str = "Adams", **fields: Any) -> Client:
    """A client; e-mail is <first name>@example.com unless given."""
    fields.setdefault("email", f"{first_name.lower()}@example.com")
    return Client.objects.create(first_name=first_name, last_name=last_name, **fields)


def make_alice(**fields: Any) -> Client:
    return make_client("Alice", "Adams", **({"phone": "+31201234567"} | fields))


def make_hours(
    person: Staff, *, weekdays: range = range(5), opens: str = "09:00", closes: str = "17:00"
) -> None:
    """Working hours on each of `weekdays` (0 = Monday), salon wall clock."""
    WorkingHours.objects.bulk_create(
        WorkingHours(
            staff=person, weekday=day, opens=time.fromisoformat(opens), closes=time.fromisoformat(closes)
        )
        for day in weekdays
    )


def make_time_off(person: Staff, start_at: datetime, hours: float = 24, reason: str = "") -> TimeOff:
    return TimeOff.objects.create(
        staff=person, start_at=start_at, end_at=start_at + timedelta(hours=hours), reason=reason
    )


def make_holiday(day: date, name: str = "") -> Holiday:
    return Holiday.objects.create(date=day, name=name)


def make_booking(
    *,
    client: Client,
    staff: Staff,
    service: Service,
    start_at: datetime,
    end_at: datetime | None = None,
    actor: Actor = SYSTEM,
    now: datetime | None = None,
    **order: Any,
) -> Booking:
    """A booking made through the door; as long as the service takes unless `end_at` is given."""
    wanted = Order(
        client_id=client.pk,
        staff_id=staff.pk,
        service_id=service.pk,
        start_at=start_at,
        end_at=end_at or start_at + timedelta(minutes=service.duration_minutes),
        **order,
    )
    return book(actor=actor, order=wanted, now=now).booking


def make_key(
    name: str = "Website",
    *,
    dialect: str = ApiKey.Dialect.NATIVE,
    mode: int = ApiKey.Mode.READ_WRITE,
    **fields: Any,
) -> tuple[ApiKey, str]:
    """An API key and its secret."""
    secret, prefix, secret_hash = make_key_secret()
    key = ApiKey.objects.create(
        name=name, dialect=dialect, mode=mode, prefix=prefix, secret_hash=secret_hash, **fields
    )
    return key, secret


def token_of(person: Staff) -> str:
    """A fresh login token of this person."""
    _, token = AuthToken.objects.create(person)
    return token


class Caller(APIClient):
    """REST framework's client; a streamed array can be read with `.json()` like any other answer."""

    def request(self, **kwargs: Any) -> Any:
        response = super().request(**kwargs)
        if response.streaming:
            body = b"".join(response.streaming_content)
            response.json = lambda: json.loads(body)
        return response


def caller(who: Staff | str | None = None, **environ: Any) -> Caller:
    """A JSON client of the API: as a staff member, with the secret of a key, or anonymous."""
    client = Caller(**environ)
    if who is not None:
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {who if isinstance(who, str) else token_of(who)}")
    return client
