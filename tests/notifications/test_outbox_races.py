"""Many workers and writers at once: at most one holder of a job, at most one pending row per debounce."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.utils import timezone

from notifications import one_mail_per_process, outbox
from notifications.execution import execute, run_due
from notifications.models import Job, Message, Notification
from notifications.outbox import LeaseLost
from tests.cast.factories import make_ada
from tests.cast.outbox import NOON, cast_handlers, due, mail_sink, optional, send_to
from tests.cast.races import at_once

pytestmark = pytest.mark.django_db(transaction=True)

WORKERS = 8
LATE = NOON + timedelta(minutes=3)


@pytest.fixture(autouse=True)
def _cast(settings: Any) -> None:
    cast_handlers(settings)


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


def test_a_process_hands_over_one_mail_at_a_time(settings, monkeypatch):
    monkeypatch.setattr(one_mail_per_process, "LONGEST_TURN", 60)
    with mail_sink() as sink:
        send_to(settings, sink.port)
        sink.after_data = "slow"
        outbox.enqueue([due(str(n), booking_id=n, run_at=timezone.now()) for n in range(3)], now=NOON)
        at_once(*[lambda: run_due(at_most=1)] * 3)
        assert (len(sink.mails), sink.sessions, sink.most_in_hand) == (3, 3, 1)
        assert set(Job.objects.values_list("state", "sends")) == {("done", 1)}


def test_a_server_that_is_silent_about_one_mail_does_not_hold_up_the_others(settings, monkeypatch):
    monkeypatch.setattr(one_mail_per_process, "LONGEST_TURN", 0.2)
    with mail_sink() as sink:
        send_to(settings, sink.port)
        sink.after_data = "until two are in hand"
        outbox.enqueue([due(str(n), booking_id=n, run_at=timezone.now()) for n in range(2)], now=NOON)
        at_once(*[lambda: run_due(at_most=1)] * 2)
        assert (len(sink.mails), sink.most_in_hand) == (2, 2)
        assert set(Job.objects.values_list("state", "sends")) == {("done", 1)}


def test_who_has_lost_its_turn_does_not_end_the_next_one_s(monkeypatch):
    line, third_came = one_mail_per_process.OneAtATime(), threading.Event()

    def third() -> None:
        with line.turn():
            third_came.set()

    monkeypatch.setattr(one_mail_per_process, "LONGEST_TURN", 0.1)
    first, second = line.turn(), line.turn()
    first.__enter__()
    monkeypatch.setattr(one_mail_per_process, "LONGEST_TURN", 200)
    second.__enter__()
    first.__exit__(None, None, None)
    waiting = threading.Thread(target=third)
    waiting.start()
    assert not third_came.wait(timeout=0.3)
    second.__exit__(None, None, None)
    assert third_came.wait(timeout=100)
    waiting.join()


def test_a_worker_that_is_to_stop_puts_back_what_still_waits_for_its_turn(settings, monkeypatch):
    monkeypatch.setattr(one_mail_per_process, "LONGEST_TURN", 60)
    with mail_sink() as sink:
        send_to(settings, sink.port)
        sink.after_data = "slow"
        outbox.enqueue([due(str(n), booking_id=n, run_at=timezone.now()) for n in range(3)], now=NOON)
        jobs = [outbox.claim(now=timezone.now()) for _ in range(3)]
        at_once(*[partial(execute, job, stop=lambda: bool(sink.mails)) for job in jobs])
        assert len(sink.mails) == 1
        found = Job.objects.values_list("state", "attempts", "sends", "token")
        assert Counter(found) == {("done", 1, 1, None): 1, ("pending", 0, 0, None): 2}


def test_many_workers_deliver_each_mail_once(settings):
    with mail_sink() as sink:
        send_to(settings, sink.port)
        outbox.enqueue([due(str(n), booking_id=n % 20, run_at=timezone.now()) for n in range(60)], now=NOON)
        at_once(*[lambda: run_due(at_most=100)] * 4)
        while run_due(at_most=100):
            pass
        assert sorted(sink.message_ids) == sorted(Message.objects.values_list("message_id", flat=True))
        assert set(Job.objects.values_list("state", "sends")) == {("done", 1)}
