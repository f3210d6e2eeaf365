"""Throttle counters live in Redis; an outage of Redis neither fails nor slows a request (reliability F4)."""

from __future__ import annotations

import time

import pytest

from config import cache as config_cache
from config.cache import RedisCacheThatMayBeAway
from config.env import cache_settings
from tests.cast.servers import Server


@pytest.fixture
def cache(valkey_server: Server) -> RedisCacheThatMayBeAway:
    settings = cache_settings("", valkey_server.url)
    return RedisCacheThatMayBeAway(valkey_server.url, {"KEY_PREFIX": "t", "OPTIONS": settings["OPTIONS"]})


def test_processes_share_what_redis_holds(cache: RedisCacheThatMayBeAway, valkey_server: Server) -> None:
    other = RedisCacheThatMayBeAway(valkey_server.url, {"KEY_PREFIX": "t"})
    cache.set("calls", 1, timeout=60)
    other.incr("calls")
    assert cache.get("calls") == 2
    cache.clear()
    assert other.get("calls") is None


def test_a_frozen_redis_costs_one_timeout_and_then_nothing(
    cache: RedisCacheThatMayBeAway, valkey_server: Server
) -> None:
    cache.set("calls", 5, timeout=60)
    valkey_server.freeze()
    try:
        began = time.monotonic()
        cache.set("calls", 1, timeout=60)
        first = time.monotonic() - began
        for _ in range(50):
            cache.incr("calls")
        assert cache.get("calls") == 51
        assert first < 0.9
        assert time.monotonic() - began < 1.2
    finally:
        valkey_server.thaw()


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
