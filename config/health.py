"""/healthz and /readyz: whether this process lives, and whether it can take bookings (reliability §6).

Both are public and hold nothing worth hiding: no address, no name, no error text. /healthz touches neither
database nor broker. /readyz is 503 when a booking could not be stored safely: the database does not answer or
takes no writes, a pooler in between mixes sessions up, migrations are missing, nothing in the database
refuses a double booking, or it does not count bookings. All else is a warning with 200, because taking the
salon's calendar away does not bring mails back.
"""

from __future__ import annotations

import os
import time
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Annotated, TypedDict

import structlog
from celery import current_app
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db import Error as DatabaseError
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from kombu.exceptions import KombuError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bookings import kept_totals
from bookings.slots import sqlite_guard
from config.postgres.base import DatabaseWrapper
from config.postgres.pooler import Mode, Pooler, known_pooler
from config.postgres.writer import host_number, takes_writes
from notifications import held_after_restore, outbox
from notifications.models import Job
from staff.storage.probe import Found, Probe, wait_for
from staff.storage.replica import MOST_LAG_SECONDS, Look, replica
from staff.wire.answers import Count, Number, one_of
from staff.wire.errors import SECONDS_TO_COME_BACK
from staff.wire.schema import WITHOUT_LOGIN, problems

LATE_AFTER = timedelta(minutes=5)
"""A due job that nobody has taken for so long means that no worker is at work."""

PATIENCE_SECONDS = 0.8
"""How long /readyz waits for the database and the broker, both together."""

TAGS = ["operations"]

WARNING_CODES = ["jobs_late", "jobs_dead", "jobs_parked", "mail_off", "broker_away", "replica_away"]

logger = structlog.get_logger(__name__)


class AliveJson(TypedDict):
    status: Annotated[str, "`ok`"]


class ReadinessWarningJson(TypedDict):
    code: Annotated[str, one_of(WARNING_CODES)]
    message: str


class CheckJson(TypedDict):
    ok: Annotated[bool | None, "Null: could not be looked at."]


class MigrationsJson(CheckJson):
    missing: Count | None


class JobsJson(CheckJson):
    oldest_due_seconds: Annotated[Count | None, "How long the oldest due job has been waiting; 0: none is."]
    late_after_seconds: Number
    dead: Count | None
    parked: Annotated[Count | None, "Waiting for `manage.py release_jobs` after a restore."]


class WriterJson(CheckJson):
    host: Annotated[
        Count | None,
        "Which host of DATABASE_URL it is, from 1; null on SQLite, and where it is none of them.",
    ]


class PoolerJson(CheckJson):
    """As it was found minutes ago. Null: nobody could look yet, which alone is no reason for 503."""

    mode: Annotated[str | None, one_of([each.value for each in Mode])]


class ReplicaJson(CheckJson):
    """Null without DATABASE_REPLICA_URL. Never a reason for 503: the writer is read instead."""

    lag_seconds: Annotated[Count | None, "Null: it did not answer, or cannot say; then it is not read."]
    most_lag_seconds: Number


class ChecksJson(TypedDict):
    database: CheckJson
    writer: Annotated[WriterJson, "Whether the database takes writes."]
    pooler: Annotated[PoolerJson, "Whether what stands in between, if anything does, keeps to our sessions."]
    replica: ReplicaJson | None
    migrations: MigrationsJson
    double_booking_guard: CheckJson
    kept_totals: Annotated[CheckJson, "Whether the database counts the bookings that lists tell of."]
    jobs: Annotated[JobsJson, "Never a reason for 503."]
    mail: Annotated[CheckJson, "Whether mails leave at all. Never a reason for 503."]
    broker: Annotated[CheckJson, "Whether it takes a wake-up. Never a reason for 503."]


class ReadinessJson(TypedDict):
    status: Annotated[str, "`ready` or `not_ready`"]
    checks: ChecksJson
    warnings: list[ReadinessWarningJson]


class NotReadyJson(ReadinessJson):
    """The native error form and the checks."""

    error: str
    code: Annotated[str, one_of(["not_ready"])]


class OpenView(APIView):
    """Open to every probe; a credential that comes along is not looked at, calls are not counted."""

    authentication_classes = []
    permission_classes = []
    throttle_classes = []


class HealthView(OpenView):
    @extend_schema(
        summary="Whether the process answers",
        description="Touches neither database nor broker.",
        responses={200: AliveJson, **problems(400)},
        auth=WITHOUT_LOGIN,
        tags=TAGS,
    )
    def get(self, request: Request) -> Response:
        alive: AliveJson = {"status": "ok"}
        return Response(alive)


class ReadinessView(OpenView):
    @extend_schema(
        summary="Whether bookings can be taken",
        description="503 when the database does not answer or takes no writes, a pooler mixes sessions up, "
        "migrations are missing, nothing in the database refuses a double booking, or it does not count "
        "bookings. What else is wrong stands in `warnings`, with 200. Answers within a second, whatever "
        "hangs.",
        responses={200: ReadinessJson, 503: NotReadyJson, **problems(400)},
        auth=WITHOUT_LOGIN,
        tags=TAGS,
    )
    def get(self, request: Request) -> Response:
        body = readiness()
        if body["status"] == "ready":
            return Response(body)
        refusal: NotReadyJson = {
            "error": "This server cannot take bookings at the moment.",
            "code": "not_ready",
            **body,
        }
        return Response(refusal, status=503, headers={"Retry-After": str(SECONDS_TO_COME_BACK)})


@dataclass(slots=True)
class DatabaseState:
    """What the database says of itself; None where it did not get that far."""

    answers: bool = False
    takes_writes: bool | None = None
    host: int | None = None
    missing_migrations: int | None = None
    guarded: bool | None = None
    counted: bool | None = None
    oldest_due: timedelta | None = None
    dead_jobs: int | None = None
    held_jobs: int | None = None


