"""POST /api/auth/password (contract §1.5)."""

from __future__ import annotations

import pytest

from tests.cast.factories import PASSWORD, caller, make_bea, make_key

pytestmark = pytest.mark.django_db

NEW = "a quite different horse"


def change(client, old=PASSWORD, new=NEW):
    return client.post("/api/auth/password", {"old": old, "new": new})


def test_a_new_password_counts_at_once_and_ends_the_other_logins():
    bea = make_bea()
    here, there = caller(bea), caller(bea)
    answer = change(here)
    assert (answer.status_code, answer.content) == (204, b"")
    bea.refresh_from_db()
    assert bea.check_password(NEW)
    assert here.get("/api/auth/me").status_code == 200
    assert there.get("/api/auth/me").status_code == 401


def test_the_old_password_must_be_right():
    bea = make_bea()
    answer = change(caller(bea), old="wrong")
    assert answer.status_code == 400
    assert answer.json() == {
        "error": "old: This is not your present password.",
        "code": "invalid",
        "details": {"old": ["This is not your present password."]},
    }
    bea.refresh_from_db()
    assert bea.check_password(PASSWORD)


@pytest.mark.parametrize("new", ["short", "password1", "12345678901", "bea@salon.example"])
def test_a_weak_password_is_refused(new):
    bea = make_bea()
    there = caller(bea)
    answer = change(caller(bea), new=new)
    assert answer.status_code == 400
    assert set(answer.json()["details"]) == {"new"}
    bea.refresh_from_db()
    assert bea.check_password(PASSWORD)
    assert there.get("/api/auth/me").status_code == 200


@pytest.mark.parametrize("body", [{}, {"old": PASSWORD}, {"old": PASSWORD, "new": 12345678901}])
def test_a_malformed_change_is_refused(body):
    bea = make_bea()
    assert caller(bea).post("/api/auth/password", body).status_code == 400
    bea.refresh_from_db()
    assert bea.check_password(PASSWORD)


def test_guessing_the_old_password_is_throttled():
    here = caller(make_bea())
    for _ in range(10):
        assert change(here, old="wrong").status_code == 400
    answer = change(here)
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0


def test_only_a_person_has_a_password():
    _, secret = make_key()
    assert change(caller(secret)).status_code == 403
    assert change(caller()).status_code == 401
