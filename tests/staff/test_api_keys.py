"""/api/api-keys, and what a key opens (contract §0, §1.5)."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from clients.models import Client
from staff.access.auth import find_key
from staff.models import ApiKey
from tests.cast.factories import caller, make_ada, make_alice, make_bea, make_key, make_salon, make_service

pytestmark = pytest.mark.django_db

MONDAY = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
UNKNOWN = {
    "error": "This API key is unknown here, revoked or expired; ask an administrator for another.",
    "code": "invalid_token",
}


@pytest.fixture
def clock():
    with time_machine.travel(MONDAY, tick=False) as traveller:
        yield traveller


@pytest.fixture
def ada(clock):
    make_salon()
    return caller(make_ada())


def test_the_secret_is_shown_once_and_only_its_hash_is_stored(ada):
    answer = ada.post("/api/api-keys", {"name": "Website"})
    key = ApiKey.objects.get()
    secret = answer.json()["key"]
    row = {
        "id": key.pk,
        "name": "Website",
        "dialect": "native",
        "mode": "read_write",
        "expires_at": None,
        "prefix": secret[:13],
        "last_used_at": None,
        "revoked_at": None,
        "created_at": "2026-11-23 10:00:00",
    }
    assert answer.status_code == 201
    assert list(answer.json().items()) == [*row.items(), ("key", secret)]
    assert len(secret) == 48
    assert key.secret_hash == hashlib.sha256(secret.encode()).hexdigest()
    assert secret not in str(ApiKey.objects.values().get())
    assert ada.get("/api/api-keys").json() == [row]
    assert ada.get(f"/api/api-keys/{key.pk}").json() == row


@pytest.mark.parametrize(
    ("sent", "kept", "printed"),
    [("read", 1, "read"), (1, 1, "read"), ("write", 2, "write"), (2, 2, "write"), (3, 3, "read_write")],
)
def test_a_mode_is_a_word_or_a_number(ada, sent, kept, printed):
    answer = ada.post("/api/api-keys", {"name": "X", "dialect": "simplespa", "mode": sent})
    assert (answer.json()["dialect"], answer.json()["mode"]) == ("simplespa", printed)
    assert ApiKey.objects.get().mode == kept


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"dialect": "square"}, "dialect"),
        ({"mode": "all"}, "mode"),
        ({"mode": 4}, "mode"),
        ({"mode": 0}, "mode"),
        ({"mode": "1"}, "mode"),
        ({"mode": True}, "mode"),
        ({"mode": None}, "mode"),
        ({"expires_at": "2026-11-23"}, "expires_at"),
        ({"expires_at": "2026-11-23 10:00:00"}, "expires_at"),
    ],
)
def test_a_malformed_key_is_refused(ada, change, field):
    answer = ada.post("/api/api-keys", {"name": "X", **change})
    assert (answer.status_code, set(answer.json()["details"])) == (400, {field})
    assert ApiKey.objects.count() == 0


def test_a_change_merges_and_the_dialect_stays(ada):
    key, _ = make_key()
    answer = ada.put(
        f"/api/api-keys/{key.pk}",
        {
            "name": "Shop",
            "mode": "read",
            "expires_at": "2027-01-01 00:00",
            "dialect": "amelia",
            "prefix": "x",
        },
    )
    assert answer.status_code == 200
    assert answer.json() == {
        "id": key.pk,
        "name": "Shop",
        "dialect": "native",
        "mode": "read",
        "expires_at": "2027-01-01 00:00:00",
        "prefix": key.prefix,
        "last_used_at": None,
        "revoked_at": None,
        "created_at": "2026-11-23 10:00:00",
    }
    assert ada.patch(f"/api/api-keys/{key.pk}", {"expires_at": None}).json()["expires_at"] is None


def test_a_revoked_key_opens_nothing_and_stays_listed(ada, clock):
    key, secret = make_key()
    client = caller(secret)
    assert client.get("/api/clients").status_code == 200
    answer = ada.delete(f"/api/api-keys/{key.pk}")
    assert (answer.status_code, answer.json()["revoked_at"]) == (200, "2026-11-23 10:00:00")
    refused = client.get("/api/clients")
    assert (refused.status_code, refused.json()) == (401, UNKNOWN)
    assert refused.headers["WWW-Authenticate"] == "Bearer"
    clock.shift(60)
    assert ada.delete(f"/api/api-keys/{key.pk}").json()["revoked_at"] == "2026-11-23 10:00:00"
    ada.put(f"/api/api-keys/{key.pk}", {"revoked_at": None})
    assert client.get("/api/clients").status_code == 401
    assert len(ada.get("/api/api-keys").json()) == 1


def test_a_key_expires(clock):
    make_salon()
    _, secret = make_key(expires_at=MONDAY + timedelta(hours=1))
    client = caller(secret)
    clock.shift(timedelta(minutes=59))
    assert client.get("/api/clients").status_code == 200
    clock.shift(timedelta(minutes=1))
    assert client.get("/api/clients").status_code == 401


def test_its_last_use_is_written_at_most_once_a_minute(clock, django_assert_num_queries):
    make_salon()
    key, secret = make_key()
    for seconds, noted in ((0, 0), (59, 0), (1, 60), (59, 60), (1, 120)):
        clock.shift(seconds)
        assert find_key(secret, "native") is not None
        key.refresh_from_db()
        assert key.last_used_at == MONDAY + timedelta(seconds=noted)
    with django_assert_num_queries(1):
        find_key(secret, "native")


@pytest.mark.parametrize("dialect", ApiKey.Dialect.values)
def test_a_key_is_found_in_its_own_dialect_only(dialect):
    key, secret = make_key(dialect=dialect)
    for other in ApiKey.Dialect.values:
        assert find_key(secret, other) == (key if other == dialect else None)
    assert find_key(secret[:-1], dialect) is None
    assert find_key(key.prefix, dialect) is None
    assert find_key("", dialect) is None


@pytest.mark.parametrize("dialect", ["simplespa", "amelia", "eagenda"])
def test_a_foreign_key_is_refused_by_the_native_api(dialect):
    make_alice()
    client = caller(make_key(dialect=dialect)[1])
    for path in ("/api/clients", "/api/services", "/api/settings", "/api/auth/me", "/api/api-keys"):
        answer = client.get(path)
        assert (answer.status_code, answer.json()) == (401, UNKNOWN)
    key = ApiKey.objects.get()
    assert key.last_used_at is None


def test_a_key_has_no_power_over_logins_keys_staff_and_settings():
    make_salon()
    bea = make_bea()
    client = caller(make_key()[1])
    calls = [
        client.get("/api/auth/me"),
        client.post("/api/auth/logout"),
        client.post("/api/auth/logout-all"),
        client.post("/api/auth/password", {}),
        client.get("/api/api-keys"),
        client.post("/api/api-keys", {"name": "Another"}),
        client.delete(f"/api/api-keys/{ApiKey.objects.get().pk}"),
        client.post("/api/staff", {"name": "Eve"}),
        client.put(f"/api/staff/{bea.pk}", {"role": "admin"}),
        client.put("/api/settings", {"double_booking": "allow"}),
        client.post("/api/services", {"name": "X", "duration_minutes": 5}),
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in calls] == [(403, "not_for_keys")] * 11
    assert ApiKey.objects.get().revoked_at is None


@pytest.mark.parametrize(("mode", "verb"), [(ApiKey.Mode.READ, "write"), (ApiKey.Mode.WRITE, "read")])
def test_a_key_stays_within_its_mode(mode, verb):
    make_salon()
    alice = make_alice()
    client = caller(make_key(mode=mode)[1])
    if verb == "read":
        answers = [client.get("/api/clients"), client.get("/api/services"), client.get("/api/settings")]
    else:
        answers = [
            client.post("/api/clients", {"first_name": "B"}),
            client.put(f"/api/clients/{alice.pk}", {"notes": "x"}),
            client.delete(f"/api/clients/{alice.pk}"),
        ]
    for answer in answers:
        assert answer.status_code == 403
        assert answer.json() == {
            "error": f"This API key may not {verb}; use one whose mode allows it.",
            "code": "key_mode",
        }
    assert list(Client.objects.values_list("notes", "archived_at")) == [("", None)]


def test_only_an_administrator_handles_keys():
    key, _ = make_key()
    bea = caller(make_bea())
    for answer in (
        bea.get("/api/api-keys"),
        bea.get(f"/api/api-keys/{key.pk}"),
        bea.post("/api/api-keys", {"name": "X"}),
        bea.put(f"/api/api-keys/{key.pk}", {"name": "X"}),
        bea.delete(f"/api/api-keys/{key.pk}"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "admin_only")
    assert caller().get("/api/api-keys").status_code == 401
    assert list(ApiKey.objects.values_list("name", "revoked_at")) == [("Website", None)]


def test_keys_are_searched_ordered_and_filtered(ada, clock):
    shop, _ = make_key("Shop", dialect="amelia")
    make_key("Website", revoked_at=MONDAY)
    make_key("Old", expires_at=MONDAY)

    def found(query):
        return [each["name"] for each in ada.get(f"/api/api-keys?{query}").json()]

    assert found("") == ["Shop", "Website", "Old"]
    assert found("order=name") == ["Old", "Shop", "Website"]
    assert found("is_active=1") == ["Shop"]
    assert found("is_active=0") == ["Website", "Old"]
    assert found("dialect=amelia") == ["Shop"]
    assert found(f"search={shop.prefix}") == ["Shop"]
    assert ada.get("/api/api-keys?dialect=x").status_code == 400
    assert ada.get("/api/api-keys?page=1").json()["total"] == 3


def test_a_native_key_has_six_hundred_calls_a_minute(clock):
    make_salon()
    make_service()
    _, secret = make_key()
    client, other, person = caller(secret), caller(make_key("Other")[1]), caller(make_bea())
    for _ in range(600):
        assert client.get("/api/services?page=1").status_code == 200
    answer = client.get("/api/services?page=1")
    assert (answer.status_code, answer.json()["code"]) == (429, "throttled")
    assert answer.headers["Retry-After"] == "60"
    assert other.get("/api/services?page=1").status_code == 200
    assert person.get("/api/services?page=1").status_code == 200
    clock.shift(61)
    assert client.get("/api/services?page=1").status_code == 200
