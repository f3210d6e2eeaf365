"""A host that stands still costs one look, not every thread (contract §12 "promise"; docs/adr/0112)."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from django.db import DatabaseError, OperationalError, connection

from config.postgres import silence
from config.postgres.base import DatabaseWrapper
from config.postgres.silence import Hosts, hosts
from tests.cast import servers
from tests.cast.servers import Server

pytestmark = [pytest.mark.postgres_only, pytest.mark.django_db]

FOREVER = 1000.0
"""Seconds: whoever waits for so long fails by the limit of the run."""

SLEEPS = "SELECT pid FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active'"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with servers.postgres() as one:
        yield one


@pytest.fixture(autouse=True)
def hosts_of_a_web_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nobody but the test looks, at once, and takes all the time it needs."""
    monkeypatch.setattr("config.postgres._patience", FOREVER)
    monkeypatch.setattr(silence, "LONG_SECONDS", 0.0)
    monkeypatch.setattr(silence, "ANSWER_SECONDS", FOREVER)
    monkeypatch.setattr(hosts, "_somebody_looks", True)
    yield
    hosts.silent = frozenset()


Wires = Callable[..., DatabaseWrapper]


@pytest.fixture
def wires(server: Server) -> Iterator[Wires]:
    made = []

    def wire(host: str = "127.0.0.1", port: str = "") -> DatabaseWrapper:
        options = {**connection.settings_dict["OPTIONS"], "connect_timeout": int(FOREVER)}
        place = {"HOST": host, "PORT": port or str(server.port), "NAME": "bookings", "USER": "bookings"}
        made.append(DatabaseWrapper({**connection.settings_dict, **place, "OPTIONS": options}, "other"))
        made[-1].inc_thread_sharing()
        return made[-1]

    yield wire
    for each in made:
        each.close()


def ask(wire: DatabaseWrapper, statement: str) -> list[Any]:
    with wire.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def look() -> None:
    """Both looks: what the first has begun to ask is known by the second."""
    hosts.look()
    until(lambda: not any(each._running for each in hosts._looks.values()))
    hosts.look()


