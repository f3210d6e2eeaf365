"""What may lag is read from the replica, and from the writer where that is no use (contract §12)."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.db import OperationalError, connection, connections, router, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from bookings.links import public_url
from bookings.models import CalendarFeed, Visit
from bookings.self_service.visit_link import page_url
from config.metrics import DatabaseGauges
from staff.models import SalonSettings, Service
from staff.storage.may_lag import ReplicaRouter, may_lag, reads_from
from staff.storage.replica import REPLICA, Look, replica
from staff.wire.refusals import NotFound
from tests.cast import servers
from tests.cast.bookings import MORNING
from tests.cast.factories import caller, make_hours, make_service, make_staff
from tests.cast.online import DAY, Online, make_online
from tests.cast.servers import free_port

pytestmark = [
    pytest.mark.postgres_only,
    pytest.mark.django_db(transaction=True, databases=["default", REPLICA]),
]

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module", autouse=True)
def _has_replica(django_db_setup: None) -> Iterator[None]:
    """One that is never behind: the writer itself, under the replica's name."""
    mirror = {**connection.settings_dict["TEST"], "MIRROR": "default"}
    connections.settings[REPLICA] = {**connection.settings_dict, "TEST": mirror}
    yield
    del connections.settings[REPLICA]


@pytest.fixture
def follower(monkeypatch: pytest.MonkeyPatch) -> Iterator[BaseDatabaseWrapper]:
    monkeypatch.setattr(router, "routers", [ReplicaRouter()])
    # A machine that is busy must not pass for a replica that is away.
    for name in ("WAIT_SECONDS", "WAIT_FOR_WRITER_SECONDS", "MOST_LAG_SECONDS"):
        monkeypatch.setattr(f"staff.storage.replica.{name}", 100.0)
    monkeypatch.setattr("config.postgres.base.REPLICA_PATIENCE_SECONDS", 100.0)
    replica.forget()
    yield connections[REPLICA]
    replica.begin_look().result(timeout=100)
    connections[REPLICA].close()
    del connections[REPLICA]
    replica.forget()


@pytest.fixture
def online(follower: BaseDatabaseWrapper) -> Iterator[Online]:
    with time_machine.travel(MORNING - timedelta(days=1), tick=True):
        yield make_online()


class Asked:
    """How many statements each of the two has been asked for, while the block ran."""

    def __enter__(self) -> Asked:
        self._seen = [CaptureQueriesContext(connections[each]) for each in ("default", REPLICA)]
        for seen in self._seen:
            seen.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        for seen in self._seen:
            seen.__exit__(*error)
        self.writer, self.replica = ([each["sql"] for each in seen.captured_queries] for seen in self._seen)


def public(path: str) -> Callable[[Online], Any]:
    return lambda online: online.browser.get(path.format(service=online.salon.service.key, day=DAY))


MAY_LAG = {
    "catalogue": public("/api/public/catalogue"),
    "availability": public("/api/public/availability?items={service}:any&date_from={day}&days=1"),
    "first page": public("/book"),
    "times": public("/book?service={service}"),
    "availability of the desk": lambda online: caller(online.salon.ada).get(
        "/api/availability", {"service_id": online.salon.service.pk, "date_from": DAY, "date_to": DAY}
    ),
}


@pytest.mark.parametrize("read", MAY_LAG.values(), ids=MAY_LAG)
def test_what_may_lag_is_read_from_the_replica_alone(online: Online, read: Any) -> None:
    ours = ("staff_salonsettings", "knox_authtoken", "staff_authtoken", "cache_entries")
    with Asked() as asked:
        answer = read(online)
    assert answer.status_code == 200
    assert [sql for sql in asked.writer if not any(each in sql for each in ours)] == []
    assert any("staff_service" in sql for sql in asked.replica)
    assert (asked.replica[0], asked.replica[-1]) == ("BEGIN", "COMMIT")


