"""A worker outlives its broker, also when that goes away in the middle of a wake-up (reliability F3, F4)."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from kombu import Connection, Consumer, Queue
from kombu.message import Message
from kombu.transport.redis import Channel

from config.env import broker_options
from tests.cast.servers import Server


def listen(connection: Connection, channel: Channel, name: str, received: list[Message]) -> None:
    """As a worker does: the channel waits for the next message of the queue."""
    queue = Queue(name, routing_key=name)
    Consumer(channel, [queue], callbacks=[lambda body, message: received.append(message)]).consume()
    connection.transport.cycle._register_BRPOP(channel)


def test_a_connection_closes_though_a_wake_up_was_under_way_when_redis_went(
    valkey_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    received: list[Message] = []
    options = broker_options(valkey_server.url, tmp_path)
    patient = {"socket_timeout": 60, "socket_connect_timeout": 60}
    with Connection(valkey_server.url, transport_options=options | patient) as connection:
        connection.default_channel.Producer().publish("wake up", routing_key="tasks")
        listen(connection, connection.default_channel, "tasks", received)
        connection.drain_events(timeout=60)
        assert [message.acknowledged for message in received] == [False]
        connection.transport.cycle._register_BRPOP(connection.default_channel)
        listen(connection, connection.channel(), "control", received)
        valkey_server.stop("immediate")
        # What Celery's consumer does when it has lost the broker, before it connects anew.
        connection.collect(socket_timeout=0.5)
        connection.close()
    valkey_server.start()
    assert list(tmp_path.iterdir()) == []
