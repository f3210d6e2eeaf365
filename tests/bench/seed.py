"""A salon with so many bookings, written by the server itself in a few statements."""

from __future__ import annotations

import psycopg

FEWEST_PEOPLE = 10
EACH = 10_000
"""Bookings of one person at most: 312 days ahead and as many back, which leaves room for the calls' own."""

_BOOKINGS = """
INSERT INTO bookings_booking (client_id, staff_id, service_id, start_at, end_at, status, status_detail, notes,
    internal_notes, key, party, persons, price, buffer_before_minutes, buffer_after_minutes, source, base_url,
    announced_as, sequence, version, foreign_data, amelia_deleted, created_at, updated_at)
SELECT clients.ids[1 + (n * 7919) %% array_length(clients.ids, 1)],
    people.ids[1 + n %% array_length(people.ids, 1)], services.id, at, at + interval '30 minutes',
    CASE WHEN n %% 10 = 3 THEN 'cancelled' WHEN at > now() THEN 'scheduled'
         WHEN n %% 37 = 5 THEN 'no-show' ELSE 'completed' END,
    '', CASE WHEN n %% 5 = 0 THEN 'Please ring the bell twice.' ELSE '' END, '',
    gen_random_uuid(), gen_random_uuid(), 1, 40, 0, 0, 'api', '', '', 0, 1, '{}', false,
    least(at, now()) - interval '10 days', least(at, now()) - interval '1 day'
FROM (SELECT array_agg(id ORDER BY id) AS ids FROM staff_staff WHERE role = 'staff') AS people,
    LATERAL (SELECT n, n / array_length(people.ids, 1) AS place
      FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n) AS numbers,
    LATERAL (SELECT date_trunc('day', now()) + interval '90 minutes'
          * CASE WHEN place %% 2 = 0 THEN place / 2 ELSE -(place + 1) / 2 END AS at) AS places,
    (SELECT array_agg(id ORDER BY id) AS ids FROM clients_client) AS clients,
    (SELECT min(id) AS id FROM staff_service) AS services
"""
_BUSY = """
INSERT INTO bookings_busytime (staff_id, party, starts_at, ends_at, booking_id)
SELECT staff_id, party, start_at, end_at, id FROM bookings_booking b
WHERE status = 'scheduled' AND NOT EXISTS (SELECT 1 FROM bookings_busytime t WHERE t.booking_id = b.id)
ORDER BY id
"""
"""By id, which is every diary in turn: in any other order the index that keeps them apart grows crooked."""

_EVENTS = """
INSERT INTO bookings_bookingevent (booking_id, at, door, actor_type, actor_name, from_status, to_status,
    changes, reason)
SELECT id, created_at, 'api', 'system', '', '', 'scheduled', '{}', '' FROM bookings_booking b
WHERE NOT EXISTS (SELECT 1 FROM bookings_bookingevent e WHERE e.booking_id = b.id)
"""


def people_for(bookings: int) -> int:
    """How many staff members share so many bookings, so that nobody's diary reaches beyond a year."""
    return max(FEWEST_PEOPLE, -(-bookings // EACH))


def grow(url: str, *, to: int) -> None:
    """Fill up to `to` bookings of all staff members, half of them still ahead, and let the planner know.

    Every person has a half hour in every 90 minutes, from today outwards in both directions.
    """
    with psycopg.connect(url, autocommit=True) as wire:
        (there,) = wire.execute("SELECT count(*) FROM bookings_booking").fetchone() or (0,)
        wire.execute(_BOOKINGS, {"first": there, "last": to - 1})
        wire.execute("ANALYZE bookings_booking")
        wire.execute(_BUSY)
        wire.execute(_EVENTS)
        wire.execute("VACUUM ANALYZE")
