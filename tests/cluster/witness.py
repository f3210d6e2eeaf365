"""On a data host, beside its PostgreSQL: whether that acknowledges a write, several times a second.

    python -m tests.cluster.witness FILE URL

Each line of FILE: when the write was sent and answered (seconds since 1970), and whether it was acknowledged.
"""

from __future__ import annotations

import json
import select
import sys
import time

import psycopg
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn

EVERY_SECONDS = 0.2
PATIENCE_SECONDS = 1.0
WRITE = b"INSERT INTO witness (at) VALUES (now())"


def main(file: str, url: str) -> None:
    wire: psycopg.Connection | None = None
    with open(file, "a", buffering=1) as lines:
        while True:
            sent = time.time()
            wire = wire or _connect(url)
            acknowledged = wire is not None and _acknowledges(wire.pgconn)
            if wire is not None and not acknowledged:
                wire.close()
                wire = None
            lines.write(json.dumps({"sent": sent, "answered": time.time(), "ok": acknowledged}) + "\n")
            time.sleep(EVERY_SECONDS)


def _connect(url: str) -> psycopg.Connection | None:
    try:
        return psycopg.connect(url, autocommit=True, connect_timeout=1)
    except psycopg.Error:
        return None


def _acknowledges(server: PGconn) -> bool:
    """Whether the answer comes in time: a writer without its standby keeps a commit waiting.

    An answer that is found when a frozen host goes on may have been given long before."""
    try:
        server.send_query(WRITE)
        until = time.monotonic() + PATIENCE_SECONDS
        while server.is_busy():
            left = until - time.monotonic()
            if left <= 0 or not select.select([server.socket], [], [], left)[0]:
                return False
            server.consume_input()
        answer = server.get_result()
        if answer is None or time.monotonic() > until:
            return False
        return answer.status == ExecStatus.COMMAND_OK and server.get_result() is None
    except psycopg.Error:
        return False


if __name__ == "__main__":
    main(*sys.argv[1:])
