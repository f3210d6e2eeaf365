"""Who asks what would happen waits half a second for others, and keeps nobody waiting (contract §11)."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection, transaction

from bookings.models import Booking, Visit
from tests.cast.bookings import make_cast, stored
from tests.cast.factories import caller

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def held_by_somebody(visit_id: int) -> Iterator[None]:
    """Another transaction has the row (on SQLite the whole database) until the block ends."""
    has_it, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            Visit.objects.select_for_update().get(pk=visit_id)
            has_it.set()
            let_go.wait(30)
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    assert has_it.wait(30)
    try:
        yield
    finally:
        let_go.set()
        holder.join()


def test_a_question_that_meets_a_writer_is_told_so_soon() -> None:
    salon = make_cast()
    booking = salon.book()
    client, path = caller(salon.ada), f"/api/dry-run/bookings/{booking['id']}"
    client.put(path, {"status": "completed"}, format="json")
    before = stored()
    with held_by_somebody(booking["visit_id"]):
        began = time.monotonic()
        answer = client.put(path, {"status": "cancelled"}, format="json")
        waited = time.monotonic() - began
    assert (answer.status_code, answer.json()["code"], answer.json()["dry_run"]) == (409, "busy", True)
    assert answer["Retry-After"] == "1"
    assert 0.4 < waited < 10
    assert stored() == before
    assert client.put(path, {"status": "cancelled"}, format="json").status_code == 200
    assert Booking.objects.get().status == "scheduled"
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout" if connection.vendor == "postgresql" else "PRAGMA busy_timeout")
        assert cursor.fetchone()[0] in ("0", 20_000)
