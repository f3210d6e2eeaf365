"""The schema is brought up to date beside people who work: soon, or later (docs/adr/0107)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, migrations, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from staff.management import expanding
from staff.storage.brief_locks import LOCK_TIMEOUT_MS, give_up_soon

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="on SQLite nobody works meanwhile"),
]
OF_THE_SESSION = "0"
BRIEF = f"{LOCK_TIMEOUT_MS}ms"


def _how_long() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        return str(cursor.fetchone()[0])


@pytest.fixture
def somebody() -> Iterator[Any]:
    """Another line, in a transaction that has taken a table of ours."""
    other = connection.copy()
    other.set_autocommit(False)
    with other.cursor() as cursor:
        cursor.execute("LOCK TABLE bookings_booking IN ROW EXCLUSIVE MODE")
    yield other
    other.close()


def _apply(act: Callable[[], None], *, atomic: bool = True) -> int:
    """How many times a migration that does this met somebody."""
    migration = migrations.Migration("9999_of_this_test", "bookings")
    migration.atomic = atomic
    migration.operations = [migrations.RunPython(lambda apps, editor: act())]

    class Loader(MigrationLoader):
        def build_graph(self) -> None:
            super().build_graph()
            self.graph.add_node((migration.app_label, migration.name), migration)

    executor = MigrationExecutor(connection)
    executor.loader = Loader(connection)
    try:
        return expanding._apply(executor, migration, None)[1]
    finally:
        MigrationRecorder(connection).record_unapplied(migration.app_label, migration.name)


def test_how_long_it_waits_holds_for_its_transaction_and_not_for_the_session() -> None:
    """A pooler passes the session on to whoever asks next (docs/adr/0106)."""
    seen: list[str] = []
    assert _apply(lambda: seen.append(_how_long())) == 0
    assert seen == [BRIEF]
    assert _how_long() == OF_THE_SESSION


def test_one_with_transactions_of_its_own_says_so_in_each() -> None:
    seen: list[str] = []

    def act() -> None:
        seen.append(_how_long())
        with transaction.atomic():
            give_up_soon(connection)
            seen.append(_how_long())
        seen.append(_how_long())

    assert _apply(act, atomic=False) == 0
    assert seen == [OF_THE_SESSION, BRIEF, OF_THE_SESSION]


def test_one_that_meets_somebody_is_rolled_back_and_begun_again(somebody: Any) -> None:
    begun: list[str] = []

    def act() -> None:
        begun.append(_how_long())
        if len(begun) == 3:
            somebody.rollback()
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE of_this_test ()")
            cursor.execute("LOCK TABLE bookings_booking IN ACCESS EXCLUSIVE MODE")
            cursor.execute("DROP TABLE of_this_test")

    assert _apply(act) == 2
    assert begun == [BRIEF] * 3
    assert _how_long() == OF_THE_SESSION


def test_every_migration_with_transactions_of_its_own_gives_up_soon_in_each() -> None:
    loader = MigrationExecutor(connection).loader
    ours = [each for each in loader.disk_migrations.values() if not each.atomic]
    assert ours
    for migration in ours:
        with open(__import__(migration.__module__, fromlist=["_"]).__file__) as file:
            source = file.read()
        assert source.count("atomic():") == source.count("give_up_soon(schema_editor") > 0, migration


def test_first_run_leaves_the_session_as_it_was() -> None:
    call_command("first_run", verbosity=0)
    assert _how_long() == OF_THE_SESSION
