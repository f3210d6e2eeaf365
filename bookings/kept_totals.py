"""The total of a list without counting it (docs/adr/0109): `BookingTotal`, kept by triggers on bookings.

Every path counts, SQL by hand and TRUNCATE too. The triggers are installed after every migrate, and the
totals counted then if one was missing: SQLite drops them when Django remakes the table. A system check and
/readyz refuse to go on without them.

On PostgreSQL one statement counts once, in the order of staff id and status, so that two never wait for each
other in a circle. Who writes a booking holds its staff member's lock already: nobody waits here for longer.
A trigger whose words change needs another name: what is there is left as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from staff.storage.brief_locks import give_up_soon, until_nobody_is_met

TRIGGER_NAME = "booking_total"

_ADDED = "SELECT staff_id, status, 1 AS change FROM added"
_REMOVED = "SELECT staff_id, status, -1 AS change FROM removed"
_POSTGRES = {
    "insert": ("REFERENCING NEW TABLE AS added", _ADDED),
    "update": ("REFERENCING NEW TABLE AS added OLD TABLE AS removed", f"{_ADDED} UNION ALL {_REMOVED}"),
    "delete": ("REFERENCING OLD TABLE AS removed", _REMOVED),
}
_POSTGRES_TRIGGER = f"""
CREATE OR REPLACE FUNCTION {TRIGGER_NAME}_%(event)s() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO bookings_bookingtotal AS kept (staff_id, status, number)
    SELECT staff_id, status, sum(change) FROM (%(changes)s) AS changes
    GROUP BY staff_id, status HAVING sum(change) <> 0 ORDER BY staff_id, status
    ON CONFLICT (staff_id, status) DO UPDATE SET number = kept.number + excluded.number;
    RETURN NULL;
END $$;
DROP TRIGGER IF EXISTS {TRIGGER_NAME}_%(event)s ON bookings_booking;
CREATE TRIGGER {TRIGGER_NAME}_%(event)s AFTER %(event)s ON bookings_booking %(tables)s
FOR EACH STATEMENT EXECUTE FUNCTION {TRIGGER_NAME}_%(event)s()
"""
_POSTGRES_TRUNCATE = f"""
CREATE OR REPLACE FUNCTION {TRIGGER_NAME}_truncate() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    DELETE FROM bookings_bookingtotal;
    RETURN NULL;
END $$;
DROP TRIGGER IF EXISTS {TRIGGER_NAME}_truncate ON bookings_booking;
CREATE TRIGGER {TRIGGER_NAME}_truncate AFTER TRUNCATE ON bookings_booking
FOR EACH STATEMENT EXECUTE FUNCTION {TRIGGER_NAME}_truncate()
"""

_ONE_MORE = """INSERT INTO bookings_bookingtotal (staff_id, status, number)
VALUES (NEW.staff_id, NEW.status, 1)
ON CONFLICT (staff_id, status) DO UPDATE SET number = number + 1;"""
_ONE_LESS = """UPDATE bookings_bookingtotal SET number = number - 1
WHERE staff_id = OLD.staff_id AND status = OLD.status;"""
_SQLITE = {
    "insert": ("INSERT", _ONE_MORE),
    "update": ("UPDATE OF staff_id, status", _ONE_LESS + _ONE_MORE),
    "delete": ("DELETE", _ONE_LESS),
}

_COUNT_ANEW = (
    "DELETE FROM bookings_bookingtotal",
    "INSERT INTO bookings_bookingtotal (staff_id, status, number) "
    "SELECT staff_id, status, count(*) FROM bookings_booking GROUP BY staff_id, status",
)


def install(connection: BaseDatabaseWrapper) -> None:
    """Put the triggers in place and count anew; nothing to do where they are all there, or without tables.

    Keeps nobody who books waiting behind it: what does not get its lock at once is begun again
    (docs/adr/0107). Raises OperationalError where that was not enough.
    """
    if not _has_tables(connection) or not missing(connection):
        return
    until_nobody_is_met(partial(_install, connection))


def _install(connection: BaseDatabaseWrapper) -> None:
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        give_up_soon(connection)
        if connection.vendor == "postgresql":
            cursor.execute("LOCK TABLE bookings_booking IN SHARE ROW EXCLUSIVE MODE")
        for statement in (*_triggers(connection.vendor), *_COUNT_ANEW):
            cursor.execute(statement)


def _triggers(vendor: str) -> list[str]:
    if vendor == "postgresql":
        counting = [
            _POSTGRES_TRIGGER % {"event": event, "tables": tables, "changes": changes}
            for event, (tables, changes) in _POSTGRES.items()
        ]
        return [*counting, _POSTGRES_TRUNCATE]
    return [
        f"CREATE TRIGGER IF NOT EXISTS {TRIGGER_NAME}_{event} AFTER {what} ON bookings_booking "
        f"BEGIN {statements} END"
        for event, (what, statements) in _SQLITE.items()
    ]


def install_after_migrate(using: str = DEFAULT_DB_ALIAS, **kwargs: Any) -> None:
    """The post_migrate receiver (bookings/apps.py)."""
    install(connections[using])


def missing(connection: BaseDatabaseWrapper) -> list[str]:
    """The triggers that should count in this database and are not there, or switched off; [] when all is
    well."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT tgname FROM pg_trigger WHERE tgrelid = 'bookings_booking'::regclass "
                "AND tgenabled IN ('O', 'A')"
            )
            events = [*_POSTGRES, "truncate"]
        else:
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            events = [*_SQLITE]
        return sorted({f"{TRIGGER_NAME}_{event}" for event in events} - {row[0] for row in cursor.fetchall()})


def _has_tables(connection: BaseDatabaseWrapper) -> bool:
    return {"bookings_booking", "bookings_bookingtotal"} <= set(connection.introspection.table_names())


@register(Tags.database)
def check_kept_totals(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None, **kwargs: Any
) -> list[CheckMessage]:
    """bookings.E002: the tables are there, but nothing in the database counts the bookings."""
    found: list[CheckMessage] = []
    for alias in databases or []:
        connection = connections[alias]
        if not _has_tables(connection):
            continue
        if absent := missing(connection):
            found.append(
                Error(
                    f"Nothing counts the bookings in database '{alias}': {', '.join(absent)} missing.",
                    hint="Run manage.py first_run; until it succeeds lists would state a wrong total.",
                    id="bookings.E002",
                )
            )
    return found
