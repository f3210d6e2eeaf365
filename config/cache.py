"""The shared cache: a Redis whose absence slows nobody down and fails nothing, or a table kept small."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, Self

from django.core.cache import caches
from django.core.cache.backends.db import DatabaseCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from django.db import connection
from redis.exceptions import RedisError
from redis.sentinel import Sentinel, SentinelConnectionPool

from config.env import CACHE_ENTRIES
from config.hosts import SentinelAddress

RETRY_AFTER_SECONDS = 5.0


def forget_expired(*, now: datetime) -> int:
    """Periodic: what has expired in the database's table, whose rows Django counts at every write; gives how
    many. Redis forgets by itself."""
    if not isinstance(caches["default"], DatabaseCache):
        return 0
    with connection.cursor() as cursor:
        expired = connection.ops.adapt_datetimefield_value(now)
        cursor.execute("DELETE FROM cache_entries WHERE expires < %s", [expired])
        return cursor.rowcount


class RedisCacheThatMayBeAway(RedisCache):
    """While Redis does not answer, each process counts by itself.

    The cache holds throttle counters and nothing that cannot be lost. After a failure Redis is
    left alone for a few seconds, so an outage costs a process one socket timeout per such period
    and not one per request.
    """

    def __init__(self, server: str | list[str], params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._own = LocMemCache("while-redis-is-away", {**params, "max_entries": CACHE_ENTRIES})
        self._away_until = 0.0

    def _either(self, name: str, *args: Any, **kwargs: Any) -> Any:
        if time.monotonic() >= self._away_until:
            try:
                return getattr(super(), name)(*args, **kwargs)
            except (RedisError, OSError):
                self._away_until = time.monotonic() + RETRY_AFTER_SECONDS
        answer: Callable[..., Any] = getattr(self._own, name)
        return answer(*args, **kwargs)

    def get(self, *args: Any, **kwargs: Any) -> Any:
        return self._either("get", *args, **kwargs)

    def set(self, *args: Any, **kwargs: Any) -> Any:
        return self._either("set", *args, **kwargs)

    def add(self, *args: Any, **kwargs: Any) -> Any:
        return self._either("add", *args, **kwargs)

    def incr(self, *args: Any, **kwargs: Any) -> Any:
        return self._either("incr", *args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        return self._either("delete", *args, **kwargs)

    def touch(self, *args: Any, **kwargs: Any) -> Any:
        return self._either("touch", *args, **kwargs)

    def has_key(self, *args: Any, **kwargs: Any) -> Any:
        return self._either("has_key", *args, **kwargs)

    def get_many(self, *args: Any, **kwargs: Any) -> Any:
        return self._either("get_many", *args, **kwargs)

    def set_many(self, *args: Any, **kwargs: Any) -> Any:
        return self._either("set_many", *args, **kwargs)

    def delete_many(self, *args: Any, **kwargs: Any) -> Any:
        return self._either("delete_many", *args, **kwargs)

    def clear(self) -> Any:
        return self._either("clear")


class SentinelPool(SentinelConnectionPool):
    """Connections to the Redis that Sentinel calls the master at the moment (contract §12 "settings")."""

    @classmethod
    def from_url(cls, url: str, **options: Any) -> Self:
        """As Django's cache makes its pool. `url` as in CACHE_URL."""
        address = SentinelAddress.read("CACHE_URL", url)
        timeouts = {name: value for name, value in options.items() if name.startswith("socket_")}
        login = {"username": address.user or None, "password": address.password or None}
        sentinel = Sentinel(list(address.hosts), **timeouts)  # type: ignore[no-untyped-call]
        return cls(address.service, sentinel, db=address.database, **login, **options)
