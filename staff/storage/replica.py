"""How far the replica is behind the writer, as this process knows it (contract §12; docs/adr/0105).

Names: REPLICA, Replica, replica.
"""

from __future__ import annotations

import time
from concurrent.futures import Future
from dataclasses import dataclass, field, replace

import structlog
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db import Error as DatabaseError

from staff.storage.probe import Probe, wait_for

REPLICA = "replica"
"""Its name in DATABASES; not there without DATABASE_REPLICA_URL."""

MOST_LAG_SECONDS = 10
LOOK_EVERY_SECONDS = 2.0

WAIT_SECONDS = 0.5
WAIT_FOR_WRITER_SECONDS = 0.3

_WRITTEN = "SELECT pg_current_wal_lsn()::text, extract(epoch FROM pg_postmaster_start_time())::text"
# What was committed after the last transaction that it has replayed is not there, whoever is to blame. One
# that has replayed none since it started cannot say of when its rows are. One that does not follow is the
# writer itself, or was promoted beside it: positions in two histories say nothing of each other.
_LAG = """
SELECT CASE WHEN NOT pg_is_in_recovery()
            THEN CASE WHEN extract(epoch FROM pg_postmaster_start_time())::text = %s THEN 0 END
            WHEN pg_last_wal_replay_lsn() >= %s::pg_lsn THEN 0
            ELSE extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()) END
"""

logger = structlog.get_logger(__name__)


@dataclass(slots=True, frozen=True)
class Written:
    """Up to where the writer had written at `since`; `server`: its start, which no two share.

    `since` is read on the monotonic clock, as all instants of this module.
    """

    position: str
    server: str
    since: float


@dataclass(slots=True, frozen=True)
class Look:
    """What was found `at`; `lag_seconds` None: it did not answer, or nobody can say.

    `since`: when the writer said where it was, which is what `lag_seconds` was compared with.
    """

    at: float
    lag_seconds: float | None
    since: float

    def is_fit(self, *, now: float) -> bool:
        """Whether it is at most MOST_LAG_SECONDS behind, if it has received nothing since."""
        return self.lag_seconds is not None and self.lag_seconds + now - self.since <= MOST_LAG_SECONDS


_NEVER = Look(at=float("-inf"), lag_seconds=None, since=float("-inf"))


@dataclass(slots=True)
class Replica:
    """Looked at in threads of their own, as both it and the writer may hang, and only while somebody reads.

    A writer that is away does not make it unfit: what it last wrote is what counts.
    """

    _last: Look = _NEVER
    _written: Written | None = None
    _at_replica: Probe[Look] = field(init=False)
    _at_writer: Probe[None] = field(init=False)

    def __post_init__(self) -> None:
        self._at_replica, self._at_writer = Probe(self._look_at_replica), Probe(self._look_at_writer)

    @property
    def is_there(self) -> bool:
        return REPLICA in connections.settings

    def may_be_read(self) -> bool:
        """Whether it is known to be at most MOST_LAG_SECONDS behind; takes WAIT_SECONDS at most to say so."""
        age = time.monotonic() - self._last.at
        if age > LOOK_EVERY_SECONDS:
            look = self._at_replica.begin()
            if age > MOST_LAG_SECONDS:
                wait_for(look, seconds=WAIT_SECONDS)
        return self._last.is_fit(now=time.monotonic())

    def begin_look(self) -> Future[Look | None]:
        """For whoever wants to know how far behind it is now."""
        return self._at_replica.begin()

    def failed(self, error: Exception) -> None:
        """It did not answer somebody: nobody is sent there before the next look."""
        now = time.monotonic()
        self._note(Look(at=now, lag_seconds=None, since=now), why=str(error))

    def forget(self) -> None:
        """As in a process that has just begun."""
        self._last, self._written = _NEVER, None

    def _look_at_replica(self) -> Look:
        """Raises nothing of the database's."""
        why, lag = "", None
        wait_for(self._at_writer.begin(), seconds=WAIT_FOR_WRITER_SECONDS)
        written = self._written
        try:
            if written is not None:
                with connections[REPLICA].cursor() as cursor:
                    cursor.execute(_LAG, [written.server, written.position])
                    (found,) = cursor.fetchone()
                lag = None if found is None else max(0.0, float(found))
        except DatabaseError as error:
            why = str(error)
        finally:
            connections[REPLICA].close()
        now = time.monotonic()
        look = Look(at=now, lag_seconds=lag, since=now if written is None else written.since)
        self._note(look, why=why)
        return look

    def _look_at_writer(self) -> None:
        """Notes up to where it has written.

        While none can be reached (`connect_timeout` for each host), that it still is what the last one had.
        """
        now = time.monotonic()
        try:
            with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
                cursor.execute(_WRITTEN)
                position, server = cursor.fetchone()
            self._written = Written(position, server, since=now)
        except DatabaseError:
            if self._written is not None:
                self._written = replace(self._written, since=time.monotonic())
        finally:
            connection.close()

    def _note(self, look: Look, *, why: str) -> None:
        is_fit = look.is_fit(now=look.at)
        if is_fit != self._last.is_fit(now=self._last.at):
            event = "replica_read_again" if is_fit else "replica_left"
            logger.warning(event, lag_seconds=look.lag_seconds, error=why[:200])
        self._last = look


replica = Replica()
