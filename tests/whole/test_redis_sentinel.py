"""Redis under Sentinel: after its master has died, counters and wake-ups go to the next (contract §12)."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from kombu import Connection
from redis import Redis

from config import cache as config_cache
from config.cache import RedisCacheThatMayBeAway
from config.env import broker_options, broker_url, cache_settings
from tests.cast import servers

WITHIN_SECONDS = 100.0
PATIENT = {"socket_timeout": 60, "socket_connect_timeout": 60}


@dataclass(frozen=True)
class Watched:
    master: servers.Server
    replica: servers.Server
    url: str


@pytest.fixture
def watched() -> Iterator[Watched]:
    with contextlib.ExitStack() as stack:
        try:
            master = stack.enter_context(servers.valkey())
        except servers.Missing as missing:
            if os.environ.get("REQUIRE_ALL") == "1":
                raise
            pytest.skip(str(missing))
        replica = stack.enter_context(servers.valkey("--replicaof", "127.0.0.1", str(master.port)))
        sentinel = stack.enter_context(servers.sentinel(master, service="salon"))
        with Redis(port=sentinel.port) as asked:
            until(lambda: asked.execute_command("SENTINEL", "REPLICAS", "salon"))
        yield Watched(master, replica, sentinel.url)


def until(holds: Any) -> None:
    end = time.monotonic() + WITHIN_SECONDS
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_what_is_counted_and_rung_goes_to_the_next_master(
    watched: Watched, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config_cache, "RETRY_AFTER_SECONDS", 0.0)
    found = cache_settings("", watched.url)
    cache = RedisCacheThatMayBeAway(found["LOCATION"], {**found, "OPTIONS": {**found["OPTIONS"], **PATIENT}})
    options = broker_options(watched.url, tmp_path) | PATIENT
    cache.set("calls", 1, timeout=600)
    ring(watched.url, options, "first")
    with Redis(port=watched.master.port) as master, Redis(port=watched.replica.port) as next_one:
        assert (master.keys("*calls*"), master.llen("tasks")) == ([b"bookings:1:calls"], 1)
        until(lambda: next_one.llen("tasks") == 1)
        watched.master.stop("immediate")
        until(lambda: next_one.info("replication")["role"] == "master")
        until(lambda: cache.get("calls") == 1)
        cache.incr("calls")
        ring(watched.url, options, "second")
        assert (next_one.get("bookings:1:calls"), next_one.llen("tasks")) == (b"2", 2)


def ring(url: str, options: dict[str, Any], text: str) -> None:
    with Connection(broker_url(url), transport_options=options) as connection:
        connection.default_channel.Producer().publish(text, routing_key="tasks")
