"""Statements and milliseconds of availability: ten people, 1 to 62 days, 100,000 bookings.

For visits of three items also how many times longer they take than one service (contract §7: at most 3).

python -m tests.bench.availability [--db=postgres] [--bookings=100000]
"""
# ruff: noqa: E402 - Django is set up before its models are imported

from __future__ import annotations

import os
import sys
import time
from datetime import UTC, datetime, timedelta

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"

import django

django.setup()

from django.db import connection
from django.test.utils import CaptureQueriesContext, setup_databases, teardown_databases

from bookings.models import Booking, BusyTime
from bookings.slots.availability import availability
from bookings.slots.availability.chains import chain_starts
from bookings.slots.availability.wishes import AskedItem, wishes_for
from staff.access.actor import SYSTEM
from staff.models import Service
from tests.cast.factories import make_alice, make_bea, make_hours, make_salon, make_service

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
PEOPLE = 10
EVERY = timedelta(hours=2)
ROUNDS = 3
BATCH = 5000
COLOUR = [{"kind": "work", "minutes": 25}, {"kind": "gap", "minutes": 40}, {"kind": "work", "minutes": 25}]


def fill(bookings: int) -> list[Service]:
    """A salon whose ten people have a half-hour booking every two hours, a third of them ahead of NOW.

    Gives the service that is booked, a colour that develops for a while, and a third one; all do them all.
    """
    service, alice = make_service(duration_minutes=30, buffer_after_minutes=5), make_alice()
    more = [
        make_service("Colour", duration_minutes=90, parts=COLOUR, buffer_after_minutes=5),
        make_service("Blow-dry", duration_minutes=20),
    ]
    people = [
        make_bea(email=f"p{number}@salon.example", services=[service, *more]) for number in range(PEOPLE)
    ]
    for person in people:
        make_hours(person, opens="08:00", closes="20:00")
    each = bookings // PEOPLE
    begins = NOW.replace(hour=8) - EVERY * (each * 2 // 3)
    Booking.objects.bulk_create(
        (
            Booking(
                staff=person,
                service=service,
                client=alice,
                start_at=begins + EVERY * number,
                end_at=begins + EVERY * number + timedelta(minutes=30),
                created_at=NOW,
                updated_at=NOW,
            )
            for person in people
            for number in range(each)
        ),
        batch_size=BATCH,
    )
    BusyTime.objects.bulk_create(
        (
            BusyTime(
                staff_id=booking.staff_id,
                party=booking.party,
                starts_at=booking.start_at,
                ends_at=booking.end_at + timedelta(minutes=5),
                booking=booking,
            )
            for booking in Booking.objects.iterator(chunk_size=BATCH)
        ),
        batch_size=BATCH,
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return [service, *more]


def measure(service: Service, *, days: int, explain: bool) -> float:
    """Gives the seconds."""
    salon, first = make_salon(), NOW.date()
    fastest = float("inf")
    for _ in range(ROUNDS):
        with CaptureQueriesContext(connection) as statements:
            begun = time.perf_counter()
            found = availability(
                service=service,
                first=first,
                last=first + timedelta(days=days - 1),
                salon=salon,
                now=NOW,
                explain_to=SYSTEM if explain else None,
            )
            fastest = min(fastest, time.perf_counter() - begun)
    free = sum(len(one.starts) for day in found for one in day.staff)
    print(
        f"{connection.vendor:10} {days:2} days {'explained' if explain else 'plain':9} "
        f"{len(statements)} statements {fastest * 1000:6.0f} ms {free:6} free starts"
    )
    return fastest


def measure_visits(services: list[Service], *, days: int, explain: bool, times: float) -> None:
    """A visit of all `services`, each by anybody. `times`: the seconds that one service takes."""
    salon, begins = make_salon(), NOW.date()
    asked = [AskedItem(service.pk) for service in services]
    fastest = float("inf")
    for _ in range(ROUNDS):
        with CaptureQueriesContext(connection) as statements:
            begun = time.perf_counter()
            found = chain_starts(
                wishes_for(asked),
                first=begins,
                last=begins + timedelta(days=days - 1),
                salon=salon,
                now=NOW,
                explain_to=SYSTEM if explain else None,
            )
            fastest = min(fastest, time.perf_counter() - begun)
    free = sum(len(day.starts) for day in found)
    print(
        f"{connection.vendor:10} {days:2} days {'explained' if explain else 'plain':9} "
        f"{len(statements)} statements {fastest * 1000:6.0f} ms {free:6} visits, "
        f"{fastest / times:.2f} times one service"
    )


def main() -> None:
    asked = [each.partition("=")[2] for each in sys.argv if each.startswith("--bookings=")]
    databases = setup_databases(verbosity=0, interactive=False)
    try:
        services = fill(int(asked[0]) if asked else 100_000)
        print(f"{Booking.objects.count()} bookings, {PEOPLE} people")
        for explain in (False, True):
            for days in (1, 14, 31, 62):
                seconds = measure(services[0], days=days, explain=explain)
                measure_visits(services, days=days, explain=explain, times=seconds)
    finally:
        teardown_databases(databases, verbosity=0)


if __name__ == "__main__":
    main()
