"""What a handler says, and what becomes of its job."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from notifications.handlers import NotNeeded, RefusedForGood, TryLater
from notifications.models import Job
from notifications.tasks import drain
from tests.cast.outbox import NOON, cast_handlers, counted, due, effect, enqueue, outcome, run

pytestmark = [pytest.mark.django_db, pytest.mark.clock_at(NOON)]


@pytest.fixture(autouse=True)
def _cast(settings: Any) -> None:
    cast_handlers(settings)


# --- what a handler says -----------------------------------------------------------------------


def test_a_mail_nobody_needs_any_more_is_not_sent(sink):
    counted.raises = NotNeeded("moved back")
    enqueue(due("a"))
    run()
    assert outcome() == {
        "state": "cancelled", "sends": 0, "attempts": 1, "last_error": "moved back",
        "message": {"state": "not_sent", "reason": "moved back"},
    }  # fmt: skip
    assert (sink.sessions, counted.told) == (0, [])


def test_a_mail_to_nobody_is_not_sent(sink):
    counted.mail = {"to": ""}
    enqueue(due("a"))
    run()
    assert outcome()["message"] == {"state": "not_sent", "reason": "no_address"}
    assert sink.sessions == 0


def test_a_handler_may_postpone(sink, clock):
    counted.raises = TryLater("not yet", after=NOON + timedelta(hours=2))
    enqueue(due("a"))
    run()
    assert Job.objects.values("state", "run_at").get() == {
        "state": "pending", "run_at": NOON + timedelta(hours=2),
    }  # fmt: skip


def test_a_handler_that_breaks_is_tried_again_and_stops_nobody(sink, clock):
    counted.raises = RuntimeError("a bug")
    enqueue(due("a"), due("b", type="test.optional", booking_id=8))
    run()
    assert Job.objects.values("state", "last_error").get(once_key="a") == {
        "state": "pending", "last_error": "RuntimeError: a bug",
    }  # fmt: skip
    assert Job.objects.get(once_key="b").state == "done"


def test_bookkeeping_that_breaks_after_the_mail_left_does_not_repeat_it(sink, clock):
    counted.sent_raises = RuntimeError("a bug")
    enqueue(due("a"))
    run()
    clock.move_to(NOON + timedelta(hours=1))
    drain()
    assert outcome()["state"] == "done"
    assert len(sink.mails) == 1


def test_a_job_nobody_knows_is_dead(sink):
    enqueue(due("a", type="test.unknown"))
    run()
    assert (outcome()["state"], outcome()["last_error"]) == ("dead", "No handler is named for test.unknown.")


# --- effects -----------------------------------------------------------------------------------


def call_due(name: str = "a") -> Any:
    return due(name, type="test.effect", recipient="", is_mail=False)


def test_an_effect_is_called_once_and_keeps_its_id():
    (job,) = enqueue(call_due())
    run()
    job.refresh_from_db()
    assert (job.state, job.external_id, job.sends) == ("done", "cs_1", 1)
    assert (effect.called, effect.finished) == (1, ["cs_1"])


@pytest.mark.parametrize(
    ("raised", "state", "sends"),
    [
        (TryLater("429"), "pending", 0),
        (RefusedForGood("bad amount"), "dead", 0),
        (ConnectionResetError("gone"), "claimed", 1),
    ],
    ids=["not accepted", "refused", "unknown"],
)
def test_what_an_effect_answers_decides(raised, state, sends):
    effect.raises = raised
    (job,) = enqueue(call_due())
    run()
    job.refresh_from_db()
    assert (job.state, job.sends, job.sending_at is None) == (state, sends, sends == 0)
    assert effect.finished == []
