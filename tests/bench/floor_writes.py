"""What the floor writes: the rows that the product writes, in one transaction after the same lock."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

LOCK = "SELECT id, location_id FROM staff_staff WHERE id = %s AND is_active FOR NO KEY UPDATE"
LOOK_UP = """SELECT c.first_name, c.last_name, c.email, s.name, s.price, s.buffer_before_minutes,
s.buffer_after_minutes, EXISTS (SELECT 1 FROM staff_holiday h WHERE h.date = %s::timestamptz::date),
(SELECT min(l.id) FROM staff_location l WHERE l.is_active)
FROM clients_client c, staff_service s
WHERE c.id = %s AND c.archived_at IS NULL AND s.id = %s AND s.is_active"""
LOOK_UP_AND_LOCK = f"{LOOK_UP} FOR NO KEY UPDATE OF c"
HOURS = """SELECT weekday, opens, closes,
EXISTS (SELECT 1 FROM staff_staff_services o WHERE o.staff_id = h.staff_id AND o.service_id = %s),
EXISTS (SELECT 1 FROM staff_timeoff t WHERE t.staff_id = h.staff_id AND t.end_at > %s AND t.start_at < %s),
EXISTS (SELECT 1 FROM bookings_booking b WHERE b.client_id = %s AND b.status IN ('scheduled', 'provisional')
AND b.end_at > %s AND b.start_at < %s AND b.start_at >= %s::timestamptz - interval '1 day' AND b.id <> %s),
EXISTS (SELECT 1 FROM bookings_waitlistentry w WHERE w.client_id = %s AND w.service_id = %s
AND w.date = %s::timestamptz::date AND w.status IN ('waiting', 'notified')),
EXISTS (SELECT 1 FROM staff_openingexception e WHERE e.every_year
OR (e.date_from <= %s::timestamptz::date AND e.date_to >= %s::timestamptz::date))
FROM staff_workinghours h WHERE h.staff_id = %s"""
SESSION = "SELECT id FROM bookings_booking WHERE session_id = %s ORDER BY id"
BOOK = """INSERT INTO bookings_booking (client_id, staff_id, service_id, location_id, start_at, end_at,
status, status_detail, notes, internal_notes, key, party, persons, price, buffer_before_minutes,
buffer_after_minutes, visit_id, source, base_url, announced_as, sequence, version, foreign_data,
amelia_deleted, created_at, updated_at)
VALUES (%s, %s, %s, %s, %s, %s, 'scheduled', '', '', '', %s, %s, 1, %s, %s, %s, %s, 'api', '', '', 0, 1,
'{}', false, %s, %s) RETURNING id"""
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
JOB = """INSERT INTO notifications_job (type, once_key, dedupe_key, booking_id, recipient, payload, state,
run_at, first_run_at, attempts, sends, external_id, last_error, created_at)
VALUES (%s, %s, %s, %s, %s, '{}', 'pending', %s, %s, 0, 0, '', '', %s) RETURNING id"""
MESSAGE = """INSERT INTO notifications_message (job_id, type, booking_id, client_id, "to", channel, state,
reason, locale, subject, html, text, ics, ics_method, headers, facts, message_id, created_at)
VALUES (%s, %s, %s, %s, %s, 'email', 'waiting', '', '', '', '', '', '', '', %s, %s, %s, %s)"""

VISIT = """INSERT INTO bookings_visit (client_id, key, status, start_at, end_at, version, link_nonce, late,
created_at, updated_at) VALUES (%s, %s, 'scheduled', %s, %s, 1, 0, false, %s, %s) RETURNING id"""
ENDPOINTS = "SELECT id, url, events FROM notifications_webhookendpoint WHERE is_active ORDER BY id"
RULES = "SELECT id, minutes_before, days_before, at, channel FROM bookings_reminderrule WHERE is_active"

OWN = """SELECT b.visit_id, b.staff_id, b.service_id, b.client_id, b.status, b.party, c.first_name,
c.last_name, c.email FROM bookings_booking b LEFT JOIN clients_client c ON c.id = b.client_id
WHERE b.id = %s FOR NO KEY UPDATE OF b"""
THE_VISIT = "SELECT id FROM bookings_visit WHERE id = %s FOR NO KEY UPDATE"
VISIT_OF = "SELECT visit_id FROM bookings_booking WHERE id = %s"
MOVE_VISIT = """UPDATE bookings_visit SET start_at = %s, end_at = %s, version = version + 1,
client_confirmed_at = NULL, updated_at = %s WHERE id = %s"""
MOVE = """UPDATE bookings_booking SET start_at = %s, end_at = %s, party = %s, version = version + 1,
updated_at = %s WHERE id = %s"""
CLOSE_VISIT = """UPDATE bookings_visit SET status = 'cancelled', version = version + 1, updated_at = %s
WHERE id = %s"""
CLOSE = """UPDATE bookings_booking SET status = 'cancelled', version = version + 1, updated_at = %s
WHERE id = %s"""
VACATE = "DELETE FROM bookings_busytime WHERE booking_id = %s OR (staff_id = %s AND expires_at <= %s)"
CHANGED = """INSERT INTO bookings_bookingevent (booking_id, at, door, actor_type, actor_id, actor_name,
from_status, to_status, changes, reason) VALUES (%s, %s, 'api', 'staff', %s, %s, 'scheduled', %s, %s, '')
RETURNING id"""
WAITS = """SELECT id, client_id FROM bookings_waitlistentry WHERE status = 'waiting' AND service_id = %s
AND date = %s::timestamptz::date AND (staff_id IS NULL OR staff_id = %s) AND client_id <> %s
ORDER BY last_offered_at NULLS FIRST, id LIMIT 20"""
WITHDRAW = """DELETE FROM notifications_notification
WHERE booking_id = %s AND type = 'booking.followup'"""
PUT_OFF = """UPDATE notifications_job SET run_at = %s, first_run_at = %s
WHERE state = 'pending' AND dedupe_key = %s"""
DROP = """UPDATE notifications_job SET state = 'cancelled', finished_at = %s, dedupe_key = NULL,
last_error = 'cancelled_meanwhile' WHERE booking_id = %s AND state = 'pending' AND sending_at IS NULL
RETURNING id"""
NOT_SENT = """UPDATE notifications_message SET state = 'not_sent', reason = 'cancelled_meanwhile'
WHERE job_id = ANY(%s)"""

Wire = psycopg.Connection[Any]
Person = tuple[Any, ...]


def book(wire: Wire, person: Person, order: dict[str, Any]) -> int:
    """POST; gives the booking's id."""
    client, staff, service = order["client_id"], order["staff_id"], order["service_id"]
    start, end, now = f"{order['start_at']}Z", f"{order['end_at']}Z", datetime.now(UTC)
    with wire.transaction():
        wire.execute(LOCK, [staff]).fetchone()
        found = wire.execute(LOOK_UP_AND_LOCK, [start, client, service]).fetchone() or ()
        first, last, email, name, price, before, after, _holiday, location = found
        _hours(wire, 0, service=service, staff=staff, client=client, start=start, end=end)
        key, party = uuid.uuid4(), uuid.uuid4()
        (visit,) = wire.execute(VISIT, [client, key, start, end, now, now]).fetchone() or (0,)
        who = [client, staff, service, location, start, end]
        values = [*who, key, party, price, before, after, visit, now, now]
        (booking,) = wire.execute(BOOK, values).fetchone() or (0,)
        wire.execute(FORGET, [staff, now])
        wire.execute(OCCUPY, [staff, party, start, end, booking])
        (event,) = wire.execute(AUDIT, [booking, now, person[0], person[1]]).fetchone() or (0,)
        wire.execute(TELL, [f"{first} {last}, {name}, {start}", booking, now, staff])
        wire.execute(STOP, [f"client:{client}"]).fetchall()
        wire.execute(ENDPOINTS).fetchall()
        wire.execute(RULES).fetchall()
        _owe(wire, "booking.created", booking, event, client=client, email=email, run_at=now, now=now)
    return int(booking)


