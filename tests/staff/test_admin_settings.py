"""The salon's settings in admin have the consequences that they have in the API (contract §6a)."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.db import connection
from django.test import Client as Browser
from django.urls import reverse

from clients import numbers
from staff.models import SalonSettings
from tests.cast.bookings import MORNING, Salon, make_cast
from tests.cast.factories import make_client, make_salon

pytestmark = [pytest.mark.django_db, pytest.mark.clock_at(MORNING)]


@pytest.fixture
def salon() -> Salon:
    return make_cast()


@pytest.fixture
def browser(salon: Salon) -> Browser:
    browser = Browser()
    browser.force_login(salon.ada, backend="django.contrib.auth.backends.ModelBackend")
    return browser


def change(browser: Browser, **changes: Any) -> list[str]:
    """Saves the page with `changes`; gives what it says afterwards."""
    page = reverse("admin:staff_salonsettings_change", args=[1])
    form = browser.get(page).context["adminform"].form
    values = {
        name: "" if value is None else value for name, value in form.initial.items() if value is not False
    }
    answer = browser.post(page, values | changes)
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    said = map(str, get_messages(answer.wsgi_request))
    return [each for each in said if "was changed successfully" not in each]


def test_another_time_zone_tells_what_is_ahead(salon: Salon, browser: Browser) -> None:
    booked = salon.book()
    assert change(browser, business_name="Zonne") == []
    said = change(browser, timezone="Europe/Athens")
    assert said == [f"Still booked: #{booked['id']} 2026-03-24 11:00 Alice Adams."]
    assert SalonSettings.load().country == "NL"


def test_the_first_zone_brings_its_country(browser: Browser) -> None:
    make_salon(country=None)
    change(browser, timezone="Europe/Berlin")
    assert SalonSettings.load().country == "DE"
    change(browser, timezone="Europe/Paris")
    assert SalonSettings.load().country == "DE"
    change(browser, country="")
    change(browser, timezone="Europe/Berlin", country="BE")
    assert SalonSettings.load().country == "BE"


@pytest.mark.django_db(transaction=True)
def test_another_country_reads_numbers_once_the_settings_are_stored(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_salon(country=None)
    typed = make_client("Zoë", phone="06 12345678")
    stored_by_then: list[str | None] = []
    read_again = numbers.read_again

    def reading(*, country: str | None) -> int:
        assert not connection.in_atomic_block
        stored_by_then.append(SalonSettings.objects.get().country)
        return read_again(country=country)

    monkeypatch.setattr(numbers, "read_again", reading)
    assert change(browser, country="NL") == ["Telephone numbers that became international: 1."]
    typed.refresh_from_db()
    assert (typed.phone, stored_by_then) == ("+31612345678", ["NL"])
