"""Amounts in Django admin: with the decimals of their currency, in lists, forms and read-only fields."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.contrib.admin import site
from django.contrib.admin.models import LogEntry
from django.db.models import DecimalField
from django.test import Client as Browser

from bookings.models import Booking
from staff.models import SalonSettings, Service
from tests.cast.bookings import MORNING, Salon, make_cast
from tests.cast.noshow import AFTER_THE_VISIT, charging_cast, fee_of, miss
from tests.cast.passes import some_of

pytestmark = [pytest.mark.django_db, pytest.mark.clock_at(MORNING)]

SETTINGS = "/admin/staff/salonsettings/1/change/"
SERVICES = "/admin/staff/service/"
AMOUNTS_TRIED = [
    ("EUR", "26", "26.00"),
    ("EUR", "0", "0.00"),
    ("EUR", "12.345", "12.345"),
    ("JPY", "2600", "2600"),
    ("KWD", "26", "26.000"),
    ("KWD", "0.125", "0.125"),
]
"""Currency, what is stored, and how it is shown: all of it, and at least the currency's decimals."""


@pytest.fixture
def salon() -> Salon:
    return make_cast()


def store(amount: Decimal, *, currency: str) -> None:
    """As every amount there is, bookings' too, past every form."""
    Service.objects.update(price=amount)
    Booking.objects.update(price=amount)
    SalonSettings.objects.update(
        currency=currency, noshow_fee_type="fixed", noshow_fee_value=amount, noshow_fee_minimum=amount
    )


def amounts() -> set[Decimal | None]:
    """What the forms of services and settings can store."""
    settings = SalonSettings.load()
    return {Service.objects.get().price, settings.noshow_fee_value, settings.noshow_fee_minimum}


def enter(salon: Salon, **environ: Any) -> Browser:
    browser = Browser(**environ)
    browser.force_login(salon.ada, backend="django.contrib.auth.backends.ModelBackend")
    return browser


def page(browser: Browser, address: str) -> str:
    answer = browser.get(address)
    assert answer.status_code == 200, address
    return answer.content.decode()


def typed(browser: Browser, address: str) -> dict[str, str]:
    """What a browser would send if nobody touched the form."""
    context = browser.get(address).context
    managing = [each.formset.management_form for each in context["inline_admin_formsets"]]
    values = {
        (field := form[name]).html_name: field.value()
        for form in (context["adminform"].form, *managing)
        for name in form.fields
    }
    return {
        name: "on" if value is True else str(value)
        for name, value in values.items()
        if value is not None and value is not False
    }


def input_of(body: str, name: str) -> str:
    found = re.search(rf'<input type="number" name="{name}" value="([^"]*)"', body)
    assert found is not None
    return found[1]


def cells(body: str, field: str) -> list[str]:
    return re.findall(rf'<td class="field-{field}[^"]*">([^<]*)</td>', body)


def test_an_amount_has_the_decimals_of_its_currency_everywhere(salon: Salon) -> None:
    booking, browser = salon.book(), enter(salon)
    for currency, stored, shown in AMOUNTS_TRIED:
        store(Decimal(stored), currency=currency)
        assert set(cells(page(browser, SERVICES), "shown_price")) == {shown}
        assert input_of(page(browser, f"{SERVICES}{salon.service.pk}/change/"), "price") == shown
        settings = page(browser, SETTINGS)
        assert input_of(settings, "noshow_fee_value") == input_of(settings, "noshow_fee_minimum") == shown
        body = page(browser, f"/admin/bookings/booking/{booking['id']}/change/")
        assert input_of(body, "price") == shown


@pytest.mark.parametrize("currency", some_of(["EUR", "JPY"]))
@pytest.mark.clock_at(AFTER_THE_VISIT)
def test_no_page_of_admin_shows_three_decimals(currency: str) -> None:
    """Every list, every row and every empty form, of whatever is registered."""
    salon = charging_cast(currency=currency)
    Service.objects.update(price=2600)
    miss(salon)
    browser, opened = enter(salon), []
    for model in site._registry:
        listing = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        rows = [f"{listing}{pk}/change/" for pk in model._default_manager.values_list("pk", flat=True)]
        for address in (listing, f"{listing}add/", *rows):
            answer = browser.get(address)
            if answer.status_code == 200:
                opened.append(address)
                assert not re.search(r"\d[.,]000\b", answer.content.decode()), address
    assert {SERVICES, f"{SERVICES}add/", SETTINGS} <= set(opened)
    assert any(address.startswith("/admin/bookings/noshowfee/") for address in opened)


def test_every_amount_of_every_model_is_one_of_those_tried() -> None:
    """A new amount has to be shown so too. What a text has cost is told in the provider's own currency."""
    fields = [
        str(field)
        for model in apps.get_models()
        for field in model._meta.fields
        if isinstance(field, DecimalField)
    ]
    assert sorted(fields) == [
        "bookings.Booking.price",
        "notifications.Message.cost",
        "staff.SalonSettings.noshow_fee_minimum",
        "staff.SalonSettings.noshow_fee_value",
        "staff.Service.price",
    ]


