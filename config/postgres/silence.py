"""Which database hosts say nothing, as this process knows it (contract §12 "promise"; docs/adr/0112).

A host that stands still, or was cut off, keeps whoever asks it waiting, and soon that is every thread. So
where somebody has waited for a moment, a thread that has time asks the host for one byte. If it does not say
that either, all who wait for it read the end of their line, and nobody goes there before it speaks again. A
statement that merely takes long is left alone: its host does answer.

Names: hosts (of this process), Hosts, Line, Place.
"""

from __future__ import annotations

import errno
import os
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, NamedTuple
from weakref import WeakSet

import psycopg
import structlog

from config.hosts import POSTGRES_PORT
from config.postgres import patience
from staff.storage.probe import Probe, wait_for

LONG_SECONDS = 1.0
"""Who has waited for so long has the host asked, if nothing was heard of it either."""

LOOK_EVERY_SECONDS = 0.5
ANSWER_SECONDS = 2.0
"""What a host has for that byte."""

SSL_REQUEST = bytes.fromhex("00000008 04d2162f")
"""PostgreSQL and PgBouncer answer it with one byte, before they ask who is there; it takes no session."""

UNREACHABLE = {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.EAFNOSUPPORT}

IN_LISTS = ("host", "hostaddr", "port")

logger = structlog.get_logger(__name__)


class Place(NamedTuple):
    """A host as it stands in the address."""

    host: str
    port: int

    @property
    def is_far(self) -> bool:
        """Whether it is reached over a network, and not by a socket of this machine's."""
        return bool(self.host) and not self.host.startswith(("/", "@"))


_ending = threading.RLock()
"""Held by whoever ends a wait, their own or another's; twice where the collector closes a line meanwhile."""


class Line(psycopg.Connection[Any]):
    """A connection on which web and worker wait neither for ever nor for a host known to be silent."""

    place: Place | None = None
    """None: nobody looks whether it speaks."""

    patience: float | None = None
    """Seconds, where it is not that of the process."""

    _waits_since: float | None = None

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """Raises OperationalError, the line closed, where the server says nothing for that long."""
        patient = self.patience or patience()
        if timeout is not None or patient is None:
            return super().wait(gen, interval, timeout)
        self._waits_since = time.monotonic()
        try:
            if self.place in hosts.silent:
                # Nothing is sent that it would carry out when it wakes, a COMMIT least of all.
                gen.close()
                raise psycopg.errors._WaitTimeout
            answer = super().wait(gen, interval, patient)
        except psycopg.errors._WaitTimeout as silence:
            self._wait_no_longer()
            self.pgconn.finish()
            raise psycopg.OperationalError("the server has not answered in time") from silence
        finally:
            self._wait_no_longer()
        if self.place is not None:
            hosts.heard[self.place] = time.monotonic()
        return answer

    def _wait_no_longer(self) -> None:
        with _ending:
            self._waits_since = None

    def has_waited_since(self, moment: float) -> bool:
        since = self._waits_since
        return since is not None and since <= moment

    def end(self, *, if_since: float) -> None:
        """For other threads: who has waited since that moment reads the end of the line, and raises."""
        with _ending:
            # Who waits does not close it; where libpq does, its file may be another's for microseconds.
            if self.has_waited_since(if_since):
                with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(self.fileno())) as wire:
                    wire.shutdown(socket.SHUT_RDWR)


