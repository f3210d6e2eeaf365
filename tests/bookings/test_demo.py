"""The demo salon: made once, through the door, around today; its clients are never mailed to the outside."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import time_machine
from pytest_django import Settings

from bookings.models import Booking
from clients.models import Client
from staff.management.first_logins import FILE_NAME
from staff.models import OpeningException, SalonSettings, Staff
from staff.salon.timetable import timetables_of
from tests.cast.demo import FRIDAY_NOON, everything, make_demo, several
from tests.cast.factories import make_alice, make_bea, make_holiday, make_salon
from tests.cast.passes import some_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_folder(settings: Settings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path


@pytest.mark.parametrize("day", some_of(range(7)))
def test_it_shows_a_day_with_other_hours_and_an_agreed_price(day: int) -> None:
    now = FRIDAY_NOON + timedelta(days=day)
    with time_machine.travel(now, tick=False):
        make_demo()
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
    assert several(Booking.objects.filter(start_at__gt=now, status__in=Booking.OCCUPYING))


@pytest.mark.parametrize("there", ["client", "staff"])
def test_a_salon_with_data_of_its_own_is_left_alone(there: str, tmp_path: Path) -> None:
    make_alice() if there == "client" else make_bea()
    before = everything()
    assert "the demo is for an empty one" in make_demo()
    assert everything() == before
    assert not (tmp_path / FILE_NAME).exists()


@pytest.mark.parametrize(
    ("zone", "now"),
    some_of(
        [
            ("Europe/Amsterdam", datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),  # the clocks go forward
            ("America/New_York", datetime(2026, 11, 1, 5, 30, tzinfo=UTC)),  # and back
            ("Pacific/Auckland", datetime(2026, 12, 31, 23, 59, tzinfo=UTC)),
            ("UTC", datetime(2028, 2, 29, 0, 0, tzinfo=UTC)),
        ]
    ),
)
def test_it_works_on_any_day_in_any_zone_and_skips_holidays(zone: str, now: datetime) -> None:
    make_salon(timezone=zone, business_name="Salon Zonne")
    here = ZoneInfo(zone)
    closed = (now.astimezone(here) + timedelta(days=2)).date()
    make_holiday(closed)
    with time_machine.travel(now, tick=False):
        make_demo()
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
