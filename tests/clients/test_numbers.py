"""Clients' telephone numbers: read in the salon's country, and nothing that was typed is lost (ADR 80)."""

from __future__ import annotations

from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from structlog.testing import capture_logs

from clients import numbers
from clients.models import Client
from tests.cast.factories import caller, make_bea, make_client, make_salon

pytestmark = pytest.mark.django_db


@pytest.fixture
def bea() -> Any:
    make_salon()
    return caller(make_bea())


@pytest.mark.parametrize(
    ("typed", "kept", "notes"),
    [
        ("06 12345678", "+31612345678", ""),
        ("06 12345678 (mama)", "+31612345678", "+31612345678: mama"),
        ("Oma 06 12345678", "+31612345678", "+31612345678: Oma"),
        ("privé: 06 12345678", "+31612345678", "+31612345678: privé"),
        ("geen 0612345678", "+31612345678", "+31612345678: geen"),
        ("(Oma) 06 12345678, na vijf", "+31612345678", "+31612345678: Oma, na vijf"),
        ("06 12345678 ext 9", "06 12345678 ext 9", ""),
        ("06 1234 a 5678", "06 1234 a 5678", ""),
    ],
)
def test_what_is_typed_around_a_number_stands_in_the_notes(
    bea: Any, typed: str, kept: str, notes: str
) -> None:
    made = bea.post("/api/clients", {"first_name": "Alice", "phone": typed}).json()
    assert (made["phone"], made["notes"]) == (kept, notes)


def test_a_remark_that_stands_in_the_notes_by_chance_is_not_lost(bea: Any) -> None:
    notes = "Her mama comes along"
    made = bea.post("/api/clients", {"first_name": "A", "phone": "06 12345678 (mama)", "notes": notes}).json()
    assert made["notes"] == f"{notes}\n+31612345678: mama"


def test_each_number_keeps_its_own_remark_and_says_it_once(bea: Any) -> None:
    both = {"phone": "020 1234567 (mama)", "mobile": "06 12345678 (mama)"}
    made = bea.post("/api/clients", {"first_name": "Alice", **both}).json()
    assert made["notes"] == "+31201234567: mama\n+31612345678: mama"
    again = bea.put(f"/api/clients/{made['id']}", both).json()
    assert (again["phone"], again["notes"]) == ("+31201234567", made["notes"])


def test_a_number_stays_as_typed_where_the_notes_have_no_room_for_its_remark(bea: Any) -> None:
    line = "\n+31612345678: mama"
    typed = {"first_name": "Alice", "mobile": "06 12345678 (mama)"}
    full = bea.post("/api/clients", {**typed, "notes": "x" * (10_001 - len(line))}).json()
    assert (full["mobile"], len(full["notes"])) == ("06 12345678 (mama)", 10_001 - len(line))
    fits = bea.post("/api/clients", {**typed, "notes": "x" * (10_000 - len(line))}).json()
    assert (fits["mobile"], fits["notes"][-len(line) :], len(fits["notes"])) == ("+31612345678", line, 10_000)


def test_the_migration_leaves_and_lists_what_it_could_not_read(bea: Any) -> None:
    typed = ["06 12345678", "06 12345678 (mama)", "Oma 06 12345678", "06 12345678 ext 9", "12", ""]
    stored = [make_client(f"C{at}", mobile=number) for at, number in enumerate(typed)]
    with capture_logs() as said:
        import_module("clients.migrations.0002_plain_texts").texts(apps, None)
    assert [Client.objects.get(pk=each.pk).mobile for each in stored] == ["+31612345678", *typed[1:]]
    assert [(each["id"], each["column"], each["why"]) for each in said] == [
        (stored[1].pk, "mobile", "there are words around the number"),
        (stored[2].pk, "mobile", "there are words around the number"),
        (stored[3].pk, "mobile", "it is no possible telephone number"),
        (stored[4].pk, "mobile", "it is no possible telephone number"),
    ]
    assert set(Client.objects.values_list("notes", flat=True)) == {""}


def test_whoever_waits_for_the_lock_of_sqlite_gets_it_between_two_batches(
    bea: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(numbers, "BATCH", 2)
    # Not `time.sleep` itself, which other threads of this process sleep with.
    monkeypatch.setattr(numbers, "time", SimpleNamespace(sleep=pauses.append))
    for at in range(5):
        make_client(f"C{at}", phone=f"06 1234567{at}")
    assert numbers.read_again(country="NL") == 5
    assert pauses == ([numbers.PAUSE] * 2 if connection.vendor == "sqlite" else [])


def test_a_number_with_its_country_and_a_remark_is_read_again_too(bea: Any) -> None:
    oma = make_client(phone="+31 6 12345678 (Oma)", mobile="+4915112345678")
    assert numbers.read_again(country="NL") == 1
    oma.refresh_from_db()
    assert (oma.phone, oma.mobile, oma.notes) == (
        "+31612345678",
        "+4915112345678",
        "+31612345678: Oma",
    )
