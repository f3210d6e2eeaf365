"""Rows that are read while they are sent: one cursor in one transaction, which ends with the request."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.signals import request_finished
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from staff.models import Service
from staff.wire.streaming import streamed
from tests.cast.factories import caller, make_ada, make_alice, make_bea, make_booking, make_service

pytestmark = pytest.mark.django_db(transaction=True)

postgres_only = pytest.mark.postgres_only


def three() -> Any:
    for name in ("Cut", "Colour", "Beard"):
        make_service(name)
    return streamed(Service.objects.order_by("id").values_list("name", flat=True), chunk_size=1)


def one_booking() -> None:
    """On a day to come."""
    start_at = (timezone.now() + timedelta(days=3)).replace(hour=10, minute=0, second=0, microsecond=0)
    make_booking(client=make_alice(), staff=make_bea(), service=make_service(), start_at=start_at)


def test_all_rows_come_in_order() -> None:
    assert list(three()) == ["Cut", "Colour", "Beard"]
    assert not connection.in_atomic_block


@postgres_only
def test_they_come_from_a_cursor_that_ends_with_its_transaction() -> None:
    rows = three()
    next(rows)
    with connection.cursor() as cursor:
        cursor.execute("SELECT is_holdable FROM pg_cursors WHERE name LIKE '\\_django%'")
        assert cursor.fetchall() == [(False,)]
    assert connection.in_atomic_block
    rows.close()
    assert not connection.in_atomic_block


@postgres_only
def test_a_stream_that_nobody_ends_ends_with_its_request() -> None:
    rows = three()
    next(rows)
    request_finished.send(sender=None)
    assert not connection.in_atomic_block
    assert list(rows) == []


def test_on_sqlite_a_slow_reader_keeps_nobody_from_writing() -> None:
    rows = three()
    next(rows)
    assert connection.in_atomic_block == (connection.vendor == "postgresql")
    rows.close()


@postgres_only
@pytest.mark.parametrize("path", ["/api/bookings", "/api/visits", "/api/clients"])
def test_every_streamed_list_keeps_to_one_transaction(path: str) -> None:
    one_booking()
    desk = caller(make_ada())
    with CaptureQueriesContext(connection) as seen:
        answer = desk.get(path)
        assert len(answer.json()) == 1
    asked = [each["sql"] for each in seen.captured_queries]
    assert asked.count("BEGIN") == asked.count("COMMIT") == 1
    assert not connection.in_atomic_block
