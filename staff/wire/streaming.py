"""Rows that are read while they are sent (contract §12 "pooler").

Names: streamed.
"""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import nullcontext
from typing import Any
from weakref import WeakSet

from django.core.signals import request_finished
from django.db import connections, transaction
from django.db.models import QuerySet

_OF_THREAD = threading.local()


def streamed(queryset: QuerySet[Any, Any], *, chunk_size: int) -> Generator[Any, None, None]:
    """All rows, some at a time, in the memory of those.

    On PostgreSQL in one transaction: a cursor that outlived it would be the session's, which a pooler in
    transaction mode gives to somebody else. It ends with the request at the latest, whatever becomes of the
    answer: no later request of this thread may find itself inside of it.
    """
    rows = _rows(queryset, chunk_size=chunk_size)
    _open_streams().add(rows)
    return rows


def _rows(queryset: QuerySet[Any, Any], *, chunk_size: int) -> Generator[Any, None, None]:
    # On SQLite it would keep everybody else from writing, and there is no cursor to keep.
    keeps_cursor = connections[queryset.db].vendor == "postgresql"
    with transaction.atomic(using=queryset.db, savepoint=False) if keeps_cursor else nullcontext():
        try:
            yield from queryset.iterator(chunk_size=chunk_size)
        except GeneratorExit:
            # Whoever read it has gone. Nothing was written, so there is nothing to roll back.
            return


def _open_streams() -> WeakSet[Generator[Any, None, None]]:
    if not hasattr(_OF_THREAD, "streams"):
        _OF_THREAD.streams = WeakSet()
    streams: WeakSet[Generator[Any, None, None]] = _OF_THREAD.streams
    return streams


def _end_streams(**kwargs: Any) -> None:
    for stream in list(_open_streams()):
        stream.close()


request_finished.connect(_end_streams)
