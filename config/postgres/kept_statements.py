"""Which statements the server keeps for a connection of web or worker: a rollback takes none away.

After every rollback psycopg forgets all of them, since what they name may have been created in what is
undone. PostgreSQL itself keeps them, and these processes create and drop nothing; so each refused booking had
the next calls of its connection planned anew, five times each (docs/adr/0111).

Part of the fence of `config.postgres.base`: it leans on psycopg's `PrepareManager` (read at 3.3), which is
put in place of a connection's own by `_prepared`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from psycopg._preparing import Prepare, PrepareManager
from psycopg.errors import FeatureNotSupported, InvalidSqlStatementName

NO_LONGER_GOOD = (FeatureNotSupported, InvalidSqlStatementName)
"""A column has another type now (`cached plan must not change result type`), or somebody has dropped it."""

_TAKES_AWAY = re.compile(rb"(?:DROP|ALTER|DISCARD ALL|DEALLOCATE ALL)\b")


class KeptStatements(PrepareManager):
    def clear(self) -> bool:
        """What psycopg calls after a rollback."""
        return False

    def forget(self) -> None:
        """Have all prepared anew; the server keeps those of now, under names that nobody uses again."""
        self._counts.clear()
        self._names.clear()

    def _should_discard(self, prep: Prepare, results: Sequence[Any], *_: Any) -> bool:
        if any(_TAKES_AWAY.match(each.command_status or b"") for each in results):
            return super().clear()
        return False
