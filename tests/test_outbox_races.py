"""Many workers and writers at once: at most one holder of a job, at most one pending row per debounce."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from notifications import outbox
from notifications.execution import run_due
from notifications.models import Job, Message, Notification
from notifications.outbox import LeaseLost
from tests.factories import make_ada
from tests.outbox_cast import HANDLERS, NOON, counted, due, mail_sink, optional
from tests.test_mail_sending import send_to

pytestmark = pytest.mark.django_db(transaction=True)

WORKERS = 8
LATE = NOON + timedelta(minutes=3)


@pytest.fixture(autouse=True)
def _cast(settings: Any) -> Iterator[None]:
    settings.HANDLERS = HANDLERS
    settings.JOB_LEASE_SECONDS = 120
    counted.reset()
    optional.reset()
    yield


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """What the calls gave back, each run in a thread and on a connection of its own, begun together."""
    ready = threading.Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        try:
            connection.ensure_connection()
            ready.wait(timeout=30)
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result(timeout=60) for future in [pool.submit(run, call) for call in calls]]


def test_eight_workers_at_one_job_make_one_holder():
    for attempt in range(15):
        outbox.enqueue([due(str(attempt), booking_id=attempt)], now=NOON)
        holders = [job for job in at_once(*[lambda: outbox.claim(now=NOON)] * WORKERS) if job is not None]
        assert len(holders) == 1
        stored = Job.objects.get(once_key=str(attempt))
        assert (stored.token, stored.attempts) == (holders[0].token, 1)


def test_eight_workers_at_many_jobs_take_each_once():
    outbox.enqueue([due(str(n), booking_id=n) for n in range(120)], now=NOON)

    def claim_all() -> list[int]:
        taken = []
        while (job := outbox.claim(now=NOON)) is not None:
            taken.append(job.pk)
        return taken

    taken = [pk for worker in at_once(*[claim_all] * WORKERS) for pk in worker]
    assert Counter(taken) == Counter(Job.objects.values_list("pk", flat=True))


def test_two_mails_about_one_booking_are_never_on_their_way_at_once():
    outbox.enqueue(
        [due(f"{booking}:{n}", booking_id=booking) for booking in range(4) for n in range(6)], now=NOON
    )
    seen: list[tuple[int, int]] = []
    live: Counter[int] = Counter()
    lock = threading.Lock()

    def work() -> None:
        misses = 0
        while misses < 50:
            job = outbox.claim(now=NOON)
            if job is None:
                misses += 1
                if not Job.objects.filter(state__in=["pending", "claimed"]).exists():
                    return
                continue
            assert job.booking_id is not None
            with lock:
                live[job.booking_id] += 1
                assert live[job.booking_id] == 1
                seen.append((job.booking_id, job.pk))
            with lock:
                live[job.booking_id] -= 1
            outbox.finish(job, now=NOON)

    at_once(*[work] * WORKERS)
    for booking in range(4):
        order = [pk for of, pk in seen if of == booking]
        assert order == sorted(order)
    while run_due(at_most=100):
        pass
    assert set(Job.objects.values_list("state", flat=True)) == {"done"}


def test_dropping_and_claiming_never_both_win():
    for attempt in range(15):
        outbox.enqueue([due(str(attempt), booking_id=attempt)], now=NOON)
        job, dropped = at_once(
            lambda: outbox.claim(now=NOON),
            partial(outbox.drop, now=NOON, reason="moot", booking_id=attempt),
        )
        state = Job.objects.get(once_key=str(attempt)).state
        message = Message.objects.get(job__once_key=str(attempt)).state
        assert (job is not None, dropped, state, message) in [
            (True, 0, "claimed", "waiting"),
            (False, 1, "cancelled", "not_sent"),
        ]


def test_moves_at_once_leave_one_pending_row():
    for attempt in range(10):
        moves = [
            lambda n=n, a=attempt: outbox.enqueue(
                [due(f"{a}:{n}", dedupe_key=f"moved:{a}", booking_id=a, run_at=NOON + timedelta(minutes=n))],
                now=NOON,
            )
            for n in range(WORKERS)
        ]
        at_once(*moves)
        assert Job.objects.filter(dedupe_key=f"moved:{attempt}").count() == 1
        assert Message.objects.filter(booking_id=attempt).count() == 1


def test_the_same_event_at_once_is_one_job():
    for attempt in range(10):
        at_once(*[lambda a=attempt: outbox.enqueue([due(f"event {a}")], now=NOON)] * WORKERS)
    assert Job.objects.count() == Message.objects.count() == 10


def test_two_sweepers_and_the_frozen_worker_write_once():
    for attempt in range(10):
        outbox.enqueue([due(str(attempt), type="test.optional", booking_id=attempt)], now=NOON)
        job = outbox.claim(now=NOON)
        assert job is not None
        outbox.mark_sending(job, now=NOON)

        def finish(job: Job = job) -> bool:
            try:
                outbox.finish(job, now=LATE, message={"state": "sent"})
            except LeaseLost:
                return False
            return True

        first, second, finished = at_once(
            lambda: outbox.release_leases(now=LATE), lambda: outbox.release_leases(now=LATE), finish
        )
        job.refresh_from_db()
        message = Message.objects.get(job=job)
        assert first + second + finished == 1
        assert (job.state, message.state) == (("done", "sent") if finished else ("uncertain", "uncertain"))
    assert len(optional.told) == Job.objects.filter(state="uncertain").count()


def test_that_no_mail_leaves_is_said_once_by_many_workers(settings):
    settings.EMAIL_URL, settings.DEBUG = "", False
    make_ada()
    outbox.enqueue([due(str(n), booking_id=n) for n in range(40)], now=timezone.now() - timedelta(days=1))
    Job.objects.update(run_at=timezone.now())
    assert sum(at_once(*[lambda: run_due(at_most=100)] * WORKERS)) == 40
    assert Notification.objects.filter(type="mail.off").count() == 1


def test_many_workers_deliver_each_mail_once(settings):
    with mail_sink() as sink:
        send_to(settings, sink.port)
        settings.EMAIL_TIMEOUT = 15
        outbox.enqueue([due(str(n), booking_id=n % 20, run_at=timezone.now()) for n in range(60)], now=NOON)
        at_once(*[lambda: run_due(at_most=100)] * 4)
        while run_due(at_most=100):
            pass
        assert sorted(sink.message_ids) == sorted(Message.objects.values_list("message_id", flat=True))
        assert set(Job.objects.values_list("state", "sends")) == {("done", 1)}
