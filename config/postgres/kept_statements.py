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

import psycopg
from psycopg._preparing import Prepare, PrepareManager
from psycopg.errors import FeatureNotSupported, InvalidSqlStatementName

NO_LONGER_GOOD = (FeatureNotSupported, InvalidSqlStatementName)
"""A column has another type now ("cached plan must not change result type"), or somebody has dropped it."""

_TAKES_AWAY = re.compile(rb"(?:DROP|ALTER|DISCARD ALL|DEALLOCATE ALL)\b")


class KeptStatements(PrepareManager):
    def __init__(self, threshold: int | None) -> None:
        super().__init__()
        self.prepare_threshold = threshold

    def clear(self) -> bool:
        """What psycopg calls after a rollback."""
        return False

    def note(self, error: psycopg.Error) -> None:
        """Has all prepared anew where one is no longer good, in whatever language the server says so.

        The server keeps those of now, under names that nobody uses again.
        """
        if isinstance(error, NO_LONGER_GOOD):
            self._counts.clear()
            self._names.clear()

    def validate(self, key: Any, prep: Prepare, name: bytes, results: Sequence[Any]) -> None:
        """psycopg keeps no name of one whose first run failed, and would leave it at the server."""
        if prep is Prepare.SHOULD and not self._check_results(results):
            self._to_flush.append(name)
        super().validate(key, prep, name, results)

    def _should_discard(self, prep: Prepare, results: Sequence[Any], *_: Any) -> bool:
        if any(_TAKES_AWAY.match(each.command_status or b"") for each in results):
            return super().clear()
        return False
