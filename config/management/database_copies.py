"""A copy of the whole database in one file, and back (reliability §6).

PostgreSQL: `pg_dump -Fc` and `pg_restore`, the password handed over in the environment. SQLite: VACUUM INTO
and SQLite's own backup. Both are consistent while the salon works on.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.db import connection

OWNERS_ONLY = 0o600
PASSED_ON = {
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "connect_timeout": "PGCONNECT_TIMEOUT",
    "target_session_attrs": "PGTARGETSESSIONATTRS",
}
A_TABLE_OF_OURS = "bookings_booking"


def back_up(file: Path) -> None:
    """Write the copy; the file appears under its name when it is whole, readable by its owner only.

    Raises CommandError: the file exists, or the database's tool failed.
    """
    if file.exists():
        raise CommandError(f"{file} exists; choose another name.")
    with _draft(file) as draft:
        if connection.vendor == "postgresql":
            _run(
                "pg_dump",
                "--format=custom",
                "--no-owner",
                "--no-privileges",
                "--no-comments",
                f"--file={draft}",
            )
        else:
            with connection.cursor() as cursor:
                cursor.execute("VACUUM INTO %s", [str(draft)])
        draft.chmod(OWNERS_ONLY)
        draft.rename(file)


def restore(file: Path) -> None:
    """Fill this database, which must be empty, from the copy; all of it or nothing.

    Raises CommandError: the database is not empty, or the file is no copy of this kind of database.
    """
    if not file.is_file():
        raise CommandError(f"There is no file {file}.")
    if not is_empty():
        raise CommandError(
            "This database is not empty, and a restore never overwrites one. Point DATABASE_URL at a new "
            "database (or, for SQLite, DATA_DIR at a new folder) and restore there."
        )
    if connection.vendor == "postgresql":
        _run(
            "pg_restore",
            "--no-owner",
            "--no-privileges",
            "--single-transaction",
            "--exit-on-error",
            f"--dbname={connection.settings_dict['NAME']}",
            str(file),
        )
    else:
        _restore_sqlite(file)


def is_empty() -> bool:
    """Whether none of our tables is there."""
    return A_TABLE_OF_OURS not in connection.introspection.table_names()


def _restore_sqlite(file: Path) -> None:
    with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as source:
        try:
            (verdict,) = source.execute("PRAGMA integrity_check").fetchone()
            source.execute(f"SELECT 1 FROM {A_TABLE_OF_OURS} LIMIT 1")
        except sqlite3.DatabaseError as error:
            raise CommandError(f"{file} is no backup of a SQLite installation: {error}") from error
        if verdict != "ok":
            raise CommandError(f"{file} is damaged: {verdict}")
        connection.ensure_connection()
        target: Any = connection.connection
        source.backup(target)


@contextmanager
def _draft(file: Path) -> Iterator[Path]:
    """A name beside the file to write under; nothing is left of it when that fails."""
    draft = file.with_name(f".{file.name}.part")
    draft.unlink(missing_ok=True)
    old_mask = os.umask(0o077)
    try:
        yield draft
    finally:
        os.umask(old_mask)
        draft.unlink(missing_ok=True)


def _run(tool: str, *arguments: str) -> None:
    path = shutil.which(tool)
    if path is None:
        raise CommandError(f"{tool} was not found; install PostgreSQL's client programs (postgresql-client).")
    done = subprocess.run(
        [path, *arguments], env={**os.environ, **_environment()}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise CommandError(f"{tool} failed: {done.stderr.strip()[-2000:]}")


def _environment() -> dict[str, str]:
    database = connection.settings_dict
    found = {
        "PGHOST": database["HOST"],
        "PGPORT": str(database["PORT"] or ""),
        "PGUSER": database["USER"],
        "PGPASSWORD": database["PASSWORD"],
        "PGDATABASE": database["NAME"],
        **{
            variable: str(database["OPTIONS"][name])
            for name, variable in PASSED_ON.items()
            if name in database["OPTIONS"]
        },
    }
    return {name: value for name, value in found.items() if value}
