"""GET /api/bookings/changes never misses a change, however writers overlap (contract §1.2)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection, transaction
from django.utils import timezone

from bookings import lifecycle
from bookings.api.client_merge import merge
from bookings.models import Booking
from staff.access.actor import SYSTEM
from tests.cast.bookings import Salon, make_cast
from tests.cast.factories import caller, make_staff, token_of

CHANGES = "/api/bookings/changes"
WRITERS = 4
WRITING_SECONDS = 3.0
HELD_SECONDS = 7.0
"""Longer than a change waits before it is shown."""


class Poller:
    """An app that follows the cursor and remembers the last version it was shown of every booking."""

    def __init__(self, secret: str) -> None:
        self.app = caller(secret)
        self.cursor = ""
        self.shown: dict[int, int] = {}

    def poll(self) -> int:
        """How many changes there were."""
        query = {"cursor": self.cursor, "limit": 7} if self.cursor else {"limit": 7}
        answer = self.app.get(CHANGES, query).json()
        for each in answer["items"]:
            assert each["version"] >= self.shown.get(each["id"], 0), "an older version came after a newer one"
            self.shown[each["id"]] = each["version"]
        self.cursor = answer["cursor"]
        return len(answer["items"]) + (self.poll() if answer["more"] else 0)


def stored() -> dict[int, int]:
    return dict(Booking.objects.values_list("pk", "version"))


@contextmanager
def threads() -> Iterator[Callable[..., Future[Any]]]:
    """Starts calls in threads with connections of their own; leaving waits for them, and raises theirs."""
    started: list[Future[Any]] = []

    def run(call: Callable[..., Any], *args: Any) -> Any:
        try:
            return call(*args)
        finally:
            connection.close()

    with ThreadPoolExecutor(WRITERS + 2) as pool:

        def start(call: Callable[..., Any], *args: Any) -> Future[Any]:
            started.append(pool.submit(run, call, *args))
            return started[-1]

        yield start
        for each in started:
            each.result(timeout=200)


def write_for_a_while(salon: Salon, secret: str, staff_id: int, until: float) -> None:
    """Books, moves, cancels and restores without a pause."""
    desk, number = caller(secret), 0
    while time.monotonic() < until:
        start = datetime(2027, 3, 1, 9) + timedelta(hours=number)
        order = salon.order(staff_id=staff_id, start_at=f"{start}", end_at=f"{start + timedelta(minutes=30)}")
        made = desk.post("/api/bookings", order, format="json")
        assert made.status_code == 200, made.content
        path = f"/api/bookings/{made.json()['id']}"
        for changes in ({"notes": "a"}, {"status": "cancelled"}, {"status": "scheduled"})[: number % 4]:
            assert desk.put(path, changes, format="json").status_code == 200
        number += 1


def hold_open(booking_id: int, written: threading.Event) -> None:
    """A writer whose transaction stays open long after it has stamped its row."""
    with transaction.atomic():
        lifecycle.change(actor=SYSTEM, booking_id=booking_id, changes={"notes": "slow"})
        written.set()
        time.sleep(HELD_SECONDS)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_poller_ends_with_what_is_stored() -> None:
    salon = make_cast()
    slow = salon.book()["id"]
    people = [make_staff(f"Writer{number} W") for number in range(WRITERS)]
    secrets = [token_of(person) for person in people]
    poller, written = Poller(token_of(salon.ada)), threading.Event()
    with threads() as start:
        # On SQLite an open transaction is the only one: it comes first, the others wait for it.
        held = start(hold_open, slow, written)
        assert written.wait(100)
        if connection.vendor == "sqlite":
            held.result(timeout=200)
        until = time.monotonic() + WRITING_SECONDS
        writing = [
            start(write_for_a_while, salon, secret, person.pk, until)
            for secret, person in zip(secrets, people, strict=True)
        ]
        while not held.done() or not all(each.done() for each in writing):
            poller.poll()
            time.sleep(0.05)
    patience = time.monotonic() + 100
    while poller.shown != stored() and time.monotonic() < patience:
        poller.poll()
        time.sleep(0.1)
    assert len(stored()) > WRITERS
    assert poller.shown == stored()


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(datetime.fromisoformat("2026-03-20T08:00:00+00:00"), tick=False) as traveller:
        yield traveller


@pytest.mark.django_db
def test_a_sweep_that_takes_its_time_is_not_missed(clock: Any) -> None:
    salon = make_cast(provisional_hours=1)
    request = salon.book(provisional=True)
    clock.shift(timedelta(hours=2))
    began = timezone.now()
    salon.book(staff_id=salon.cora.pk)
    clock.shift(timedelta(seconds=10))
    poller = Poller(token_of(salon.ada))
    assert poller.poll() == 2
    assert lifecycle.lapse_due(now=began - timedelta(seconds=1)) == 1
    clock.shift(timedelta(seconds=10))
    poller.poll()
    assert poller.shown[request["id"]] == 2
    assert poller.shown == stored()


@pytest.mark.django_db
def test_a_merge_that_had_to_wait_is_not_missed(clock: Any) -> None:
    salon = make_cast()
    moved = salon.book()
    clock.shift(timedelta(seconds=10))
    asked = timezone.now()
    clock.shift(timedelta(seconds=1))
    salon.book(staff_id=salon.cora.pk, client_id=salon.bob.pk)
    clock.shift(timedelta(seconds=10))
    poller = Poller(token_of(salon.ada))
    assert poller.poll() == 2
    merge(client_id=salon.alice.pk, into_id=salon.bob.pk, actor=SYSTEM, now=asked)
    clock.shift(timedelta(seconds=10))
    poller.poll()
    assert poller.shown[moved["id"]] == 2
    assert poller.shown == stored()
