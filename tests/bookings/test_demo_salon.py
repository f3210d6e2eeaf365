"""What the demo salon shows on a Friday noon; made once for this file, which rolls back what it does."""

from __future__ import annotations

import stat
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import time_machine
from django.db import transaction
from django.test import override_settings
from pytest_django import Settings

from bookings.models import Booking, BookingEvent, BusyTime, Feedback, Visit, WaitlistEntry
from clients.models import Client
from notifications.execution import run_due
from notifications.models import Job, Message
from staff.management.first_logins import FILE_NAME, kept_logins
from staff.models import Holiday, OpeningException, SalonSettings, Service, Staff
from tests.cast.demo import FRIDAY_NOON, everything, make_demo, several
from tests.cast.factories import caller

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("made")]


class Made(NamedTuple):
    said: str
    folder: Path


@pytest.fixture(scope="module")
def made(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Made]:
    folder = tmp_path_factory.mktemp("demo")
    with (
        override_settings(DATA_DIR=folder),
        time_machine.travel(FRIDAY_NOON, tick=False),
        django_db_blocker.unblock(),
        transaction.atomic(),
    ):
        yield Made(make_demo(), folder)
        transaction.set_rollback(True)


def test_it_is_a_salon_with_two_weeks_of_bookings_in_every_status(made: Made) -> None:
    assert made.said == "Demo salon: 4 staff, 7 services, 24 clients, 144 bookings around today.\n"
    assert SalonSettings.load().business_name == "Studio Linden"
    assert set(Booking.objects.values_list("status", flat=True)) == set(Booking.Status.values)
    days = Counter(start.date() for start in Booking.objects.values_list("start_at", flat=True))
    assert FRIDAY_NOON.date() in days
    assert min(days) == FRIDAY_NOON.date() - timedelta(days=7)
    assert max(days) == FRIDAY_NOON.date() + timedelta(days=7)
    pilates = Service.objects.get(name="Pilates class")
    sessions = Counter(Booking.objects.filter(service=pilates).values_list("session_id", flat=True))
    assert (pilates.min_capacity, pilates.max_capacity) == (2, 6)
    assert set(sessions.values()) == {4}
    assert Holiday.objects.get().date == datetime(2026, 11, 23).date()
    assert Holiday.objects.get().date not in days
    sunday = datetime(2026, 11, 22).date()
    opened = OpeningException.objects.get(name="Sunday class")
    assert (opened.date_from, opened.date_to, opened.every_year) == (sunday, sunday, False)
    assert days[sunday] > 0
    assert {booking.staff for booking in Booking.objects.all() if booking.start_at.date() == sunday} == set(
        opened.people.all()
    )
    assert Feedback.objects.count() == 5
    colours = Booking.objects.filter(service__name="Colour")
    assert all([part["minutes"] for part in colour.parts] == [30, 45, 30] for colour in colours)
    assert any(
        Booking.objects.filter(
            staff=colour.staff,
            start_at__gte=colour.start_at + timedelta(minutes=30),
            end_at__lte=colour.end_at - timedelta(minutes=30),
        ).exists()
        for colour in colours
    )
    assert set(WaitlistEntry.objects.values_list("status", flat=True)) == {"waiting", "notified"}
    assert Client.objects.filter(is_demo=False).count() == 0
    # What is over has been marked, but for the last two visits.
    over = Booking.objects.filter(end_at__lte=FRIDAY_NOON, status="scheduled")
    assert over.count() == 2


def test_somebody_walked_in_just_now() -> None:
    [walk_in] = Booking.objects.filter(client__is_walk_in=True)
    assert (walk_in.start_at, walk_in.status) == (FRIDAY_NOON, "scheduled")
    assert not Message.objects.filter(client_id=walk_in.client_id).exists()


def test_every_booking_came_through_the_door() -> None:
    booked = Booking.objects.count()
    assert BookingEvent.objects.filter(from_status="", door="command").count() == booked
    standing = Booking.objects.occupying()
    assert set(BusyTime.objects.values_list("booking_id", flat=True)) == set(
        standing.values_list("pk", flat=True)
    )
    provisional = Booking.objects.filter(status="provisional")
    assert all(booking.provisional_token for booking in provisional)
    expected = Booking.objects.exclude(client__is_walk_in=True)
    assert expected.filter(end_at__gt=FRIDAY_NOON).count() == 75
    coming = Visit.objects.filter(end_at__gt=FRIDAY_NOON).exclude(client__is_walk_in=True).count()
    assert coming == 72
    mails = Counter(Message.objects.values_list("type", flat=True))
    assert mails["booking.created"] + mails["booking.provisional"] == coming
    assert mails["booking.provisional"] == provisional.values("visit").distinct().count() > 0


def test_clients_come_for_several_services_one_after_the_other_and_two_at_once() -> None:

    def at(day: int, clock: str) -> datetime:
        return datetime.fromisoformat(f"2026-11-{day} {clock}+00:00")

    def colour_then_cut(day: int) -> tuple[tuple[str, str, datetime], ...]:
        bea = "Bea Brand"
        return ((bea, "Colour", at(day, "09:00")), (bea, "Haircut", at(day, "10:45")))

    def two_at_once(day: int) -> tuple[tuple[str, str, datetime], ...]:
        begins = at(day, "09:30")
        return (("Bea Brand", "Blow-dry", begins), ("Cora Claes", "Manicure", begins))

    over = Booking.objects.filter(end_at__lte=FRIDAY_NOON)
    assert several(over) == {
        colour_then_cut(13),
        two_at_once(16),
        colour_then_cut(17),
        two_at_once(19),
        colour_then_cut(20),
    }
    ahead = Booking.objects.filter(end_at__gt=FRIDAY_NOON)
    assert several(ahead) == {colour_then_cut(24), two_at_once(26), colour_then_cut(27)}
    for colour in Booking.objects.filter(visit__bookings__position=2, service__name="Colour"):
        between = Booking.objects.filter(staff=colour.staff, start_at__gt=colour.start_at)
        inside = between.get(end_at__lte=colour.end_at - timedelta(minutes=30))
        assert inside.client_id != colour.client_id
    assert all(len({each.status for each in visit.items}) == 1 for visit in Visit.objects.all())


def test_a_second_run_changes_nothing(made: Made) -> None:
    before, logins = everything(), (made.folder / FILE_NAME).read_text()
    assert make_demo() == "The demo salon is there already.\n"
    assert everything() == before
    assert (made.folder / FILE_NAME).read_text() == logins


def test_no_mail_leaves_although_a_mail_server_is_set(settings: Settings, made: Made) -> None:
    """Nobody listens there: a mail that was tried would be waiting for its next attempt."""
    settings.EMAIL_URL = "smtp://127.0.0.1:9"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    run_due(at_most=10_000)
    states = set(Message.objects.filter(job__run_at__lte=FRIDAY_NOON).values_list("state", flat=True))
    assert states == {"kept", "not_sent"}
    assert Job.objects.exclude(last_error="").exclude(state="cancelled").count() == 0


def test_its_logins_work_and_are_their_owners_only(made: Made) -> None:
    assert stat.S_IMODE((made.folder / FILE_NAME).stat().st_mode) == 0o600
    logins = kept_logins()
    assert [(login.role, login.email) for login in logins] == [
        ("staff", "bea@example.com"),
        ("staff", "finn@example.com"),
    ]
    for login in logins:
        body = {"email": login.email, "password": login.password}
        assert caller().post("/api/auth/login", body).status_code == 200
    assert not Staff.objects.get(email="cora@example.com").has_usable_password()
