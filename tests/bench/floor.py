"""The floor: a bare WSGI application on psycopg that gives the same answers with the fewest statements.

No framework, no checks of the body, no throttles, no errors: only who is asking, the rows, JSON. It writes
everything a booking writes (visit, booking, busy time, audit row, notifications, job, message) in one
transaction, after the same lock (`tests.bench.floor_writes`). One connection per thread is kept, as the
product keeps its own.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from hashlib import sha512
from typing import Any
from urllib.parse import parse_qs

import orjson
import psycopg

from tests.bench.floor_writes import book, cancel, move

COLUMNS = """b.id, b.client_id, b.staff_id, b.service_id, b.start_at, b.end_at, b.status, b.notes,
b.internal_notes, b.provisional_token, b.feedback_token, b.waitlist_id,
c.first_name || ' ' || c.last_name AS client_name, c.phone AS client_phone, s.name AS service_name,
p.name AS staff_name, b.status_detail, b.key, b.session_id, b.location_id, b.persons, b.price, b.source,
b.version, b.created_at, b.updated_at"""
JOINED = """bookings_booking b JOIN staff_service s ON s.id = b.service_id
JOIN staff_staff p ON p.id = b.staff_id LEFT JOIN clients_client c ON c.id = b.client_id"""
TOKEN = """SELECT p.id, p.name, p.role, p.is_active FROM knox_authtoken t JOIN staff_staff p
ON p.id = t.user_id
WHERE t.digest = %s AND t.expiry > now() AND p.is_active"""
SETTINGS = "SELECT timezone, currency, locale, double_booking FROM staff_salonsettings WHERE id = 1"
LIST = f"""SELECT {COLUMNS} FROM {JOINED} WHERE b.id IN (SELECT id FROM bookings_booking
WHERE status <> 'cancelled' ORDER BY start_at DESC, id DESC LIMIT 50 OFFSET %s)
ORDER BY b.start_at DESC, b.id DESC"""
KEPT = "SELECT coalesce(sum(number), 0)::bigint FROM bookings_bookingtotal WHERE status <> 'cancelled'"
"""As a server that keeps its total would ask, at any number of bookings."""

WEEK = f"""SELECT {COLUMNS} FROM {JOINED} WHERE b.id IN (SELECT id FROM bookings_booking
WHERE status <> 'cancelled' AND staff_id = %s AND start_at >= %s AND start_at < %s
ORDER BY start_at DESC, id DESC LIMIT 200) ORDER BY b.start_at DESC, b.id DESC"""
WEEK_COUNT = """SELECT count(*) FROM bookings_booking
WHERE status <> 'cancelled' AND staff_id = %s AND start_at >= %s AND start_at < %s"""
ONE = f"SELECT {COLUMNS} FROM {JOINED} WHERE b.id = %s"

CHANGES = f"""SELECT {COLUMNS} FROM {JOINED} WHERE b.updated_at <= %s
AND (b.updated_at > %s OR (b.updated_at = %s AND b.id > %s)) ORDER BY b.updated_at, b.id LIMIT 1001"""
OLDEST_WRITER = """SELECT min(xact_start) FROM pg_stat_activity
WHERE backend_xid IS NOT NULL AND datname = current_database()"""
LENGTH = """SELECT coalesce(d.duration_minutes, s.duration_minutes), s.buffer_before_minutes,
s.buffer_after_minutes FROM staff_service s
LEFT JOIN staff_serviceduration d ON d.service_id = s.id AND d.staff_id = %s
WHERE s.id = %s AND s.is_active"""
OPEN = "SELECT weekday, opens, closes FROM staff_workinghours WHERE staff_id = %s"
CLOSED = "SELECT date FROM staff_holiday WHERE date = %s"
AWAY = "SELECT start_at, end_at FROM staff_timeoff WHERE staff_id = %s AND end_at > %s AND start_at < %s"
TAKEN = """SELECT starts_at, ends_at FROM bookings_busytime
WHERE staff_id = %s AND ends_at > %s AND starts_at < %s AND starts_at > %s"""

_kept = threading.local()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """The calls that are measured, each answered 200."""
    wire = _connection()
    secret = environ["HTTP_AUTHORIZATION"].removeprefix("Bearer ")
    person = wire.execute(TOKEN, [sha512(secret.encode()).hexdigest()]).fetchone()
    wire.execute(SETTINGS).fetchone()
    if person is None:
        start_response("401 Unauthorized", [("Content-Length", "0")])
        return [b""]
    path: str = environ["PATH_INFO"]
    method, query = environ["REQUEST_METHOD"], parse_qs(environ["QUERY_STRING"])
    last = path.rpartition("/")[2]
    if method == "POST":
        written = book(wire, person, _body(environ))
        answer = {**_one(wire, written), "warnings": []}
    elif method == "PUT":
        move(wire, person, int(last), _body(environ))
        answer = {**_one(wire, int(last)), "warnings": []}
    elif method == "DELETE":
        cancel(wire, person, int(last))
        answer = _one(wire, int(last))
    elif path == "/api/bookings":
        answer = _list(wire, query)
    elif path == "/api/bookings/changes":
        answer = _changes(wire)
    elif path == "/api/availability":
        answer = _starts(wire, query)
    else:
        answer = _one(wire, int(last))
    body = orjson.dumps(answer, default=str)
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


def _connection() -> psycopg.Connection[Any]:
    wire: psycopg.Connection[Any] | None = getattr(_kept, "wire", None)
    if wire is None:
        wire = _kept.wire = psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)
    return wire


def _list(wire: psycopg.Connection[Any], query: dict[str, list[str]]) -> dict[str, Any]:
    page = int(query["page"][0])
    if "staff_id" in query:
        asked = [query["staff_id"][0], query["date_from"][0], f"{query['date_to'][0]} 24:00"]
        total = wire.execute(WEEK_COUNT, asked).fetchone()
        items = _rows(wire.execute(WEEK, asked))
    else:
        total = wire.execute(KEPT).fetchone()
        items = _rows(wire.execute(LIST, [(page - 1) * 50]))
    count = total[0] if total else 0
    return {"items": items, "total": count, "page": page, "limit": 50, "pages": -(-count // 50)}


def _rows(cursor: psycopg.Cursor[Any]) -> list[dict[str, Any]]:
    """The rows as dicts, times as the API prints them (the salon's zone is UTC here)."""
    names = [column.name for column in cursor.description or ()]
    return [
        {name: _printed(value) for name, value in zip(names, row, strict=True)} for row in cursor.fetchall()
    ]


def _printed(value: Any) -> Any:
    return f"{value:%Y-%m-%d %H:%M:%S}" if isinstance(value, datetime) else value


def _body(environ: dict[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = orjson.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
    return body


def _one(wire: psycopg.Connection[Any], booking: int) -> dict[str, Any]:
    return _rows(wire.execute(ONE, [booking]))[0]


def _changes(wire: psycopg.Connection[Any]) -> dict[str, Any]:
    """From the beginning, 1,000 at most; nothing that a writer at work may still come before."""
    settled = datetime.now(UTC) - timedelta(seconds=5)
    (oldest,) = wire.execute(OLDEST_WRITER).fetchone() or (None,)
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    found = _rows(wire.execute(CHANGES, [min(settled, oldest or settled), epoch, epoch, 0]))
    return {"items": found[:1000], "cursor": str(found[999]["id"] if found else 0), "more": len(found) > 1000}


def _starts(wire: psycopg.Connection[Any], query: dict[str, list[str]]) -> dict[str, Any]:
    """The free starts of one person on one day, every quarter of an hour."""
    staff, service, day = int(query["staff_id"][0]), int(query["service_id"][0]), query["date_from"][0]
    begins = datetime.fromisoformat(day).replace(tzinfo=UTC)
    ends = begins + timedelta(days=1)
    minutes, before, after = wire.execute(LENGTH, [staff, service]).fetchone() or (0, 0, 0)
    length, early, late = (timedelta(minutes=each) for each in (minutes, before, after))
    hours = [row for row in wire.execute(OPEN, [staff]).fetchall() if row[0] == begins.weekday()]
    closed = wire.execute(CLOSED, [day]).fetchone()
    away = wire.execute(AWAY, [staff, begins, ends]).fetchall()
    taken = wire.execute(TAKEN, [staff, begins, ends, begins - timedelta(days=3)]).fetchall()
    starts = []
    for _, opens, closes in [] if closed else hours:
        at = datetime.combine(begins, opens, UTC)
        until = datetime.combine(begins, closes, UTC)
        while at + length <= until:
            first, last = at - early, at + length + late
            if not any(start < last and end > first for start, end in (*away, *taken)):
                starts.append(_printed(at))
            at += timedelta(minutes=15)
    each = {"staff_id": staff, "duration_minutes": minutes, "starts": starts}
    days = [{"date": day, "staff": [each]}]
    return {"service_id": service, "timezone": "UTC", "step_minutes": 15, "days": days}
