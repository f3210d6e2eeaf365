"""A kept connection is tested on the line, without a statement, and a dead one is seen at once."""

from __future__ import annotations

import time

import pytest
from django.db import connection
from django.db.utils import OperationalError
from django.test.utils import CaptureQueriesContext

pytestmark = [pytest.mark.postgres_only, pytest.mark.django_db(transaction=True)]


def test_a_line_that_stands_is_usable_and_is_asked_nothing():
    connection.ensure_connection()
    with CaptureQueriesContext(connection) as seen:
        assert connection.is_usable()
    assert len(seen) == 0


def test_a_line_the_server_has_hung_up_is_not_usable_and_is_replaced():
    connection.ensure_connection()
    pid = connection.connection.info.backend_pid
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
    other.close()
    until = time.monotonic() + 10
    while connection.is_usable():
        assert time.monotonic() < until
    with pytest.raises(OperationalError), connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    connection.close_if_unusable_or_obsolete()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        assert cursor.fetchone() != (pid,)


def test_a_line_in_a_failed_transaction_is_not_usable():
    connection.ensure_connection()
    connection.connection.execute("BEGIN")
    with pytest.raises(Exception, match="division by zero"):
        connection.connection.execute("SELECT 1/0")
    assert not connection.is_usable()
    connection.close()
