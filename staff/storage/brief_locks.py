"""Locks taken beside people who work: soon, or given up and asked for again (docs/adr/0107).

Names: give_up_soon, until_nobody_is_met.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from django.db import OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper

LOCK_TIMEOUT_MS = 400
"""Nobody waits longer than this behind a schema change that waits for its lock.

Shorter than PostgreSQL's `deadlock_timeout` (a second), so that of it and somebody who books it is nearly
always the schema change that gives up."""

TRIES = 200
BETWEEN_TRIES_SECONDS = 0.3
MET_SOMEBODY = frozenset({"55P03", "40P01"})
"""SQLSTATE of a lock that was not to be had in time, and of a deadlock."""

Found = TypeVar("Found")


def give_up_soon(wire: BaseDatabaseWrapper) -> None:
    """In a transaction: until its end no lock is waited for longer than LOCK_TIMEOUT_MS (PostgreSQL).

    Of the transaction and not of the session, which a pooler passes on to somebody else (docs/adr/0106).
    """
    if wire.vendor == "postgresql":
        with wire.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{LOCK_TIMEOUT_MS}ms"])


def until_nobody_is_met(
    work: Callable[[], Found], *, afresh: Callable[[], None] | None = None
) -> tuple[Found, int]:
    """What `work`, a transaction that gives up soon, gave back, and how many times it met somebody.

    `afresh` is called after each try but the last: what was left open keeps its locks until then. Raises what
    `work` raises; after TRIES of this too.
    """
    met = 0
    while True:
        try:
            return work(), met
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", None) not in MET_SOMEBODY or met + 1 == TRIES:
                raise
        met += 1
        if afresh is not None:
            afresh()
        time.sleep(BETWEEN_TRIES_SECONDS)
