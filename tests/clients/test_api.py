"""/api/clients (contract §1.5). Merging is tests/clients/test_merge.py."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import time_machine

from clients.models import Client
from tests.cast.factories import caller, make_ada, make_alice, make_bea, make_client, make_key, make_salon

pytestmark = pytest.mark.django_db

MONDAY = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
NAMES = ["Alice", "Bob", "Cleo"]


@pytest.fixture
def bea():
    make_salon()
    return caller(make_bea())


def test_a_client_needs_no_more_than_a_first_name():
    make_salon()
    with time_machine.travel(MONDAY, tick=False):
        answer = caller(make_bea()).post("/api/clients", {"first_name": "Alice"})
    client = Client.objects.get()
    assert answer.status_code == 201
    assert list(answer.json().items()) == [
        ("id", client.pk),
        ("first_name", "Alice"),
        ("last_name", ""),
        ("name", "Alice"),
        ("email", ""),
        ("phone", ""),
        ("mobile", ""),
        ("birthday", None),
        ("notes", ""),
        ("alert", ""),
        ("locale", ""),
        ("marketing_consent", False),
        ("no_show_count", 0),
        ("key", str(client.key)),
        ("is_archived", False),
        ("created_at", "2026-11-23 10:00:00"),
        ("updated_at", "2026-11-23 10:00:00"),
        ("is_walk_in", False),
    ]


def test_a_client_keeps_everything_that_was_sent(bea):
    body = {
        "first_name": "Zoë",
        "last_name": "O'Brien <b>",
        "email": "Zoe@example.com",
        "phone": "0031 20 123 45 67",
        "mobile": "+31 6 12345678",
        "birthday": "1990-02-28",
        "notes": "two\nlines",
        "alert": "Allergic to PPD",
        "locale": "nl",
        "marketing_consent": True,
    }
    answer = bea.post("/api/clients", body).json()
    assert {name: answer[name] for name in body} == {
        **body,
        "phone": "+31201234567",
        "mobile": "+31612345678",
    }
    assert answer["name"] == "Zoë O'Brien <b>"
    assert bea.get(f"/api/clients/{answer['id']}").json() == answer


def test_what_may_not_be_written_changes_nothing(bea):
    other = make_client("Bob", "Brown")
    answer = bea.post(
        "/api/clients",
        {
            "first_name": "Alice",
            "id": other.pk,
            "name": "Mallory",
            "no_show_count": 9,
            "key": str(other.key),
            "is_demo": True,
            "unsubscribe_token": "x",
            "merged_into": other.pk,
            "created_at": "2001-01-01 00:00:00",
            "unheard_of": 1,
        },
    )
    client = Client.objects.get(first_name="Alice")
    assert answer.status_code == 201
    assert (client.no_show_count, client.is_demo, client.unsubscribe_token, client.merged_into) == (
        0,
        False,
        None,
        None,
    )
    assert client.pk != other.pk
    assert client.key != other.key
    assert client.created_at.year == datetime.now(UTC).year


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"first_name"}),
        ({"first_name": ""}, {"first_name"}),
        ({"first_name": "  "}, {"first_name"}),
        ({"first_name": None}, {"first_name"}),
        ({"first_name": 5}, {"first_name"}),
        ({"first_name": "A\r\nBcc: x"}, {"first_name"}),
        ({"first_name": "A" * 201}, {"first_name"}),
        ({"first_name": "A", "email": "no address"}, {"email"}),
        ({"first_name": "A", "email": "a@b.example\r\nBcc: x@y.example"}, {"email"}),
        ({"first_name": "A", "phone": "none"}, {"phone"}),
        ({"first_name": "A", "birthday": "1990-02-30"}, {"birthday"}),
        ({"first_name": "A", "birthday": "1990-02-28T00:00:00"}, {"birthday"}),
        ({"first_name": "A", "locale": "xx"}, {"locale"}),
        ({"first_name": "A", "locale": "NL"}, {"locale"}),
        ({"first_name": "A", "marketing_consent": "yes"}, {"marketing_consent"}),
        ({"first_name": "A", "marketing_consent": 1}, {"marketing_consent"}),
        ({"first_name": "A", "notes": "n" * 10_001}, {"notes"}),
        ({"first_name": "A", "alert": "a" * 201}, {"alert"}),
        ({"first_name": "A", "alert": "two\nlines"}, {"alert"}),
        ({"first_name": "A", "alert": ["x"]}, {"alert"}),
        ({"first_name": "A", "is_archived": "false", "locale": 5}, {"is_archived", "locale"}),
    ],
)
def test_a_malformed_client_is_refused_field_by_field(bea, body, fields):
    answer = bea.post("/api/clients", body)
    assert answer.status_code == 400
    if body.get("notes") is None:
        assert set(answer.json()["details"]) == fields
    assert Client.objects.count() == 0


@pytest.mark.parametrize("method", ["put", "patch"])
def test_a_change_merges(bea, method):
    alice = make_alice(notes="likes tea")
    answer = getattr(bea, method)(f"/api/clients/{alice.pk}", {"last_name": "Alvarez", "locale": "es"})
    assert answer.status_code == 200
    alice.refresh_from_db()
    assert (alice.first_name, alice.last_name, alice.notes, alice.locale) == (
        "Alice",
        "Alvarez",
        "likes tea",
        "es",
    )
    assert answer.json() == bea.get(f"/api/clients/{alice.pk}").json()
    assert answer.json()["name"] == "Alice Alvarez"


def test_an_empty_object_changes_nothing_and_an_empty_body_is_refused(bea):
    alice = make_alice()
    stored = alice.updated_at
    assert bea.put(f"/api/clients/{alice.pk}", {}).status_code == 200
    assert bea.generic("PUT", f"/api/clients/{alice.pk}", b"").status_code == 400
    alice.refresh_from_db()
    assert alice.updated_at == stored


def test_null_empties_what_may_be_empty(bea):
    alice = make_alice(birthday="1990-02-28", notes="x")
    answer = bea.put(f"/api/clients/{alice.pk}", {"birthday": None, "notes": None, "phone": None}).json()
    assert (answer["birthday"], answer["notes"], answer["phone"]) == (None, "", "")


def test_a_refused_change_stores_nothing(bea):
    alice = make_alice()
    assert bea.put(f"/api/clients/{alice.pk}", {"first_name": "Eve", "email": "?"}).status_code == 400
    alice.refresh_from_db()
    assert alice.first_name == "Alice"


def test_delete_archives_and_the_lists_forget(bea):
    alice, bob = make_alice(), make_client("Bob", "Brown")
    answer = bea.delete(f"/api/clients/{alice.pk}")
    assert (answer.status_code, answer.json()["is_archived"]) == (200, True)
    assert [each["id"] for each in bea.get("/api/clients").json()] == [bob.pk]
    assert [each["id"] for each in bea.get("/api/clients?archived=1").json()] == [alice.pk, bob.pk]
    assert answer.json() == {**bea.get(f"/api/clients/{alice.pk}").json(), "affected_bookings": []}
    assert bea.delete(f"/api/clients/{alice.pk}").json() == answer.json()
    back = bea.put(f"/api/clients/{alice.pk}", {"is_archived": False})
    assert back.json()["is_archived"] is False
    assert len(bea.get("/api/clients").json()) == 2


def test_a_merged_client_does_not_come_back(bea):
    bob = make_client("Bob", "Brown")
    alice = make_alice(merged_into=bob, archived_at=MONDAY)
    answer = bea.put(f"/api/clients/{alice.pk}", {"is_archived": False})
    assert answer.status_code == 409
    assert answer.json() == {
        "error": "This client was merged into another one; use that one.",
        "code": "client_merged",
    }


@pytest.mark.parametrize(
    "path", ["/api/clients/900000999", "/api/clients/0", "/api/clients/9223372036854775808"]
)
@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
def test_an_unknown_client_is_404(bea, path, method):
    answer = getattr(bea, method)(path, {}) if method != "get" else bea.get(path)
    assert answer.status_code == 404
    assert set(answer.json()) == {"error", "code"}


def test_the_message_of_an_unknown_client(bea):
    assert bea.get("/api/clients/900000999").json() == {"error": "Client not found", "code": "not_found"}


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("alice", ["Alice"]),
        ("ALI ada", ["Alice"]),
        ("brown", ["Bob"]),
        ("alice brown", []),
        ("bob@example", ["Bob"]),
        ("020 123 45 67", ["Alice"]),
        ("+31 20 123", ["Alice"]),
        ("06-12345678", ["Cleo"]),
        ("%", []),
        ("_", []),
        ("  ", NAMES),
    ],
)
def test_search_finds_names_phones_and_mail(bea, search, found):
    make_alice()
    make_client("Bob", "Brown")
    make_client("Cleo", "Clark", mobile="+31612345678")
    assert [each["first_name"] for each in bea.get("/api/clients", {"search": search}).json()] == found


@pytest.mark.parametrize("search", ["müller-özen", "MÜLLER-ÖZEN", "Müller-Özen", "Özen"])
@pytest.mark.parametrize("last_name", ["Müller-Özen", "MÜLLER-ÖZEN", "müller-özen"])
def test_search_finds_letters_beyond_ascii_in_any_case(bea, search, last_name):
    make_client("Cleo", last_name)
    assert [each["last_name"] for each in bea.get("/api/clients", {"search": search}).json()] == [last_name]


def test_search_finds_a_number_kept_as_it_was_typed_in(bea):
    make_client("Cleo", "Clark", phone="012 345 (mother)", mobile="06 123 45 678")
    for search in ("06 123 45 678", "0612345678", "06-12345678", "012 345", "(012)345", "345"):
        assert [each["first_name"] for each in bea.get("/api/clients", {"search": search}).json()] == ["Cleo"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("order=name", NAMES),
        ("order=-name", NAMES[::-1]),
        ("order=last_name", ["Cleo", "Alice", "Bob"]),
        ("order=id", ["Cleo", "Bob", "Alice"]),
        ("order=-id", NAMES),
        ("marketing_consent=1", ["Bob"]),
        ("marketing_consent=0", ["Alice", "Cleo"]),
        ("email=BOB@example.com", ["Bob"]),
        ("email=bob", []),
    ],
)
def test_lists_are_ordered_and_filtered(bea, query, found):
    make_client("Cleo", "Aa")
    make_client("Bob", "Brown", marketing_consent=True)
    make_client("Alice", "Adams")
    assert [each["first_name"] for each in bea.get(f"/api/clients?{query}").json()] == found


@pytest.mark.parametrize(
    "query",
    [
        "order=phone",
        "order=",
        "archived=yes",
        "marketing_consent=2",
        "page=0",
        "page=x",
        "search=" + "x" * 201,
    ],
)
def test_a_bad_filter_is_refused(bea, query):
    answer = bea.get(f"/api/clients?{query}")
    assert answer.status_code == 400
    assert set(answer.json()["details"]) == {query.split("=")[0]}


def test_page_activates_pages(bea):
    for number in range(5):
        make_client(f"Client {number}")
    answer = bea.get("/api/clients?page=2&limit=2").json()
    assert [each["first_name"] for each in answer["items"]] == ["Client 2", "Client 3"]
    assert {name: answer[name] for name in ("total", "page", "limit", "pages")} == {
        "total": 5,
        "page": 2,
        "limit": 2,
        "pages": 3,
    }
    assert len(bea.get("/api/clients?limit=2").json()) == 5
    assert bea.get("/api/clients?page=9").json()["items"] == []


@pytest.mark.parametrize("mode", [1, 2, 3])
def test_a_native_key_works_on_clients_within_its_mode(mode):
    make_salon()
    alice = make_alice()
    client = caller(make_key(mode=mode)[1])
    reads, writes = mode in (1, 3), mode in (2, 3)
    assert client.get("/api/clients").status_code == (200 if reads else 403)
    assert client.get(f"/api/clients/{alice.pk}").status_code == (200 if reads else 403)
    assert client.post("/api/clients", {"first_name": "B"}).status_code == (201 if writes else 403)
    assert client.put(f"/api/clients/{alice.pk}", {}).status_code == (200 if writes else 403)
    assert client.delete(f"/api/clients/{alice.pk}").status_code == (200 if writes else 403)
    assert Client.objects.filter(first_name="B").exists() is writes


def test_personal_agenda_leaves_clients_open_to_all_staff():
    make_salon(staff_personal_agenda_enabled=True)
    alice = make_alice()
    assert caller(make_bea()).get(f"/api/clients/{alice.pk}").status_code == 200


def test_nobody_else_sees_clients():
    alice = make_alice()
    for path in ("/api/clients", f"/api/clients/{alice.pk}"):
        assert caller().get(path).status_code == 401
        for dialect in ("simplespa", "amelia", "eagenda"):
            assert caller(make_key(dialect=dialect)[1]).get(path).status_code == 401
    assert caller().post("/api/clients", {"first_name": "Eve"}).status_code == 401
    assert caller().delete(f"/api/clients/{alice.pk}").status_code == 401
    assert Client.objects.filter(archived_at=None).count() == 1


def test_both_slashes_answer_without_a_redirect(bea):
    alice = make_alice()
    assert bea.get("/api/clients/").json() == bea.get("/api/clients").json()
    assert bea.put(f"/api/clients/{alice.pk}/", {"notes": "x"}).status_code == 200


@pytest.mark.parametrize("number", [3, 30])
def test_a_list_costs_two_statements_however_long(django_assert_num_queries, number):
    make_salon()
    client = caller(make_ada())
    for each in range(number):
        make_client(f"Client {each}")
    with django_assert_num_queries(2):
        assert len(client.get("/api/clients?search=client").json()) == number
    with django_assert_num_queries(2):
        client.get("/api/clients?page=1")


@pytest.mark.parametrize("nothing", ["\u200b", " \u200d ", "\u2066\u2069", "\ufeff"])
def test_a_name_that_nobody_sees_is_none(bea, nothing):
    answer = bea.post("/api/clients", {"first_name": nothing})
    assert (answer.status_code, answer.json()["details"]) == (
        400,
        {"first_name": ["This field may not be blank."]},
    )
    assert not Client.objects.exists()


def test_names_addresses_and_numbers_are_kept_in_one_spelling(bea):
    made = bea.post(
        "/api/clients",
        {
            "first_name": " Zoe\u0308\u200b",
            "last_name": "\u202aMüller\u202c",
            "email": "zed@Example.com\u200b",
            "phone": "(020) 123 45 67",
            "mobile": "06 12345678 (mama)",
            "notes": " likes \u200b\n tea ",
            "alert": " Allergic\u200b to cafe\u0301 ",
        },
    ).json()
    kept = ["first_name", "last_name", "email", "phone", "mobile", "notes", "alert"]
    assert [made[name] for name in kept] == [
        "Zoë",
        "Müller",
        "zed@example.com",
        "+31201234567",
        "+31612345678",
        "likes \u200b\n tea\n+31612345678: mama",
        "Allergic to café",
    ]


@pytest.mark.parametrize(
    "asked", ["info@xn--mnchen-x-65a.de", "INFO@MÜNCHEN-X.DE", "info@münchen-x.de", "Info@München-X.de\u200b"]
)
def test_an_address_is_found_in_any_case_with_or_without_punycode(bea, asked):
    found = bea.post("/api/clients", {"first_name": "Max", "email": "info@münchen-x.de"}).json()
    bea.post("/api/clients", {"first_name": "Eve", "email": "info@munchen-x.de"})
    assert [each["id"] for each in bea.get("/api/clients", {"email": asked}).json()] == [found["id"]]


@pytest.mark.parametrize("address", ["a@☃.net", "a@xn--a.de"])
def test_a_domain_that_cannot_be_is_refused(bea, address):
    answer = bea.post("/api/clients", {"first_name": "Max", "email": address})
    assert (answer.status_code, list(answer.json()["details"])) == (400, ["email"])
    assert not Client.objects.exists()


@pytest.mark.clock_at(datetime(2026, 11, 23, 23, 30, tzinfo=UTC))
def test_nobody_is_born_after_today_on_the_salons_calendar(bea):
    assert bea.post("/api/clients", {"first_name": "Max", "birthday": "2026-11-24"}).status_code == 201
    answer = bea.post("/api/clients", {"first_name": "Max", "birthday": "2026-11-25"})
    assert (answer.status_code, list(answer.json()["details"])) == (400, ["birthday"])
    assert Client.objects.count() == 1