def until(found: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 100
    while not found():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def frozen(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    def freeze() -> None:
        monkeypatch.setattr(silence, "ANSWER_SECONDS", 0.2)
        server.freeze()

    yield freeze
    server.thaw()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor() as made:
        yield made


def test_what_merely_takes_long_is_left_alone(wires: Wires, pool: ThreadPoolExecutor) -> None:
    asks, looks = wires(), wires()
    asked: Future[list[Any]] = pool.submit(ask, asks, "SELECT pg_sleep(100), 5")
    until(lambda: ask(looks, SLEEPS))
    look()
    assert (asked.done(), hosts.silent) == (False, frozenset())
    [(pid,)] = ask(looks, SLEEPS)
    ask(looks, f"SELECT pg_cancel_backend({pid})")
    with pytest.raises(OperationalError, match="canceling statement"):
        asked.result()


def test_who_waits_for_a_host_that_says_nothing_is_told_so(
    wires: Wires, pool: ThreadPoolExecutor, frozen: Callable[[], None], server: Server, monkeypatch: Any
) -> None:
    asks, looks, idles = wires(), wires(), wires()
    idles.ensure_connection()
    waits = [pool.submit(ask, asks, "SELECT pg_sleep(100)")]
    until(lambda: ask(looks, SLEEPS))
    frozen()
    look()
    for each in waits:
        with pytest.raises(OperationalError, match="server closed the connection"):
            each.result()
    # Whoever comes now is refused without being kept, on a kept line as on a new one.
    assert not idles.is_usable()
    with pytest.raises(OperationalError, match="has not answered in time"):
        ask(idles, "CREATE TABLE sent_in_vain ()")
    idles.close()
    with pytest.raises(OperationalError, match="no database host says anything"):
        ask(idles, "SELECT 1")
    server.thaw()
    monkeypatch.setattr(silence, "ANSWER_SECONDS", FOREVER)
    hosts.look()
    until(lambda: not hosts.silent)
    assert ask(idles, "SELECT to_regclass('sent_in_vain')") == [(None,)]
    assert idles.is_usable()


def test_one_that_is_heard_on_another_line_is_not_silent(
    wires: Wires, pool: ThreadPoolExecutor, frozen: Callable[[], None]
) -> None:
    """Its door is shut to strangers, and those inside are served."""
    asks, talks = wires(), wires()
    [(pid,)] = ask(asks, "SELECT pg_backend_pid()")
    waits = pool.submit(ask, asks, "SELECT pg_sleep(100)")
    until(lambda: (pid,) in ask(talks, SLEEPS))
    frozen()
    looked = pool.submit(look)
    while not looked.done():
        ask(talks, "SELECT 1")
    assert (looked.result(), hosts.silent, waits.done()) == (None, frozenset(), False)
    ask(talks, f"SELECT pg_cancel_backend({pid})")


@pytest.mark.parametrize(
    ("error", "speaks"),
    [
        (ConnectionRefusedError(), True),
        (TimeoutError(), False),
        (OSError(errno.EHOSTUNREACH, ""), False),
        (OSError(errno.EMFILE, ""), None),
    ],
)
def test_who_cannot_ask_for_want_of_something_of_their_own_does_not_know(
    monkeypatch: pytest.MonkeyPatch, error: OSError, speaks: bool | None
) -> None:
    def connect(*args: Any, **kwargs: Any) -> Any:
        raise error

    monkeypatch.setattr("socket.create_connection", connect)
    assert silence._speaks(silence.Place("127.0.0.1", 1)) is speaks


REFUSED, TIMED_OUT, NOT_HERE = ConnectionRefusedError(), TimeoutError(), OSError(errno.EADDRNOTAVAIL, "")
ANSWERED = None


@pytest.mark.parametrize(
    ("words", "speaks"),
    [
        ([REFUSED, TIMED_OUT], False),
        ([NOT_HERE, TIMED_OUT], False),
        ([REFUSED, ANSWERED], True),
        ([TIMED_OUT, ANSWERED], True),
        ([NOT_HERE, REFUSED], True),
        ([NOT_HERE, NOT_HERE], None),
    ],
)
def test_a_name_with_several_addresses_is_silent_where_one_is_and_none_answers(
    monkeypatch: pytest.MonkeyPatch, words: list[OSError | None], speaks: bool | None
) -> None:
    """`localhost` has two: of a server that listens on 127.0.0.1 alone the other one refuses."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        found = [(0, 0, 0, "", ("127.0.0.1", number)) for number in range(len(words))]

        def connect(address: tuple[str, int], timeout: float) -> socket.socket:
            if error := words[address[1]]:
                raise error
            wire = socket.socket()
            wire.connect(mute.getsockname())
            mute.accept()[0].close()
            return wire

        monkeypatch.setattr("socket.create_connection", connect)
        monkeypatch.setattr("socket.getaddrinfo", lambda *args, **how: found)
        assert silence._speaks(silence.Place("salon.example", 1)) is speaks


def test_all_addresses_are_asked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    together = threading.Barrier(4, timeout=100)

    def connect(address: tuple[str, int], timeout: float) -> socket.socket:
        together.wait()
        raise TimeoutError

    monkeypatch.setattr("socket.create_connection", connect)
    found = [(0, 0, 0, "", ("127.0.0.1", number)) for number in range(4)]
    monkeypatch.setattr("socket.getaddrinfo", lambda *args, **how: found)
    assert silence._speaks(silence.Place("salon.example", 1)) is False


def test_an_address_given_beside_the_name_is_the_place(wires: Wires) -> None:
    wire = wires("no.such.name")
    wire.settings_dict["OPTIONS"]["hostaddr"] = "127.0.0.1"
    wire.ensure_connection()
    assert wire.connection.place == silence.Place("127.0.0.1", int(wire.settings_dict["PORT"]))
    assert silence._speaks(wire.connection.place)


def test_a_name_is_the_place_of_its_lines_and_passed_by_as_they_are_ended(wires: Wires) -> None:
    """psycopg looks the name up by itself, and puts the address beside it."""
    wire, by_address = wires("localhost"), wires("127.0.0.1")
    by_address.ensure_connection()
    wire.ensure_connection()
    assert wire.connection.place == silence.Place("localhost", int(wire.settings_dict["PORT"]))
    hosts.silent = frozenset({wire.connection.place})
    with pytest.raises(OperationalError, match="no database host says anything"):
        wires("localhost").ensure_connection()


def test_a_refusal_of_the_server_is_heard_and_so_is_what_it_tells_who_asks(wires: Wires) -> None:
    wire = wires()
    wire.ensure_connection()
    place = wire.connection.place
    hosts.heard.clear()
    with pytest.raises(DatabaseError, match="by zero"):
        ask(wire, "SELECT 1/0")
    assert hosts.heard.pop(place)
    hosts._ask(place)
    assert hosts.heard.pop(place)


def test_one_that_has_been_silent_for_long_keeps_nobody_from_another(
    wires: Wires, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    never = threading.Event()
    lost = silence.Place("lost.example", 1)
    speaks = silence._speaks
    monkeypatch.setattr(silence, "_speaks", lambda each: never.wait() if each == lost else speaks(each))
    hosts.silent = frozenset({lost})
    asks, looks = wires(), wires()
    [(pid,)] = ask(asks, "SELECT pg_backend_pid()")
    waits = pool.submit(ask, asks, "SELECT pg_sleep(100)")
    until(lambda: (pid,) in ask(looks, SLEEPS))
    hosts.heard.clear()
    hosts.look()
    until(lambda: asks.connection.place in hosts.heard)
    never.set()
    ask(looks, f"SELECT pg_cancel_backend({pid})")
    assert isinstance(waits.exception(), OperationalError)


def test_without_a_thread_to_be_had_people_are_served_all_the_same(
    wires: Wires, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(hosts, "_somebody_looks", False)
    monkeypatch.setattr("threading.Thread.start", start)
    wire = wires()
    assert ask(wire, "SELECT 5") == [(5,)]
    assert not hosts._somebody_looks
    hosts.silent = frozenset({wire.connection.place})
    hosts.look()


def test_a_host_that_hangs_at_the_login_is_found_too_and_passed_by(
    wires: Wires, pool: ThreadPoolExecutor, frozen: Callable[[], None]
) -> None:
    with servers.postgres() as another:
        pair = ("127.0.0.1,127.0.0.1", f"{wires().settings_dict['PORT']},{another.port}")
        frozen()
        waits = pool.submit(wires(*pair).ensure_connection)
        until(lambda: hosts._opening)
        look()
        assert {each.port for each in hosts.silent} == {int(wires().settings_dict["PORT"])}
        passes_by = wires(*pair)
        passes_by.ensure_connection()
        assert passes_by.connection.info.port == another.port
        assert not waits.done()


@pytest.mark.parametrize(
    ("address", "left"),
    [
        ({"host": "a,b", "port": "1,2"}, {"host": "b", "port": "2"}),
        ({"host": "a,b", "port": "1"}, {"host": "b", "port": "1"}),
        (
            {"host": "a,b", "hostaddr": "::1,::2", "port": "1,2"},
            {"host": "b", "hostaddr": "::2", "port": "2"},
        ),
        ({"host": "b,c"}, {"host": "b,c"}),
        ({"host": "/run/postgresql", "port": "1"}, {"host": "/run/postgresql"}),
        ({}, {}),
    ],
)
def test_the_silent_ones_are_left_out(address: dict[str, str], left: dict[str, str]) -> None:
    own = Hosts()
    own._somebody_looks = True
    own.silent = frozenset({silence.Place("a", 1), silence.Place("::1", 1)})
    with own.opening(address) as asked:
        assert {**asked, **left} == asked
        assert set(asked) == set(address)


WHOLE = """
import os, time
from tests.cast import servers

with servers.postgres() as server:
    os.environ.update(DATABASE_URL=server.url)
    import django
    django.setup()
    from django.db import OperationalError, connection
    from config.postgres import serve_people, silence

    serve_people()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    server.freeze()
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(1000)")
    except OperationalError as error:
        print(error)
    connection.close()
    server.thaw()
    while silence.hosts.silent:
        time.sleep(0.05)
    with connection.cursor() as cursor:
        cursor.execute("SELECT 'speaks again'")
        print(*cursor.fetchone())
"""


FORKED = """
import os, threading
from config.postgres import serve_people
from config.postgres import silence
from config.postgres.silence import hosts

def hold():
    with hosts._lock, silence._ending:
        held.set()
        forked.wait()

serve_people()
held, forked = threading.Event(), threading.Event()
threading.Thread(target=hold).start()
held.wait()
child = os.fork()
if not child:
    with hosts.opening({"host": "127.0.0.1", "port": "1"}), silence._ending:
        os._exit(0 if hosts._somebody_looks else 1)
forked.set()
print(os.waitpid(child, 0)[1])
"""


def run(source: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", source],
        capture_output=True,
        text=True,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", "DEBUG": "1"},
        check=False,
        timeout=200,
    )


def test_a_fork_begins_anew_whatever_its_parent_was_about() -> None:
    """Its parent's other threads hold locks that nobody in the child will ever let go of."""
    told = run(FORKED)
    assert told.stdout == "0\n", told.stderr


def test_a_process_that_serves_people_looks_by_itself() -> None:
    told = run(WHOLE)
    assert "server closed the connection" in told.stdout, told.stderr
    assert told.stdout.endswith("speaks again\n"), told.stderr
