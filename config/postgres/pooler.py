"""What stands between us and PostgreSQL, told by how it behaves (contract §12 "pooler"; docs/adr/0106).

A pooler gives a client a process number of its own making. One that passes our sessions round has to keep our
prepared statements: PgBouncer does from 1.21 on, under names of its own, and from 1.22 on it also understands
that we forget them all, as a command does after every rollback. Nobody needs a login to its console.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import structlog
from django.core.checks import CheckMessage, Error
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections

from config.postgres.base import DatabaseWrapper
from staff.storage.probe import Probe, wait_for

ROUNDS = 10
"""One idle server session, or two that are handed out in turn, show within three."""

LOOK_HOLDS_SECONDS = 300.0
PATIENCE_SECONDS = 1.0
"""Of a process that serves people, for each answer: meanwhile it keeps a session that somebody may want."""

_ASKED = "SELECT 'what stands between' || %s::text"
_NAMES = "SELECT name FROM pg_prepared_statements WHERE statement LIKE 'SELECT ''what stands between''%%'"
_OUR_NAME = re.compile(r"_pg3_[0-9]+")
_NO_TRANSACTIONS = "statement pooling"

logger = structlog.get_logger(__name__)


class Mode(StrEnum):
    NONE = "none"
    SESSION = "session"
    TRANSACTION = "transaction"
    STATEMENT = "statement"


@dataclass(frozen=True, slots=True)
class Pooler:
    """`problem`: why we cannot work through it, "" where we can."""

    mode: Mode
    problem: str = ""


def is_pooled(wire: DatabaseWrapper) -> bool:
    """Whether somebody else answers than the process that this line believes it talks to; one statement."""
    wire.ensure_connection()
    return bool(wire.connection.info.backend_pid != _process(wire))


def look_at_pooler(wire: DatabaseWrapper, *, patience_seconds: float | None = None) -> Pooler:
    """What is in between, on two lines of its own.

    Raises DatabaseError where the database is away; `patience_seconds`: or does not answer for that long.
    """
    with closing(wire.copy()) as one, closing(wire.copy()) as other:
        _open(one, patience_seconds)
        if not is_pooled(one):
            return Pooler(Mode.NONE)
        _open(other, patience_seconds)
        try:
            return _of_a_pool(one, other)
        except DatabaseError as error:
            if _NO_TRANSACTIONS not in str(error):
                raise
            return Pooler(Mode.STATEMENT, "it lets nobody have a transaction")


def _open(wire: DatabaseWrapper, patience_seconds: float | None) -> None:
    wire.ensure_connection()
    wire.connection.patience = patience_seconds


def _of_a_pool(one: DatabaseWrapper, other: DatabaseWrapper) -> Pooler:
    try:
        names = _names_at_the_server(one)
    except DatabaseError as error:
        if _NO_TRANSACTIONS in str(error) or "prepared statement" not in str(error):
            raise
        return Pooler(Mode.TRANSACTION, f"it mixes up prepared statements ({str(error).strip()[:100]})")
    if any(not _OUR_NAME.fullmatch(name) for name in names):
        return Pooler(Mode.TRANSACTION)
    if _share_a_session(one, other):
        return Pooler(Mode.TRANSACTION, "it does not keep prepared statements")
    return Pooler(Mode.SESSION)


def _names_at_the_server(wire: DatabaseWrapper) -> list[str]:
    """What the server calls a statement of ours: prepared, forgotten and prepared again in a transaction."""
    wire.set_autocommit(False)
    for which in ("once", "twice"):
        with wire.prepared_cursor() as cursor:
            cursor.execute(_ASKED, [which])
        with wire.cursor() as cursor:
            cursor.execute(_NAMES)
            names = [name for (name,) in cursor.fetchall()]
            # psycopg says the same after a rollback.
            cursor.execute("DEALLOCATE ALL")
    wire.rollback()
    wire.set_autocommit(True)
    return names


def _share_a_session(one: DatabaseWrapper, other: DatabaseWrapper) -> bool:
    """Whether two lines that are both open meet the same process of the server, or one meets several."""
    met = _process(one)
    return any(_process(other) == met or _process(one) != met for _ in range(ROUNDS))


def _process(wire: Any) -> int:
    with wire.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


@dataclass(slots=True)
class KnownPooler:
    """What is in between, as this process knows it: whoever asks often must not look each time.

    A look takes two sessions of the server, and a pooler may have none left. So it is done by a thread of its
    own, and where it fails what was found before holds: what stands in between changes with a deployment.
    """

    _found: Pooler | None = None
    _until: float = float("-inf")
    _look: Probe[None] = field(init=False)

    def __post_init__(self) -> None:
        self._look = Probe(self._carry_out)

    def found(self, *, wait_seconds: float) -> Pooler | None:
        """None where nobody could look so far; waits only then."""
        if time.monotonic() >= self._until:
            look = self._look.begin()
            if self._found is None:
                wait_for(look, seconds=wait_seconds)
        return self._found

    def forget(self) -> None:
        """As in a process that has just begun, once a look that is under way has ended."""
        self._look.begin().result()
        self._found, self._until = None, float("-inf")

    def _carry_out(self) -> None:
        wire = connections[DEFAULT_DB_ALIAS]
        try:
            if isinstance(wire, DatabaseWrapper):
                self._found = look_at_pooler(wire, patience_seconds=PATIENCE_SECONDS)
            else:
                self._found = Pooler(Mode.NONE)
        except DatabaseError as error:
            logger.warning("pooler_not_looked_at", error=str(error)[:200])
        if self._found is not None:
            self._until = time.monotonic() + LOOK_HOLDS_SECONDS


known_pooler = KnownPooler()


def check_pooler(databases: Sequence[str] | None, **kwargs: Any) -> list[CheckMessage]:
    """config.E009: a pooler in between that breaks us. A check of the database, so `migrate` runs it too."""
    found: list[CheckMessage] = []
    for alias in databases or []:
        wire = connections[alias]
        if not isinstance(wire, DatabaseWrapper):
            continue
        pooler = look_at_pooler(wire)
        if pooler.problem:
            found.append(
                Error(
                    f"The pooler in front of '{alias}' works in {pooler.mode} mode: {pooler.problem}.",
                    hint="PgBouncer: pool_mode = session, or version 1.22 or later with "
                    "max_prepared_statements = 200 (docs/operations.md).",
                    id="config.E009",
                )
            )
    return found