def move(wire: Wire, person: Person, booking: int, order: dict[str, Any]) -> None:
    """PUT of other times with the same person."""
    start, end, now = f"{order['start_at']}Z", f"{order['end_at']}Z", datetime.now(UTC)
    with wire.transaction():
        visit, staff, service, client, email = _locked(wire, booking)
        wire.execute(LOOK_UP, [start, client, service]).fetchone()
        _hours(wire, booking, service=service, staff=staff, client=client, start=start, end=end)
        wire.execute(SESSION, [booking]).fetchall()
        party = uuid.uuid4()
        wire.execute(MOVE_VISIT, [start, end, now, visit])
        wire.execute(MOVE, [start, end, party, now, booking])
        wire.execute(VACATE, [booking, staff, now])
        wire.execute(OCCUPY, [staff, party, start, end, booking])
        changes = Jsonb({"start_at": ["", start], "end_at": ["", end]})
        audited = [booking, now, person[0], person[1], "scheduled", changes]
        (event,) = wire.execute(CHANGED, audited).fetchone() or (0,)
        _freed(wire, booking, service=service, staff=staff, client=client, start=start)
        run_at, debounce = now + timedelta(minutes=30), f"visit.updated:{visit}"
        if not wire.execute(PUT_OFF, [run_at, run_at, debounce]).rowcount:
            told = {"client": client, "email": email, "run_at": run_at, "now": now}
            _owe(wire, "booking.updated", booking, event, **told, dedupe_key=debounce)


