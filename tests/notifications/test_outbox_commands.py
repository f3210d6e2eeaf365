"""manage.py retry_jobs, drain and forget_message_bodies."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command

from notifications import outbox
from notifications.models import Job, Message
from tests.cast.outbox import NOON, cast_handlers, counted, due, enqueue, states

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _cast(settings: Any) -> Any:
    cast_handlers(settings)
    settings.EMAIL_URL = ""
    with time_machine.travel(NOON, tick=False):
        yield


def run(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue().strip()


def given_up(state: str, *dues: Any) -> list[Job]:
    jobs = enqueue(*dues)
    Job.objects.filter(pk__in=[job.pk for job in jobs]).update(state=state, attempts=10)
    return jobs


# --- retry_jobs --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said", "pending"),
    [
        (["--dead"], "2 jobs are due again.", {"a", "b"}),
        (["--type", "test.optional"], "1 jobs are due again.", {"b"}),
        (["--dead", "--type", "test.optional"], "1 jobs are due again.", {"b"}),
        (["--type", "test.nothing"], "0 jobs are due again.", set()),
    ],
)
def test_dead_jobs_are_due_again(words, said, pending):
    given_up("dead", due("a"), due("b", type="test.optional"))
    given_up("uncertain", due("c"))
    given_up("done", due("d"))
    assert run("retry_jobs", *words) == said
    assert {name for name, state in states().items() if state == "pending"} == pending
    assert set(Job.objects.filter(state="pending").values_list("attempts", flat=True)) <= {0}


@pytest.mark.parametrize("state", ["dead", "uncertain"])
def test_one_job_is_due_again(state):
    job, _ = given_up(state, due("a"), due("b"))
    assert run("retry_jobs", "--id", str(job.pk)) == f"Job {job.pk} is due again."
    assert states() == {"a": "pending", "b": state}


@pytest.mark.parametrize("words", [[], ["--id", "900000999"], ["--id", "{done}"]])
def test_what_cannot_be_retried_is_said(words):
    (job,) = given_up("done", due("a"))
    with pytest.raises(CommandError):
        run("retry_jobs", *(word.format(done=job.pk) for word in words))
    assert states() == {"a": "done"}


# --- drain -------------------------------------------------------------------------------------


def test_drain_carries_out_what_is_due_once():
    enqueue(due("a"), due("b"), due("later", run_at=NOON + timedelta(seconds=1)))
    assert run("drain") == "2 jobs carried out."
    assert states() == {"a": "done", "b": "done", "later": "pending"}
    assert run("drain") == "0 jobs carried out."


def test_drain_stops_after_so_many():
    enqueue(due("a"), due("b"))
    assert run("drain", "--at-most", "1") == "1 jobs carried out."


def test_drain_releases_leases_that_are_over():
    enqueue(due("a"))
    assert outbox.claim(now=NOON) is not None
    with time_machine.travel(NOON + timedelta(minutes=3), tick=False):
        assert run("drain") == "1 jobs carried out."


# --- forget_message_bodies ---------------------------------------------------------------------


def test_old_bodies_are_forgotten_and_the_log_stays():
    counted.mail = {"html": "<p>Hi</p>", "ics": "BEGIN:VCALENDAR", "subject": "Hello"}
    enqueue(due("old"))
    run("drain")
    enqueue(due("new"))
    Message.objects.filter(job__once_key="new").update(created_at=NOON + timedelta(days=20), text="new")
    waiting = enqueue(due("waiting", booking_id=8, run_at=NOON + timedelta(days=90)))[0]
    Message.objects.filter(job=waiting).update(text="frozen")
    Job.objects.filter(once_key="new").update(state="done")
    before = Message.objects.values("to", "subject", "state", "sent_at", "message_id", "facts").get(
        job__once_key="old"
    )

    with time_machine.travel(NOON + timedelta(days=30), tick=False):
        assert run("forget_message_bodies", "--older-than-days", "30") == "0 message bodies forgotten."
        assert run("forget_message_bodies", "--older-than-days", "29") == "1 message bodies forgotten."
        assert run("forget_message_bodies", "--older-than-days", "29") == "0 message bodies forgotten."

    old = Message.objects.get(job__once_key="old")
    assert (old.text, old.html, old.ics, old.headers) == ("", "", "", {})
    assert before == Message.objects.values("to", "subject", "state", "sent_at", "message_id", "facts").get(
        pk=old.pk
    )
    assert Message.objects.get(job__once_key="new").text == "new"
    assert Message.objects.get(job=waiting).text == "frozen"


@pytest.mark.parametrize("days", ["-1", "40000"])
def test_impossible_ages_are_refused(days):
    with pytest.raises(CommandError):
        run("forget_message_bodies", "--older-than-days", days)
