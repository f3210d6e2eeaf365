"""/healthz says that the process lives; /readyz says whether bookings can be taken, within a second."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from bookings import kept_totals
from bookings.slots import sqlite_guard
from config.health import look_at_database
from notifications import outbox
from notifications.held_after_restore import hold_all
from notifications.models import Job
from notifications.outbox import Due
from tests.cast.factories import caller
from tests.cast.servers import free_port

ROOT = Path(__file__).resolve().parents[2]
ASK = """
import json, time, django
django.setup()
from config.health import PATIENCE_SECONDS, readiness
assert PATIENCE_SECONDS < 1
before = time.monotonic()
body = readiness()
print(json.dumps({"body": body, "seconds": time.monotonic() - before}))
"""
ALL_WELL = {
    "status": "ready",
    "checks": {
        "database": {"ok": True},
        "writer": {"ok": True, "host": 1 if connection.vendor == "postgresql" else None},
        "pooler": {"ok": True, "mode": "none"},
        "replica": None,
        "migrations": {"ok": True, "missing": 0},
        "double_booking_guard": {"ok": True},
        "kept_totals": {"ok": True},
        "jobs": {"ok": True, "oldest_due_seconds": 0, "late_after_seconds": 300, "dead": 0, "parked": 0},
        "mail": {"ok": True},
        "broker": {"ok": True},
    },
    "warnings": [],
}

SOONER_THAN_THEY_WOULD = 50
"""Seconds: half of what a database that hangs would keep us, and many times our own patience."""

with_threads = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _mail_leaves(settings: Settings) -> None:
    settings.EMAIL_URL = "smtp://127.0.0.1:2525"


def _readyz(status: int = 200) -> dict[str, Any]:
    answer = caller().get("/readyz")
    assert answer.status_code == status, answer.content
    body: dict[str, Any] = answer.json()
    return body


def _codes(body: dict[str, Any]) -> list[str]:
    return [warning["code"] for warning in body["warnings"]]


def test_healthz_answers_without_a_database() -> None:
    answer = caller("bkey_whatever").get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert caller().get("/healthz/").status_code == 200
    assert caller().post("/healthz").status_code == 405


@with_threads
def test_all_is_well() -> None:
    assert _readyz() == ALL_WELL


@with_threads
def test_a_look_at_the_database_takes_few_statements() -> None:
    with CaptureQueriesContext(connection) as taken:
        assert look_at_database().answers
    most = 10 if connection.vendor == "postgresql" else 9
    assert len(taken) == most, [each["sql"] for each in taken]


@with_threads
def test_a_missing_migration_is_not_ready() -> None:
    row = MigrationRecorder.Migration.objects.filter(app="bookings").order_by("-id").first()
    MigrationRecorder.Migration.objects.filter(pk=row.pk).delete()
    try:
        answer = caller().get("/readyz")
    finally:
        row.save(force_insert=True)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    body = answer.json()
    assert (body["error"], body["code"]) == (
        "This server cannot take bookings at the moment.",
        "not_ready",
    )
    assert body["status"] == "not_ready"
    assert body["checks"]["migrations"] == {"ok": False, "missing": 1}
    assert body["checks"]["double_booking_guard"] == {"ok": None}


@with_threads
def test_without_the_guard_against_double_bookings_it_is_not_ready() -> None:
    with _guard_gone():
        body = _readyz(503)
    assert body["checks"]["double_booking_guard"] == {"ok": False}
    assert body["checks"]["migrations"] == {"ok": True, "missing": 0}
    assert _readyz() == ALL_WELL


@with_threads
@pytest.mark.parametrize("event", ["insert", "update", "delete"])
def test_while_nothing_counts_the_bookings_it_is_not_ready(event: str) -> None:
    with connection.cursor() as cursor:
        of_table = " ON bookings_booking" if connection.vendor == "postgresql" else ""
        cursor.execute(f"DROP TRIGGER {kept_totals.TRIGGER_NAME}_{event}{of_table}")
    body = _readyz(503)
    kept_totals.install(connection)
    assert body["checks"]["kept_totals"] == {"ok": False}
    assert body["checks"]["double_booking_guard"] == {"ok": True}
    assert _readyz() == ALL_WELL


@with_threads
def test_late_jobs_are_a_warning_and_the_salon_stays_open() -> None:
    now = timezone.now()
    _enqueue("late", run_at=now - timedelta(minutes=6))
    body = _readyz()
    assert body["status"] == "ready"
    assert body["checks"]["jobs"]["ok"] is False
    assert 360 <= body["checks"]["jobs"]["oldest_due_seconds"] < 420
    assert _codes(body) == ["jobs_late"]


@with_threads
def test_a_lease_that_nobody_takes_back_is_late_too() -> None:
    now = timezone.now()
    _enqueue("held", run_at=now - timedelta(minutes=20))
    outbox.claim(now=now - timedelta(minutes=10))
    assert _codes(_readyz()) == ["jobs_late"]


@with_threads
def test_a_job_of_later_or_one_that_waits_for_an_earlier_mail_is_not_late() -> None:
    now = timezone.now()
    _enqueue("first", run_at=now - timedelta(hours=1))
    _enqueue("second", run_at=now - timedelta(hours=1))
    Job.objects.filter(once_key="first").update(run_at=now + timedelta(minutes=3))
    assert _readyz() == ALL_WELL


@with_threads
def test_a_dead_job_is_a_warning() -> None:
    now = timezone.now()
    _enqueue("dead", run_at=now + timedelta(hours=1))
    Job.objects.update(state=Job.State.DEAD)
    body = _readyz()
    assert body["checks"]["jobs"]["dead"] == 1
    assert _codes(body) == ["jobs_dead"]


@with_threads
def test_parked_jobs_are_a_warning_and_not_late() -> None:
    _enqueue("old", run_at=timezone.now() - timedelta(days=2))
    hold_all()
    body = _readyz()
    assert body["checks"]["jobs"]["parked"] == 1
    assert _codes(body) == ["jobs_parked"]


@with_threads
def test_it_says_that_no_mail_leaves_but_not_while_debugging(settings: Settings) -> None:
    settings.EMAIL_URL = ""
    body = _readyz()
    assert body["checks"]["mail"] == {"ok": False}
    assert body["warnings"] == [
        {
            "code": "mail_off",
            "message": "No mail leaves: EMAIL_URL is not set, mails are only kept in the message log.",
        }
    ]
    settings.DEBUG = True
    assert _readyz() == ALL_WELL


@with_threads
def test_a_broker_folder_that_cannot_be_written_is_a_warning(settings: Settings, tmp_path: Path) -> None:
    settings.CELERY_BROKER_TRANSPORT_OPTIONS = {"data_folder_out": str(tmp_path / "gone")}
    body = _readyz()
    assert body["checks"]["broker"] == {"ok": False}
    assert _codes(body) == ["broker_away"]


def test_a_database_and_a_broker_that_hang_are_not_waited_for(stalled_port: int, tmp_path: Path) -> None:
    body, seconds = _asked_elsewhere(
        tmp_path,
        DATABASE_URL=f"postgres://nobody@127.0.0.1:{stalled_port}/none?connect_timeout=100",
        BROKER_URL=f"redis://127.0.0.1:{stalled_port}/0",
    )
    assert seconds < SOONER_THAN_THEY_WOULD
    assert body["status"] == "not_ready"
    assert body["checks"] == {
        "database": {"ok": False},
        "writer": {"ok": None, "host": None},
        "pooler": {"ok": None, "mode": None},
        "replica": None,
        "migrations": {"ok": None, "missing": None},
        "double_booking_guard": {"ok": None},
        "kept_totals": {"ok": None},
        "jobs": {
            "ok": None,
            "oldest_due_seconds": None,
            "late_after_seconds": 300,
            "dead": None,
            "parked": None,
        },
        "mail": {"ok": False},
        "broker": {"ok": False},
    }
    assert _codes(body) == ["mail_off", "broker_away"]


def test_a_database_and_a_broker_that_are_gone(tmp_path: Path) -> None:
    body, _ = _asked_elsewhere(
        tmp_path,
        DATABASE_URL=f"postgres://nobody@127.0.0.1:{free_port()}/none",
        BROKER_URL=f"redis://127.0.0.1:{free_port()}/0",
    )
    assert body["checks"]["database"] == {"ok": False}
    assert body["checks"]["broker"] == {"ok": False}


def test_an_empty_database_answers_and_is_not_ready(tmp_path: Path) -> None:
    body, _ = _asked_elsewhere(tmp_path)
    assert body["status"] == "not_ready"
    assert body["checks"]["database"] == {"ok": True}
    assert body["checks"]["migrations"]["missing"] > 20
    assert body["checks"]["broker"] == {"ok": True}


@pytest.fixture
def stalled_port() -> Iterator[int]:
    """A port where somebody listens and never says a word, like a server that is frozen."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(16)
        yield int(listener.getsockname()[1])


