"""How clients are found: by what people type, after every change, on both databases (contract §6a)."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client as Browser
from django.urls import reverse

from clients.models import Client
from clients.numbers import read_again
from clients.records import not_archived
from clients.search import found_by
from staff.models import SalonSettings
from staff.storage.migrate_texts import fill_searched, trigrams
from tests.cast.factories import caller, make_ada, make_client, make_key, make_salon
from tests.cast.plans import plans_of

PUNYCODE = ("xn--mnchen-x-65a.de", "@XN--mnchen-x-65a.de", "info@xn--mnchen-x-65a")
pytestmark = pytest.mark.django_db

MANY = 20_000


def found(text: str, **filters: Any) -> list[str]:
    answer = caller(make_key()[1]).get("/api/clients", {"search": text, "order": "id", **filters})
    assert answer.status_code == 200, answer.content
    return [each["name"] for each in answer.json()]


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("zoe", "Zoë de Wit"),
        ("ZOË", "Zoë de Wit"),
        ("ozturk", "Aylin Öztürk"),
        ("öztürk", "Aylin OZTURK"),
        ("lukasz", "ŁUKASZ Nowak"),
        ("Łukasz nowak", "Lukasz Nowak"),
        ("muller", "Jan Müller"),
        ("strauss", "Eva Strauß"),
        ("strauß", "Eva Strauss"),
        ("STRAUẞ", "Eva strauß"),
        *(
            (typed, name)
            for typed in ("obrien", "o'brien", "O’BRIEN")
            for name in ("Al O’Brien", "Al O'Brien")
        ),
        ("o`brien al", "Al OʼBrien"),
        ("nguyễn", "Anh Nguyen"),
        ("100%", "Bob 100% Brown"),
        ("_b", "A_B Clark"),
        ("back\\slash", "Back\\Slash Clark"),
    ],
)
def test_case_accents_and_apostrophes_do_not_count(typed, name):
    make_salon()
    first, _, last = name.partition(" ")
    make_client(first, last)
    make_client("Somebody", "Else")
    assert found(typed) == [name]


@pytest.mark.parametrize(
    "typed",
    [
        "0612345678",
        "06 12 34 56 78",
        "06-12345678",
        "(06) 123 456 78",
        "+31 6 12345678",
        "+31 (0)6 1234 5678",
        "0031612345678",
        "345678",
        "٠٦١٢٣٤٥٦٧٨",
    ],
)
@pytest.mark.parametrize("stored", ["+31612345678", "06 123 456 78", "(06)-12345678 (mama)"])
def test_a_number_is_found_as_it_is_dialled(typed, stored):
    make_salon()
    make_client("Zoë", "de Wit", mobile=stored)
    make_client("Somebody", "Else", phone="+31612345679", mobile="+31201234567")
    abroad = "31" in typed and not stored.startswith("+")
    assert found(typed) == ([] if abroad else ["Zoë de Wit"])


def test_an_address_is_found_in_either_spelling_of_its_domain():
    make_salon()
    make_client("Zoë", "de Wit", email="info@münchen-x.de")
    for typed in (
        "info@münchen-x.de",
        "INFO@xn--mnchen-x-65a.de",
        "info@munchen-x.de",
        "münchen-x",
        *PUNYCODE,
    ):
        assert found(typed) == ["Zoë de Wit"]


def test_a_client_is_found_by_what_they_are_called_now_whoever_changed_it():
    make_salon(country=None)
    ada = make_ada()
    zoe = caller(ada).post("/api/clients", {"first_name": "Zoë", "last_name": "de Wit"}).json()["id"]
    assert found("zoe wit") == ["Zoë de Wit"]

    caller(ada).put(f"/api/clients/{zoe}", {"last_name": "Öztürk"})
    assert (found("zoe ozturk"), found("wit")) == (["Zoë Öztürk"], [])

    browser = Browser()
    browser.force_login(ada, backend="django.contrib.auth.backends.ModelBackend")
    form = {"first_name": "Chloé", "last_name": "Öztürk", "phone": "06 (mama) 12345678"}
    answer = browser.post(reverse("admin:clients_client_change", args=[zoe]), form)
    assert answer.status_code == 302, answer.content
    assert (found("chloe"), found("zoe"), found("0612345678")) == (["Chloé Öztürk"], [], ["Chloé Öztürk"])

    caller(ada).put(f"/api/clients/{zoe}", {"phone": "06 87654321"})
    assert found("31687654321") == []
    SalonSettings.objects.update(country="NL")
    assert read_again(country="NL") == 1
    assert (found("31687654321"), found("06 12345678")) == (["Chloé Öztürk"], [])

    other = caller(ada).post("/api/clients", {"first_name": "Łukasz"}).json()["id"]
    caller(ada).post(f"/api/clients/{zoe}/merge", {"into": other})
    assert found("lukasz ozturk") == found("06 87654321") == ["Łukasz Öztürk"]
    assert found("chloe") == [] and found("chloe", archived=1) == ["Chloé Öztürk"]


def test_rows_written_at_one_go_are_found():
    make_salon()
    Client.objects.bulk_create([Client(first_name="Zoë"), Client(first_name="Bob", mobile="06 1234")])
    assert (found("zoe"), found("061234")) == (["Zoë"], ["Bob"])
    Client.objects.filter(first_name="Zoë").update(first_name="Chloé")
    assert (found("chloe"), found("zoe")) == (["Chloé"], [])
    chloe = Client.objects.only("first_name").get(first_name="Chloé")
    chloe.first_name = "Aimée"
    Client.objects.bulk_update([chloe], ["first_name"])
    assert (found("aimee"), found("chloe")) == (["Aimée"], [])
    chloe.first_name = "Noël"
    chloe.save()
    assert (found("noel"), found("aimee"), found("061234")) == (["Noël"], [], ["Bob"])


def test_clients_of_before_are_found_after_the_migration():
    make_salon()
    names = [f"Zoë {number}" for number in range(2500)]
    Client.objects.bulk_create(Client(first_name=name, mobile="06 12-34") for name in names)
    kept = list(Client.objects.order_by("pk").values_list("searched", flat=True))
    with connection.cursor() as cursor:
        cursor.execute("UPDATE clients_client SET searched = ''")
    assert found("zoe") == []
    fill_searched(Client, texts=("first_name", "last_name", "email"), numbers=("phone", "mobile"))
    assert found("zoe") == found("061234") == names
    assert list(Client.objects.order_by("pk").values_list("searched", flat=True)) == kept


def test_who_is_renamed_while_texts_are_filled_in_is_found_by_the_new_name():
    renamed, other = make_client("Zoë", "", email="", phone="06 12"), make_client("Aylin")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE clients_client SET searched = 'noel'")

    def rename_first(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if many:
            renamed.first_name = "Noël"
            renamed.phone = ""
            renamed.save()
        return execute(sql, params, many, context)

    with connection.execute_wrapper(rename_first):
        filled = fill_searched(
            Client, texts=("first_name", "last_name", "email"), numbers=("phone", "mobile")
        )
    assert filled == Client.objects.count() - 1
    assert (found("noel"), found("zoe"), found("aylin")) == (["Noël"], [], [other.name])


@pytest.mark.postgres_only
def test_a_database_without_trigrams_says_who_can_add_them():
    with connection.cursor() as cursor, connection.schema_editor() as editor:
        cursor.execute("DROP EXTENSION pg_trgm CASCADE")
        cursor.execute("CREATE ROLE nobody_much")
        cursor.execute("SET LOCAL ROLE nobody_much")
        with pytest.raises(RuntimeError, match="let a superuser run CREATE EXTENSION pg_trgm"):
            trigrams(None, editor)
        cursor.execute("RESET ROLE")
        trigrams(None, editor)


def test_an_index_answers_however_many_clients_there_are():
    Client.objects.bulk_create(
        (
            Client(first_name="Anna", last_name=f"Client {n}", phone=f"+3120{n:07d}", notes="x" * 600)
            for n in range(MANY)
        ),
        batch_size=2000,
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE clients_client")
    for typed in ("Lukasz", "06 12345678", "o’brien@example.com"):
        (plan,) = plans_of(lambda typed=typed: list(found_by(not_archived(), typed)[:50]))
        assert "client_searched" in plan, (typed, plan)
        assert "Seq Scan" not in plan and "SCAN clients_client" not in plan, (typed, plan)
