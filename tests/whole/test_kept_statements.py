"""Web and worker keep their prepared statements for as long as a connection lives (docs/adr/0111)."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import BigAutoField

from bookings.models import Booking
from staff.models import SalonSettings
from staff.storage.prepared_statements import Blank, BlankIds, Prepared
from tests.cast.bookings import make_cast
from tests.cast.factories import caller

pytestmark = [pytest.mark.postgres_only, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def a_line_of_web_or_worker(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    connection.close()
    monkeypatch.setattr("config.postgres._patience", 1000.0)
    monkeypatch.setattr("config.postgres.silence.hosts._somebody_looks", True)
    yield
    connection.close()


def kept(like: str = "%") -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM pg_prepared_statements WHERE statement LIKE %s ORDER BY 1", [like])
        return [name for (name,) in cursor.fetchall()]


def test_neither_a_refusal_nor_a_dry_run_nor_a_savepoint_takes_any_away() -> None:
    cast = make_cast()
    cast.book()
    desk = caller(cast.ada)
    before = kept()
    assert desk.post("/api/bookings", cast.order(), format="json").status_code == 409
    again = cast.order(start_at="2026-03-25 10:00:00", end_at="2026-03-25 11:00:00")
    assert desk.post("/api/dry-run/bookings", again, format="json").status_code == 200
    with transaction.atomic():
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT 1/0")
        assert SalonSettings.load().pk == 1
    assert len(before) > 10
    assert set(before) <= set(kept())


def test_a_command_that_may_create_and_drop_forgets_as_psycopg_does(monkeypatch: pytest.MonkeyPatch) -> None:
    connection.close()
    monkeypatch.setattr("config.postgres._patience", None)
    SalonSettings.load()
    assert kept()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        SalonSettings.load()
        1 / 0  # noqa: B018
    assert kept() == []


def test_one_statement_serves_ids_of_every_size() -> None:
    one = Prepared(lambda: Booking.objects.filter(pk=Blank("id", BigAutoField())).values_list("persons"))
    some = Prepared(lambda: Booking.objects.filter(pk__in=BlankIds("ids")).values_list("position"))
    for number in (5, 40_000, 2**40):
        assert (one.rows(id=number), some.rows(ids=[number])) == ([], [])
    assert len(kept('%."persons"%bookings_booking%')) == 1
    assert len(kept('%."position"%bookings_booking%')) == 1


@pytest.mark.parametrize("in_a_transaction", [True, False])
def test_what_a_migration_has_changed_costs_one_call(in_a_transaction: bool) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE widened (word varchar(5))")
    asked = "SELECT word FROM widened"

    def ask() -> None:
        with connection.prepared_cursor() as cursor:
            cursor.execute(asked)

    try:
        ask()
        with psycopg.connect(**_address()) as another:
            another.execute("ALTER TABLE widened ALTER word TYPE varchar(500)")
        with pytest.raises(DatabaseError, match="cached plan"):
            if in_a_transaction:
                with transaction.atomic():
                    ask()
            else:
                ask()
        for _ in range(2):
            ask()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE widened")


def test_what_fails_at_its_first_run_leaves_nothing_at_the_server() -> None:
    for _ in range(3):
        with (
            pytest.raises(DatabaseError, match="by zero"),
            transaction.atomic(),
            connection.prepared_cursor() as cursor,
        ):
            cursor.execute("SELECT 1 / (position('x' in current_database()) * 0)")
    SalonSettings.load()
    assert kept("SELECT 1 /%") == []


def test_what_somebody_else_has_dropped_costs_one_call() -> None:
    SalonSettings.load()
    connection.connection.pgconn.exec_(b"DEALLOCATE ALL")
    with pytest.raises(DatabaseError, match="does not exist"):
        SalonSettings.load()
    for _ in range(2):
        assert SalonSettings.load().pk == 1


def test_what_is_dropped_on_the_line_itself_is_prepared_anew() -> None:
    SalonSettings.load()
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")
    for _ in range(2):
        assert SalonSettings.load().pk == 1


def _address() -> dict[str, str]:
    params = connection.get_connection_params()
    return {name: params[name] for name in ("host", "port", "user", "password", "dbname") if name in params}
