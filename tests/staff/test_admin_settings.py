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
    assert answer["Location"] == reverse("admin:index")
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


def test_websites_and_terms_are_typed_as_text_and_kept_as_the_api_keeps_them(browser: Browser) -> None:
    page = reverse("admin:staff_salonsettings_change", args=[1])
    languages = {"policy_text_en": "One day.", "policy_text_nl": "Eén dag."}
    change(browser, embed_origins="https://Salon.example/\r\n\r\nhttps://shop.example", **languages)
    salon = SalonSettings.load()
    assert salon.embed_origins == ["https://salon.example", "https://shop.example"]
    assert (salon.policy_text, salon.policy_version) == ({"en": "One day.", "nl": "Eén dag."}, 1)

    form = browser.get(page).context["adminform"].form
    assert form["embed_origins"].value() == "https://salon.example\nhttps://shop.example"
    kept = {"embed_origins": form["embed_origins"].value(), **languages}
    change(browser, business_phone="020 123 45 67", **kept)
    assert SalonSettings.load().policy_version == 1

    values = {
        name: "" if value is None else value for name, value in form.initial.items() if value is not False
    }
    answer = browser.post(
        page, values | kept | {"embed_origins": "http://salon.example", "brand_color": "red"}
    )
    assert answer.status_code == 200
    assert set(answer.context["adminform"].form.errors) == {"brand_color"}
    assert SalonSettings.load().embed_origins == ["https://salon.example", "https://shop.example"]