def readiness() -> ReadinessJson:
    """The body of /readyz."""
    until = time.monotonic() + PATIENCE_SECONDS
    looks_at_database, looks_at_broker = DATABASE.begin(), BROKER.begin()
    looks_at_replica = replica.begin_look() if replica.is_there else None
    state = _wait(looks_at_database, until=until) or DatabaseState()
    # After it: the session that it takes may have been the last one.
    pooler = known_pooler.found(wait_seconds=until - time.monotonic())
    broker = _wait(looks_at_broker, until=until) or False
    follower = None if looks_at_replica is None else _replica_json(_wait(looks_at_replica, until=until))
    late = None if state.oldest_due is None else state.oldest_due > LATE_AFTER
    mail = bool(settings.EMAIL_URL or settings.DEBUG)
    checks: ChecksJson = {
        "database": {"ok": state.answers},
        "writer": {"ok": state.takes_writes, "host": state.host},
        "pooler": _pooler_json(pooler),
        "replica": follower,
        "migrations": {
            "ok": None if state.missing_migrations is None else state.missing_migrations == 0,
            "missing": state.missing_migrations,
        },
        "double_booking_guard": {"ok": state.guarded},
        "kept_totals": {"ok": state.counted},
        "jobs": {
            "ok": None if late is None else not late,
            "oldest_due_seconds": None if state.oldest_due is None else int(state.oldest_due.total_seconds()),
            "late_after_seconds": int(LATE_AFTER.total_seconds()),
            "dead": state.dead_jobs,
            "parked": state.held_jobs,
        },
        "mail": {"ok": mail},
        "broker": {"ok": broker},
    }
    ready = state.missing_migrations == 0 and all(
        (state.answers, state.takes_writes, state.guarded, state.counted)
    )
    ready = ready and checks["pooler"]["ok"] is not False
    found = {
        "jobs_late": bool(late),
        "jobs_dead": bool(state.dead_jobs),
        "jobs_parked": bool(state.held_jobs),
        "mail_off": not mail,
        "broker_away": not broker,
        "replica_away": follower is not None and not follower["ok"],
    }
    return {
        "status": "ready" if ready else "not_ready",
        "checks": checks,
        "warnings": [{"code": code, "message": message} for code, message in WARNINGS.items() if found[code]],
    }


WARNINGS = {
    "jobs_late": "Due jobs are waiting: no worker seems to be at work, so no mail leaves.",
    "jobs_dead": "Some jobs were given up; an administrator can look at them and try them again.",
    "jobs_parked": "A backup was restored; its jobs wait for `manage.py release_jobs`.",
    "mail_off": "No mail leaves: EMAIL_URL is not set, mails are only kept in the message log.",
    "broker_away": "The broker takes no wake-ups; what is due waits until it is back.",
    "replica_away": "The replica does not answer or is too far behind; the writer is read instead.",
}


def _pooler_json(found: Pooler | None) -> PoolerJson:
    if found is None:
        return {"ok": None, "mode": None}
    return {"ok": not found.problem, "mode": found.mode.value}


def _replica_json(look: Look | None) -> ReplicaJson:
    lag = None if look is None else look.lag_seconds
    return {
        "ok": look is not None and look.is_fit(now=time.monotonic()),
        "lag_seconds": None if lag is None else round(lag),
        "most_lag_seconds": MOST_LAG_SECONDS,
    }


def look_at_database() -> DatabaseState:
    """Stops at the first thing that is wrong: without its tables no job can be counted."""
    state = DatabaseState()
    try:
        connection.ensure_connection()
        applied = set(MigrationRecorder(connection).applied_migrations())
        state.answers = True
        _look_at_server(state)
        state.missing_migrations = len(known_migrations() - applied)
        if not state.missing_migrations:
            state.guarded = not sqlite_guard.missing(connection)
            state.counted = not kept_totals.missing(connection)
            state.oldest_due = _oldest_due(timezone.now())
            state.dead_jobs = Job.objects.filter(state=Job.State.DEAD).count()
            state.held_jobs = held_after_restore.number_held()
    except DatabaseError as error:
        logger.warning("readiness_database", error=str(error)[:200])
    finally:
        connection.close()
    return state


def _look_at_server(state: DatabaseState) -> None:
    wire = connections[DEFAULT_DB_ALIAS]
    if not isinstance(wire, DatabaseWrapper):
        state.takes_writes = True
        return
    state.takes_writes, state.host = takes_writes(wire), host_number(wire)


def look_at_broker() -> bool:
    """Whether it can be reached, in one short try; of the folder broker, whether it can be written."""
    folder = settings.CELERY_BROKER_TRANSPORT_OPTIONS.get("data_folder_out")
    if folder is not None:
        return os.access(folder, os.W_OK)
    with current_app.connection_for_write() as broker:
        unreachable: tuple[type[BaseException], ...] = (KombuError, OSError, *broker.connection_errors)
        try:
            broker.connect()
        except unreachable as error:
            logger.warning("readiness_broker", error=str(error)[:200])
            return False
    return True


@lru_cache
def known_migrations() -> frozenset[tuple[str, str]]:
    """App label and name of every migration of this code."""
    return frozenset(MigrationLoader(None, ignore_no_migrations=True).disk_migrations)


def _oldest_due(now: datetime) -> timedelta:
    due = outbox.oldest_due(now=now)
    return timedelta(0) if due is None else max(timedelta(0), now - due)


def _wait(future: Future[Found | None], *, until: float) -> Found | None:
    return wait_for(future, seconds=until - time.monotonic())


DATABASE = Probe(look_at_database)
BROKER = Probe(look_at_broker)
