"""A salon whose app listens on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from time_machine import Traveller

from notifications import tasks
from notifications.execution import run_due
from notifications.models import Job, Notification, WebhookDelivery
from tests.cast.bookings import Salon, make_cast
from tests.cast.factories import caller
from tests.cast.webhook_receiver import Receiver, receiver


@dataclass
class App:
    """One endpoint of the salon, the receiver behind it, and the clock."""

    salon: Salon
    hooks: Receiver
    clock: Traveller
    endpoint: dict[str, Any]

    @property
    def secret(self) -> str:
        return str(self.endpoint["secret"])

    def fails_from_now_on(self, status: int = 500) -> None:
        self.hooks.answers = [status]

    def deliveries(self, query: str = "") -> list[dict[str, Any]]:
        """The log as the API shows it, oldest first."""
        answer = caller(self.salon.ada).get(f"/api/webhooks/{self.endpoint['id']}/deliveries{query}")
        assert answer.status_code == 200, answer.content
        listed: list[dict[str, Any]] = answer.json()
        return listed[::-1]

    def states(self) -> list[str]:
        return [each["state"] for each in self.deliveries()]

    def work(self, **later: float) -> None:
        """A worker's round, some time (timedelta's keywords) from now."""
        if later:
            self.clock.shift(_seconds(**later))
        run_due(at_most=100)

    def sweep(self, **later: float) -> None:
        """The clock's half-minute round, and then a worker's."""
        if later:
            self.clock.shift(_seconds(**later))
        tasks.sweep()
        run_due(at_most=100)

    def replay(self, delivery: dict[str, Any]) -> Any:
        return caller(self.salon.ada).post(f"/api/webhooks/deliveries/{delivery['id']}/replay")

    def change(self, **fields: Any) -> dict[str, Any]:
        answer = caller(self.salon.ada).put(f"/api/webhooks/{self.endpoint['id']}", fields, format="json")
        assert answer.status_code == 200, answer.content
        body: dict[str, Any] = answer.json()
        return body


@contextmanager
def listening_app(settings: Any, clock: Traveller) -> Iterator[App]:
    """With a receiver that runs."""
    settings.WEBHOOK_ALLOW_PRIVATE = True
    with receiver() as hooks:
        salon = make_cast()
        yield App(salon, hooks, clock, add_endpoint(salon, hooks.url))


def add_endpoint(salon: Salon, url: str, **fields: Any) -> dict[str, Any]:
    answer = caller(salon.ada).post("/api/webhooks", {"url": url, **fields}, format="json")
    assert answer.status_code == 201, answer.content
    body: dict[str, Any] = answer.json()
    return body


def events() -> list[tuple[str, int | None]]:
    """What is to be delivered or was, oldest first: the event and its booking."""
    return list(WebhookDelivery.objects.order_by("id").values_list("event_type", "booking_id"))


def webhook_jobs() -> list[Job]:
    return list(Job.objects.filter(type="webhook.deliver").order_by("id"))


def told(salon: Salon, type: str = "job.dead") -> list[str]:
    """The titles in the administrator's list."""
    lines = Notification.objects.filter(staff=salon.ada, type=type).order_by("id")
    return list(lines.values_list("title", flat=True))


def _seconds(*, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0) -> float:
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds
