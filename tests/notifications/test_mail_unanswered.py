"""A mail that left for a real SMTP server and was never answered: nobody knows whether it arrived."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from notifications import outbox
from notifications.execution import execute
from notifications.models import Message
from notifications.retention import forget_bodies
from notifications.tasks import drain, sweep
from tests.cast.outbox import MINUTE, NOON, cast_handlers, counted, due, enqueue, optional, outcome, run

pytestmark = [pytest.mark.django_db, pytest.mark.clock_at(NOON)]


@pytest.fixture(autouse=True)
def _cast(settings: Any) -> None:
    cast_handlers(settings)


@pytest.mark.parametrize("fault", ["hang", "reset"])
def test_no_answer_to_a_mail_is_left_to_the_lease(sink, clock, settings, fault):
    if fault == "hang":
        settings.EMAIL_TIMEOUT = 4
    sink.after_data = fault
    (job,) = enqueue(due("a"))
    run()
    found = outcome()
    assert "No answer to the mail" in found.pop("last_error")
    assert found == {
        "state": "claimed", "sends": 1, "attempts": 1, "message": {"state": "waiting", "reason": ""},
    }  # fmt: skip
    assert counted.told == []
    clock.move_to(NOON + timedelta(seconds=119))
    drain()
    assert len(sink.mails) == 1

    sink.after_data = ""
    counted.mail = {"text": "something newer"}
    clock.move_to(NOON + timedelta(seconds=120))
    drain()
    assert outcome()["state"] == "done" and outcome()["sends"] == 2
    assert sink.message_ids == [Message.objects.get().message_id] * 2
    assert [mail.get_content().strip() for mail in sink.mails] == ["Hi Alice"] * 2
    assert [mail["Date"] for mail in sink.mails] == ["Fri, 20 Nov 2026 12:00:00 +0000"] * 2
    assert counted.composed == 1 and counted.told == [(job.pk, "sent")]


def test_no_answer_twice_is_uncertain(sink, clock):
    sink.after_data = "reset"
    (job,) = enqueue(due("a"))
    for minutes in (0, 3, 6, 9):
        clock.move_to(NOON + minutes * MINUTE)
        drain()
    assert outcome()["state"] == "uncertain"
    assert outcome()["message"]["state"] == "uncertain"
    assert sink.message_ids == [Message.objects.get().message_id] * 2
    assert counted.told == [(job.pk, "uncertain")]


def test_no_answer_to_what_nobody_counts_on_is_uncertain(sink, clock):
    sink.after_data = "reset"
    enqueue(due("a", type="test.optional"))
    drain()
    clock.move_to(NOON + 3 * MINUTE)
    sweep()
    assert outcome()["state"] == "uncertain"
    assert len(sink.mails) == 1


def test_a_person_may_send_an_uncertain_mail_again_as_it_was(sink, clock):
    sink.after_data = "reset"
    (job,) = enqueue(due("a", type="test.optional"))
    drain()
    clock.move_to(NOON + 3 * MINUTE)
    drain()
    sink.after_data = ""
    outbox.retry(job.pk, now=NOON + 4 * MINUTE)
    clock.move_to(NOON + 4 * MINUTE)
    drain()
    assert outcome()["state"] == "done"
    assert sink.message_ids == [Message.objects.get().message_id] * 2
    assert optional.composed == 1


def test_a_mail_whose_words_were_forgotten_is_not_sent_again(sink, clock):
    sink.after_data = "reset"
    (job,) = enqueue(due("a", type="test.optional"))
    drain()
    clock.move_to(NOON + 3 * MINUTE)
    drain()
    sink.after_data = ""
    forget_bodies(before=NOON + MINUTE)
    outbox.retry(job.pk, now=NOON + 4 * MINUTE)
    clock.move_to(NOON + 4 * MINUTE)
    drain()
    assert (outcome()["state"], outcome()["message"]["state"]) == ("dead", "uncertain")
    assert len(sink.mails) == 1


def test_a_worker_frozen_longer_than_its_lease_does_not_send(sink, clock):
    enqueue(due("a"))
    slow = outbox.claim(now=NOON)
    assert slow is not None
    clock.move_to(NOON + 3 * MINUTE)
    execute(slow)
    assert sink.mails == []
    drain()
    assert len(sink.mails) == 1
    execute(slow)
    assert len(sink.mails) == 1
    assert outcome()["state"] == "done"
