"""A kept connection is tested on the line, without a statement, and a dead one is seen at once."""

from __future__ import annotations

import sys
import time
from typing import Any
from unittest.mock import patch

import pytest
from django.core.signals import request_started
from django.db import DataError, OperationalError, connection, transaction
from django.db.backends.postgresql import base
from django.db.models import CharField
from django.test.utils import CaptureQueriesContext

from bookings.slots.refused_to_everybody import find_service
from config.postgres.writer import host_number
from staff.models import SalonSettings, Staff
from staff.storage.prepared_statements import Blank, BlankIds, PreparedRows
from staff.wire.refusals import BadRequest
from tests.cast.factories import caller, make_ada, make_bea

pytestmark = [pytest.mark.postgres_only, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _a_line_that_nobody_has_used(transactional_db: None) -> None:
    connection.close()


def test_a_line_that_stands_is_usable_and_is_asked_nothing():
    connection.ensure_connection()
    with CaptureQueriesContext(connection) as seen:
        assert connection.is_usable()
    assert len(seen) == 0


def hung_up() -> int:
    """The number of the server's process whose line it has just cut."""
    connection.ensure_connection()
    pid: int = connection.connection.info.backend_pid
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
    other.close()
    until = time.monotonic() + 100
    while connection.is_usable():
        assert time.monotonic() < until
    return pid


def test_a_line_the_server_has_hung_up_is_not_usable_and_is_replaced():
    pid = hung_up()
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


def test_a_request_that_begins_with_such_a_statement_tests_its_line_first(monkeypatch):
    SalonSettings.load()
    monkeypatch.setitem(connection.settings_dict, "CONN_HEALTH_CHECKS", True)
    connection.close()
    hung_up()
    request_started.send(sender=None)
    assert SalonSettings.load().pk == 1


def test_such_a_statement_is_logged_with_its_values():
    by_name = PreparedRows(Staff, lambda: Staff.objects.filter(name=Blank("name", CharField())))
    with CaptureQueriesContext(connection) as seen:
        assert by_name.all(name="O'Brien") == []
    assert "\"name\" = ('O''Brien')" in seen[0]["sql"]


def test_a_statement_written_once_is_planned_once():
    SalonSettings.load()
    for name in ("One", "Two"):
        SalonSettings.objects.update(business_name=name)
        assert SalonSettings.load().business_name == name
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%staff_salonsettings%'"
        )
        assert cursor.fetchone() == (1,)


def test_how_a_type_is_written_and_read_is_found_out_once_a_connection():
    asked: list[str] = []

    def note(frame: Any, event: str, _: Any) -> None:
        if event == "call" and frame.f_code.co_name in ("get_dumper", "get_loader"):
            asked.append(frame.f_code.co_name)

    desk = caller(make_ada())
    counts = []
    for _ in range(2):
        sys.setprofile(note)
        try:
            assert (desk.get("/api/settings").status_code, find_missing()) == (200, None)
        finally:
            sys.setprofile(None)
        counts.append(len(asked))
    assert counts[0] > 0
    assert counts[1] == counts[0]


def find_missing() -> Staff | None:
    return PreparedRows(Staff, lambda: Staff.objects.filter(name=Blank("name", CharField()))).first(name="x")


def test_an_id_beyond_all_ids_is_simply_not_there():
    with pytest.raises(BadRequest), transaction.atomic():
        find_service(2**63)
    assert SalonSettings.load().pk == 1


def test_a_server_that_takes_no_writes_is_one_that_is_away():
    desk = caller(make_ada())
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
    answer = desk.put("/api/settings", {"business_name": "Salon Bea"})
    assert (answer.status_code, answer.json()["code"], answer["Retry-After"]) == (503, "unavailable", "5")
    assert not connection.is_usable()
    connection.close_if_unusable_or_obsolete()
    assert desk.put("/api/settings", {"business_name": "Salon Bea"}).status_code == 200


@pytest.mark.parametrize(
    ("hosts", "number"), [("{here},elsewhere", 1), ("elsewhere,{here}", 2), ("a,b", None)]
)
def test_the_writer_is_told_by_its_place_in_the_address(hosts: str, number: int | None) -> None:
    connection.ensure_connection()
    info, port = connection.connection.info, connection.connection.info.port
    address = {"HOST": hosts.format(here=info.host), "PORT": f"{port},{port}"}
    with patch.dict(connection.settings_dict, address):
        assert host_number(connection) == number


def test_the_only_host_is_the_first_however_it_is_named() -> None:
    connection.ensure_connection()
    with patch.dict(connection.settings_dict, {"HOST": "", "PORT": ""}):
        assert host_number(connection) == 1


def test_a_server_that_says_nothing_is_not_waited_for(monkeypatch):
    connection.ensure_connection()
    pid = connection.connection.info.backend_pid
    monkeypatch.setattr("config.postgres._patience", 0.1)
    with pytest.raises(OperationalError, match="has not answered in time"), connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(100)")
    assert not connection.is_usable()
    connection.close_if_unusable_or_obsolete()
    monkeypatch.setattr("config.postgres._patience", None)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 60000)", [pid])
        assert cursor.fetchone() == (True,)


INSTANTS = """SELECT '2026-11-27 10:00:00.5+01'::timestamptz, NULL::timestamptz,
    ARRAY['1999-12-31 23:59:59-03:30'::timestamptz], tstzrange('2026-01-01 00:00Z', NULL)"""


@pytest.mark.parametrize("zone", [None, "Asia/Tokyo"])
def test_instants_are_read_as_django_reads_them(zone: str | None):
    own, django = connection.copy(), base.DatabaseWrapper({**connection.settings_dict})
    read = []
    for line in (own, django):
        line.settings_dict["TIME_ZONE"] = zone
        with line.cursor() as cursor:
            cursor.execute(INSTANTS)
            read.append(repr(cursor.fetchone()))
        line.close()
    assert read[0] == read[1]
    assert ("timezone.utc" in read[0]) == (zone is None)


def test_an_instant_beyond_the_calendar_is_refused_as_it_was():
    with pytest.raises(DataError, match="too large"), connection.cursor() as cursor:
        cursor.execute("SELECT 'infinity'::timestamptz")
        cursor.fetchone()


def test_a_statement_for_any_number_of_ids_keeps_its_plan_for_one():
    by_ids = PreparedRows(Staff, lambda: Staff.objects.filter(pk__in=BlankIds("ids")).order_by("pk"))
    ada, bea = make_ada(), make_bea()
    for _ in range(8):
        assert by_ids.all(ids=[bea.pk]) == [bea]
    assert by_ids.all(ids={bea.pk: "", ada.pk: ""}) == [ada, bea]
    assert by_ids.all(ids=[]) == []
    assert by_ids.all(ids={ada.pk}) == [ada]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT generic_plans > 0 FROM pg_prepared_statements WHERE statement LIKE %s", ['%"id" IN ($1)%']
        )
        assert cursor.fetchall() == [(True,)]
