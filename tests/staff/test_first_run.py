"""`manage.py first_run`: the first admin, once; logins that were made up are kept for their owner only."""

from __future__ import annotations

import io
import stat
from pathlib import Path

import pytest
from django.core.management import call_command
from pytest_django import Settings

from staff.management.first_logins import FILE_NAME, Login, keep_login, kept_logins
from staff.models import Staff

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_folder(settings: Settings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    settings.DEMO = False


def _first_run() -> str:
    said = io.StringIO()
    call_command("first_run", stdout=said)
    return said.getvalue()


def test_without_names_it_makes_an_admin_and_says_how_to_log_in(tmp_path: Path) -> None:
    said = _first_run()
    [login] = kept_logins()
    admin = Staff.objects.get(role="admin")
    assert (login.role, login.email) == ("admin", "admin@example.com")
    assert (admin.email, admin.bookable, admin.is_active) == ("admin@example.com", False, True)
    assert admin.check_password(login.password)
    assert login.password in said
    assert "curl -s http://127.0.0.1:8000/api/auth/login" in said
    assert stat.S_IMODE((tmp_path / FILE_NAME).stat().st_mode) == 0o600


def test_a_second_start_keeps_the_admin_and_prints_the_login_again() -> None:
    _first_run()
    before = kept_logins()
    said = _first_run()
    assert kept_logins() == before
    assert before[0].password in said
    assert Staff.objects.filter(role="admin").count() == 1


def test_a_given_admin_is_made_and_the_given_password_is_written_nowhere(
    settings: Settings, tmp_path: Path
) -> None:
    settings.ADMIN_EMAIL, settings.ADMIN_PASSWORD = "Ada@Salon.example", "a given password"
    said = _first_run()
    assert Staff.objects.get(role="admin").check_password("a given password")
    assert Staff.objects.get(role="admin").email == "ada@salon.example"
    assert "a given password" not in said
    assert not (tmp_path / FILE_NAME).exists()


def test_an_admin_who_is_there_already_is_left_alone(settings: Settings) -> None:
    Staff.objects.create_superuser("boss@salon.example", "pw", name="Boss")
    settings.ADMIN_EMAIL, settings.ADMIN_PASSWORD = "other@salon.example", "pw2"
    _first_run()
    assert list(Staff.objects.values_list("email", flat=True)) == ["boss@salon.example"]


def test_a_login_kept_again_takes_the_place_of_the_old_one() -> None:
    keep_login(role="admin", email="a@b.example", password="one two")
    keep_login(role="staff", email="c@d.example", password="three")
    keep_login(role="admin", email="a@b.example", password="four")
    assert kept_logins() == [
        Login("staff", "c@d.example", "three"),
        Login("admin", "a@b.example", "four"),
    ]