def test_a_form_sent_back_as_it_came_changes_no_amount(salon: Salon) -> None:
    browser = enter(salon)
    for currency, stored, _shown in AMOUNTS_TRIED:
        store(Decimal(stored), currency=currency)
        for address in (SETTINGS, f"{SERVICES}{salon.service.pk}/change/"):
            assert browser.post(address, typed(browser, address)).status_code == 302
            assert LogEntry.objects.latest("id").get_change_message() == "No fields changed."
        assert amounts() == {Decimal(stored)}


def test_what_is_typed_is_what_is_stored(salon: Salon) -> None:
    browser, service = enter(salon), f"{SERVICES}{salon.service.pk}/change/"
    for currency, stored, shown in AMOUNTS_TRIED:
        store(Decimal(7), currency=currency)
        assert browser.post(service, typed(browser, service) | {"price": stored}).status_code == 302
        sent = {"noshow_fee_value": shown, "noshow_fee_minimum": shown}
        assert browser.post(SETTINGS, typed(browser, SETTINGS) | sent).status_code == 302
        assert amounts() == {Decimal(stored)}


@pytest.mark.parametrize("wrong", ["1.2345", "-1", "x", "1e30"])
def test_what_is_no_amount_stays_in_the_form_as_it_was_typed(wrong: str, salon: Salon) -> None:
    browser, address = enter(salon), f"{SERVICES}{salon.service.pk}/change/"
    answer = browser.post(address, typed(browser, address) | {"price": wrong})
    assert set(answer.context["adminform"].form.errors) == {"price"}
    assert input_of(answer.content.decode(), "price") == wrong


def test_no_price_is_no_amount(salon: Salon) -> None:
    Service.objects.update(price=None)
    booking = salon.book()
    browser = enter(salon)
    assert set(cells(page(browser, SERVICES), "shown_price")) == {"-"}
    address = f"{SERVICES}{salon.service.pk}/change/"
    assert "price" not in typed(browser, address)
    assert browser.post(address, typed(browser, address)).status_code == 302
    assert Service.objects.get(pk=salon.service.pk).price is None
    assert "price" not in typed(browser, f"/admin/bookings/booking/{booking['id']}/change/")
    assert Booking.objects.get().price is None


def test_a_percentage_is_no_amount_of_a_currency() -> None:
    salon = make_cast(
        currency="KWD", noshow_fee_type="percent", noshow_fee_value="50", noshow_fee_minimum="1.5"
    )
    browser = enter(salon)
    assert input_of(page(browser, SETTINGS), "noshow_fee_value") == "50"
    assert input_of(page(browser, SETTINGS), "noshow_fee_minimum") == "1.500"
    SalonSettings.objects.update(noshow_fee_value=Decimal("12.5"))
    assert input_of(page(browser, SETTINGS), "noshow_fee_value") == "12.5"


def test_services_are_listed_by_price_as_a_number(salon: Salon) -> None:
    for name, price in (("Nine", 9), ("Hundred", 100), ("Ten", 10)):
        Service.objects.create(name=name, duration_minutes=30, price=price)
    Service.objects.exclude(price__in=(9, 10, 100)).delete()
    column = page(enter(salon), f"{SERVICES}?o=4")
    assert cells(column, "shown_price") == ["9.00", "10.00", "100.00"]


@pytest.mark.parametrize(
    ("currency", "shown"), [("EUR", "20.00 EUR"), ("JPY", "2000 JPY"), ("KWD", "2.000 KWD")]
)
@pytest.mark.clock_at(AFTER_THE_VISIT)
def test_a_fee_is_in_the_currency_it_was_frozen_in(currency: str, shown: str) -> None:
    salon = charging_cast()
    fee = fee_of(miss(salon))
    type(fee).objects.update(currency=currency, amount_minor=2000, state="due")
    browser, listing = enter(salon), "/admin/bookings/noshowfee/"
    assert cells(page(browser, listing), "amount") == [shown]
    assert f'<div class="readonly">{shown}</div>' in page(browser, f"{listing}{fee.pk}/change/")
    assert f"<p>{shown}, " in page(browser, f"{listing}{fee.pk}/waive/")


@pytest.mark.clock_at(AFTER_THE_VISIT)
def test_a_dutch_reader_finds_the_comma() -> None:
    salon = charging_cast()
    miss(salon)
    dutch = enter(salon, headers={"accept-language": "nl"})
    Service.objects.update(price=2600)
    assert set(cells(page(dutch, SERVICES), "shown_price")) == {"2600,00"}
    assert cells(page(dutch, "/admin/bookings/noshowfee/"), "amount") == ["20,00 EUR"]
    assert input_of(page(dutch, f"{SERVICES}{salon.service.pk}/change/"), "price") == "2600.00"
