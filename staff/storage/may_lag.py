"""Who may read what is a moment old: the one place that sends a read to the replica (docs/adr/0105).

    @may_lag
    def get(self, request: Request) -> Response:     # reads, and does nothing else
        if ...:                                      # what is asked for is not there, and no refusal
            ask_the_writer()

Everything else asks the writer: what has no such line above it, what is written, what stands inside a
transaction. Without DATABASE_REPLICA_URL so does this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection, transaction
from django.db import Error as DatabaseError
from django.db.models import Model

from staff.storage.replica import REPLICA, replica
from staff.wire.refusals import Refused

P = ParamSpec("P")
R = TypeVar("R")

CACHE = "django_cache"
"""What Django calls the cache that is a table: throttle counters, of which none may lag."""

_read_from: ContextVar[str] = ContextVar("read_from", default=DEFAULT_DB_ALIAS)


class _MayBeNew(Exception):
    """What is asked for is not on the replica (yet)."""


def may_lag(read: Callable[P, R]) -> Callable[P, R]:
    """`read`, all of it in one read-only transaction on the replica.

    On the writer instead where the replica is away or too far behind, and again on the writer where it fails
    half-way, or has `read` refuse or ask for the writer (what it is asked for may be new). So `read` changes
    nothing that it reads again, and gives what it has read, not what will still be read.
    """

    @wraps(read)
    def where_it_may(*args: P.args, **kwargs: P.kwargs) -> R:
        if not replica.is_there or connection.in_atomic_block or reads_from() == REPLICA:
            return read(*args, **kwargs)
        if replica.may_be_read():
            try:
                with _replica_alone():
                    return read(*args, **kwargs)
            except (Refused, _MayBeNew):
                pass
            except DatabaseError as error:
                replica.failed(error)
        return read(*args, **kwargs)

    return where_it_may


def ask_the_writer() -> None:
    """Inside of what may lag, where what was asked for is not there: has the writer read, as it may be new.

    On the writer it is simply not there, and the read goes on.
    """
    if reads_from() == REPLICA:
        raise _MayBeNew


def reads_from() -> str:
    """The database, by its name in DATABASES, that is read here and now."""
    return _read_from.get()


@contextmanager
def _replica_alone() -> Iterator[None]:
    token = _read_from.set(REPLICA)
    try:
        with transaction.atomic(using=REPLICA):
            yield
    finally:
        _read_from.reset(token)


class ReplicaRouter:
    """For DATABASE_ROUTERS: rows are rows, wherever they were read, and are written by the writer alone."""

    def db_for_read(self, model: type[Model], **hints: Any) -> str:
        return DEFAULT_DB_ALIAS if model._meta.app_label == CACHE else reads_from()

    def db_for_write(self, model: type[Model], **hints: Any) -> str:
        return DEFAULT_DB_ALIAS

    def allow_relation(self, one: Model, other: Model, **hints: Any) -> bool:
        return True

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db == DEFAULT_DB_ALIAS
