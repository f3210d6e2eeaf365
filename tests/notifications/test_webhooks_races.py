"""Several workers, a busy salon and endpoints that come and go: each event once, in order."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from django.utils import timezone

from notifications.execution import run_due
from notifications.models import Job, WebhookDelivery
from notifications.webhooks.endpoints import remove_endpoint
from notifications.webhooks.order import pass_over_heads
from tests.cast.bookings import Salon, make_cast
from tests.cast.factories import caller
from tests.cast.races import at_once
from tests.cast.webhook_receiver import Receiver, receiver, wait_until
from tests.cast.webhooks import add_endpoint

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def salon(settings: Any) -> Salon:
    settings.WEBHOOK_ALLOW_PRIVATE = True
    return make_cast()


@pytest.fixture
def hooks() -> Iterator[Receiver]:
    with receiver() as running:
        yield running


def at_ten(day: str) -> dict[str, str]:
    return {"start_at": f"{day} 10:00", "end_at": f"{day} 11:00"}


def work() -> int:
    return run_due(at_most=200)


def test_many_workers_deliver_each_event_once_and_in_order(salon: Salon, hooks: Receiver) -> None:
    with receiver() as till:
        for each in (hooks, till):
            add_endpoint(salon, each.url)
        bookings = [
            salon.book(start_at=f"2027-03-2{day} 10:00", end_at=f"2027-03-2{day} 11:00")
            for day in range(2, 6)
        ]
        for number in range(3):
            for booking in bookings:
                assert salon.put(booking, {"notes": str(number)}).status_code == 200
        for booking in bookings:
            salon.delete(booking)
        at_once(*[work] * 4)
        while work():
            pass
        for each in (hooks, till):
            assert set(Counter(got.id for got in each.got).values()) == {1}
            arrived = defaultdict(list)
            for got in each.got:
                arrived[got.event["data"]["id"]].append(got.event["type"])
            in_order = ["booking.created", *["booking.updated"] * 3, "booking.cancelled"]
            assert arrived == {booking["id"]: in_order for booking in bookings}
    assert WebhookDelivery.objects.filter(delivered_at=None).count() == 0


def test_a_slow_endpoint_holds_up_one_worker_only(salon: Salon, hooks: Receiver) -> None:
    hooks.silent = True
    with receiver() as till:
        for each in (hooks, till):
            add_endpoint(salon, each.url)
        salon.book(**at_ten("2027-03-22"))
        salon.book(**at_ten("2027-03-23"))

        def held_up() -> None:
            run_due(at_most=1)

        def the_rest() -> list[str]:
            wait_until(lambda: len(hooks.got) == 1)
            work()
            waiting = Job.objects.filter(state__in=["pending", "claimed"]).order_by("id")
            seen = list(waiting.values_list("recipient", "state"))
            hooks.stopping.set()
            return [f"{recipient} {state}" for recipient, state in seen]

        Job.objects.exclude(type="webhook.deliver").update(state="done")
        _, seen = at_once(held_up, the_rest)
        endpoint_id = WebhookDelivery.objects.order_by("id")[0].endpoint_id
        assert seen == [f"webhook:{endpoint_id} claimed", f"webhook:{endpoint_id} pending"]
        assert (len(till.got), len(hooks.got)) == (2, 1)


def test_a_double_click_on_replay_is_one_more_delivery(salon: Salon, hooks: Receiver) -> None:
    add_endpoint(salon, hooks.url)
    salon.book(**at_ten("2027-03-22"))
    while work():
        pass
    delivery = WebhookDelivery.objects.get()
    path = f"/api/webhooks/deliveries/{delivery.pk}/replay"
    clicks = [partial(caller(salon.ada).post, path) for _ in range(4)]
    assert sorted(answer.status_code for answer in at_once(*clicks)) == [200, 409, 409, 409]
    while work():
        pass
    assert Counter(got.id for got in hooks.got) == {delivery.message_id: 2}


def test_removing_an_endpoint_never_fails_a_booking(salon: Salon, hooks: Receiver) -> None:
    """Bookings that saw the endpoint just before it went commit all the same."""
    days = range(1, 7)
    for _ in range(3):
        endpoint = add_endpoint(salon, hooks.url)
        Job.objects.all().update(state="done")
        posts = [
            partial(
                caller(salon.ada).post,
                "/api/bookings",
                salon.order(
                    start_at=f"2027-03-0{day} 10:00", end_at=f"2027-03-0{day} 11:00", allow_overlap=True
                ),
                format="json",
            )
            for day in days
        ]
        *answers, _ = at_once(*posts, partial(remove_endpoint, endpoint["id"], now=timezone.now()))
        assert {answer.status_code for answer in answers} == {200}
    while work():
        pass
    assert not Job.objects.filter(type="webhook.deliver", state__in=["pending", "claimed", "dead"]).exists()


def test_a_head_is_passed_over_once(salon: Salon, hooks: Receiver) -> None:
    add_endpoint(salon, hooks.url)
    hooks.answers = [500]
    booking = salon.book(**at_ten("2027-03-22"))
    while work():
        pass
    salon.put(booking, {"notes": "x"})
    WebhookDelivery.objects.filter(event_type="booking.created").update(first_attempt_at="2020-01-01T00:00Z")
    assert sorted(at_once(*[partial(pass_over_heads, now=timezone.now())] * 3)) == [0, 0, 1]
    hooks.answers = [200]
    while work():
        pass
    assert hooks.types[-1] == "booking.updated"