def test_a_feed_opens_at_the_writer_and_is_filled_from_the_replica(online: Online) -> None:
    made = caller(online.salon.ada).post("/api/calendar-feeds", {"scope": "all"}).json()
    online.book()
    with Asked() as asked:
        answer = Browser().get(made["address"].removeprefix(settings.PUBLIC_URL))
        body = b"".join(answer.streaming_content)  # type: ignore[attr-defined]
    assert b"SUMMARY" in body
    assert any("bookings_booking" in sql for sql in asked.replica)
    assert not any("bookings_booking" in sql for sql in asked.writer)
    assert not any("calendarfeed" in sql for sql in asked.replica)
    assert CalendarFeed.objects.get().last_fetched_at is not None


STAYS = {
    "changes": "/api/bookings/changes",
    "list": "/api/bookings?page=1",
    "stream": "/api/bookings",
    "agenda": f"/api/agenda?from={DAY}&to={DAY}",
    "own page": "{visit}",
    "own page, to move it": "{visit}/move",
}


@pytest.mark.parametrize("path", STAYS.values(), ids=STAYS)
def test_what_somebody_has_just_done_is_read_from_the_writer(online: Online, path: str) -> None:
    online.book()
    visit = page_url(Visit.objects.get()) if "{visit}" in path else ""
    with Asked() as asked:
        answer = caller(online.salon.ada).get(path.format(visit=visit.removeprefix(public_url("", ""))))
        b"".join(getattr(answer, "streaming_content", []))
    assert answer.status_code == 200
    assert asked.replica == []


def test_inside_a_transaction_nothing_lags(follower: BaseDatabaseWrapper) -> None:
    with transaction.atomic():
        assert may_lag(reads_from)() == "default"
    assert may_lag(reads_from)() == REPLICA
    assert reads_from() == "default"


def test_what_was_read_there_is_written_here(follower: BaseDatabaseWrapper) -> None:
    make_service()
    service = may_lag(Service.objects.get)()
    service.name = "Another"
    service.save()
    service.refresh_from_db()
    assert service._state.db == "default"
    assert Service.objects.get().name == "Another"


def test_the_replica_is_read_only(follower: BaseDatabaseWrapper) -> None:
    with pytest.raises(OperationalError, match="read-only"), transaction.atomic(using=REPLICA):
        SalonSettings.objects.using(REPLICA).update(business_name="Elsewhere")


def test_a_refusal_is_the_writers_to_make(follower: BaseDatabaseWrapper) -> None:
    asked = []

    @may_lag
    def find() -> str:
        asked.append(reads_from())
        if reads_from() == REPLICA:
            raise NotFound
        return "there"

    assert (find(), asked) == ("there", [REPLICA, "default"])


@contextmanager
def stopped(follower: BaseDatabaseWrapper) -> Iterator[None]:
    """What is committed meanwhile does not come to the replica."""
    with transaction.atomic(using=REPLICA), follower.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("SELECT count(*) FROM staff_service")
        yield


NEW = {
    "a service": ("/book?service={color}", "When would you like to come?"),
    "a service beside one that is known": ("/book?service={cut},{color}", "Colour"),
    "a person": ("/book?service={cut}&staff={dora}", "Dora Dirks"),
    "who does it": ("/book?service={color},{cut}&staff={dora}", "Dora Dirks"),
    "a hidden service in the catalogue": ("/api/public/catalogue?service={color}", "Colour"),
}


@pytest.mark.parametrize(("path", "shown"), NEW.values(), ids=NEW)
def test_what_is_new_is_the_writers_to_show(
    online: Online, follower: BaseDatabaseWrapper, path: str, shown: str
) -> None:
    cut = online.salon.service
    with stopped(follower):
        color = make_service("Colour", category="Colours", hidden=True)
        dora = make_staff("Dora Dirks", services=[cut, color])
        make_hours(dora)
        answer = online.browser.get(path.format(cut=cut.key, color=color.key, dora=dora.key))
    assert answer.status_code == 200
    assert shown in answer.content.decode()


