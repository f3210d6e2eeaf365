"""/api/jobs: administrators read, and retry what is dead or uncertain (contract §1.5)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from notifications import outbox
from notifications.models import Job, Message
from tests.cast.factories import caller, make_ada, make_bea, make_key, make_salon
from tests.cast.outbox import NOON, due

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> Any:
    make_salon()
    return caller(make_ada())


def enqueue(name: str, **fields: Any) -> Job:
    outbox.enqueue([due(name, **({"type": "booking.created"} | fields))], now=NOON)
    return Job.objects.get(once_key=name)


def kill(job: Job) -> Job:
    claimed = outbox.claim(now=NOON)
    assert claimed is not None and claimed.pk == job.pk
    outbox.die(claimed, now=NOON + timedelta(seconds=5), error="550 no such user")
    job.refresh_from_db()
    return job


def test_a_job_is_printed_with_these_keys(ada):
    job = kill(enqueue("a", visit_id=3))
    answer = ada.get("/api/jobs")
    assert answer.status_code == 200
    assert [list(each.items()) for each in answer.json()] == [
        [
            ("id", job.pk),
            ("type", "booking.created"),
            ("booking_id", 7),
            ("visit_id", 3),
            ("run_at", "2026-11-20 13:00:00"),
            ("state", "dead"),
            ("attempts", 1),
            ("last_error", "550 no such user"),
            ("created_at", "2026-11-20 13:00:00"),
            ("finished_at", "2026-11-20 13:00:05"),
        ]
    ]
    assert ada.get(f"/api/jobs/{job.pk}").json() == answer.json()[0]


def test_an_unfinished_job_has_no_end(ada):
    job = enqueue("a", booking_id=None)
    answer = ada.get(f"/api/jobs/{job.pk}").json()
    assert (answer["finished_at"], answer["booking_id"], answer["state"]) == (None, None, "pending")


def test_newest_first_and_in_pages(ada):
    ids = [enqueue(str(number)).pk for number in range(5)]
    assert [job["id"] for job in ada.get("/api/jobs").json()] == ids[::-1]
    answer = ada.get("/api/jobs?page=2&limit=2").json()
    assert [job["id"] for job in answer.pop("items")] == [ids[2], ids[1]]
    assert answer == {"total": 5, "page": 2, "limit": 2, "pages": 3}


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("booking_id=7", ["dead", "late"]),
        ("type=booking.updated", ["late"]),
        ("state=dead", ["dead"]),
        ("state=pending&booking_id=8", ["other"]),
        ("state=done", []),
        ("booking_id=9", []),
    ],
)
def test_filters(ada, query, names):
    jobs = {"dead": kill(enqueue("dead"))}
    jobs["late"] = enqueue("late", type="booking.updated")
    jobs["other"] = enqueue("other", booking_id=8)
    found = {job["id"] for job in ada.get(f"/api/jobs?{query}").json()}
    assert found == {jobs[name].pk for name in names}


@pytest.mark.parametrize(
    "query",
    [
        "booking_id=abc",
        "booking_id=0",
        "booking_id=1.5",
        "booking_id=",
        "type=nothing",
        "state=Dead",
        "page=0",
    ],
)
def test_a_bad_filter_is_refused(ada, query):
    answer = ada.get(f"/api/jobs?{query}")
    assert (answer.status_code, list(answer.json()["details"])) == (400, [query.partition("=")[0]])


def test_a_dead_job_is_tried_again(ada):
    job = kill(enqueue("a"))
    later = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
    with time_machine.travel(later, tick=False):
        token = caller(make_ada(email="ada2@salon.example"))
        answer = token.post(f"/api/jobs/{job.pk}/retry")
    assert answer.status_code == 200
    assert {name: answer.json()[name] for name in ("state", "attempts", "run_at", "finished_at")} == {
        "state": "pending",
        "attempts": 0,
        "run_at": "2026-11-20 16:00:00",
        "finished_at": None,
    }
    assert Message.objects.get(job=job).state == "waiting"


@pytest.mark.parametrize("state", ["pending", "claimed", "done", "cancelled"])
def test_no_other_job_can_be_tried_again(ada, state):
    job = enqueue("a")
    Job.objects.update(state=state)
    before = Job.objects.values().get()
    answer = ada.post(f"/api/jobs/{job.pk}/retry")
    assert (answer.status_code, answer.json()) == (
        409,
        {
            "error": f"This job is {state}; only a dead or uncertain one can be retried.",
            "code": "job_not_retriable",
        },
    )
    assert Job.objects.values().get() == before


def test_a_job_that_is_not_there(ada):
    for answer in (ada.get("/api/jobs/99"), ada.post("/api/jobs/99/retry")):
        assert (answer.status_code, answer.json()) == (404, {"error": "Job not found", "code": "not_found"})


@pytest.mark.parametrize(("method", "path"), [("get", ""), ("get", "/{id}"), ("post", "/{id}/retry")])
def test_jobs_are_for_administrators(ada, method, path):
    job = kill(enqueue("a"))
    _, secret = make_key()
    address = "/api/jobs" + path.format(id=job.pk)
    statuses = [
        getattr(each, method)(address).status_code for each in (caller(), caller(make_bea()), caller(secret))
    ]
    assert statuses == [401, 403, 403]
    assert Job.objects.get().state == "dead"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("post", "", {"GET", "HEAD", "OPTIONS"}),
        ("put", "/{id}", {"GET", "HEAD", "OPTIONS"}),
        ("patch", "/{id}", {"GET", "HEAD", "OPTIONS"}),
        ("delete", "/{id}", {"GET", "HEAD", "OPTIONS"}),
        ("get", "/{id}/retry", {"POST", "OPTIONS"}),
    ],
)
def test_jobs_are_not_written(ada, method, path, allowed):
    job = kill(enqueue("a"))
    answer = getattr(ada, method)("/api/jobs" + path.format(id=job.pk), {"state": "pending"})
    assert answer.status_code == 405
    assert set(answer["Allow"].split(", ")) == allowed
    assert Job.objects.get().state == "dead"
