"""Receivers that fail, over real HTTP: tried again, given up, switched off (docs/adr/0053)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from notifications.models import Job, WebhookDelivery, WebhookEndpoint
from notifications.webhooks import delivery as delivering
from notifications.webhooks import http
from tests.cast.bookings import MORNING
from tests.cast.factories import caller
from tests.cast.webhook_receiver import receiver
from tests.cast.webhooks import App, listening_app, told, webhook_jobs

pytestmark = [pytest.mark.django_db, pytest.mark.clock_at(MORNING)]


@pytest.fixture
def app(settings: Any, clock: Any) -> Iterator[App]:
    with listening_app(settings, clock) as app:
        yield app


# --- When it fails -----------------------------------------------------------------------------


@pytest.mark.parametrize("status", [199 + 1, 202, 204, 299])
def test_any_2xx_is_taken(app: App, status: int) -> None:
    app.hooks.answers, app.hooks.body = [status], b""
    app.salon.book()
    app.work()
    assert [(each["state"], each["response_status"]) for each in app.deliveries()] == [("delivered", status)]


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503])
def test_any_other_answer_is_tried_again(app: App, status: int) -> None:
    app.fails_from_now_on(status)
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
    app.fails_from_now_on()
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
    app.fails_from_now_on()
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
    app.fails_from_now_on(429)
    app.hooks.headers = {"Retry-After": "120"}
    app.salon.book()
    app.work()
    assert webhook_jobs()[0].run_at == MORNING + timedelta(seconds=120)
    app.hooks.headers = {"Retry-After": "999999"}
    app.work(seconds=120)
    assert webhook_jobs()[0].run_at == timezone.now() + timedelta(hours=1)


@pytest.mark.parametrize("how", [{"silent": True}, {"drip": 1.0}])
def test_a_slow_receiver_costs_no_more_than_the_time_limit(
    app: App, how: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "TIMEOUT_SECONDS", 1.5)
    for name, value in how.items():
        setattr(app.hooks, name, value)
    app.salon.book()
    app.work()
    (delivery,) = app.deliveries()
    assert (delivery["state"], delivery["response_status"]) == ("waiting", None)
    assert delivery["last_error"] == "No answer within 1.5 seconds."


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
    app.fails_from_now_on()
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