def test_a_booking_page_that_the_replica_leaves_half_done_is_shown_as_it_was_asked_for(
    online: Online, follower: BaseDatabaseWrapper
) -> None:
    """It has found the start taken when the replica goes."""
    path = f"/book?service={online.salon.service.key}&start={DAY}T03:33Z"
    with Asked() as asked:
        answer = online.browser.get(path)
    left = len([sql for sql in asked.replica if sql.startswith("SELECT")])

    def goes(execute: Any, sql: str, *rest: Any) -> Any:
        nonlocal left
        left -= sql.startswith("SELECT")
        if left == 0:
            raise OperationalError("the server has gone")
        return execute(sql, *rest)

    with follower.execute_wrapper(goes):
        again = online.browser.get(path)
    assert left == 0
    assert (answer.status_code, again.status_code) == (409, 409)


def test_a_replica_that_goes_half_way_is_left_and_the_same_read_from_the_writer(
    follower: BaseDatabaseWrapper,
) -> None:
    asked = []

    @may_lag
    def read() -> int:
        asked.append(reads_from())
        if reads_from() == REPLICA:
            hang_up(follower)
        return Service.objects.count()

    assert (read(), asked) == (0, [REPLICA, "default"])
    assert not replica.may_be_read()


def hang_up(wire: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 60000)", [wire.connection.info.backend_pid])


