"""Django's PostgreSQL backend, which tests a kept connection without asking the server anything.

Django sends `SELECT 1` before every request, a fifth of what reading one booking costs. A server that went
away has said so on the line: the kernel knows, and psycopg reads it there (`make chaos`, F5).
"""

from __future__ import annotations

import select

import psycopg
from django.db.backends.postgresql import base
from psycopg.pq import ConnStatus, TransactionStatus

MOST_LAST_WORDS = 10
"""Messages read before we give up on a line: a server that ends says one, then hangs up."""


class DatabaseWrapper(base.DatabaseWrapper):
    def is_usable(self) -> bool:
        """Whether the line is idle and the server has neither hung up nor died."""
        wire = None if self.connection is None else self.connection.pgconn
        if wire is None or wire.status != ConnStatus.OK:
            return False
        if wire.transaction_status not in (TransactionStatus.IDLE, TransactionStatus.INTRANS):
            return False
        ear = select.poll()
        ear.register(wire.socket, select.POLLIN)
        for _ in range(MOST_LAST_WORDS):
            if not ear.poll(0):
                return bool(wire.status == ConnStatus.OK)
            try:
                wire.consume_input()
            except psycopg.OperationalError:
                return False
        return False
