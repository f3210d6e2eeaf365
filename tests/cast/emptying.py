"""Emptying the database after a test that commits: of what has been written, and of nothing else.

Django's flush truncates all fifty tables, for which PostgreSQL makes new files of each and of its indexes: a
tenth of a second, a thousand times in a pass. Django also hangs up after each: a new process of the server
knows no table yet and has no plan, which is more than most tests need by themselves.
"""

from __future__ import annotations

from django.db import connection, connections, transaction

from bookings.slots import sqlite_guard
from staff.apps import keep_settings_row
from staff.storage.prepared_statements import open_cursor

KEPT = frozenset({"django_content_type", "auth_permission"})
"""What `migrate` has written from the code, the same for every test."""

LARGE = 2**20
"""Bytes of a table, with what has been deleted in it, from which on it is cheaper to truncate."""

_SIZE = {"postgresql": "pg_relation_size('{0}'::regclass)", "sqlite": "0"}


def empty_the_database() -> None:
    """As Django's flush: no row is left but the settings, the guard stands, sequences go on."""
    tables = set(connection.introspection.django_table_names(include_views=False)) - KEPT
    question = f"SELECT '{{0}}', {_SIZE[connection.vendor]}, EXISTS (SELECT 1 FROM {{0}})"
    with open_cursor(connection) as cursor:
        cursor.execute(" UNION ALL ".join(question.format(table) for table in sorted(tables)))
        found = cursor.fetchall()
    if any(size > LARGE for _, size, _ in found):
        statements = [f"TRUNCATE {', '.join(sorted(tables))}"]
    else:
        statements = [f"DELETE FROM {table}" for table, _, written in found if written]
    # In any order: foreign keys are looked at when all is over.
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        keep_settings_row()
    sqlite_guard.install(connection)


def hang_up_where_broken() -> None:
    """Keep the connections for the next test, as the next request gets them: looked at first."""
    for each in connections.all(initialized_only=True):
        each.close_if_unusable_or_obsolete()
