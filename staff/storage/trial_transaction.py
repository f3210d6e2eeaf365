"""A transaction in which something is tried and nothing of it stays (contract §11 "Dry run").

Names: trial_transaction, waiting_briefly, has_waited, Busy.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import OperationalError, connection, transaction

from staff.wire.refusals import Conflict

LONGEST_WAIT = timedelta(milliseconds=500)
"""For a lock that somebody else holds: whoever asks what would happen keeps nobody from doing it."""

LOCK_NOT_AVAILABLE = "55P03"
DEADLOCK = "40P01"
SQLITE_WAITED = ("SQLITE_BUSY", "SQLITE_LOCKED")


class Busy(Conflict):
    code = "busy"
    message = "Somebody else is writing there at this moment; ask again."


@contextmanager
def trial_transaction() -> Iterator[None]:
    """Rolls back whatever is written inside, and what was to be done on commit is not done."""
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{_milliseconds()}ms"])
        yield
        transaction.set_rollback(True)


@contextmanager
def waiting_briefly() -> Iterator[None]:
    """Around all of a request with a trial transaction in it: SQLite's only lock is asked for when a
    transaction begins, and by the counting of the request before."""
    if connection.vendor != "sqlite":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout")
        usual = cursor.fetchone()[0]
        cursor.execute(f"PRAGMA busy_timeout = {_milliseconds()}")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA busy_timeout = {int(usual)}")


def has_waited(error: Exception) -> bool:
    """Whether a lock was not given within LONGEST_WAIT: the answer is Busy then."""
    cause = error.__cause__
    if not isinstance(error, OperationalError):
        return False
    if getattr(cause, "sqlstate", None) in (LOCK_NOT_AVAILABLE, DEADLOCK):
        return True
    return str(getattr(cause, "sqlite_errorname", "")).startswith(SQLITE_WAITED)


def _milliseconds() -> int:
    return LONGEST_WAIT // timedelta(milliseconds=1)
