"""Waking the workers holds up and fails nobody, whatever the broker does; the settings' names are checked."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from notifications import outbox, wake
from notifications.checks import check_handlers
from notifications.tasks import sweep
from notifications.wake import Bell
from tests.cast.outbox import HANDLERS, due
from tests.cast.servers import free_port

ROOT = Path(__file__).resolve().parents[2]

PUBLISH = """
import json, django
django.setup()
from notifications import wake
print(json.dumps(wake.publish()))
"""


def publish_to(broker: str, folder: Path) -> bool:
    """Whether the broker took a wake-up that a fresh process published. It has all the time it wants."""
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "BROKER_URL": broker,
        "CACHE_URL": "database",
        "DATABASE_URL": "",
        "DATA_DIR": str(folder),
        "SECRET_KEY": "only-for-tests-" * 4,
    }
    done = subprocess.run(
        [sys.executable, "-c", PUBLISH],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    return bool(json.loads(done.stdout.splitlines()[-1]))


@pytest.fixture
def frozen() -> Iterator[socket.socket]:
    """Where somebody listens and never says a word, like a frozen Redis."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(16)
        yield listener


def calls_on(listener: socket.socket) -> int:
    """How many connections have been made to it."""
    listener.setblocking(False)
    with contextlib.ExitStack() as stack, contextlib.suppress(BlockingIOError):
        for number in itertools.count():
            calls = number
            stack.enter_context(listener.accept()[0])
    return calls


def test_a_frozen_broker_is_given_up_after_one_try(frozen: socket.socket, tmp_path: Path) -> None:
    assert publish_to(f"redis://127.0.0.1:{frozen.getsockname()[1]}/0", tmp_path) is False
    assert calls_on(frozen) == 1


def test_a_dead_broker_is_given_up(tmp_path: Path) -> None:
    assert publish_to(f"redis://127.0.0.1:{free_port()}/0", tmp_path) is False


def test_the_embedded_broker_takes_a_wake_up(tmp_path: Path) -> None:
    assert publish_to("", tmp_path) is True
    assert len(list((tmp_path / "broker" / "messages").iterdir())) == 1


class SlowPublisher:
    """Stands where the broker is: every publishing waits to be let through, and says what it is told to."""

    def __init__(self) -> None:
        self.calls = 0
        self.began: list[float] = []
        self.ended: list[float] = []
        self.answer = True
        self.let_through = threading.Event()
        self.called = threading.Condition()

    def __call__(self) -> bool:
        with self.called:
            self.calls += 1
            self.began.append(time.monotonic())
            self.called.notify_all()
        self.let_through.wait(timeout=100)
        self.ended.append(time.monotonic())
        return self.answer

    def wait_for(self, calls: int) -> bool:
        with self.called:
            return self.called.wait_for(lambda: self.calls >= calls, timeout=100)


def test_ringing_never_waits_for_the_broker() -> None:
    publisher = SlowPublisher()
    bell = Bell(publisher)
    for _ in range(1000):
        bell.ring()
    assert publisher.wait_for(1)
    assert publisher.ended == []
    assert publisher.calls == 1
    publisher.let_through.set()


def test_a_ring_during_the_publishing_is_not_lost_and_many_are_one() -> None:
    publisher = SlowPublisher()
    bell = Bell(publisher)
    bell.ring()
    assert publisher.wait_for(1)
    for _ in range(100):
        bell.ring()
    publisher.let_through.set()
    assert publisher.wait_for(2)
    bell.ring()
    assert publisher.wait_for(3)
    assert publisher.calls == 3


def test_after_a_failure_the_broker_is_left_alone() -> None:
    publisher = SlowPublisher()
    publisher.answer = False
    publisher.let_through.set()
    bell = Bell(publisher, pause_after_failure=0.5)
    bell.ring()
    assert publisher.wait_for(1)
    bell.ring()
    assert publisher.wait_for(2)
    assert publisher.began[1] - publisher.ended[0] >= 0.5


@pytest.mark.django_db(transaction=True)
def test_a_wake_up_comes_with_the_commit_and_not_with_a_rollback(monkeypatch: pytest.MonkeyPatch) -> None:
    publisher = SlowPublisher()
    publisher.let_through.set()
    monkeypatch.setattr(wake, "_bell", Bell(publisher))
    now = timezone.now()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        outbox.enqueue([due("a", run_at=now)], now=now)
        _ = 1 / 0
    with transaction.atomic():
        outbox.enqueue([due("b", run_at=now)], now=now)
        assert publisher.calls == 0
    assert publisher.wait_for(1)
    assert publisher.calls == 1


# --- the settings' names -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("tests.cast.outbox.nothing", "cannot be imported"),
        ("no.such.module", "cannot be imported"),
        ("tests.cast.outbox.NOON", "which lacks a class"),
        ("tests.cast.outbox.Sink", "which lacks type, client_counts_on_it, prepare, call, done"),
        ("tests.cast.outbox.Counted", "which lacks the type 'test.wrong'"),
    ],
)
def test_a_handler_that_is_not_there_is_an_error_at_start_up(settings: Any, path: str, said: str) -> None:
    settings.HANDLERS = HANDLERS | {"test.wrong": path}
    (error,) = check_handlers()
    assert (error.id, error.is_serious()) == ("notifications.E001", True)
    assert said in str(error.msg) and "test.wrong" in str(error.msg)


@pytest.mark.parametrize("path", ["tests.cast.outbox.nothing", "tests.cast.outbox.NOON"])
def test_a_periodic_function_that_is_not_there_is_an_error_at_start_up(settings: Any, path: str) -> None:
    settings.HANDLERS, settings.PERIODIC = HANDLERS, [path]
    (error,) = check_handlers()
    assert error.id == "notifications.E002"


def test_the_settings_as_they_are_name_what_is_there() -> None:
    assert check_handlers() == []


# --- the sweep ---------------------------------------------------------------------------------

swept: list[str] = []


def sweep_first(*, now: Any) -> None:
    swept.append("first")
    raise RuntimeError("a bug")


def sweep_second(*, now: Any) -> None:
    assert timezone.is_aware(now)
    swept.append("second")


@pytest.mark.django_db
def test_one_periodic_function_that_breaks_stops_no_other(settings: Any) -> None:
    swept.clear()
    settings.PERIODIC = [
        "tests.notifications.test_outbox_wake.sweep_first",
        "tests.notifications.test_outbox_wake.sweep_second",
    ]
    sweep()
    assert swept == ["first", "second"]
