"""Django admin's first page: today, what waits for a person, and what a new salon still has to do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from bookings.models import ReminderRule, Visit, WaitlistEntry
from notifications.models import Job
from staff.access.throttles import note_forwarded
from staff.models import SalonSettings, Staff
from tests.cast.factories import (
    make_ada,
    make_alice,
    make_bea,
    make_booking,
    make_client,
    make_cora,
    make_hours,
    make_salon,
    make_service,
)

pytestmark = pytest.mark.django_db

SAID = "No mail leaves: EMAIL_URL is not set."


@pytest.fixture
def browser() -> Browser:
    make_salon()
    browser = Browser()
    browser.force_login(make_ada(), backend="django.contrib.auth.backends.ModelBackend")
    return browser


def _first_page(browser: Browser) -> str:
    page = browser.get("/admin/")
    assert page.status_code == 200
    return page.content.decode()


def test_without_a_mail_server_it_says_that_no_mail_leaves(browser: Browser, settings: Settings) -> None:
    settings.EMAIL_URL = ""
    assert SAID in _first_page(browser)


def test_with_one_or_while_debugging_it_says_nothing(browser: Browser, settings: Settings) -> None:
    settings.EMAIL_URL = "smtp://127.0.0.1:2525"
    assert SAID not in _first_page(browser)
    settings.EMAIL_URL = ""
    settings.DEBUG = True
    assert SAID not in _first_page(browser)


NOW = datetime(2027, 3, 1, 8, 0, tzinfo=UTC)
"""A Monday, nine o'clock in Amsterdam."""


@pytest.fixture
def monday() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


def _open_lines(page: str) -> list[str]:
    return re.findall(r'class="setup-open">.*?<a href="[^"]+">([^<]+)</a>', page, re.DOTALL)


def _where(page: str, title: str) -> str:
    [address, *_tables] = re.findall(rf'<a href="([^"]+)">{title}</a>', page)
    return str(address)


def test_a_new_salon_is_led_from_line_to_line(browser: Browser, settings: Settings) -> None:
    settings.EMAIL_URL = ""
    SalonSettings.objects.update(business_name="", timezone="UTC", country=None)
    left = [
        "The salon&#x27;s name",
        "Language, country and time zone",
        "Services",
        "People",
        "Working hours",
        "Mail",
        "Reminders",
        "Online booking",
    ]
    assert _open_lines(_first_page(browser)) == left
    make_salon()
    left = left[2:]
    assert _open_lines(_first_page(browser)) == left
    cut = make_service()
    left = left[1:]
    assert _open_lines(_first_page(browser)) == left
    bea, cora = make_bea(services=[cut]), make_cora(services=[cut])
    make_hours(bea)
    left = left[1:]
    assert _open_lines(_first_page(browser)) == left
    assert _where(_first_page(browser), "Working hours") == f"/admin/staff/staff/{cora.pk}/week/"
    make_hours(cora)
    left = left[1:]
    assert _open_lines(_first_page(browser)) == left
    make_salon(online_booking="request")
    settings.EMAIL_URL = "smtp://127.0.0.1:2525"
    ReminderRule.objects.create(name="An hour before", minutes_before=60, is_active=True)
    assert _open_lines(_first_page(browser)) == []
    assert "setup-heading" not in _first_page(browser)
    request = Browser().get("/healthz").wsgi_request
    request.META["HTTP_X_FORWARDED_FOR"] = "203.0.113.9"
    note_forwarded(request)
    assert _open_lines(_first_page(browser)) == ["Proxy"]


def test_every_line_leads_to_a_page_that_opens(browser: Browser) -> None:
    page = _first_page(browser)
    addresses = re.findall(r'class="setup-(?:open|done)">.*?<a href="([^"]+)">', page, re.DOTALL)
    assert len(addresses) == 9
    for address in addresses:
        opened = browser.get(address.partition("#")[0])
        assert opened.status_code == 200
        field = address.partition("#")[2]
        assert not field or f'id="{field}"' in opened.content.decode()


def test_it_shows_the_day_by_person_and_what_waits(monday: None, browser: Browser) -> None:
    assert "Nothing is booked today." in _first_page(browser)
    bea, cora, cut = make_bea(), make_cora(), make_service()
    alice, bob = make_alice(alert="Bites"), make_client("Bob", "Brown")
    at = NOW + timedelta(hours=1)
    make_booking(client=alice, staff=cora, service=cut, start_at=at, now=NOW)
    make_booking(client=bob, staff=bea, service=cut, start_at=at, now=NOW, provisional=True)
    late = NOW.replace(hour=22)
    make_booking(client=bob, staff=bea, service=cut, start_at=late, now=NOW)
    make_booking(client=bob, staff=bea, service=cut, start_at=late + timedelta(hours=1), now=NOW)
    asked = make_booking(client=bob, staff=cora, service=cut, start_at=at + timedelta(days=9), now=NOW)
    asked.__class__.objects.filter(pk=asked.pk).update(status="provisional")
    Job.objects.filter(booking_id=asked.pk).update(state="dead")
    WaitlistEntry.objects.create(client=alice, service=cut, date=at.date())
    # Booked for today or tomorrow morning, they count as confirmed.
    Visit.objects.update(client_confirmed_at=None)
    page = _first_page(browser)
    day = re.sub(r"<[^>]+>|\s+", " ", page[page.index('id="today-heading"') :].partition("</section>")[0])
    assert " ".join(day.partition(">")[2].split()) == (
        "Booked today Bea Bakker 10:00–11:00 Bob Brown, Haircut Provisional "
        "23:00–00:00 Bob Brown, Haircut Cora Claes 10:00–11:00 Alice Adams, Haircut"
    )
    assert "Bites" not in page
    told = dict(re.findall(r'<li[^>]*><a href="([^"]+)">(\d[^<]+)</a></li>', page))
    assert list(told.values()) == [
        "1 request waits for your answer",
        "1 message or task was given up: look at it and try it again",
        "2 visits of today are not confirmed by their clients",
        "1 visit of tomorrow is not confirmed by its client",
        "1 client waits for a place within a week",
    ]
    for address, said in told.items():
        listed = browser.get(address.replace("&amp;", "&")).context["cl"]
        assert f"{listed.result_count} " == said[:2], address
    Visit.objects.update(client_confirmed_at=NOW)
    assert "not confirmed" not in _first_page(browser)


def test_it_takes_as_many_statements_however_much_is_booked(monday: None, browser: Browser) -> None:
    cut, alice = make_service(), make_alice()
    people = [make_bea(services=[cut]), make_cora(services=[cut])]
    counts = []
    for hour in range(1, 7):
        for person in people:
            start = NOW + timedelta(hours=hour, days=hour % 2)
            make_booking(client=alice, staff=person, service=cut, start_at=start, now=NOW)
        with CaptureQueriesContext(connection) as asked:
            _first_page(browser)
        counts.append(len([each for each in asked if "cache_entries" not in each["sql"]]))
    assert len(set(counts[1:])) == 1, counts
    assert counts[-1] <= 20


def test_who_made_the_first_administrator_is_bookable_by_their_own_page(browser: Browser) -> None:
    """The owner who cuts hair too ticks it on their own page, with a box for each service."""
    cut, ada = make_service(), Staff.objects.get()
    page = browser.get(f"/admin/staff/staff/{ada.pk}/change/").content.decode()
    assert f'type="checkbox" name="services" value="{cut.pk}"' in page