def test_a_replica_that_is_away_costs_a_warning_and_nothing_else(
    online: Online, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = {**connections[REPLICA].settings_dict, "PORT": str(free_port())}
    connections[REPLICA].close()
    monkeypatch.setitem(connections.settings, REPLICA, away)
    del connections[REPLICA]
    assert online.browser.get("/api/public/catalogue").status_code == 200
    answer = caller().get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["checks"]["replica"] == {"ok": False, "lag_seconds": None, "most_lag_seconds": 10}
    assert "replica_away" in [each["code"] for each in answer.json()["warnings"]]


def test_a_replica_that_follows_is_told_of(follower: BaseDatabaseWrapper) -> None:
    replica.begin_look().result(timeout=100)
    checks = caller().get("/readyz").json()["checks"]
    assert checks["replica"] == {"ok": True, "lag_seconds": 0, "most_lag_seconds": 10}
    told = {sample.name: sample for each in DatabaseGauges().collect() for sample in each.samples}
    assert told["bookings_replica_lag_seconds"].value == 0


def test_what_was_written_since_it_was_looked_at_counts_as_missing() -> None:
    look = Look(at=1002.0, lag_seconds=4.0, since=1000.0)
    assert look.is_fit(now=1006.0)
    assert not look.is_fit(now=1006.1)
    assert Look(at=1002.0, lag_seconds=0.0, since=1000.0).is_fit(now=1010.0)
    assert not Look(at=1000.0, lag_seconds=None, since=1000.0).is_fit(now=1000.0)


def test_a_writer_that_says_nothing_may_have_written_since_it_last_did(
    follower: BaseDatabaseWrapper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until it counts as away: the replica is in step with what is old."""
    assert replica.may_be_read()
    monkeypatch.setattr("staff.storage.replica.WAIT_FOR_WRITER_SECONDS", 0.0)
    monkeypatch.setattr("staff.storage.replica.MOST_LAG_SECONDS", 0.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        there = {**connection.settings_dict, "HOST": "127.0.0.1", "PORT": str(silent.getsockname()[1])}
        monkeypatch.setitem(connections.settings, "default", there)
        look = replica.begin_look().result(timeout=100)
        asked = replica._at_writer.begin()
    asked.result(timeout=100)
    assert look is not None
    assert look.lag_seconds == 0
    assert not look.is_fit(now=look.at)
    assert replica._written is not None
    assert replica._written.since > look.since


def test_a_writer_that_only_reads_is_not_ready() -> None:
    name = connection.settings_dict["NAME"]
    with connection.cursor() as cursor:
        cursor.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    try:
        answer = caller().get("/readyz")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SET default_transaction_read_only = off")
            cursor.execute(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')
        connection.close()
    assert answer.status_code == 503
    assert answer.json()["checks"]["writer"] == {"ok": False, "host": 1}


FOLLOWED = """
import json, os, sys, time
from tests.cast import servers

with servers.postgres({"autovacuum": "off"}) as writer, servers.standby(writer) as follower:
    os.environ.update(DATABASE_URL=writer.url, DATABASE_REPLICA_URL=follower.url + "?connect_timeout=20")
    import django
    django.setup()
    from django.db import connections
    from config.postgres import base
    from staff.storage import replica as of_replica
    from staff.storage.may_lag import may_lag, reads_from

    # A machine that is busy must not pass for a replica that is away.
    of_replica.WAIT_SECONDS = of_replica.WAIT_FOR_WRITER_SECONDS = of_replica.MOST_LAG_SECONDS = 100.0
    base.REPLICA_PATIENCE_SECONDS = 100.0

    def sql(name, text):
        with connections[name].cursor() as cursor:
            cursor.execute(text)
            return cursor.fetchall() if cursor.description else None

    def hang_up():
        connections["replica"].close()
        connections["default"].close()

    def follow(source):
        sql("replica", f"ALTER SYSTEM SET primary_conninfo = $${source}$$")
        sql("replica", "SELECT pg_reload_conf()")

    @may_lag
    def numbers():
        with connections[reads_from()].cursor() as cursor:
            cursor.execute("SELECT pg_is_in_recovery(), array_agg(number ORDER BY number) FROM numbers")
            return cursor.fetchone()

    def lag():
        return of_replica.replica.begin_look().result(timeout=100).lag_seconds

    def until(found):
        deadline = time.monotonic() + 100
        while not found():
            assert time.monotonic() < deadline

    told = {}
    sql("default", "CREATE TABLE numbers AS SELECT 1 AS number")
    until(lambda: lag() == 0)
    told["following"] = numbers()
    sql("replica", "SELECT pg_wal_replay_pause()")
    sql("default", "INSERT INTO numbers VALUES (2)")
    of_replica.MOST_LAG_SECONDS = 0
    until(lambda: lag() > 0)
    told["behind"] = numbers()
    of_replica.MOST_LAG_SECONDS = 100
    sql("replica", "SELECT pg_wal_replay_resume()")
    until(lambda: lag() == 0)
    told["in step again"] = numbers()
    connections["replica"].close()
    follower.freeze()
    began = time.monotonic()
    told["standing still"] = numbers()
    told["seconds"] = time.monotonic() - began
    follower.thaw()
    until(lambda: lag() == 0)

    # Cut off, and started anew with no transaction left to replay: it cannot say of when its rows are.
    [(follows,)] = sql("replica", "SHOW primary_conninfo")
    sql("default", "CHECKPOINT")
    until(lambda: lag() == 0)
    sql("replica", "CHECKPOINT")
    follow("")
    hang_up()
    follower.restart()
    sql("default", "INSERT INTO numbers VALUES (3)")
    told["replayed last"] = sql("replica", "SELECT pg_last_xact_replay_timestamp()")
    told["does not know"] = [lag(), numbers()]
    follow(follows)
    until(lambda: lag() == 0)
    told["knows again"] = numbers()

    writer.stop("immediate")
    hang_up()
    told["without a writer"] = numbers()
    until(lambda: lag() == 0)
    told["and looked at"] = numbers()

    # One that has been promoted beside the writer follows nobody, wherever it stands.
    writer.start()
    until(lambda: lag() == 0)
    sql("replica", "SELECT pg_promote()")
    until(lambda: lag() is None)
    print(json.dumps(told))
"""


def test_a_replica_is_read_while_it_follows_and_while_there_is_no_writer(tmp_path: Path) -> None:
    try:
        servers._postgres_binaries()
    except servers.Missing as missing:
        pytest.skip(str(missing))
    variables = {"DATA_DIR": str(tmp_path), "DEBUG": "1", "DJANGO_SETTINGS_MODULE": "config.settings"}
    variables = {**os.environ, "BROKER_URL": "", "CACHE_URL": "", **variables}
    done = subprocess.run(
        [sys.executable, "-c", FOLLOWED], cwd=ROOT, env=variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told.pop("seconds") < 50
    assert told == {
        "following": [True, [1]],
        "behind": [False, [1, 2]],
        "in step again": [True, [1, 2]],
        "standing still": [False, [1, 2]],
        "replayed last": [[None]],
        "does not know": [None, [False, [1, 2, 3]]],
        "knows again": [True, [1, 2, 3]],
        "without a writer": [True, [1, 2, 3]],
        "and looked at": [True, [1, 2, 3]],
    }
