"""A database whose triggers went missing, by an upgrade that was killed for instance: what is said to mend it
does, from a command line as an operator types it (docs/adr/0107)."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import pytest
from django.db import connection

from bookings import kept_totals
from bookings.slots import sqlite_guard
from config import upgrade
from config.run import ROOT

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def manage(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """manage.py on the database of this test; of SQLite's, which is in memory, on a copy."""
    if connection.vendor == "postgresql":
        found = connection.settings_dict
        login = f"{found['USER']}:{quote(found['PASSWORD'] or '')}"
        url = f"postgres://{login}@{found['HOST']}:{found['PORT']}/{found['NAME']}"
    else:
        url = f"sqlite:///{_file(tmp_path)}"

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        variables = {"DATABASE_URL": url, "DATA_DIR": str(tmp_path), "DEMO": "0"}
        return subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=ROOT,
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.fixture
def _installed() -> Iterator[None]:
    yield
    kept_totals.install(connection)


def _file(folder: Path) -> Path:
    return folder / "copy.sqlite3"


def _drop_triggers(folder: Path) -> set[str]:
    """The ids of the errors that it makes."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("DROP TRIGGER booking_total_insert ON bookings_booking")
        return {"bookings.E002"}
    connection.ensure_connection()
    with closing(sqlite3.connect(_file(folder))) as copy:
        connection.connection.backup(copy)
        copy.execute(f"DROP TRIGGER {sqlite_guard.GUARD_NAME}_insert")
        copy.execute("DROP TRIGGER booking_total_insert")
        copy.commit()
    return {"bookings.E001", "bookings.E002"}


@pytest.mark.usefixtures("_installed")
def test_what_the_check_says_to_run_mends_it(
    tmp_path: Path, manage: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    expected = _drop_triggers(tmp_path)
    told = manage("check", "--database", "default").stderr
    assert set(re.findall(r"bookings\.E\d+", told)) == expected
    [command] = set(re.findall(r"HINT: Run manage\.py ([a-z_ -]+)[;:,.]", told))
    done = manage(*command.split())
    assert (done.returncode, done.stderr) == (0, "")
    again = manage("check", "--database", "default")
    assert (again.returncode, "bookings.E" in again.stderr) == (0, False)


def test_an_upgrade_that_was_killed_can_be_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if connection.vendor == "postgresql":
        pytest.skip("PostgreSQL tries nothing on a copy")
    _drop_triggers(tmp_path)
    monkeypatch.chdir(ROOT)
    upgrade._try_on_a_copy(_file(tmp_path))
    assert [each.name for each in tmp_path.glob("copy*")] == [_file(tmp_path).name]
