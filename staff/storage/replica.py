"""How far the replica is behind the writer, as this process knows it (contract §12; docs/adr/0105).

Names: REPLICA, Replica, replica.
"""

from __future__ import annotations

import time
from concurrent.futures import Future
from dataclasses import dataclass, field

import structlog
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db import Error as DatabaseError

from staff.storage.probe import Probe, wait_for

REPLICA = "replica"
"""Its name in DATABASES; not there without DATABASE_REPLICA_URL."""

MOST_LAG_SECONDS = 10
LOOK_EVERY_SECONDS = 2.0
LOOK_HOLDS_SECONDS = 10.0
"""A look that has been hanging for longer says nothing any more."""

WAIT_SECONDS = 0.5
WAIT_FOR_WRITER_SECONDS = 0.3

_POSITION = "SELECT pg_current_wal_lsn()::text"
# What was committed after the last transaction that it has replayed is not there, whoever is to blame.
_LAG = """
SELECT CASE WHEN NOT pg_is_in_recovery() OR pg_last_wal_replay_lsn() >= %s::pg_lsn THEN 0
       ELSE greatest(0, extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())) END
"""

logger = structlog.get_logger(__name__)


@dataclass(slots=True, frozen=True)
class Look:
    """`lag_seconds` None: it did not answer, or nobody can say."""

    at: float
    lag_seconds: float | None

    @property
    def is_fit(self) -> bool:
        return self.lag_seconds is not None and self.lag_seconds <= MOST_LAG_SECONDS


_NEVER = Look(at=float("-inf"), lag_seconds=None)


@dataclass(slots=True)
class Replica:
    """Looked at in threads of their own, as both it and the writer may hang, and only while somebody reads.

    A writer that is away does not make it unfit: what it last wrote is what counts.
    """

    _last: Look = _NEVER
    _position: str | None = None
    _at_replica: Probe[Look] = field(init=False)
    _at_writer: Probe[str | None] = field(init=False)

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
            if age > LOOK_HOLDS_SECONDS:
                wait_for(look, seconds=WAIT_SECONDS)
        return self._last.is_fit and time.monotonic() - self._last.at <= LOOK_HOLDS_SECONDS

    def begin_look(self) -> Future[Look | None]:
        """For whoever wants to know how far behind it is now."""
        return self._at_replica.begin()

    def failed(self, error: Exception) -> None:
        """It did not answer somebody: nobody is sent there before the next look."""
        self._note(Look(at=time.monotonic(), lag_seconds=None), why=str(error))

    def forget(self) -> None:
        """As in a process that has just begun."""
        self._last, self._position = _NEVER, None

    def _look_at_replica(self) -> Look:
        """Raises nothing of the database's."""
        why, lag = "", None
        position = wait_for(self._at_writer.begin(), seconds=WAIT_FOR_WRITER_SECONDS) or self._position
        try:
            if position is not None:
                with connections[REPLICA].cursor() as cursor:
                    cursor.execute(_LAG, [position])
                    (found,) = cursor.fetchone()
                lag = None if found is None else float(found)
        except DatabaseError as error:
            why = str(error)
        finally:
            connections[REPLICA].close()
        look = Look(at=time.monotonic(), lag_seconds=lag)
        self._note(look, why=why)
        return look

    def _look_at_writer(self) -> str | None:
        """Up to where it has written; None while there is none."""
        try:
            with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
                cursor.execute(_POSITION)
                (self._position,) = cursor.fetchone()
        except DatabaseError:
            return None
        finally:
            connection.close()
        return self._position

    def _note(self, look: Look, *, why: str) -> None:
        if look.is_fit != self._last.is_fit:
            event = "replica_read_again" if look.is_fit else "replica_left"
            logger.warning(event, lag_seconds=look.lag_seconds, error=why[:200])
        self._last = look


replica = Replica()
