"""Delivered over real HTTP: what arrives, in which order, how often (docs/adr/0053)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone

from notifications import outbox
from notifications.models import Job, WebhookDelivery
from notifications.registry import handler_of
from tests.cast.bookings import MORNING
from tests.cast.factories import caller
from tests.cast.webhook_receiver import receiver, verified
from tests.cast.webhooks import App, add_endpoint, listening_app, told, webhook_jobs

pytestmark = [pytest.mark.django_db, pytest.mark.clock_at(MORNING)]


@pytest.fixture
def app(settings: Any, clock: Any) -> Iterator[App]:
    with listening_app(settings, clock) as app:
        yield app


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


def test_any_text_arrives_as_it_was_written(app: App) -> None:
    booking = app.salon.book(notes='"\\\u2028 é 💇')
    app.work()
    (got,) = app.hooks.got
    assert json.loads(got.body)["data"]["notes"] == booking["notes"]


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
    app.fails_from_now_on()
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
    app.fails_from_now_on()
    app.sweep()
    app.sweep(hours=30)
    assert app.states() == ["waiting", "waiting"]


def test_another_endpoint_does_not_wait(app: App) -> None:
    booking = app.salon.book()
    app.fails_from_now_on()
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
    app.fails_from_now_on()
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
    app.fails_from_now_on()
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


# --- The log -----------------------------------------------------------------------------------


def test_the_log_is_kept_for_thirty_days(app: App) -> None:
    app.salon.book()
    app.work()
    app.clock.shift(29 * 86400)
    app.salon.book(staff_id=app.salon.cora.pk)
    app.sweep()
    assert len(app.deliveries()) == 2
    app.sweep(days=2)
    assert len(app.deliveries()) == 1
