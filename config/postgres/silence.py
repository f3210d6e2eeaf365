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
        except psycopg.Error as error:
            if error.sqlstate is not None:
                self._note_heard()
            raise
        finally:
            self._wait_no_longer()
        self._note_heard()
        return answer

    def _note_heard(self) -> None:
        if self.place is not None:
            hosts.heard[self.place] = time.monotonic()

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
        self._given = threading.local()
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
        self._given.places = places = _places(params)
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
        """From now on somebody looks whether its host speaks: that of the last `opening` of this thread."""
        # Beside a name psycopg puts the address it has found: only one that was given is the place.
        at = Place(line.info.get_parameters().get("hostaddr", ""), line.info.port)
        line.place = at if at in self._given.places else Place(line.info.host, line.info.port)
        with self._lock:
            self._lines.add(line)

    def look(self) -> None:
        """Ends the waiting for those that say nothing, and begins to ask those that somebody has been waiting
        for in vain, and those that were silent; what they say is known by the next look."""
        now = time.monotonic()
        with self._lock:
            lines, opening = list(self._lines), list(self._opening.values())
        for line in lines:
            if line.place in self.silent:
                line.end(if_since=now)
        long_ago = now - LONG_SECONDS
        waited_for = {each.place for each in lines if each.place and each.has_waited_since(long_ago)}
        waited_for |= {each for since, places in opening if since <= long_ago for each in places}
        doubted = {each for each in waited_for if self.heard.get(each, long_ago) <= long_ago} | self.silent
        for place in doubted:
            if place.is_far:
                # Where no thread can be had the next look tries again.
                with suppress(RuntimeError):
                    self._looks.setdefault(place, Probe(partial(self._ask, place))).begin()

    def _ask(self, place: Place) -> None:
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
            try:
                threading.Thread(target=self._go_on_looking, daemon=True).start()
                self._somebody_looks = True
            except RuntimeError:
                logger.exception("look_at_hosts_failed")  # Who opens the next connection tries again.

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
    lists = [str(params.get(each) or "").split(",") for each in IN_LISTS]
    many = max(len(lists[0]), len(lists[1]))
    each_of = (values if len(values) == many else values[:1] * many for values in lists)
    return [
        Place(address or name, int(port or POSTGRES_PORT))
        for name, address, port in zip(*each_of, strict=True)
    ]


ANSWERS, REFUSES, SAYS_NOTHING = "answers", "refuses", "says nothing"


def _speaks(place: Place) -> bool | None:
    """Whether who goes to this host is told something. None: it cannot be asked, for want of an address, or
    of something of our own.

    Of several addresses one that answers is enough. One that refuses, as that of the other family does where
    a server listens on one alone, keeps nobody; one that says nothing keeps whoever comes to it.
    """
    try:
        addresses = {each[4][:2] for each in socket.getaddrinfo(*place, type=socket.SOCK_STREAM)}
    except (OSError, UnicodeError):
        return None
    try:
        asked = [Probe(partial(_answer_of, each)).begin() for each in sorted(addresses)]
    except RuntimeError:  # No thread can be had.
        return None
    found = {wait_for(each, seconds=ANSWER_SECONDS + LOOK_EVERY_SECONDS) for each in asked}
    if ANSWERS in found or SAYS_NOTHING in found:
        return ANSWERS in found
    return True if REFUSES in found else None


def _answer_of(address: tuple[Any, ...]) -> str | None:
    until = time.monotonic() + ANSWER_SECONDS
    try:
        with socket.create_connection(address, timeout=ANSWER_SECONDS) as wire:
            wire.sendall(SSL_REQUEST)
            wire.settimeout(max(0.01, until - time.monotonic()))
            wire.recv(1)
    except ConnectionError:
        return REFUSES
    except OSError as error:
        return SAYS_NOTHING if isinstance(error, TimeoutError) or error.errno in UNREACHABLE else None
    return ANSWERS
