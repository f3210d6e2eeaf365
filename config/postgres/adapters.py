"""Instants from PostgreSQL, read by psycopg's own loader, in C; and whole numbers sent as of one type.

Django's reader of instants is in Python and takes six times as long; a page of free times reads four
thousand. Part of the fence of `config.postgres.base`: it leans on Django's `get_adapters_template` and on the
`timezone` of its loaders (read at 5.2). Remove it when Django reads instants in C.
"""

from __future__ import annotations

from datetime import UTC
from functools import lru_cache
from typing import Any

import psycopg
from django.conf import settings
from django.db.backends.postgresql.psycopg_any import get_adapters_template
from psycopg.abc import AdaptContext
from psycopg.adapt import AdaptersMap, Loader
from psycopg.pq import Format
from psycopg.types.numeric import Int8Dumper

_THEIRS = psycopg.adapters.get_loader(psycopg.adapters.types["timestamptz"].oid, Format.TEXT)
"""Of an instant; it answers in the time zone of the session, which Django has set."""


class _UtcLoader(Loader):
    """Stands for psycopg's own, which cannot be inherited from, in a session whose time zone is UTC."""

    timezone = UTC
    """Django's cursor compares it with its connection's, and brings a loader of its own for another."""

    def __new__(cls, oid: int, context: AdaptContext | None = None) -> Any:
        return _THEIRS(oid, context)  # type: ignore[misc]


@lru_cache
def adapters_in_utc() -> AdaptersMap:
    """Django's, for a connection whose time zone is UTC, with the quicker loader.

    psycopg sends a number in the narrowest type, so that a statement for id 5 is another one for id 40,000,
    to be planned by itself; all our ids are bigint.
    """
    found = AdaptersMap(get_adapters_template(settings.USE_TZ, UTC))
    found.register_loader("timestamptz", _UtcLoader)  # type: ignore[type-abstract]
    found.register_dumper(int, Int8Dumper)
    return found
