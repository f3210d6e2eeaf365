"""Django's PostgreSQL backend, with less to pay for every call, and one error better known.

A kept connection is tested without asking the server anything: Django sends `SELECT 1` before every request.
A server that went away has said so on the line: the kernel knows, and psycopg reads it there (`make chaos`,
F5). And statements that never change (`staff.storage.prepared_statements`) are planned once per connection
by the server: planning a join of four tables takes it several times longer than finding the one row. And
instants are read in C (`adapters`).

A fence: this leans on what Django keeps to itself (`ServerBindingCursor`, `CursorWrapper`,
`make_debug_cursor`, `close_if_health_check_failed`; read at 5.2) and on psycopg's `_last_query` and `_tx`
(3.3), `_WaitTimeout` (in `silence`) and `_prepared` (in `kept_statements`), so read it again at every new
release of either. Remove `prepared_cursor` when Django prepares statements of its own (its ticket 20516),
`is_usable` when its health check no longer asks the server, and the whole package when nothing of it is left:
`staff.storage.prepared_statements` falls back to an ordinary cursor, and DATABASES to Django's ENGINE
(`config.env.database_settings`).
"""

from __future__ import annotations

import select
from datetime import UTC
from typing import Any

import psycopg
from django.db import OperationalError
from django.db.backends.postgresql import base
from django.db.backends.postgresql.operations import DatabaseOperations
from django.db.backends.utils import CursorWrapper
from django.db.utils import DatabaseErrorWrapper
from django.utils.functional import cached_property
from psycopg import IsolationLevel
from psycopg.adapt import Transformer
from psycopg.pq import ConnStatus, TransactionStatus
from psycopg.pq.abc import PGconn

from config.postgres import patience
from config.postgres.adapters import adapters_in_utc
from config.postgres.kept_statements import KeptStatements
from config.postgres.silence import Line, hosts
from staff.storage.replica import REPLICA

READ_ONLY = (b"in_hot_standby", b"default_transaction_read_only")
REPLICA_PATIENCE_SECONDS = 3.0
"""For its next word; then the same is read from the writer."""

MOST_PREPARED = 200
"""Statements whose plans a connection keeps: more than we write, as many as a pooler is told to."""

MOST_LAST_WORDS = 10
"""Messages read before we give up on a line: a server that ends says one, then hangs up."""


class _PreparingCursor(base.ServerBindingCursor):
    """One for all such statements of a connection: making one costs a tenth of what a short one takes, and
    so does finding out how each type is written and read. That is found out once, so the session keeps the
    time zone and the encoding that it began with."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._tx = Transformer(self)  # type: ignore[arg-type]

    def close(self) -> None:
        """Nothing more to fetch; the next statement is asked by it too, and has rows of its own."""
        self._reset(reset_query=False)  # type: ignore[attr-defined]

    def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        # Of another one psycopg would look up every type anew.
        self._last_query = query
        try:
            return super().execute(query, params, prepare=True, **options)  # type: ignore[misc]
        except psycopg.Error as error:
            kept = self.connection._prepared  # type: ignore[attr-defined]
            if isinstance(kept, KeptStatements):
                kept.note(error)
            raise


class _Wrapper(CursorWrapper):
    """Django's own, with the names that are asked for after every statement at hand: it looks each one up in
    vain first, and makes a function of it."""

    def fetchall(self) -> Any:
        with self.db.wrap_database_errors:
            return self.cursor.fetchall()

    def fetchone(self) -> Any:
        with self.db.wrap_database_errors:
            return self.cursor.fetchone()

    @property
    def rowcount(self) -> int:
        count: int = self.cursor.rowcount
        return count

    def close(self) -> None:
        self.cursor.close()


class _Operations(DatabaseOperations):
    def last_executed_query(self, cursor: Any, sql: Any, params: Any) -> Any:
        # psycopg does not keep the text of a prepared statement; the log of statements wants it.
        return super().last_executed_query(cursor, sql, params) or self.compose_sql(sql, params)


class _Errors(DatabaseErrorWrapper):
    """A server that takes no writes (any more) counts as one that is away: tell, close, try another one.

    SQLSTATE 25006; Django takes it for a fault inside the database (contract §12 "promise").
    """

    def __exit__(self, exc_type: Any, exc_value: Any, traceback: Any) -> None:
        if exc_type is None:
            return
        if issubclass(exc_type, psycopg.errors.ReadOnlySqlTransaction):
            self.wrapper.errors_occurred = True  # type: ignore[attr-defined]
            raise OperationalError(*exc_value.args).with_traceback(traceback) from exc_value
        super().__exit__(exc_type, exc_value, traceback)


class DatabaseWrapper(base.DatabaseWrapper):
    ops_class = _Operations
    _kept_cursor: _Wrapper | None = None

    @cached_property
    def wrap_database_errors(self) -> DatabaseErrorWrapper:
        return _Errors(self)

    def get_connection_params(self) -> dict[str, Any]:
        params: dict[str, Any] = super().get_connection_params()
        if self.timezone is UTC:
            params["context"] = adapters_in_utc()
        return params

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        self.isolation_level = IsolationLevel.READ_COMMITTED
        if patience() is None:
            wire = Line.connect(**conn_params)
        else:
            with hosts.opening(conn_params) as speaking:
                wire = Line.connect(**speaking)
            hosts.add(wire)
            wire._prepared = KeptStatements(wire.prepare_threshold)
        wire.prepared_max = MOST_PREPARED
        if self.alias == REPLICA:
            # Said with each BEGIN, so that no pooler can pass it on to somebody who writes.
            wire.read_only = True
            wire.patience = REPLICA_PATIENCE_SECONDS
        return wire

    def prepared_cursor(self) -> Any:
        """A cursor whose statements the server keeps, planned, for as long as this connection lives.

        One at a time: its rows are gone once the next statement is asked.
        """
        if self.connection is None or not self.health_check_done:  # type: ignore[attr-defined]
            self.close_if_health_check_failed()
        self.ensure_connection()
        self.validate_thread_sharing()
        kept = self._kept_cursor
        if kept is None or kept.cursor.connection is not self.connection:
            kept = self._kept_cursor = _Wrapper(_PreparingCursor(self.connection), self)
        return self.make_debug_cursor(kept.cursor) if self.queries_logged else kept

    def is_usable(self) -> bool:
        """Whether the line is idle and the server has neither hung up, died nor fallen silent."""
        wire = None if self.connection is None else self.connection.pgconn
        if wire is None or wire.status != ConnStatus.OK or self.connection.place in hosts.silent:
            return False
        if self.alias != REPLICA and _takes_no_writes(wire):
            return False
        if wire.transaction_status not in (TransactionStatus.IDLE, TransactionStatus.INTRANS):
            return False
        ear = select.poll()
        ear.register(wire.socket, select.POLLIN)
        for _ in range(MOST_LAST_WORDS):
            if not ear.poll(0):
                return bool(wire.status == ConnStatus.OK)
            try:
                wire.consume_input()
            except psycopg.OperationalError:
                return False
        return False


def _takes_no_writes(wire: PGconn) -> bool:
    """As the server said by itself, when the line was opened or since (PostgreSQL 14 and later)."""
    return any(wire.parameter_status(name) == b"on" for name in READ_ONLY)
