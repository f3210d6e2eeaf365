"""What every test gets: a closed network and an empty cache; and what several ask for."""

from __future__ import annotations

import contextlib
import gc
import ipaddress
import os
import socket
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
import time_machine
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.test import TransactionTestCase, override_settings
from django.utils import translation
from pytest_django.plugin import blocking_manager_key
from time_machine import Traveller

from bookings.models import ReminderRule
from config import health
from config.postgres import pooler
from tests.cast import servers, template
from tests.cast.emptying import empty_the_database, hang_up_where_broken
from tests.cast.noshow import live_stripe
from tests.cast.outbox import Sink, mail_sink, send_to
from tests.cast.passes import depends_on_the_pass, longest_files_first, note_second_pass
from tests.cast.stripe_server import StripeServer

hypothesis.settings.register_profile("patient", suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("patient")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--db",
        choices=["sqlite", "postgres"],
        default=None,
        help="postgres: bring a PostgreSQL up for this session. Without it: DATABASE_URL, else SQLite.",
    )
    parser.addoption(
        "--second-pass",
        action="store_true",
        help="leave out what asks neither for a database nor for servers: an earlier pass has run it",
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("second_pass"):
        note_second_pass()


def _hands_out_tests(config: pytest.Config) -> bool:
    return len(getattr(config.option, "tx", ())) > 1 and not hasattr(config, "workerinput")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Of xdist, for every process that is to run tests."""
    if _hands_out_tests(node.config):
        node.workerinput["template"] = template.name()


@pytest.hookimpl(wrapper=True)
def pytest_sessionstart(session: pytest.Session) -> Iterator[None]:
    yield  # xdist starts its processes, which collect meanwhile.
    if _hands_out_tests(session.config):
        with session.config.stash[blocking_manager_key].unblock():
            template.make()


def pytest_report_header() -> str:
    return f"database: {connection.vendor}, broker: {settings.BROKER_URL.partition(':')[0]}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    other = {"postgresql": "sqlite_only", "sqlite": "postgres_only"}[connection.vendor]
    for item in items:
        if item.get_closest_marker(other):
            item.add_marker(pytest.mark.skip(reason=f"{other}: this is {connection.vendor}"))
    if config.getoption("second_pass"):
        config.hook.pytest_deselected(items=[item for item in items if not depends_on_the_pass(item)])
        items[:] = [item for item in items if depends_on_the_pass(item)]
    if hasattr(config, "workerinput"):
        items[:] = longest_files_first(items)


def pytest_collection_finish() -> None:
    """What has been imported stays: looking it through for garbage again and again costs a twentieth."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In a second pass nothing left to do is no failure; a first one that finds nothing has been misspelt."""
    nothing_ran = session.exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED
    if nothing_ran and session.config.getoption("second_pass"):
        session.exitstatus = pytest.ExitCode.OK
    if _hands_out_tests(session.config):
        with session.config.stash[blocking_manager_key].unblock():
            template.drop()


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@pytest.fixture(scope="session", autouse=True)
def _network_closed_but_for_loopback() -> Iterator[None]:
    real_connect, real_getaddrinfo = socket.socket.connect, socket.getaddrinfo

    def connect(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not _is_loopback(str(address[0])):
            raise OSError(f"tests must not leave this machine: {address[0]}:{address[1]}")
        real_connect(self, address)

    def getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name is not None and not _is_loopback(name) and name != "0.0.0.0":
            raise socket.gaierror(socket.EAI_NONAME, f"tests must not look up {name}")
        return real_getaddrinfo(host, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", connect)
        patch.setattr(socket, "getaddrinfo", getaddrinfo)
        yield


@pytest.fixture(scope="session", autouse=True)
def _readyz_has_patience_with_a_busy_machine() -> Iterator[None]:
    """What it does not get to hear within its 0.8 seconds it reports as broken, as it should."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(health, "PATIENCE_SECONDS", 60.0)
        patch.setattr(pooler, "PATIENCE_SECONDS", 60.0)
        yield


@pytest.fixture(scope="session", autouse=True)
def _static_files_are_looked_up_when_asked_for() -> Iterator[None]:
    """Every test's client makes its own middleware, and WhiteNoise would list all static files each time."""
    with override_settings(WHITENOISE_AUTOREFRESH=True):
        yield


@pytest.fixture(scope="session")
def django_db_keepdb(request: pytest.FixtureRequest) -> bool:
    """Whether a file that is there is what the tests begin with."""
    return connection.vendor == "sqlite" and "template" in getattr(request.config, "workerinput", {})


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, request: pytest.FixtureRequest
) -> None:
    if source := getattr(request.config, "workerinput", {}).get("template"):
        template.copy(source)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """After a test that commits, only what it has written is taken away (`tests.cast.emptying`).

    The salon of the tests has no reminder rule but those it makes: what a change owes is counted everywhere.
    """
    with django_db_blocker.unblock():
        ReminderRule.objects.all().delete()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda case: empty_the_database())
        patch.setattr(TransactionTestCase, "_should_reload_connections", lambda case: hang_up_where_broken())
        yield


@pytest.fixture(scope="module")
def valkey_server() -> Iterator[servers.Server]:
    """A Redis-compatible server of this module's own, to be stopped and frozen at will.

    Where there is none to be had the test is skipped, or fails with REQUIRE_ALL=1.
    """
    with contextlib.ExitStack() as stack:
        try:
            server = stack.enter_context(servers.valkey())
        except servers.Missing as missing:
            if os.environ.get("REQUIRE_ALL") == "1":
                raise
            pytest.skip(str(missing))
        yield server


@pytest.fixture
def clock(request: pytest.FixtureRequest) -> Iterator[Traveller]:
    """The clock of a test that is marked `clock_at`, to be moved at will."""
    marker = request.node.get_closest_marker("clock_at")
    assert marker is not None, "Mark the test with the moment: pytest.mark.clock_at(NOON)."
    with time_machine.travel(*marker.args, **({"tick": False} | marker.kwargs)) as traveller:
        yield traveller


@pytest.fixture(autouse=True)
def _clock_at(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("clock_at"):
        request.getfixturevalue("clock")


@pytest.fixture
def sink(settings: Any) -> Iterator[Sink]:
    """The mail server that the product hands its mails to."""
    with mail_sink() as server:
        send_to(settings, server.port)
        yield server


@pytest.fixture
def stripe(settings: Any) -> Iterator[StripeServer]:
    """The stand-in that the product takes for Stripe."""
    with live_stripe(settings) as server:
        yield server


@pytest.fixture(autouse=True)
def _language_of_nobody() -> Iterator[None]:
    """A request leaves the language it was read in to its thread; the next one brings its own."""
    yield
    translation.deactivate()


@pytest.fixture(autouse=True)
def _empty_cache(request: pytest.FixtureRequest) -> Iterator[None]:
    """Throttle counters of one test must not reach the next.

    The database's cache rolls back by itself, but for what a test commits: a flush leaves its table alone.
    """
    in_database = "Database" in settings.CACHES["default"]["BACKEND"]
    mark = request.node.get_closest_marker("django_db")
    commits = "transactional_db" in request.fixturenames or bool(mark and mark.kwargs.get("transaction"))
    if in_database and commits:
        request.getfixturevalue("transactional_db")
    yield
    if commits or not in_database:
        cache.clear()
