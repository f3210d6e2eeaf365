"""The previous release's five calls work on the schema of today (contract §12 "rolling upgrade").

What it sent to PostgreSQL was recorded (`python -m tests.upgrade.record`) and is sent again here, in one
transaction. On SQLite no two releases run side by side (docs/adr/0107).
"""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from bookings.models import Booking
from tests.cast.factories import make_salon
from tests.upgrade import statements

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="side by side on PostgreSQL alone"),
]


@pytest.fixture
def wire() -> Any:
    make_salon()
    with connection.cursor():
        assert connection.connection is not None
        wire = connection.connection.pgconn
    statements.begin_ids(wire)
    return wire


def test_its_five_calls_do_what_they_did_on_its_own(wire: Any) -> None:
    recorded = statements.read()
    assert {"create", "get", "list", "list of all", "put", "delete"} < {each.call for each in recorded}
    for each in recorded:
        assert statements.send(wire, each) == each.tag, f"{each.call}: {each.sql}"
    statements.send(wire, statements.Statement("end", "SET CONSTRAINTS ALL IMMEDIATE", []))
    assert Booking.objects.get(pk__gte=statements.FIRST_ID).status == "cancelled"


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ("ALTER TABLE bookings_booking DROP COLUMN notes", "notes"),
        ("ALTER TABLE bookings_booking ADD COLUMN colour text NOT NULL DEFAULT ''", None),
        (
            "ALTER TABLE bookings_booking ADD COLUMN colour text NOT NULL DEFAULT '';"
            "ALTER TABLE bookings_booking ALTER COLUMN colour DROP DEFAULT",
            "colour",
        ),
        ("ALTER TABLE notifications_job RENAME COLUMN once_key TO only_key", "once_key"),
    ],
)
def test_it_is_seen_when_the_schema_breaks_them(wire: Any, change: str, refused: str | None) -> None:
    statements.send(wire, statements.Statement("change", change, []))
    if refused is None:
        for each in statements.read():
            statements.send(wire, each)
    else:
        with pytest.raises(statements.Refused, match=refused):
            for each in statements.read():
                statements.send(wire, each)
