"""What stands between us and PostgreSQL is told by how it behaves (docs/adr/0106; else `make pooler`)."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Any

import pytest
from django.db import connection, connections

from config.postgres.base import DatabaseWrapper
from config.postgres.pooler import Mode, Pooler, check_pooler, is_pooled, look_at_pooler

pytestmark = [pytest.mark.postgres_only, pytest.mark.django_db(transaction=True)]

KEY, KEY_LENGTH = b"K", 12
"""The message in which a server tells its process number and what cancels its work."""


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


@pytest.fixture
def behind_another(wire: DatabaseWrapper) -> Iterator[DatabaseWrapper]:
    """A line through somebody who names processes anew, as poolers do, and does nothing else."""
    server = (wire.settings_dict["HOST"], int(wire.settings_dict["PORT"]))
    with socket.create_server(("127.0.0.1", 0)) as door:
        threading.Thread(target=_pass_on, args=(door, server), daemon=True).start()
        there = wire.copy()
        there.settings_dict |= {"HOST": "127.0.0.1", "PORT": str(door.getsockname()[1])}
        with closing(there):
            yield there


def _pass_on(door: socket.socket, server: tuple[str, int]) -> None:
    with suppress(OSError):
        while True:
            client, _ = door.accept()
            upstream = socket.create_connection(server)
            for source, target, renames in ((client, upstream, False), (upstream, client, True)):
                threading.Thread(target=_copy, args=(source, target, renames), daemon=True).start()


def _copy(source: socket.socket, target: socket.socket, renames: bool) -> None:
    with suppress(OSError), source, target:
        while data := source.recv(65536):
            head = KEY + struct.pack("!I", KEY_LENGTH)
            if renames and head in data:
                place = data.index(head) + len(head)
                data = data[:place] + struct.pack("!I", 2**30) + data[place + 4 :]
                renames = False
            target.sendall(data)
