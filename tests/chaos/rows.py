"""Reading (and once or twice hurrying) the database of a run from outside, in plain SQL."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from typing import Any

import psycopg

SQLITE = "sqlite:///"


class Rows:
    """A connection of its own for every statement, so that a restart of the server hurts nobody here."""

    def __init__(self, url: str) -> None:
        self._url = url

    @property
    def vendor(self) -> str:
        return "SQLite" if self._url.startswith(SQLITE) else "PostgreSQL"

    def all(self, statement: str) -> list[tuple[Any, ...]]:
        if self.vendor == "SQLite":
            connection = sqlite3.connect(self._url.removeprefix(SQLITE), timeout=20)
            try:
                return connection.execute(statement).fetchall()
            finally:
                connection.close()
        with psycopg.connect(self._url, connect_timeout=3) as wire:
            return wire.execute(statement.encode()).fetchall()

    def one(self, statement: str) -> Any:
        """The first column of the first row."""
        return self.all(statement)[0][0]

    def write(self, statement: str) -> None:
        if self.vendor == "SQLite":
            connection = sqlite3.connect(self._url.removeprefix(SQLITE), timeout=20)
            try:
                with connection:
                    connection.execute(statement)
            finally:
                connection.close()
            return
        with psycopg.connect(self._url, connect_timeout=3) as wire:
            wire.execute(statement.encode())

    def hurry(self) -> None:
        """Move the clock on for jobs that wait for their next try: they are due now."""
        now = datetime.now(UTC)
        stamp = f"'{now:%Y-%m-%d %H:%M:%S.%f}'" if self.vendor == "SQLite" else "now()"
        self.write(
            f"UPDATE notifications_job SET run_at = {stamp} WHERE state = 'pending' AND attempts > 0 "
            f"AND run_at > {stamp}"
        )


TWO_PARTIES = """
SELECT count(*) FROM bookings_busytime a JOIN bookings_busytime b
ON a.staff_id = b.staff_id AND a.id < b.id AND a.party <> b.party
AND a.starts_at < b.ends_at AND b.starts_at < a.ends_at
"""
"""Pairs of busy times of one staff member that overlap and belong to different parties."""

WITHOUT_THEIR_TIME = """
SELECT count(*) FROM bookings_booking b WHERE
CASE WHEN b.status IN ('scheduled', 'provisional')
THEN b.buffer_before_minutes = 0 AND b.buffer_after_minutes = 0 AND NOT (
    b.start_at = (SELECT min(t.starts_at) FROM bookings_busytime t WHERE t.booking_id = b.id)
    AND b.end_at = (SELECT max(t.ends_at) FROM bookings_busytime t WHERE t.booking_id = b.id)
    AND b.staff_id = (SELECT min(t.staff_id) FROM bookings_busytime t WHERE t.booking_id = b.id)
    AND b.staff_id = (SELECT max(t.staff_id) FROM bookings_busytime t WHERE t.booking_id = b.id))
ELSE EXISTS (SELECT 1 FROM bookings_busytime t WHERE t.booking_id = b.id) END
"""
"""Bookings whose busy times are not what they should be (for services without buffers)."""
