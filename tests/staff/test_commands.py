"""manage.py make_admin, make_token, make_key: never a question asked, every refusal a sentence."""

from __future__ import annotations

import io
import sys
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core.management import CommandError, call_command
from knox.models import AuthToken

from staff.access.auth import find_key
from staff.models import ApiKey, Staff
from tests.cast.factories import PASSWORD, caller, make_ada, make_bea, make_salon, token_of

pytestmark = pytest.mark.django_db

MONDAY = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def run(*command, **options):
    out = io.StringIO()
    call_command(*command, stdout=out, **options)
    return out.getvalue()


def test_a_new_administrator_gets_a_random_password_that_works():
    said = run("make_admin", "Ada@Salon.example").splitlines()
    assert said[0] == "Made administrator ada@salon.example."
    ada = Staff.objects.get()
    assert (ada.name, ada.email, ada.role, ada.bookable) == ("ada", "ada@salon.example", "admin", False)
    assert ada.check_password(said[1].removeprefix("Password: "))


def test_a_password_is_taken_from_the_command_or_standard_input_and_not_printed(monkeypatch):
    assert PASSWORD not in run("make_admin", "ada@salon.example", "--name", "Ada", "--password", PASSWORD)
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{PASSWORD} 2\n"))
    assert PASSWORD not in run("make_admin", "eve@salon.example", "--password-stdin")
    assert Staff.objects.get(name="Ada").check_password(PASSWORD)
    assert Staff.objects.get(name="eve").check_password(f"{PASSWORD} 2")


def test_somebody_who_works_here_becomes_administrator_and_keeps_the_password():
    bea = make_bea(is_active=False)
    assert run("make_admin", "bea@salon.example") == "bea@salon.example is an administrator now.\n"
    bea.refresh_from_db()
    assert (bea.role, bea.is_active, bea.check_password(PASSWORD)) == ("admin", True, True)


def test_a_new_password_for_an_administrator_ends_the_logins():
    ada = make_ada()
    token_of(ada)
    run("make_admin", "ada@salon.example", "--password", "a quite different horse")
    ada.refresh_from_db()
    assert ada.check_password("a quite different horse")
    assert AuthToken.objects.count() == 0


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (("make_admin", "nobody"), "'nobody' is not an e-mail address."),
        (("make_admin", "a@b.example", "--password", "short"), "password: This password is too short."),
        (("make_admin", "a@b.example", "--password", ""), "The password is empty."),
        (("make_token", "a@b.example"), "Nobody has the address a@b.example"),
        (("make_token", "gone@salon.example"), "gone@salon.example is deactivated and cannot log in."),
        (("make_token", "bea@salon.example", "--hours", "0"), "--hours goes from 1 to 8760."),
        (("make_key", " "), "Give the key a name of at most 200 characters."),
        (("make_key", "X", "--days", "0"), "--days goes from 1 to 3650."),
        (("make_key", "X", "--mode", "all"), "Error: argument --mode: invalid choice"),
        (("make_key", "X", "--dialect", "square"), "Error: argument --dialect: invalid choice"),
    ],
)
def test_a_wrong_command_says_why_and_stores_nothing(command, sentence):
    make_bea()
    make_bea(email="gone@salon.example", is_active=False)
    with pytest.raises(CommandError) as refused:
        run(*command)
    assert str(refused.value).startswith(sentence)
    assert (Staff.objects.count(), AuthToken.objects.count(), ApiKey.objects.count()) == (2, 0, 0)


def test_a_token_opens_the_api_for_as_long_as_asked():
    make_salon()
    make_bea()
    with time_machine.travel(MONDAY, tick=False) as clock:
        short = run("make_token", "BEA@salon.example").strip()
        long = run("make_token", "bea@salon.example", "--hours", "100").strip()
        clock.shift(timedelta(hours=9))
        assert caller(short).get("/api/auth/me").status_code == 401
        assert caller(long).get("/api/auth/me").json()["name"] == "Bea Bakker"


def test_a_key_is_made_with_dialect_mode_and_expiry():
    with time_machine.travel(MONDAY, tick=False):
        plain = run("make_key", "Website").strip()
        other = run("make_key", "Shop", "--dialect", "simplespa", "--mode", "read", "--days", "30").strip()
        website, shop = find_key(plain, "native"), find_key(other, "simplespa")
    assert (website.name, website.mode, website.expires_at) == ("Website", 3, None)
    assert (shop.name, shop.mode, shop.expires_at) == ("Shop", 1, MONDAY + timedelta(days=30))
