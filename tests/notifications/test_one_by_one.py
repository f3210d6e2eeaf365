"""One row that cannot be swept leaves the others be (reliability §1, "Celery's part")."""

from __future__ import annotations

import pytest
from django.db import OperationalError, connection, transaction

from notifications.one_by_one import one_by_one


def test_what_fails_is_logged_and_the_others_are_done(caplog: pytest.LogCaptureFixture) -> None:
    done = []

    def step(number: int, *, worth: int) -> int:
        if number == 2:
            raise ValueError("this one is broken")
        done.append(number)
        return worth

    assert one_by_one(step, [1, 2, 3], worth=5) == 10
    assert done == [1, 3]
    assert "sweep_failed" in caplog.text
    assert "this one is broken" in caplog.text


@pytest.mark.parametrize("said", ["deadlock detected", "database is locked"])
@pytest.mark.django_db
def test_a_row_that_others_had_locked_stops_no_later_one(said: str, caplog: pytest.LogCaptureFixture) -> None:
    connection.ensure_connection()

    def step(number: int) -> int:
        if number == 1:
            raise OperationalError(said)
        return number

    assert one_by_one(step, [1, 2, 3]) == 5
    assert said in caplog.text


@pytest.mark.postgres_only
@pytest.mark.django_db(transaction=True)
def test_a_statement_that_the_server_ends_stops_no_later_one() -> None:
    def step(number: int) -> int:
        if number == 1:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SET LOCAL statement_timeout = 1")
                cursor.execute("SELECT pg_sleep(100)")
        return number

    assert one_by_one(step, [1, 2, 3]) == 5


@pytest.mark.postgres_only
@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_gone_ends_the_sweep() -> None:
    asked = []

    def step(number: int) -> int:
        asked.append(number)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        return number

    with pytest.raises(OperationalError):
        one_by_one(step, [1, 2])
    connection.close()
    assert asked == [1]
