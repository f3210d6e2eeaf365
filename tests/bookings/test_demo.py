"""The demo salon: made once, through the door, around today; its clients are never mailed to the outside."""

from __future__ import annotations

import io
import stat
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.core.management import call_command
from django.db.models import QuerySet
from pytest_django import Settings

from bookings.models import Booking, BookingEvent, BusyTime, Feedback, Visit, WaitlistEntry
from clients.models import Client
from notifications.execution import run_due
from notifications.models import Job, Message, Notification
from staff.management.first_logins import FILE_NAME, kept_logins
from staff.models import Holiday, OpeningException, SalonSettings, Service, Staff
from staff.salon.timetable import timetables_of
from tests.cast.factories import caller, make_alice, make_bea, make_holiday, make_salon

pytestmark = pytest.mark.django_db

FRIDAY_NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _own_folder(settings: Settings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path


def _demo() -> str:
    said = io.StringIO()
    call_command("demo", stdout=said)
    return said.getvalue()


def _everything() -> list[Any]:
    tables = (
        Booking,
        BookingEvent,
        Visit,
        BusyTime,
        Client,
        Staff,
        Service,
        Job,
        Message,
        Notification,
        SalonSettings,
    )
    return [list(table.objects.order_by("pk").values()) for table in tables]


@time_machine.travel(FRIDAY_NOON, tick=False)
def test_it_is_a_salon_with_two_weeks_of_bookings_in_every_status() -> None:
    assert _demo() == "Demo salon: 4 staff, 7 services, 24 clients, 143 bookings around today.\n"
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


@pytest.mark.parametrize("day", range(7))
def test_it_shows_a_day_with_other_hours_and_an_agreed_price(day: int) -> None:
    now = FRIDAY_NOON + timedelta(days=day)
    with time_machine.travel(now, tick=False):
        _demo()
        sunday = OpeningException.objects.get(name="Sunday class").date_from
        elif_ = Staff.objects.get(name="Elif Yılmaz")
        there = Booking.objects.filter(start_at__date=sunday).values_list("staff_id", flat=True)
    assert sunday.weekday() == 6
    assert timedelta(0) < sunday - now.date() <= timedelta(days=7)
    assert set(there) == {elif_.pk}
    eve = OpeningException.objects.get(name="Christmas Eve")
    assert (eve.date_from, eve.every_year, eve.scope) == (date(2026, 12, 24), True, "salon")
    assert eve.hours == [["09:00", "14:00"]]
    agreed = [each for each in Booking.objects.select_related("service") if each.price != each.service.price]
    assert len(agreed) == 1
    assert ((agreed[0].price or 0) * 2, agreed[0].status) == (agreed[0].service.price, "scheduled")
    assert agreed[0].events.latest("id").reason == "Model for our apprentice"
    assert Client.objects.exclude(alert="").count() == 1
    assert _several(Booking.objects.filter(start_at__gt=now, status__in=Booking.OCCUPYING))


@time_machine.travel(FRIDAY_NOON, tick=False)
def test_every_booking_came_through_the_door() -> None:
    _demo()
    made = Booking.objects.count()
    assert BookingEvent.objects.filter(from_status="", door="command").count() == made
    standing = Booking.objects.occupying()
    assert set(BusyTime.objects.values_list("booking_id", flat=True)) == set(
        standing.values_list("pk", flat=True)
    )
    provisional = Booking.objects.filter(status="provisional")
    assert all(booking.provisional_token for booking in provisional)
    assert Booking.objects.filter(end_at__gt=FRIDAY_NOON).count() == 75
    coming = Visit.objects.filter(end_at__gt=FRIDAY_NOON).count()
    assert coming == 72
    mails = Counter(Message.objects.values_list("type", flat=True))
    assert mails["booking.created"] + mails["booking.provisional"] == coming
    assert mails["booking.provisional"] == provisional.values("visit").distinct().count() > 0


def _several(found: QuerySet[Booking]) -> set[tuple[tuple[str, str, datetime], ...]]:
    """The visits of several services among them: whose, which, when."""
    several = Visit.objects.filter(bookings__in=found.filter(position=2))
    return {
        tuple((each.staff.name, each.service.name, each.start_at) for each in visit.items)
        for visit in several
    }


@time_machine.travel(FRIDAY_NOON, tick=False)
def test_clients_come_for_several_services_one_after_the_other_and_two_at_once() -> None:
    _demo()

    def at(day: int, clock: str) -> datetime:
        return datetime.fromisoformat(f"2026-11-{day} {clock}+00:00")

    def colour_then_cut(day: int) -> tuple[tuple[str, str, datetime], ...]:
        bea = "Bea Brand"
        return ((bea, "Colour", at(day, "09:00")), (bea, "Haircut", at(day, "10:45")))

    def two_at_once(day: int) -> tuple[tuple[str, str, datetime], ...]:
        begins = at(day, "09:30")
        return (("Bea Brand", "Blow-dry", begins), ("Cora Claes", "Manicure", begins))

    over = Booking.objects.filter(end_at__lte=FRIDAY_NOON)
    assert _several(over) == {
        colour_then_cut(13),
        two_at_once(16),
        colour_then_cut(17),
        two_at_once(19),
        colour_then_cut(20),
    }
    ahead = Booking.objects.filter(end_at__gt=FRIDAY_NOON)
    assert _several(ahead) == {colour_then_cut(24), two_at_once(26), colour_then_cut(27)}
    for colour in Booking.objects.filter(visit__bookings__position=2, service__name="Colour"):
        between = Booking.objects.filter(staff=colour.staff, start_at__gt=colour.start_at)
        inside = between.get(end_at__lte=colour.end_at - timedelta(minutes=30))
        assert inside.client_id != colour.client_id
    assert all(len({each.status for each in visit.items}) == 1 for visit in Visit.objects.all())


@time_machine.travel(FRIDAY_NOON, tick=False)
def test_a_second_run_changes_nothing(tmp_path: Path) -> None:
    _demo()
    before, logins = _everything(), (tmp_path / FILE_NAME).read_text()
    assert _demo() == "The demo salon is there already.\n"
    assert _everything() == before
    assert (tmp_path / FILE_NAME).read_text() == logins


@time_machine.travel(FRIDAY_NOON, tick=False)
def test_no_mail_leaves_although_a_mail_server_is_set(settings: Settings) -> None:
    """Nobody listens there: a mail that was tried would be waiting for its next attempt."""
    settings.EMAIL_URL = "smtp://127.0.0.1:9"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    _demo()
    run_due(at_most=10_000)
    states = set(Message.objects.filter(job__run_at__lte=FRIDAY_NOON).values_list("state", flat=True))
    assert states == {"kept", "not_sent"}
    assert Job.objects.exclude(last_error="").exclude(state="cancelled").count() == 0


@time_machine.travel(FRIDAY_NOON, tick=False)
def test_its_logins_work_and_are_their_owners_only(tmp_path: Path) -> None:
    _demo()
    assert stat.S_IMODE((tmp_path / FILE_NAME).stat().st_mode) == 0o600
    logins = kept_logins()
    assert [(login.role, login.email) for login in logins] == [
        ("staff", "bea@example.com"),
        ("staff", "finn@example.com"),
    ]
    for login in logins:
        body = {"email": login.email, "password": login.password}
        assert caller().post("/api/auth/login", body).status_code == 200
    assert not Staff.objects.get(email="cora@example.com").has_usable_password()


@pytest.mark.parametrize("there", ["client", "staff"])
def test_a_salon_with_data_of_its_own_is_left_alone(there: str, tmp_path: Path) -> None:
    make_alice() if there == "client" else make_bea()
    before = _everything()
    assert "the demo is for an empty one" in _demo()
    assert _everything() == before
    assert not (tmp_path / FILE_NAME).exists()


@pytest.mark.parametrize(
    ("zone", "now"),
    [
        ("Europe/Amsterdam", datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),  # the clocks go forward
        ("America/New_York", datetime(2026, 11, 1, 5, 30, tzinfo=UTC)),  # and back
        ("Pacific/Auckland", datetime(2026, 12, 31, 23, 59, tzinfo=UTC)),
        ("UTC", datetime(2028, 2, 29, 0, 0, tzinfo=UTC)),
    ],
)
def test_it_works_on_any_day_in_any_zone_and_skips_holidays(zone: str, now: datetime) -> None:
    make_salon(timezone=zone, business_name="Salon Zonne")
    here = ZoneInfo(zone)
    closed = (now.astimezone(here) + timedelta(days=2)).date()
    make_holiday(closed)
    with time_machine.travel(now, tick=False):
        _demo()
    assert SalonSettings.load().business_name == "Salon Zonne"
    bookings = Booking.objects.all()
    assert bookings.count() > 60
    first = min(booking.start_at for booking in bookings).astimezone(here).date()
    last = max(booking.end_at for booking in bookings).astimezone(here).date()
    timetables = timetables_of({booking.staff_id for booking in bookings}, first=first, last=last)
    for booking in bookings:
        assert booking.start_at.astimezone(here).date() != closed
        windows = timetables[booking.staff_id].windows_between(first, last, zone=here)
        assert any(each.start_at <= booking.start_at and booking.end_at <= each.end_at for each in windows)
