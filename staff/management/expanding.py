"""Bringing the schema up to date while others work on it (docs/adr/0107)."""

from __future__ import annotations

from django.core.management import call_command
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.migration import Migration
from django.db.migrations.state import ProjectState

from staff.storage.brief_locks import give_up_soon, until_nobody_is_met


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
            # Before the first transaction: what Django believes of this table outlives a rollback.
            executor.recorder.ensure_schema()
        state = None
        for migration, _backwards in plan:
            state, again = _apply(executor, migration, state)
            met += again
    call_command("migrate", interactive=False, verbosity=0)
    return met


def _apply(
    executor: MigrationExecutor, migration: Migration, state: ProjectState | None
) -> tuple[ProjectState, int]:
    """The models after it, and how many times it met somebody; `state`: before it, None where nobody has read
    them yet."""
    before = [state]
    node = (migration.app_label, migration.name)

    def work() -> ProjectState:
        if not migration.atomic:
            # It has transactions of its own, in which it gives up soon by itself.
            return executor.migrate([node], plan=[(migration, False)], state=before[0])
        with transaction.atomic():
            give_up_soon(connection)
            return executor.migrate([node], plan=[(migration, False)], state=before[0])

    def afresh() -> None:
        before[0] = None
        # Django leaves its transaction open where a migration's last statements fail.
        connection.close()
        connection.connect()
        executor.loader.build_graph()

    return until_nobody_is_met(work, afresh=afresh)
