"""POST /api/auth/login and logging out (contract §1.5)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from axes.models import AccessAttempt
from knox.models import AuthToken

from staff.models import Staff
from tests.cast.factories import (
    PASSWORD,
    caller,
    make_ada,
    make_bea,
    make_key,
    make_salon,
    make_staff,
    token_of,
)

pytestmark = pytest.mark.django_db

MONDAY = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
WRONG = {
    "error": "The e-mail address or the password is not right; try again or reset the password.",
    "code": "invalid_credentials",
}


def log_in(email="bea@salon.example", password=PASSWORD, **environ):
    return caller(**environ).post("/api/auth/login", {"email": email, "password": password})


def test_login_answers_a_token_its_expiry_on_the_wall_clock_and_who_one_is():
    make_salon()
    bea = make_bea()
    with time_machine.travel(MONDAY, tick=False):
        answer = log_in()
    assert answer.status_code == 200
    token = answer.json()["token"]
    assert answer.json() == {
        "token": token,
        "expires_at": "2026-11-23 18:00:00",
        "user": {
            "id": bea.pk,
            "name": "Bea Bakker",
            "email": "bea@salon.example",
            "role": "staff",
            "staff_id": bea.pk,
        },
    }
    stored = AuthToken.objects.get()
    assert token not in (stored.digest, stored.token_key)
    assert "Set-Cookie" not in answer.headers


def test_a_token_opens_the_api_for_eight_hours():
    make_bea()
    with time_machine.travel(MONDAY, tick=False) as clock:
        bea = caller(log_in().json()["token"])
        assert bea.get("/api/auth/me").status_code == 200
        clock.shift(timedelta(hours=8) - timedelta(seconds=1))
        assert bea.get("/api/auth/me").status_code == 200
        clock.shift(timedelta(seconds=1))
        answer = bea.get("/api/auth/me")
    assert answer.status_code == 401
    assert answer.json() == {
        "error": "This token is unknown or has expired; log in again.",
        "code": "invalid_token",
    }
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_an_expired_token_is_cleared_away_at_the_next_login():
    make_bea()
    with time_machine.travel(MONDAY, tick=False) as clock:
        log_in()
        clock.shift(timedelta(hours=9))
        log_in()
    assert AuthToken.objects.count() == 1


def test_who_cannot_be_booked_has_no_staff_id():
    ada = make_ada()
    answer = log_in("ada@salon.example")
    assert answer.json()["user"] == {
        "id": ada.pk,
        "name": "Ada Admin",
        "email": "ada@salon.example",
        "role": "admin",
        "staff_id": None,
    }
    assert caller(answer.json()["token"]).get("/api/auth/me").json() == answer.json()["user"]


def test_the_address_may_be_written_in_any_case():
    make_bea()
    assert log_in(" Bea@Salon.Example ").status_code == 200


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("bea@salon.example", "wrong"),
        ("nobody@salon.example", PASSWORD),
        ("gone@salon.example", PASSWORD),
        ("not an address", PASSWORD),
    ],
)
def test_every_wrong_login_is_refused_with_the_same_words(email, password):
    make_bea()
    make_staff("Gone Girl", is_active=False)
    answer = log_in(email, password)
    assert (answer.status_code, answer.json()) == (401, WRONG)
    assert AuthToken.objects.count() == 0


def test_a_person_without_a_password_cannot_log_in():
    make_bea(password=None)
    assert log_in(password="!").status_code == 401
    assert AuthToken.objects.count() == 0


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"email", "password"}),
        ({"email": "bea@salon.example"}, {"password"}),
        ({"email": 5, "password": PASSWORD}, {"email"}),
        ({"email": ["bea@salon.example"], "password": None}, {"email", "password"}),
        ({"email": "", "password": ""}, {"email", "password"}),
        ({"email": "b" * 300, "password": PASSWORD}, {"email"}),
    ],
)
def test_a_malformed_login_names_its_fields(body, fields):
    make_bea()
    answer = caller().post("/api/auth/login", body)
    assert answer.status_code == 400
    assert set(answer.json()["details"]) == fields
    assert AccessAttempt.objects.count() == 0


def test_ten_failures_close_the_account_for_a_quarter_of_an_hour():
    make_bea()
    with time_machine.travel(MONDAY, tick=False) as clock:
        for number in range(9):
            assert log_in(password="wrong", REMOTE_ADDR=f"10.0.0.{number}").status_code == 401
            clock.shift(timedelta(seconds=10))
        assert log_in("BEA@salon.example", "wrong", REMOTE_ADDR="10.0.0.99").status_code == 401
        clock.shift(timedelta(minutes=5))
        answer = log_in(REMOTE_ADDR="10.0.1.1")
        assert answer.status_code == 429
        assert answer.json() == {
            "error": "Too many failed logins for this account; wait a quarter of an hour.",
            "code": "account_locked",
        }
        assert answer.headers["Retry-After"] == "600"
        clock.shift(timedelta(minutes=10, seconds=1))
        assert log_in(REMOTE_ADDR="10.0.1.1").status_code == 200


def test_an_account_that_does_not_exist_closes_as_well():
    for number in range(10):
        assert log_in("nobody@salon.example", REMOTE_ADDR=f"10.0.0.{number}").status_code == 401
    assert log_in("nobody@salon.example", REMOTE_ADDR="10.0.0.10").status_code == 429


def test_a_closed_account_does_not_close_another_one():
    make_bea()
    make_ada()
    for number in range(11):
        log_in(password="wrong", REMOTE_ADDR=f"10.0.0.{number}")
    assert log_in("ada@salon.example").status_code == 200


def test_a_login_forgets_earlier_failures():
    make_bea()
    for number in range(9):
        log_in(password="wrong", REMOTE_ADDR=f"10.0.0.{number}")
    assert log_in().status_code == 200
    for number in range(9):
        assert log_in(password="wrong", REMOTE_ADDR=f"10.0.1.{number}").status_code == 401
    assert log_in().status_code == 200


def test_an_address_has_thirty_logins_a_minute():
    make_bea()
    with time_machine.travel(MONDAY, tick=False) as clock:
        for number in range(30):
            assert log_in(f"person{number}@salon.example", "wrong").status_code == 401
        answer = log_in()
        assert answer.status_code == 429
        assert answer.json() == {"error": "Too many requests; try again in 60 seconds.", "code": "throttled"}
        assert answer.headers["Retry-After"] == "60"
        assert log_in(REMOTE_ADDR="10.9.9.9").status_code == 200
        clock.shift(timedelta(seconds=61))
        assert log_in().status_code == 200


def test_a_forwarded_address_counts_only_behind_trusted_proxies(settings):
    make_bea()
    with time_machine.travel(MONDAY, tick=False):
        for number in range(30):
            log_in(f"person{number}@salon.example", "wrong", HTTP_X_FORWARDED_FOR=f"198.51.100.{number}")
        assert log_in(HTTP_X_FORWARDED_FOR="198.51.100.200").status_code == 429


def test_behind_a_trusted_proxy_the_address_it_saw_counts(settings):
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": 1}
    make_bea()
    with time_machine.travel(MONDAY, tick=False):
        for number in range(30):
            log_in(f"p{number}@salon.example", "wrong", HTTP_X_FORWARDED_FOR=f"{number}.1.1.1, 198.51.100.7")
        assert log_in(HTTP_X_FORWARDED_FOR="1.1.1.1, 198.51.100.7").status_code == 429
        assert log_in(HTTP_X_FORWARDED_FOR="1.1.1.1, 198.51.100.8").status_code == 200


def test_a_stale_token_in_the_header_does_not_hinder_a_login():
    make_bea()
    answer = caller("0" * 64).post("/api/auth/login", {"email": "bea@salon.example", "password": PASSWORD})
    assert answer.status_code == 200


def test_an_api_key_has_no_business_at_the_login():
    make_bea()
    _, secret = make_key()
    answer = caller(secret).post("/api/auth/login", {"email": "bea@salon.example", "password": PASSWORD})
    assert (answer.status_code, answer.json()["code"]) == (403, "not_for_keys")
    assert AuthToken.objects.count() == 0


def test_logout_ends_this_token_only():
    bea = make_bea()
    here, there = caller(bea), caller(bea)
    answer = here.post("/api/auth/logout")
    assert (answer.status_code, answer.content) == (204, b"")
    assert here.get("/api/auth/me").status_code == 401
    assert there.get("/api/auth/me").status_code == 200


def test_logout_all_ends_every_token_of_this_person():
    bea = make_bea()
    here, there, ada = caller(bea), caller(bea), caller(make_ada())
    assert here.post("/api/auth/logout-all").status_code == 204
    assert here.get("/api/auth/me").status_code == 401
    assert there.get("/api/auth/me").status_code == 401
    assert ada.get("/api/auth/me").status_code == 200


def test_a_deactivated_person_is_out_at_once():
    bea = make_bea()
    here = caller(bea)
    Staff.objects.filter(pk=bea.pk).update(is_active=False)
    assert here.get("/api/auth/me").status_code == 401


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer  ",
        "Bearer a b",
        "Basic YTpi",
        "Token 123",
        "Bearer ÿþ",
        "Bearer 0123456789",
        "Bearer bkey_unknown",
    ],
)
def test_no_or_a_bad_credential_is_401(header):
    client = caller()
    if header is not None:
        client.credentials(HTTP_AUTHORIZATION=header)
    answer = client.get("/api/auth/me")
    assert answer.status_code == 401
    assert set(answer.json()) == {"error", "code"}
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_the_scheme_may_be_written_in_any_case():
    client = caller()
    client.credentials(HTTP_AUTHORIZATION=f"bearer {token_of(make_bea())}")
    assert client.get("/api/auth/me").status_code == 200


def test_a_session_cookie_of_the_admin_pages_opens_nothing():
    ada = make_ada()
    client = caller()
    client.force_login(ada, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get("/api/auth/me").status_code == 401


def test_one_statement_finds_the_person(django_assert_num_queries):
    bea = caller(make_bea())
    with django_assert_num_queries(1):
        assert bea.get("/api/auth/me").status_code == 200
