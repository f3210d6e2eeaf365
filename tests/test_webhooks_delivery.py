"""Delivered over real HTTP: what arrives, in which order, how often, and until when (issue 4, item 8)."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from notifications import outbox
from notifications.models import Job, WebhookDelivery, WebhookEndpoint
from notifications.registry import handler_of
from notifications.webhooks import delivery as delivering
from notifications.webhooks import http
from tests.bookings_cast import make_cast
from tests.factories import caller
from tests.webhook_cast import App, add_endpoint, told, webhook_jobs
from tests.webhook_receiver import receiver, verified

pytestmark = pytest.mark.django_db

MORNING = datetime(2026, 3, 20, 8, 0, tzinfo=UTC)


@pytest.fixture
def app(settings: Any) -> Iterator[App]:
    settings.WEBHOOK_ALLOW_PRIVATE = True
    with time_machine.travel(MORNING, tick=False) as clock, receiver() as hooks:
        salon = make_cast()
        yield App(salon, hooks, clock, add_endpoint(salon, hooks.url))


def fails_from_now_on(app: App, status: int = 500) -> None:
    app.hooks.answers = [status]


# --- What arrives ------------------------------------------------------------------------------


def test_a_booking_arrives_once_signed_and_with_both_tokens_hidden(app: App) -> None:
    app.work()
    booking = app.salon.book(provisional=True)
    app.work()
    app.work(hours=1)
    (got,) = app.hooks.got
    assert (got.path, got.headers["content-type"], got.headers["host"]) == (
        "/hooks?who=app",
        "application/json",
        f"127.0.0.1:{app.hooks.port}",
    )
    assert booking["provisional_token"] is not None
    shown = {key: value for key, value in booking.items() if key != "warnings"}
    assert verified(got, app.secret, now=MORNING.timestamp()) == {
        "type": "booking.created",
        "timestamp": "2026-03-20T08:00:00Z",
        "data": {**shown, "provisional_token": None, "feedback_token": None},
    }
    assert list(got.event["data"]) == list(shown)
    (delivery,) = app.deliveries()
    assert delivery == {
        "id": delivery["id"],
        "type": "booking.created",
        "booking_id": booking["id"],
        "webhook_id": got.id,
        "state": "delivered",
        "attempts": 1,
        "response_status": 200,
        "response_excerpt": "thank you",
        "last_error": "",
        "job_id": webhook_jobs()[0].pk,
        "created_at": "2026-03-20 09:00:00",
        "next_attempt_at": None,
        "delivered_at": "2026-03-20 09:00:00",
    }
    assert got.id.startswith("msg_")


def test_the_feedback_token_is_hidden_too(app: App) -> None:
    booking = app.salon.book()
    token = app.salon.put(booking, {"status": "completed"}).json()["feedback_token"]
    app.work()
    assert token is not None
    assert [got.event["data"]["feedback_token"] for got in app.hooks.got] == [None, None]
    assert all(token not in body for body in WebhookDelivery.objects.values_list("body", flat=True))


def test_a_changed_body_or_another_secret_is_found_out(app: App) -> None:
    app.salon.book()
    app.work()
    (got,) = app.hooks.got
    other = add_endpoint(app.salon, app.hooks.url)["secret"]
    forged = type(got)(got.path, got.headers, got.body.replace(b"booking.created", b"booking.cretaed"))
    for which, secret in ((got, other), (forged, app.secret)):
        with pytest.raises(AssertionError):
            verified(which, secret, now=MORNING.timestamp())


def test_the_body_is_frozen_at_the_first_attempt(app: App) -> None:
    booking = app.salon.book(notes="before")
    app.hooks.answers = [503, 200]
    app.salon.put(booking, {"notes": "still before"})
    app.work()
    app.salon.put(booking, {"notes": "after"})
    app.work(seconds=6)
    first, again, *_ = app.hooks.got
    assert first.event["data"]["notes"] == "still before"
    assert (first.body, first.id) == (again.body, again.id)
    assert [int(each.headers["webhook-timestamp"]) for each in (first, again)] == [
        int(MORNING.timestamp()),
        int(MORNING.timestamp()) + 6,
    ]
    verified(again, app.secret, now=MORNING.timestamp() + 6)


def test_an_event_tells_when_it_happened_however_late_it_comes(app: App) -> None:
    app.salon.book()
    app.work(hours=5)
    assert app.hooks.got[0].event["timestamp"] == "2026-03-20T08:00:00Z"


def test_what_was_forgotten_meanwhile_is_rendered_anew(app: App) -> None:
    app.hooks.answers = [500, 200]
    booking = app.salon.book()
    app.work()
    WebhookDelivery.objects.update(body="")
    app.work(seconds=6)
    first, again = app.hooks.got
    assert (again.id, again.event["data"]["id"]) == (first.id, booking["id"])
    verified(again, app.secret, now=MORNING.timestamp() + 6)


# --- When it fails -----------------------------------------------------------------------------


@pytest.mark.parametrize("status", [199 + 1, 202, 204, 299])
def test_any_2xx_is_taken(app: App, status: int) -> None:
    app.hooks.answers, app.hooks.body = [status], b""
    app.salon.book()
    app.work()
    assert [(each["state"], each["response_status"]) for each in app.deliveries()] == [("delivered", status)]


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503])
def test_any_other_answer_is_tried_again(app: App, status: int) -> None:
    fails_from_now_on(app, status)
    app.hooks.body = b"<h1>Sorry\x00</h1>" + b"x" * 1000
    app.salon.book()
    app.work()
    (delivery,) = app.deliveries()
    assert (delivery["state"], delivery["attempts"], delivery["response_status"]) == ("waiting", 1, status)
    assert delivery["response_excerpt"] == ("<h1>Sorry </h1>" + "x" * 1000)[:500]
    assert delivery["last_error"] == f"The receiver answered {status}."
    assert WebhookEndpoint.objects.get().failing_since == MORNING
    app.hooks.answers = [200]
    app.work(seconds=6)
    assert app.states() == ["delivered"]
    assert WebhookEndpoint.objects.get().failing_since is None


def test_it_is_tried_ten_times_over_three_days_and_then_given_up(app: App) -> None:
    fails_from_now_on(app)
    app.salon.book()
    app.salon.book(staff_id=app.salon.cora.pk)
    tried_at: list[datetime] = []
    for wait in (timedelta(0), *delivering.WAITS):
        due = max(job.run_at for job in webhook_jobs())
        if tried_at:
            assert wait <= due - tried_at[-1] <= 1.1 * wait
        app.clock.move_to(due)
        app.work()
        tried_at.append(due)
    assert [job.attempts for job in webhook_jobs()] == [10, 10]
    assert app.states() == ["failed", "failed"]
    assert timedelta(days=3) < tried_at[-1] - tried_at[0] < timedelta(days=4)
    assert len(app.hooks.got) == 20
    assert told(app.salon) == [f"A webhook to {app.hooks.url} was given up"]
    app.work(days=30)
    assert len(app.hooks.got) == 20


def test_a_given_up_one_can_be_tried_again_through_its_job(app: App) -> None:
    fails_from_now_on(app)
    app.salon.book()
    app.work()
    Job.objects.filter(type="webhook.deliver").update(state="dead", attempts=10)
    app.hooks.answers = [200]
    (delivery,) = app.deliveries()
    retry = caller(app.salon.ada).post(f"/api/jobs/{delivery['job_id']}/retry")
    assert (retry.status_code, app.states()) == (200, ["waiting"])
    app.work()
    assert app.states() == ["delivered"]
    assert [got.id for got in app.hooks.got] == [delivery["webhook_id"]] * 2


def test_a_redirect_is_a_failure_and_is_not_followed(app: App) -> None:
    with receiver() as elsewhere:
        app.hooks.answers, app.hooks.headers = [302], {"Location": elsewhere.url}
        app.salon.book()
        app.work()
        assert (len(app.hooks.got), elsewhere.got) == (1, [])
    (delivery,) = app.deliveries()
    assert (delivery["state"], delivery["response_status"]) == ("waiting", 302)
    assert delivery["last_error"] == "The receiver answered 302; redirects are not followed."


def test_a_busy_receiver_says_when_to_come_again_within_reason(app: App) -> None:
    fails_from_now_on(app, 429)
    app.hooks.headers = {"Retry-After": "120"}
    app.salon.book()
    app.work()
    assert webhook_jobs()[0].run_at == MORNING + timedelta(seconds=120)
    app.hooks.headers = {"Retry-After": "999999"}
    app.work(seconds=120)
    assert webhook_jobs()[0].run_at == timezone.now() + timedelta(hours=1)


@pytest.mark.parametrize("how", [{"silent": True}, {"drip": 0.05}])
def test_a_slow_receiver_costs_no_more_than_the_time_limit(
    app: App, how: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "TIMEOUT_SECONDS", 0.8)
    for name, value in how.items():
        setattr(app.hooks, name, value)
    app.salon.book()
    begun = time.monotonic()
    app.work()
    assert time.monotonic() - begun < 3
    (delivery,) = app.deliveries()
    assert (delivery["state"], delivery["response_status"]) == ("waiting", None)
    assert delivery["last_error"] == "No answer within 0.8 seconds."


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"garbage\r\n\r\n",
        b"\x16\x03\x01\x00\x00",
        b"HTTP/1.1 99999 Whatever\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\n",
    ],
)
def test_what_is_no_answer_is_tried_again(app: App, raw: bytes) -> None:
    app.hooks.raw = raw
    app.salon.book()
    app.work()
    (delivery,) = app.deliveries()
    assert (delivery["state"], delivery["attempts"], delivery["response_status"]) == ("waiting", 1, None)
    assert delivery["last_error"].startswith("No answer: ")


@pytest.mark.parametrize(
    ("rest", "excerpt"),
    [
        (b"Content-Length: 100\r\n\r\nhalf of it", "half of it"),
        (b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n", "half"),
        (b"Transfer-Encoding: chunked\r\n\r\n" + b"1000\r\n" + b"z" * 4096 + b"\r\n", "z" * 500),
        (b"Content-Encoding: gzip\r\n\r\nnot gzip", "not gzip"),
        (b"Content-Type: text/plain; charset=nonsense\r\n\r\n\xff\xfe\x00", "\ufffd\ufffd "),
        (b"\r\n", ""),
    ],
)
def test_with_its_status_an_event_is_taken_whatever_comes_after(app: App, rest: bytes, excerpt: str) -> None:
    app.hooks.raw = b"HTTP/1.1 200 OK\r\n" + rest
    app.salon.book()
    app.work()
    (delivery,) = app.deliveries()
    assert (delivery["state"], delivery["response_excerpt"]) == ("delivered", excerpt)


def test_only_the_beginning_of_a_long_answer_is_read(app: App) -> None:
    app.hooks.body = b"y" * 20_000_000
    app.salon.book()
    app.work()
    (delivery,) = app.deliveries()
    assert (delivery["state"], delivery["response_excerpt"]) == ("delivered", "y" * 500)


def test_nobody_there_is_tried_again(app: App) -> None:
    app.change(url="http://127.0.0.1:9/hooks")
    app.salon.book()
    app.work()
    (delivery,) = app.deliveries()
    assert delivery["state"] == "waiting"
    assert "refused" in delivery["last_error"]


# --- In order ----------------------------------------------------------------------------------


def test_events_about_one_booking_arrive_in_order_and_others_do_not_wait(app: App) -> None:
    booking = app.salon.book()
    app.hooks.answers = [500, 200]
    app.salon.put(booking, {"notes": "x"})
    other = app.salon.book(staff_id=app.salon.cora.pk)
    app.work()
    assert [(got.event["type"], got.event["data"]["id"]) for got in app.hooks.got] == [
        ("booking.created", booking["id"]),
        ("booking.created", other["id"]),
    ]
    app.work(seconds=6)
    assert app.hooks.types[2:] == ["booking.created", "booking.updated"]
    assert app.states() == ["delivered"] * 3


def test_a_head_of_line_is_skipped_after_an_hour_and_listed_so(app: App) -> None:
    booking = app.salon.book()
    fails_from_now_on(app)
    app.work()
    app.clock.shift(1800)
    app.salon.put(booking, {"notes": "x"})
    app.salon.delete(booking)
    app.sweep(minutes=29)
    assert app.states() == ["waiting", "waiting", "waiting"]
    assert set(app.hooks.types) == {"booking.created"}
    app.sweep(minutes=1)
    assert app.states() == ["skipped", "waiting", "waiting"]
    assert app.hooks.types[-1] == "booking.updated"
    assert app.deliveries()[0]["last_error"] == (
        "Later events about this booking had waited long enough; this one was skipped."
    )
    app.hooks.answers = [200]
    app.sweep(seconds=6)
    assert app.states() == ["skipped", "delivered", "delivered"]
    assert app.hooks.types[-2:] == ["booking.updated", "booking.cancelled"]
    assert told(app.salon) == []


def test_a_head_with_nothing_behind_it_is_not_skipped(app: App) -> None:
    app.salon.book()
    app.salon.book(staff_id=app.salon.cora.pk)
    fails_from_now_on(app)
    app.sweep()
    app.sweep(hours=30)
    assert app.states() == ["waiting", "waiting"]


def test_another_endpoint_does_not_wait(app: App) -> None:
    booking = app.salon.book()
    fails_from_now_on(app)
    with receiver() as other:
        add_endpoint(app.salon, other.url)
        app.salon.put(booking, {"notes": "x"})
        app.work()
        assert other.types == ["booking.updated"]
    assert set(app.hooks.types) == {"booking.created"}


# --- Workers that die --------------------------------------------------------------------------


def test_a_worker_killed_before_sending_costs_nothing(app: App) -> None:
    app.salon.book()
    Job.objects.exclude(type="webhook.deliver").update(state="done")
    assert outbox.claim(now=timezone.now()) is not None
    app.work()
    assert app.hooks.got == []
    app.sweep(seconds=121)
    assert (app.hooks.types, app.states()) == (["booking.created"], ["delivered"])


def test_a_worker_killed_in_mid_sending_is_repeated_once_with_the_same_id(app: App) -> None:
    app.salon.book()
    Job.objects.exclude(type="webhook.deliver").update(state="done")
    handler: Any = handler_of("webhook.deliver")
    for _ in range(2):
        job = outbox.claim(now=timezone.now())
        assert job is not None
        ready = handler.prepare(job, now=timezone.now())
        outbox.mark_sending(job, now=timezone.now())
        handler.call(job, ready, now=timezone.now())
        app.clock.shift(121)
        outbox.release_leases(now=timezone.now())
    assert len({(got.id, got.body) for got in app.hooks.got}) == 1
    assert (len(app.hooks.got), app.states()) == (2, ["uncertain"])
    (delivery,) = app.deliveries()
    assert caller(app.salon.ada).post(f"/api/jobs/{delivery['job_id']}/retry").status_code == 200
    app.work()
    assert (len(app.hooks.got), app.states()) == (3, ["delivered"])


def test_an_endpoint_gets_one_at_a_time_and_mails_go_on(app: App) -> None:
    app.salon.book()
    app.salon.book(staff_id=app.salon.cora.pk)
    claimed = []
    while (job := outbox.claim(now=timezone.now())) is not None:
        claimed.append(job.type)
    assert sorted(claimed) == ["booking.created", "booking.created", "webhook.deliver"]


# --- Replay ------------------------------------------------------------------------------------


def test_a_replay_is_the_same_body_and_id_once_more(app: App) -> None:
    booking = app.salon.book()
    app.work()
    app.salon.put(booking, {"notes": "later"})
    app.work()
    first, _ = app.deliveries()
    app.clock.shift(3600)
    answer = app.replay(first)
    assert answer.status_code == 200
    assert answer.json() == {
        **first,
        "state": "waiting",
        "attempts": 0,
        "response_status": None,
        "response_excerpt": "",
        "job_id": webhook_jobs()[-1].pk,
        "next_attempt_at": "2026-03-20 10:00:00",
        "delivered_at": None,
    }
    again = app.replay(first)
    assert (again.status_code, again.json()["code"]) == (409, "delivery_under_way")
    app.work()
    got, _, repeated = app.hooks.got
    assert (repeated.id, repeated.body) == (got.id, got.body)
    assert repeated.headers["webhook-timestamp"] != got.headers["webhook-timestamp"]
    assert app.deliveries()[0]["delivered_at"] == "2026-03-20 10:00:00"
    assert len(webhook_jobs()) == 3


def test_what_failed_was_skipped_or_missed_can_be_replayed(app: App) -> None:
    fails_from_now_on(app)
    app.salon.book()
    app.work()
    Job.objects.filter(type="webhook.deliver").update(state="dead")
    app.hooks.answers = [200]
    assert app.replay(app.deliveries()[0]).status_code == 200
    app.work()
    assert app.states() == ["delivered"]


def test_a_replay_needs_an_endpoint_that_is_switched_on(app: App) -> None:
    app.salon.book()
    app.change(is_active=False)
    (delivery,) = app.deliveries()
    refused = app.replay(delivery)
    assert (refused.status_code, refused.json()["code"]) == (409, "webhook_inactive")
    assert len(webhook_jobs()) == 1
    app.change(is_active=True)
    assert app.replay(delivery).status_code == 200
    app.work()
    assert (app.hooks.types, app.states()) == (["booking.created"], ["delivered"])


def test_the_old_job_of_a_replay_sends_nothing(app: App) -> None:
    fails_from_now_on(app)
    app.salon.book()
    app.work()
    Job.objects.filter(type="webhook.deliver").update(state="dead")
    app.hooks.answers = [200]
    (delivery,) = app.deliveries()
    app.replay(delivery)
    caller(app.salon.ada).post(f"/api/jobs/{delivery['job_id']}/retry")
    app.work()
    assert [job.state for job in webhook_jobs()] == ["cancelled", "done"]
    assert len(app.hooks.got) == 2


# --- Switched off ------------------------------------------------------------------------------


def test_gone_switches_the_endpoint_off_and_says_so_once(app: App) -> None:
    app.salon.book()
    other = app.salon.book(staff_id=app.salon.cora.pk)
    app.hooks.answers = [410]
    app.work()
    assert app.states() == ["failed", "cancelled"]
    assert len(app.hooks.got) == 1
    assert told(app.salon) == [f"Webhooks to {app.hooks.url} were switched off"]
    endpoint = WebhookEndpoint.objects.get()
    assert (endpoint.is_active, endpoint.disabled_at) == (False, MORNING)
    app.salon.put(other, {"notes": "x"})
    assert len(app.deliveries()) == 2


def test_five_days_of_failing_switch_the_endpoint_off_and_say_so_once(app: App) -> None:
    fails_from_now_on(app)
    first = app.salon.book()
    app.work()
    Job.objects.filter(type="webhook.deliver").update(state="dead", finished_at=MORNING)
    app.clock.shift(5 * 86400 - 10)
    app.salon.put(first, {"notes": "x"})
    app.salon.book(staff_id=app.salon.cora.pk)
    app.work()
    assert WebhookEndpoint.objects.get().is_active
    app.work(seconds=20)
    assert app.states() == ["failed", "cancelled", "cancelled"]
    assert told(app.salon) == [f"Webhooks to {app.hooks.url} were switched off"]
    shown = app.change(is_active=True)
    assert (shown["is_active"], shown["disabled_at"], shown["failing_since"]) == (True, None, None)


def test_what_waits_for_an_endpoint_that_is_switched_off_or_removed_is_not_sent(app: App) -> None:
    app.salon.book()
    app.change(is_active=False)
    app.work()
    assert app.states() == ["cancelled"]
    app.change(is_active=True)
    app.salon.book(staff_id=app.salon.cora.pk)
    assert caller(app.salon.ada).delete(f"/api/webhooks/{app.endpoint['id']}").status_code == 204
    app.work()
    assert [job.state for job in webhook_jobs()] == ["cancelled", "cancelled"]
    assert (app.hooks.got, WebhookDelivery.objects.count()) == ([], 0)


def test_any_text_arrives_as_it_was_written(app: App) -> None:
    booking = app.salon.book(notes='"\\\u2028 é 💇')
    app.work()
    (got,) = app.hooks.got
    assert json.loads(got.body)["data"]["notes"] == booking["notes"]


def test_the_log_is_kept_for_thirty_days(app: App) -> None:
    app.salon.book()
    app.work()
    app.clock.shift(29 * 86400)
    app.salon.book(staff_id=app.salon.cora.pk)
    app.sweep()
    assert len(app.deliveries()) == 2
    app.sweep(days=2)
    assert len(app.deliveries()) == 1
