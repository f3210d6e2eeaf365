"""The embedded broker: a wake-up may be lost, the worker may not (reliability §1)."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from kombu import Connection
from kombu.simple import SimpleQueue

from config.env import broker_options
from config.folder_broker import Transport, tidy


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[SimpleQueue]:
    options = broker_options("filesystem://", tmp_path)
    # A process remembers what it has bound, so every folder gets a queue name of its own.
    name = f"wake-ups-{uuid.uuid4()}"
    with (
        Connection("filesystem://", transport=Transport, transport_options=options) as connection,
        connection.SimpleQueue(name) as opened,
    ):
        yield opened


def test_messages_come_out_in_the_order_they_went_in(queue: SimpleQueue, tmp_path: Path) -> None:
    for number in range(20):
        queue.put({"number": number})
    assert [queue.get(timeout=60).payload["number"] for _ in range(20)] == list(range(20))
    assert list(tmp_path.glob("messages/*")) == []
    assert list(tmp_path.glob("processed/*")) == []


def test_a_message_that_was_cut_off_does_not_stop_the_reader(queue: SimpleQueue, tmp_path: Path) -> None:
    (tmp_path / "messages" / f"0_empty.{queue.queue.name}.msg").touch()
    (tmp_path / "messages" / f"0_half.{queue.queue.name}.msg").write_text('{"body": "W10=", "hea')
    queue.put({"whole": True})
    assert queue.get(timeout=60).payload == {"whole": True}


def test_a_message_being_written_is_not_seen(queue: SimpleQueue, tmp_path: Path) -> None:
    (tmp_path / "messages" / f"0_draft.{queue.queue.name}.msg.new").write_text("{")
    queue.put({"whole": True})
    assert queue.get(timeout=60).payload == {"whole": True}


def test_a_start_after_a_kill_forgets_wake_ups_and_broken_bindings(tmp_path: Path) -> None:
    broker_options("filesystem://", tmp_path)
    for name in ("messages/1_a.celery.msg", "messages/2_b.celery.msg.new", "processed/3_c.celery.msg"):
        (tmp_path / name).write_text("{}")
    (tmp_path / "control" / "half.exchange").write_text('[["celery"')
    (tmp_path / "control" / "whole.exchange").write_text(json.dumps([["celery", "", "celery"]]))
    tidy(tmp_path)
    left = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert left == ["control/whole.exchange"]
