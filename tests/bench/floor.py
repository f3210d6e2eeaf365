"""The floor: a bare WSGI application on psycopg that gives the same answers with the fewest statements.

No framework, no checks of the body, no throttles, no errors: only who is asking, the rows, JSON. It writes
everything a booking writes (booking, busy time, audit row, notifications, job, message) in one transaction,
after the same lock. One connection per thread is kept, as the product keeps its own.
"""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from hashlib import sha512
from typing import Any
from urllib.parse import parse_qs

import orjson
import psycopg
from psycopg.types.json import Jsonb

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
COUNT = "SELECT count(*) FROM bookings_booking WHERE status <> 'cancelled'"
WEEK = f"""SELECT {COLUMNS} FROM {JOINED} WHERE b.id IN (SELECT id FROM bookings_booking
WHERE status <> 'cancelled' AND staff_id = %s AND start_at >= %s AND start_at < %s
ORDER BY start_at DESC, id DESC LIMIT 200) ORDER BY b.start_at DESC, b.id DESC"""
WEEK_COUNT = """SELECT count(*) FROM bookings_booking
WHERE status <> 'cancelled' AND staff_id = %s AND start_at >= %s AND start_at < %s"""
ONE = f"SELECT {COLUMNS} FROM {JOINED} WHERE b.id = %s"

LOCK = "SELECT id, location_id FROM staff_staff WHERE id = %s AND is_active FOR NO KEY UPDATE"
LOOK_UP = """SELECT c.first_name, c.last_name, c.email, s.name, s.price, s.buffer_before_minutes,
s.buffer_after_minutes, EXISTS (SELECT 1 FROM staff_holiday h WHERE h.date = %s::timestamptz::date),
(SELECT min(l.id) FROM staff_location l WHERE l.is_active)
FROM clients_client c, staff_service s
WHERE c.id = %s AND c.archived_at IS NULL AND s.id = %s AND s.is_active"""
HOURS = """SELECT weekday, opens, closes,
EXISTS (SELECT 1 FROM staff_staff_services o WHERE o.staff_id = h.staff_id AND o.service_id = %s),
EXISTS (SELECT 1 FROM staff_timeoff t WHERE t.staff_id = h.staff_id AND t.end_at > %s AND t.start_at < %s)
FROM staff_workinghours h WHERE h.staff_id = %s"""
BOOK = """INSERT INTO bookings_booking (client_id, staff_id, service_id, location_id, start_at, end_at,
status, status_detail, notes, internal_notes, key, party, persons, price, buffer_before_minutes,
buffer_after_minutes, source, base_url, announced_as, sequence, version, foreign_data, amelia_deleted,
created_at, updated_at)
VALUES (%s, %s, %s, %s, %s, %s, 'scheduled', '', '', '', %s, %s, 1, %s, %s, %s, 'api', '', '', 0, 1, '{}',
false, %s, %s) RETURNING id"""
FORGET = "DELETE FROM bookings_busytime WHERE staff_id = %s AND expires_at <= %s"
OCCUPY = """INSERT INTO bookings_busytime (staff_id, party, starts_at, ends_at, booking_id)
VALUES (%s, %s, %s, %s, %s)"""
AUDIT = """INSERT INTO bookings_bookingevent (booking_id, at, door, actor_type, actor_id, actor_name,
from_status, to_status, changes, reason) VALUES (%s, %s, 'api', 'staff', %s, %s, '', 'scheduled', '{}', '')
RETURNING id"""
TELL = """INSERT INTO notifications_notification
(staff_id, type, title, body, booking_id, is_read, created_at)
SELECT id, 'booking.new', 'New booking', %s, %s, false, %s FROM staff_staff
WHERE is_active AND (role = 'admin' OR id = %s)"""
STOP = """SELECT id FROM notifications_job
WHERE recipient = %s AND state = 'pending' AND type = 'followup.step'"""
JOB = """INSERT INTO notifications_job (type, once_key, booking_id, recipient, payload, state, run_at,
first_run_at, attempts, sends, external_id, last_error, created_at)
VALUES ('booking.created', %s, %s, %s, '{}', 'pending', %s, %s, 0, 0, '', '', %s) RETURNING id"""
MESSAGE = """INSERT INTO notifications_message (job_id, type, booking_id, client_id, "to", channel, state,
reason, locale, subject, html, text, ics, ics_method, headers, facts, message_id, created_at)
VALUES (%s, 'booking.created', %s, %s, %s, 'email', 'waiting', '', '', '', '', '', '', '', %s, %s, %s, %s)"""

_kept = threading.local()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """The four calls that are measured, each answered 200."""
    wire = _connection()
    secret = environ["HTTP_AUTHORIZATION"].removeprefix("Bearer ")
    person = wire.execute(TOKEN, [sha512(secret.encode()).hexdigest()]).fetchone()
    wire.execute(SETTINGS).fetchone()
    if person is None:
        start_response("401 Unauthorized", [("Content-Length", "0")])
        return [b""]
    path: str = environ["PATH_INFO"]
    if environ["REQUEST_METHOD"] == "POST":
        answer = _book(wire, person, orjson.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))))
    elif path == "/api/bookings":
        answer = _list(wire, parse_qs(environ["QUERY_STRING"]))
    else:
        answer = _rows(wire.execute(ONE, [int(path.rpartition("/")[2])]))[0]
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
        total = wire.execute(COUNT).fetchone()
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


def _book(wire: psycopg.Connection[Any], person: tuple[Any, ...], order: dict[str, Any]) -> dict[str, Any]:
    client, staff, service = order["client_id"], order["staff_id"], order["service_id"]
    start, end, now = f"{order['start_at']}Z", f"{order['end_at']}Z", datetime.now(UTC)
    with wire.transaction():
        wire.execute(LOCK, [staff]).fetchone()
        found = wire.execute(LOOK_UP, [start, client, service]).fetchone() or ()
        first, last, email, name, price, before, after, _holiday, location = found
        wire.execute(HOURS, [service, start, end, staff]).fetchall()
        party = uuid.uuid4()
        values = [
            client,
            staff,
            service,
            location,
            start,
            end,
            uuid.uuid4(),
            party,
            price,
            before,
            after,
            now,
            now,
        ]
        (booking,) = wire.execute(BOOK, values).fetchone() or (0,)
        wire.execute(FORGET, [staff, now])
        wire.execute(OCCUPY, [staff, party, start, end, booking])
        (event,) = wire.execute(AUDIT, [booking, now, person[0], person[1]]).fetchone() or (0,)
        wire.execute(TELL, [f"{first} {last}, {name}, {start}", booking, now, staff])
        wire.execute(STOP, [f"client:{client}"]).fetchall()
        key = f"booking.created:{booking}:{event}:{client}"
        (job,) = wire.execute(JOB, [key, booking, f"client:{client}", now, now, now]).fetchone() or (0,)
        empty, message_id = Jsonb({}), f"<{uuid.uuid4().hex}@localhost>"
        wire.execute(MESSAGE, [job, booking, client, email, empty, empty, message_id, now])
    return {**_rows(wire.execute(ONE, [booking]))[0], "warnings": []}
