"""Bringing the schema up to date while others work on it (docs/adr/0107)."""

from __future__ import annotations

import time

from django.core.management import call_command
from django.db import OperationalError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.migration import Migration
from django.db.migrations.state import ProjectState

LOCK_TIMEOUT_MS = 400
"""Nobody waits longer than this behind a migration that waits for its lock.

Shorter than PostgreSQL's `deadlock_timeout` (a second), so that of a migration and somebody who books it is
nearly always the migration that gives up."""

TRIES = 200
BETWEEN_TRIES_SECONDS = 0.3
MET_SOMEBODY = frozenset({"55P03", "40P01"})
"""SQLSTATE of a lock that was not to be had in time, and of a deadlock."""


def migrate() -> int:
    """Apply all migrations; gives how many times one met somebody at work.

    On PostgreSQL one that does not get its locks at once is rolled back and begun again, so that it keeps
    nobody waiting. Raises what Django's `migrate` raises; of this too once TRIES were not enough for one.
    """
    met = 0
    if connection.vendor == "postgresql":
        executor = MigrationExecutor(connection)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if plan:
            _be_quick()
        state = None
        for migration, _backwards in plan:
            state, tries = _apply(executor, migration, state)
            met += tries - 1
        if plan:
            connection.close()
    call_command("migrate", interactive=False, verbosity=0)
    return met


def _apply(
    executor: MigrationExecutor, migration: Migration, state: ProjectState | None
) -> tuple[ProjectState, int]:
    """The models after it, and in how many tries; `state`: before it, None where nobody has read them yet."""
    tries = 1
    while True:
        try:
            node = (migration.app_label, migration.name)
            return executor.migrate([node], plan=[(migration, False)], state=state), tries
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", None) not in MET_SOMEBODY or tries == TRIES:
                raise
            tries, state = tries + 1, None
            # Django leaves its transaction open where a migration's last statements fail.
            connection.close()
            time.sleep(BETWEEN_TRIES_SECONDS)
            _be_quick()
            executor.loader.build_graph()


def _be_quick() -> None:
    connection.connect()
    with connection.cursor() as cursor:
        cursor.execute(f"SET lock_timeout = {LOCK_TIMEOUT_MS}")
