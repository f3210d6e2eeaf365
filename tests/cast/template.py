"""One migrated database for all processes of a session: to migrate takes ten seconds, to copy takes none.

The process that hands out the tests makes it while the others collect them. Where one process runs them, it
migrates its own.
"""

from __future__ import annotations

import shutil
from typing import Any

from django.db import connection


def name() -> str:
    """Of the database that `make` makes; on SQLite its path."""
    return str(connection.creation._get_test_db_name())


def make() -> None:
    """Migrate a database that nobody works on."""
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    connection.close()


def drop() -> None:
    """What `make` made, in the process that made it."""
    connection.creation.destroy_test_db(verbosity=0)


def copy(source: str) -> None:
    """Let the test database that is about to be made be a copy, in which `migrate` has nothing to do."""
    test: dict[str, Any] = connection.settings_dict["TEST"]
    if connection.vendor == "sqlite":
        shutil.copy(source, test["NAME"])
    else:
        test["TEMPLATE"] = source