class Hosts:
    """Those of DATABASE_URL and DATABASE_REPLICA_URL; `silent`: which of them say nothing, `heard`: when (on
    the monotonic clock) one last said something."""

    def __init__(self) -> None:
        self.begin_anew()

    def begin_anew(self) -> None:
        """As a process that has just begun, which a fork is, whatever its parent's threads were about."""
        self.silent: frozenset[Place] = frozenset()
        self.heard: dict[Place, float] = {}
        self._lines: WeakSet[Line] = WeakSet()
        self._opening: dict[int, tuple[float, list[Place]]] = {}
        self._looks: dict[Place, Probe[None]] = {}
        self._lock = threading.Lock()
        self._somebody_looks = False

    @contextmanager
    def opening(self, params: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """What to connect with: `params` without the hosts that say nothing.

        Raises psycopg.OperationalError where none is left.
        """
        with self._lock:
            self._begin_to_look()
        places = _places(params)
        speaking = [at for at, place in enumerate(places) if place not in self.silent]
        if not speaking:
            raise psycopg.OperationalError("no database host says anything")
        asked = {**params}
        for name in IN_LISTS:
            values = str(params.get(name, "")).split(",")
            if len(values) == len(places) > len(speaking):
                asked[name] = ",".join(values[at] for at in speaking)
        me = threading.get_ident()
        with self._lock:
            self._opening[me] = time.monotonic(), [places[at] for at in speaking]
        try:
            yield asked
        finally:
            with self._lock:
                del self._opening[me]

    def add(self, line: Line) -> None:
        """From now on somebody looks whether its host speaks."""
        line.place = Place(line.info.host, line.info.port)
        with self._lock:
            self._lines.add(line)

    def look(self) -> None:
        """Asks those that somebody has been waiting for in vain, and those that were silent."""
        began = time.monotonic()
        with self._lock:
            lines, opening = list(self._lines), list(self._opening.values())
        long_ago = began - LONG_SECONDS
        waited_for = {each.place for each in lines if each.place and each.has_waited_since(long_ago)}
        waited_for |= {each for since, places in opening if since <= long_ago for each in places}
        doubted = {each for each in waited_for if self.heard.get(each, long_ago) <= long_ago} | self.silent
        looks = {each: self._look_at(each).begin() for each in doubted if each.is_far}
        for place, look in looks.items():
            # One that has been silent for hours keeps nobody from finding out about another one.
            most = 0.0 if place in self.silent else ANSWER_SECONDS + LOOK_EVERY_SECONDS
            wait_for(look, seconds=began + most - time.monotonic())
        now = time.monotonic()
        for line in lines:
            if line.place in self.silent:
                line.end(if_since=now)

    def _look_at(self, place: Place) -> Probe[None]:
        return self._looks.setdefault(place, Probe(partial(self._ask, place)))

    def _ask(self, place: Place) -> None:
        """Notes what it finds, though nobody may wait for it any more."""
        began = time.monotonic()
        speaks = _speaks(place)
        with self._lock:
            if speaks:
                self.heard[place] = time.monotonic()
            # One that was heard on a line since then speaks, if not to strangers.
            elif speaks is None or self.heard.get(place, began) > began:
                return
            if speaks == (place not in self.silent):
                return
            self.silent = self.silent - {place} if speaks else self.silent | {place}
        event = "database_speaks_again" if speaks else "database_says_nothing"
        logger.warning(event, host=place.host, port=place.port)

    def _begin_to_look(self) -> None:
        """In a thread that lasts as long as the process."""
        if not self._somebody_looks:
            threading.Thread(target=self._go_on_looking, daemon=True).start()
            self._somebody_looks = True

    def _go_on_looking(self) -> None:
        while True:
            time.sleep(LOOK_EVERY_SECONDS)
            try:
                self.look()
            except Exception:
                logger.exception("look_at_hosts_failed")


hosts = Hosts()


def _begin_anew() -> None:
    global _ending
    _ending = threading.RLock()
    hosts.begin_anew()


os.register_at_fork(after_in_child=_begin_anew)


def _places(params: Mapping[str, Any]) -> list[Place]:
    names = str(params.get("host") or params.get("hostaddr") or "").split(",")
    ports = str(params.get("port") or "").split(",")
    ports = ports if len(ports) == len(names) else ports[:1] * len(names)
    return [Place(name, int(port or POSTGRES_PORT)) for name, port in zip(names, ports, strict=True)]


def _speaks(place: Place) -> bool | None:
    """Whether something is heard from one of its addresses, be it that nobody is in.

    None: it cannot be asked, for want of an address, or of something of our own.
    """
    try:
        addresses = {each[4][:2] for each in socket.getaddrinfo(*place, type=socket.SOCK_STREAM)}
    except (OSError, UnicodeError):
        return None
    found = [_answers(each) for each in sorted(addresses)]
    return True if True in found else None if None in found else False


def _answers(address: tuple[Any, ...]) -> bool | None:
    try:
        with socket.create_connection(address, timeout=ANSWER_SECONDS) as wire:
            wire.sendall(SSL_REQUEST)
            wire.recv(1)
    except ConnectionError:
        return True
    except OSError as error:
        return False if isinstance(error, TimeoutError) or error.errno in UNREACHABLE else None
    return True
