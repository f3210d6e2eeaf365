"""Throttle counters live in Redis; an outage of Redis neither fails nor slows a request (reliability F4)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partialmethod
from typing import Any

import pytest
from django.core.cache.backends.redis import RedisCache

from config import cache as config_cache
from config.cache import RedisCacheThatMayBeAway
from config.env import cache_settings
from tests.cast.servers import Server

PATIENT = {"socket_timeout": 60, "socket_connect_timeout": 60}


def cache_of(server: Server, **options: Any) -> RedisCacheThatMayBeAway:
    return RedisCacheThatMayBeAway(server.url, {"KEY_PREFIX": "t", "OPTIONS": options})


@pytest.fixture
def cache(valkey_server: Server) -> RedisCacheThatMayBeAway:
    return cache_of(valkey_server, **PATIENT)


def test_processes_share_what_redis_holds(cache: RedisCacheThatMayBeAway, valkey_server: Server) -> None:
    other = cache_of(valkey_server, **PATIENT)
    cache.set("calls", 1, timeout=60)
    other.incr("calls")
    assert cache.get("calls") == 2
    cache.clear()
    assert other.get("calls") is None


def noted(cache: RedisCache, asked: list[str], real: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Stands in for a method of Redis' own cache: writes down that Redis is asked, and asks it."""
    asked.append(real.__name__)
    return real(cache, *args, **kwargs)


def test_a_frozen_redis_costs_one_timeout_and_then_nothing(
    valkey_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = cache_of(valkey_server, **cache_settings("", valkey_server.url)["OPTIONS"])
    monkeypatch.setattr(config_cache, "RETRY_AFTER_SECONDS", 600.0)
    asked: list[str] = []
    for name in ("set", "incr", "get"):
        monkeypatch.setattr(RedisCache, name, partialmethod(noted, asked, getattr(RedisCache, name)))
    valkey_server.freeze()
    try:
        cache.set("calls", 1, timeout=60)
        for _ in range(50):
            cache.incr("calls")
        assert cache.get("calls") == 51
    finally:
        valkey_server.thaw()
    assert asked == ["set"]


def test_redis_is_asked_again_when_it_is_back(
    cache: RedisCacheThatMayBeAway, valkey_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config_cache, "RETRY_AFTER_SECONDS", 0.0)
    valkey_server.stop()
    cache.set("here", 1, timeout=60)
    assert cache.get("here") == 1
    valkey_server.start()
    assert cache.get("here") is None
    cache.set("there", 1, timeout=60)
    assert RedisCacheThatMayBeAway(valkey_server.url, {"KEY_PREFIX": "t"}).get("there") == 1
