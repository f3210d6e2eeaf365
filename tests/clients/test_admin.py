"""A client's page in admin refuses what the API refuses, as errors of the form (contract §0, §1.5, §6a)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client as Browser
from django.urls import reverse

from clients.models import Client
from clients.walk_in import IsWalkIn, walk_in
from staff.models import SalonSettings
from tests.cast.factories import caller, make_ada, make_alice, make_salon

pytestmark = [pytest.mark.django_db, pytest.mark.clock_at(datetime(2026, 11, 23, 23, 30, tzinfo=UTC))]

REFUSED = [
    ("birthday", "2026-11-25"),
    ("birthday", "1200-01-01"),
    ("birthday", "2200-01-01"),
    ("phone", "call me"),
    ("mobile", "call me"),
    ("alert", "two\nlines"),
    ("first_name", "Al\r\nice"),
    ("last_name", "Adams\u2028Baker"),
    ("email", "call me"),
    ("notes", "x" * 10_001),
]


@pytest.fixture
def ada() -> Any:
    make_salon()
    return make_ada()


@pytest.fixture
def browser(ada: Any) -> Browser:
    browser = Browser()
    browser.force_login(ada, backend="django.contrib.auth.backends.ModelBackend")
    return browser


@pytest.mark.parametrize(("field", "value"), REFUSED)
def test_what_the_api_refuses_is_an_error_of_the_field(
    browser: Browser, ada: Any, field: str, value: str
) -> None:
    alice = make_alice()
    before = Client.objects.values().get()
    for page in (
        reverse("admin:clients_client_add"),
        reverse("admin:clients_client_change", args=[alice.pk]),
    ):
        answer = browser.post(page, {"first_name": "Alice", field: value})
        assert answer.status_code == 200
        assert list(answer.context["adminform"].form.errors) == [field]
    refused = caller(ada).post("/api/clients", {"first_name": "Alice", field: value})
    assert refused.status_code == 400
    assert Client.objects.values().get() == before


def test_the_same_day_is_taken_on_the_salons_calendar(browser: Browser) -> None:
    form = {"first_name": "Max", "birthday": "2026-11-24", "phone": "Oma 06 12345678"}
    assert browser.post(reverse("admin:clients_client_add"), form).status_code == 302
    made = Client.objects.get()
    assert (f"{made.birthday}", made.phone, made.notes) == (
        "2026-11-24",
        "+31612345678",
        "+31612345678: Oma",
    )


def test_the_walk_in_stays_nobody(browser: Browser) -> None:
    its_id = walk_in(SalonSettings.load()).pk
    before = Client.objects.values().get()
    page = reverse("admin:clients_client_change", args=[its_id])
    answer = browser.post(page, {"first_name": "Walk-in", "email": "somebody@example.com"})
    assert answer.status_code == 200
    assert answer.context["adminform"].form.non_field_errors() == [IsWalkIn.message]
    answer = browser.post(
        page, {"first_name": "Walk-in", "phone": "123456"}, headers={"accept-language": "de"}
    )
    [said] = answer.context["adminform"].form.non_field_errors()
    assert said.endswith("ordnen Sie die Buchung zu und nehmen Sie diesen Eintrag.")
    chosen = {"action": "archive", "_selected_action": [its_id]}
    browser.post(reverse("admin:clients_client_changelist"), chosen)
    assert Client.objects.values().get() == before
    assert browser.post(page, {"first_name": "Passer-by"}).status_code == 302
    assert Client.objects.get().name == "Passer-by"