def _asked_elsewhere(folder: Path, **environ: str) -> tuple[dict[str, Any], float]:
    """What a fresh process with these settings says of itself, and in how many seconds."""
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": "",
        "BROKER_URL": "",
        "CACHE_URL": "database",
        "DATA_DIR": str(folder),
        "SECRET_KEY": "only-for-tests-" * 4,
    }
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        cwd=ROOT,
        env=environment | environ,
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout.splitlines()[-1])
    return answer["body"], answer["seconds"]


@contextmanager
def _guard_gone() -> Iterator[None]:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(f"DROP TRIGGER {sqlite_guard.GUARD_NAME}_insert")
        else:
            cursor.execute(f"ALTER TABLE bookings_busytime RENAME CONSTRAINT {sqlite_guard.GUARD_NAME} TO x")
    try:
        yield
    finally:
        if connection.vendor == "sqlite":
            sqlite_guard.install(connection)
        else:
            with connection.cursor() as cursor:
                cursor.execute(
                    f"ALTER TABLE bookings_busytime RENAME CONSTRAINT x TO {sqlite_guard.GUARD_NAME}"
                )


def _enqueue(once_key: str, *, run_at: Any) -> None:
    due = Due(type="booking.created", once_key=once_key, run_at=run_at, booking_id=1, recipient="client:1")
    outbox.enqueue([due], now=run_at)
