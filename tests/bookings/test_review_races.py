"""What somebody may do is judged by the booking as it is when its lock is theirs (contract §1.3 "who")."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, transaction

from bookings import lifecycle
from bookings.errors import BookingNotFound
from staff.access.actor import SYSTEM, Actor
from tests.cast.bookings import make_cast

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres_only]


def wait_until_somebody_waits_for_a_lock() -> None:
    for _ in range(5000):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_locks WHERE NOT granted AND pid IN (SELECT pid FROM pg_locks"
                " WHERE database = (SELECT oid FROM pg_database WHERE datname = current_database()))"
            )
            if cursor.fetchone()[0]:
                return
        time.sleep(0.02)
    raise AssertionError("nobody waited")


def test_a_booking_that_leaves_the_agenda_while_its_lock_is_waited_for_is_not_found() -> None:
    salon = make_cast()
    booking = salon.book()
    bea = Actor(type="staff", id=salon.bea.pk, name="Bea", channel="api", agenda_of=salon.bea.pk)

    def change_notes() -> Any:
        try:
            return lifecycle.change(actor=bea, booking_id=booking["id"], changes={"notes": "mine"})
        except BookingNotFound:
            return "not found"
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            lifecycle.change(actor=SYSTEM, booking_id=booking["id"], changes={"staff_id": salon.cora.pk})
            waiting = pool.submit(change_notes)
            wait_until_somebody_waits_for_a_lock()
        assert waiting.result(timeout=100) == "not found"
    assert salon.get(booking).json()["notes"] == ""
