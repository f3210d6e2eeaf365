"""A real Celery worker with its clock on the embedded broker, killed and stopped in mid-sending."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from notifications import outbox
from notifications.models import Job, Message
from tests.cast.outbox import Sink, due, mail_sink

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.servers, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 200


@pytest.fixture
def sink() -> Iterator[Sink]:
    with mail_sink() as sink:
        yield sink


@pytest.fixture
def start_worker(sink: Sink, tmp_path: Path) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    started: list[subprocess.Popen[bytes]] = []
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "tests.cast.outbox_worker_settings",
        "DATABASE_URL": _address_of_the_test_database(),
        "DATA_DIR": str(tmp_path),
        "EMAIL_URL": f"smtp://{sink.host}:{sink.port}",
        "DEFAULT_FROM_EMAIL": "desk@salon.example",
        "SECRET_KEY": "only-for-tests-" * 4,
    }

    def start(*, lease: int = 120) -> subprocess.Popen[bytes]:
        command = [
            *(sys.executable, "-m", "celery", "-q", "-A", "config", "worker", "-B", "-c", "4"),
            *("--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "WARNING"),
        ]
        worker = subprocess.Popen(
            command, cwd=ROOT, env=environment | {"JOB_LEASE_SECONDS": str(lease)}, start_new_session=True
        )
        started.append(worker)
        return worker

    yield start
    for worker in started:
        with _gone_is_fine():
            os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()


def _address_of_the_test_database() -> str:
    found: dict[str, Any] = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{found['NAME']}"
    password = f":{found['PASSWORD']}" if found["PASSWORD"] else ""
    return f"postgres://{found['USER']}{password}@{found['HOST']}:{found['PORT']}/{found['NAME']}"


@contextmanager
def _gone_is_fine() -> Iterator[None]:
    try:
        yield
    except ProcessLookupError:
        return


def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain until {what}: {states()}"
        time.sleep(0.05)


def states() -> Counter[str]:
    return Counter(Job.objects.values_list("state", flat=True))


def _has_more_than(sink: Sink, sent: int) -> bool:
    return len(sink.mails) > sent


def enqueue(count: int) -> None:
    now = timezone.now()
    outbox.enqueue([due(str(n), booking_id=n, run_at=now) for n in range(count)], now=now)


def message_ids() -> list[str]:
    return sorted(Message.objects.values_list("message_id", flat=True))


def test_the_clock_alone_gets_every_mail_out_once(sink, start_worker):
    enqueue(30)
    start_worker()
    until(lambda: states() == {"done": 30}, "all mails are done")
    assert sorted(sink.message_ids) == message_ids()


def test_a_killed_worker_loses_nothing(sink, start_worker):
    enqueue(12)
    for _ in range(2):
        sink.after_data = "hang"
        sent = len(sink.mails)
        worker = start_worker(lease=6)
        until(partial(_has_more_than, sink, sent), "a mail is in the server's hands")
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()
        sink.after_data = ""
    start_worker(lease=6)
    until(lambda: states()["pending"] == states()["claimed"] == 0, "no mail is on its way")
    assert set(sink.message_ids) == set(message_ids())
    copies = Counter(sink.message_ids)
    assert max(copies.values()) <= 2
    assert sum(copies.values()) - len(copies) <= 2 * 4  # four threads were killed, twice
    for job in Job.objects.select_related("message"):
        assert job.state in ("done", "uncertain")
        assert copies[job.message.message_id] == job.sends
        assert (job.state == "uncertain") == (job.message.state == "uncertain")


def test_a_stopped_worker_finishes_what_it_has_begun_and_begins_nothing(sink, start_worker):
    enqueue(40)
    sink.after_data = "slow"
    worker = start_worker()
    until(lambda: len(sink.mails) > 0, "a mail is in the server's hands")
    os.kill(worker.pid, signal.SIGTERM)
    assert worker.wait(timeout=PATIENCE_SECONDS) == 0
    found = states()
    assert set(found) == {"done", "pending"}
    assert found["done"] == len(sink.mails) <= 20
    assert set(Job.objects.filter(state="done").values_list("sends", flat=True)) == {1}


def test_a_mail_that_is_due_later_leaves_then(sink, start_worker):
    now = timezone.now()
    outbox.enqueue([due("later", run_at=now + timedelta(seconds=6))], now=now)
    start_worker()
    until(lambda: states() == {"done": 1}, "the mail is done")
    sent_at = Message.objects.get().sent_at
    assert sent_at is not None and sent_at >= now + timedelta(seconds=6)