def cancel(wire: Wire, person: Person, booking: int) -> None:
    """DELETE of a booking that stands."""
    now = datetime.now(UTC)
    with wire.transaction():
        visit, staff, service, client, email = _locked(wire, booking)
        wire.execute(CLOSE_VISIT, [now, visit])
        wire.execute(CLOSE, [now, booking])
        wire.execute(VACATE, [booking, staff, now])
        audited = [booking, now, person[0], person[1], "cancelled", Jsonb({})]
        (event,) = wire.execute(CHANGED, audited).fetchone() or (0,)
        dropped = [job for (job,) in wire.execute(DROP, [now, booking]).fetchall()]
        wire.execute(NOT_SENT, [dropped])
        _freed(wire, booking, service=service, staff=staff, client=client, start=now)
        _owe(wire, "booking.cancelled", booking, event, client=client, email=email, run_at=now, now=now)


def _locked(wire: Wire, booking: int) -> tuple[Any, ...]:
    """Its visit, itself and its person, locked in this order; what of it the rest needs."""
    (visit,) = wire.execute(VISIT_OF, [booking]).fetchone() or (0,)
    wire.execute(THE_VISIT, [visit]).fetchone()
    row = wire.execute(OWN, [booking]).fetchone() or ()
    wire.execute(LOCK, [row[1]]).fetchone()
    return visit, row[1], row[2], row[3], row[8]


def _hours(wire: Wire, booking: int, *, service: int, staff: int, client: int, start: str, end: str) -> None:
    """When the person works, and what else the desk is told of that time."""
    elsewhere, waits = [client, start, end, start, booking], [client, service, start]
    wire.execute(HOURS, [service, start, end, *elsewhere, *waits, end, start, staff]).fetchall()


def _freed(wire: Wire, booking: int, *, service: int, staff: int, client: int, start: Any) -> None:
    """Who waits for it, what is asked about it, who wants to know."""
    wire.execute(WAITS, [service, start, staff, client]).fetchall()
    wire.execute(WITHDRAW, [booking])
    wire.execute(ENDPOINTS).fetchall()
    wire.execute(RULES).fetchall()


def _owe(
    wire: Wire,
    type: str,
    booking: int,
    event: int,
    *,
    client: int,
    email: str,
    run_at: datetime,
    now: datetime,
    dedupe_key: str | None = None,
) -> None:
    key = f"{type}:{booking}:{event}:{client}"
    values = [type, key, dedupe_key, booking, f"client:{client}", run_at, run_at, now]
    (job,) = wire.execute(JOB, values).fetchone() or (0,)
    empty, message_id = Jsonb({}), f"<{uuid.uuid4().hex}@localhost>"
    wire.execute(MESSAGE, [job, type, booking, client, email, empty, empty, message_id, now])
