"""Jobs and messages as rows: written, moved, dropped (reliability §1)."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction

from notifications import outbox
from notifications.models import Job, Message
from tests.cast.outbox import MINUTE, NOON, SECOND, cast_handlers, claimed, due, enqueue, row, states

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _cast(settings: Any) -> None:
    cast_handlers(settings)


# --- enqueue -----------------------------------------------------------------------------------


def test_a_mail_becomes_a_pending_job_and_a_waiting_message(settings):
    settings.DEFAULT_FROM_EMAIL = "Salon Zonne <desk@salon.example>"
    (job,) = enqueue(due("a", payload={"event": 3}))
    assert row(
        job,
        "type", "once_key", "dedupe_key", "booking_id", "recipient", "payload", "state", "run_at",
        "first_run_at", "token", "lease_until", "attempts", "sending_at", "sends", "finished_at",
        "created_at",
    ) == {
        "type": "test.counted", "once_key": "a", "dedupe_key": None, "booking_id": 7,
        "recipient": "client:5", "payload": {"event": 3}, "state": "pending", "run_at": NOON,
        "first_run_at": NOON, "token": None, "lease_until": None, "attempts": 0, "sending_at": None,
        "sends": 0, "finished_at": None, "created_at": NOON,
    }  # fmt: skip
    message = Message.objects.get(job=job)
    assert (message.type, message.booking_id, message.client_id, message.to, message.state) == (
        "test.counted", 7, 5, "alice@example.com", "waiting",
    )  # fmt: skip
    assert message.message_id.startswith("<") and message.message_id.endswith("@salon.example>")


def test_an_effect_has_no_message():
    enqueue(due("a", type="test.effect", recipient="", is_mail=False))
    assert Job.objects.count() == 1
    assert not Message.objects.exists()


def test_many_at_once_cost_two_statements(django_assert_num_queries):
    with django_assert_num_queries(2):
        outbox.enqueue([due(str(n)) for n in range(40)], now=NOON)
    assert Job.objects.count() == Message.objects.count() == 40


def test_the_same_event_twice_is_one_job():
    enqueue(due("a"))
    enqueue(due("a", run_at=NOON + MINUTE), due("a"), due("b"))
    assert Job.objects.count() == Message.objects.count() == 2
    assert Job.objects.get(once_key="a").run_at == NOON


def test_nothing_to_enqueue_asks_nothing(django_assert_num_queries):
    with django_assert_num_queries(0):
        outbox.enqueue([], now=NOON)


def test_only_what_is_due_wakes_the_workers(django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks() as calls:
        outbox.enqueue([due("later", run_at=NOON + SECOND)], now=NOON)
    assert calls == []
    with django_capture_on_commit_callbacks() as calls:
        outbox.enqueue([due("now"), due("later still", run_at=NOON + MINUTE)], now=NOON)
    assert len(calls) == 1


def test_a_rolled_back_booking_leaves_no_job():
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        outbox.enqueue([due("a"), due("b", dedupe_key="b")], now=NOON)
        _ = 1 / 0
    assert not Job.objects.exists() and not Message.objects.exists()


# --- the debounce ------------------------------------------------------------------------------


def test_a_debounced_job_moves_while_it_is_pending():
    (job,) = enqueue(due("move:1", dedupe_key="moved:7", run_at=NOON + 30 * MINUTE))
    outbox.enqueue(
        [due("move:2", dedupe_key="moved:7", run_at=NOON + 40 * MINUTE, payload={"event": 2})], now=NOON
    )
    assert Job.objects.count() == Message.objects.count() == 1
    assert row(job, "run_at", "first_run_at", "payload") == {
        "run_at": NOON + 40 * MINUTE,
        "first_run_at": NOON + 40 * MINUTE,
        "payload": {"event": 2},
    }


def test_moving_costs_one_statement(django_assert_num_queries):
    enqueue(due("move:1", dedupe_key="moved:7"))
    with django_assert_num_queries(1):
        outbox.enqueue([due("move:2", dedupe_key="moved:7", run_at=NOON + MINUTE)], now=NOON)


def test_a_change_during_the_sending_makes_a_new_row():
    (first,) = enqueue(due("move:1", dedupe_key="moved:7"))
    claimed()
    (second,) = enqueue(due("move:2", dedupe_key="moved:7", run_at=NOON + 30 * MINUTE))
    assert first.pk != second.pk
    assert states() == {"move:1": "claimed", "move:2": "pending"}
    assert Message.objects.count() == 2


def test_a_dropped_debounce_can_be_made_again():
    enqueue(due("move:1", dedupe_key="moved:7"))
    outbox.drop(now=NOON, reason="moved back", booking_id=7)
    enqueue(due("move:2", dedupe_key="moved:7"))
    assert states() == {"move:1": "cancelled", "move:2": "pending"}


def test_the_database_refuses_two_pending_rows_of_one_dedupe_key():
    enqueue(due("move:1", dedupe_key="moved:7"))
    with pytest.raises(IntegrityError), transaction.atomic():
        Job.objects.create(
            type="test.counted", once_key="x", dedupe_key="moved:7", run_at=NOON, first_run_at=NOON,
            created_at=NOON,
        )  # fmt: skip


# --- drop --------------------------------------------------------------------------------------


def test_dropping_cancels_what_is_pending_and_says_why():
    job, other = enqueue(due("a"), due("b", booking_id=8))
    assert outbox.drop(now=NOON + MINUTE, reason="dragged back", booking_id=7) == 1
    assert row(job, "state", "finished_at", "last_error") == {
        "state": "cancelled", "finished_at": NOON + MINUTE, "last_error": "dragged back",
    }  # fmt: skip
    assert Message.objects.values("state", "reason").get(job=job) == {
        "state": "not_sent", "reason": "dragged back",
    }  # fmt: skip
    assert Job.objects.get(pk=other.pk).state == "pending"
    assert Message.objects.get(job=other).state == "waiting"


@pytest.mark.parametrize(
    ("narrowed", "left"),
    [
        ({"types": ["test.optional"]}, ["a", "c:1", "c:2"]),
        ({"types": []}, ["a", "b", "c:1", "c:2"]),
        ({"recipient": "client:6"}, ["a", "b", "c:2"]),
        ({"once_keys": ["c:1"]}, ["a", "b", "c:2"]),
        ({"types": ["test.counted"], "recipient": "client:5"}, ["b", "c:1"]),
    ],
)
def test_dropping_takes_only_what_matches_everything(narrowed, left):
    enqueue(due("a"), due("b", type="test.optional"), due("c:1", recipient="client:6"), due("c:2"))
    outbox.drop(now=NOON, reason="moot", booking_id=7, **narrowed)
    assert sorted(Job.objects.filter(state="pending").values_list("once_key", flat=True)) == left


def test_dropping_everything_is_refused():
    enqueue(due("a"))
    with pytest.raises(ValueError, match="Say which"):
        outbox.drop(now=NOON, reason="moot", types=["test.counted"])
    assert states() == {"a": "pending"}


def test_what_a_worker_holds_is_not_dropped():
    enqueue(due("a"))
    assert not outbox.on_its_way(booking_id=7)
    job = claimed()
    assert outbox.drop(now=NOON, reason="moot", booking_id=7) == 0
    assert outbox.on_its_way(booking_id=7) and outbox.on_its_way(booking_id=7, types=["test.counted"])
    assert not outbox.on_its_way(booking_id=7, types=["test.optional"])
    assert not outbox.on_its_way(booking_id=8)
    outbox.finish(job, now=NOON)
    assert not outbox.on_its_way(booking_id=7)


def test_what_may_have_left_is_not_dropped():
    enqueue(due("a"))
    outbox.mark_sending(claimed(), now=NOON)
    outbox.release_leases(now=NOON + 121 * SECOND)
    assert states() == {"a": "pending"}
    assert outbox.drop(now=NOON, reason="moot", booking_id=7) == 0
    assert outbox.on_its_way(booking_id=7)
