"""A salon to book in: `python -m tests.chaos.fill '{"staff": 4, ...}'` prints its ids as JSON.

Runs in a process of its own with the product's settings and the environment of the run.
"""
# ruff: noqa: E402 - Django is set up before its models are imported

from __future__ import annotations

import json
import os
import sys
from datetime import timedelta
from decimal import Decimal
from typing import Any

os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"

import django

django.setup()

from django.db import transaction
from knox.models import AuthToken

from bookings.models import ReminderRule
from clients.models import Client
from staff.models import SalonSettings, Service, Staff, WorkingHours


@transaction.atomic
def fill(*, staff: int, clients: int, names: list[str], salon: dict[str, Any]) -> dict[str, Any]:
    """`names` are the beginnings of the clients' addresses, in turn; `salon` are its settings. Without the
    rules by which a new salon reminds: what is due at six in the evening must not depend on when a run is."""
    ReminderRule.objects.all().delete()
    settings = SalonSettings.load()
    for name, value in {"business_name": "Salon", "timezone": "UTC", "currency": "EUR", **salon}.items():
        setattr(settings, name, value)
    settings.save()
    service = Service.objects.create(name="Cut", duration_minutes=30, price=Decimal("40.00"))
    admin = Staff(name="Ada", email="ada@salon.example", role=Staff.Role.ADMIN, bookable=False)
    people = [Staff(name=f"Hand {number}", email=f"hand{number}@salon.example") for number in range(staff)]
    for person in (admin, *people):
        person.set_unusable_password()
    Staff.objects.bulk_create([admin, *people])
    for person in people:
        person.services.add(service)
    WorkingHours.objects.bulk_create(
        WorkingHours(staff=person, weekday=day, opens="00:00", closes="23:30")
        for person in people
        for day in range(7)
    )
    made = Client.objects.bulk_create(
        Client(
            first_name=f"Client {number}",
            last_name="Test",
            email=f"{names[number % len(names)]}{number}@example.com",
        )
        for number in range(clients)
    )
    _row, token = AuthToken.objects.create(admin, expiry=timedelta(hours=8))
    return {
        "token": token,
        "staff": [person.pk for person in people],
        "clients": [client.pk for client in made],
        "service": service.pk,
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(fill(**json.loads(sys.argv[1]))))
