"""SQLite's half of "the database refuses a double booking" (docs/adr/0003).

Triggers with the meaning of PostgreSQL's exclusion constraint `busy_time_one_party`. SQLite drops
them when Django remakes the table, so they are installed after every migrate, and a system check
and /readyz refuse to go on without them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

GUARD_NAME = "busy_time_one_party"
"""The constraint's name on PostgreSQL and the triggers' error message on SQLite."""

_TRIGGER = f"""
CREATE TRIGGER IF NOT EXISTS {GUARD_NAME}_%(event)s BEFORE %(event)s ON bookings_busytime
WHEN EXISTS (
    SELECT 1 FROM bookings_busytime AS other
    WHERE other.staff_id = NEW.staff_id AND other.party <> NEW.party AND other.id <> coalesce(NEW.id, -1)
      AND other.starts_at < NEW.ends_at AND other.ends_at > NEW.starts_at
)
BEGIN SELECT RAISE(ABORT, '{GUARD_NAME}'); END
"""

_EVENTS = ("insert", "update")


def install(connection: BaseDatabaseWrapper) -> None:
    """Put the triggers in place; nothing to do where they are, or on PostgreSQL."""
    if connection.vendor != "sqlite" or "bookings_busytime" not in connection.introspection.table_names():
        return
    with connection.cursor() as cursor:
        for event in _EVENTS:
            cursor.execute(_TRIGGER % {"event": event})


def install_after_migrate(using: str = DEFAULT_DB_ALIAS, **kwargs: Any) -> None:
    """The post_migrate receiver (bookings/apps.py)."""
    install(connections[using])


def missing(connection: BaseDatabaseWrapper) -> list[str]:
    """What should refuse a double booking in this database and is not there; [] when all is well."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT conname FROM pg_constraint WHERE conname = %s AND contype = 'x'", [GUARD_NAME]
            )
            wanted = {GUARD_NAME}
        else:
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            wanted = {f"{GUARD_NAME}_{event}" for event in _EVENTS}
        return sorted(wanted - {row[0] for row in cursor.fetchall()})


@register(Tags.database)
def check_busy_guard(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None, **kwargs: Any
) -> list[CheckMessage]:
    """bookings.E001: the table is there, but nothing in the database refuses a double booking."""
    found: list[CheckMessage] = []
    for alias in databases or []:
        connection = connections[alias]
        if "bookings_busytime" not in connection.introspection.table_names():
            continue
        if absent := missing(connection):
            found.append(
                Error(
                    f"Nothing refuses a double booking in database '{alias}': {', '.join(absent)} missing.",
                    hint="Run manage.py first_run; do not take bookings before it succeeds.",
                    id="bookings.E001",
                )
            )
    return found
