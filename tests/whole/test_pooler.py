"""What stands between us and PostgreSQL is told by how it behaves (docs/adr/0106; else `make pooler`)."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from threading import Semaphore
from typing import Any

import pytest
from django.db import connection, connections

from config.postgres.base import DatabaseWrapper
from config.postgres.pooler import Mode, Pooler, check_pooler, is_pooled, known_pooler, look_at_pooler
from tests.cast.factories import caller
from tests.cast.servers import free_port

pytestmark = [pytest.mark.postgres_only, pytest.mark.django_db(transaction=True)]

KEY, KEY_LENGTH = b"K", 12
"""The message in which a server tells its process number and what cancels its work."""

SESSIONS = 4


@pytest.fixture
def wire() -> Any:
    return connections["default"]


def test_without_a_pooler_there_is_none(wire: DatabaseWrapper) -> None:
    assert not is_pooled(wire)
    assert look_at_pooler(wire) == Pooler(Mode.NONE)
    assert check_pooler(["default"]) == []


def test_one_that_leaves_us_our_session_is_no_problem(behind_another: DatabaseWrapper) -> None:
    assert is_pooled(behind_another)
    assert look_at_pooler(behind_another) == Pooler(Mode.SESSION)


def test_a_look_leaves_nothing_behind(wire: DatabaseWrapper) -> None:
    look_at_pooler(wire)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%stands between%'")
        assert cursor.fetchone() == (0,)


def test_what_was_found_holds_although_it_has_one_session_left(
    behind_another: DatabaseWrapper, sessions: Semaphore, monkeypatch: pytest.MonkeyPatch
) -> None:
    known_pooler.forget()
    monkeypatch.setitem(connections.settings, "default", behind_another.settings_dict)
    try:
        assert readyz() == (200, {"ok": True, "mode": "session"})
        for _ in range(SESSIONS - 1):
            sessions.acquire()
        assert readyz() == (200, {"ok": True, "mode": "session"})
        monkeypatch.setattr(known_pooler, "_until", float("-inf"))
        assert readyz() == (200, {"ok": True, "mode": "session"})
    finally:
        sessions.release(SESSIONS - 1)
        known_pooler.forget()


def test_without_a_database_nobody_knows(wire: DatabaseWrapper, monkeypatch: pytest.MonkeyPatch) -> None:
    known_pooler.forget()
    away = {**wire.settings_dict, "PORT": str(free_port())}
    monkeypatch.setitem(connections.settings, "default", away)
    assert readyz() == (503, {"ok": None, "mode": None})
    monkeypatch.undo()
    assert readyz() == (200, {"ok": True, "mode": "none"})


def readyz() -> tuple[int, Any]:
    answer = caller().get("/readyz")
    return answer.status_code, answer.json()["checks"]["pooler"]


@pytest.fixture
def sessions() -> Semaphore:
    """As many as the pooler has; whoever wants one more waits."""
    return Semaphore(SESSIONS)


@pytest.fixture
def behind_another(wire: DatabaseWrapper, sessions: Semaphore) -> Iterator[DatabaseWrapper]:
    """A line through somebody who names processes anew, as poolers do, and does nothing else."""
    server = (wire.settings_dict["HOST"], int(wire.settings_dict["PORT"]))
    with socket.create_server(("127.0.0.1", 0)) as door:
        threading.Thread(target=_pass_on, args=(door, server, sessions), daemon=True).start()
        there = wire.copy()
        there.settings_dict |= {"HOST": "127.0.0.1", "PORT": str(door.getsockname()[1])}
        with closing(there):
            yield there


def _pass_on(door: socket.socket, server: tuple[str, int], sessions: Semaphore) -> None:
    with suppress(OSError):
        while True:
            client, _ = door.accept()
            sessions.acquire()
            upstream = socket.create_connection(server)
            threading.Thread(target=_copy, args=(upstream, client, True), daemon=True).start()
            threading.Thread(target=_until_it_ends, args=(client, upstream, sessions), daemon=True).start()


def _until_it_ends(client: socket.socket, upstream: socket.socket, sessions: Semaphore) -> None:
    _copy(client, upstream, renames=False)
    sessions.release()


def _copy(source: socket.socket, target: socket.socket, renames: bool) -> None:
    with suppress(OSError), source, target:
        while data := source.recv(65536):
            head = KEY + struct.pack("!I", KEY_LENGTH)
            if renames and head in data:
                place = data.index(head) + len(head)
                data = data[:place] + struct.pack("!I", 2**30) + data[place + 4 :]
                renames = False
            target.sendall(data)
