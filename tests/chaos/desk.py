"""Somebody at a desk who books over HTTP, and who notes every call before and after."""

from __future__ import annotations

import http.client
import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.chaos.ledger import Requests

PATIENCE_SECONDS = 60.0
FIRST_OF_VISITS = 8000
"""The half hour from which on `Slots.visit_order` begins; before it are the others."""


@dataclass(frozen=True)
class Answer:
    """`status` 0: no answer came. `outcome`: ok (2xx), fail (refused, or never sent), unknown."""

    outcome: str
    status: int
    body: Any
    began: float
    seconds: float


class Desk:
    """Calls the API with one credential; a fresh connection for every call, so none dies of old age."""

    def __init__(self, *, port: int, token: str, requests: Requests, host: str = "127.0.0.1") -> None:
        self.host = host
        self.port = port
        self.requests = requests
        self._token = token

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str = "",
        patience: float = PATIENCE_SECONDS,
    ) -> Answer:
        """`key` is the Idempotency-Key; `patience` seconds for the answer."""
        number = self.requests.begin(f"{method} {path}", body)
        headers = {"Authorization": f"Bearer {self._token}", "Connection": "close"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if key:
            headers["Idempotency-Key"] = key
        began, clock = time.time(), time.monotonic()
        status, content, outcome = self._exchange(method, path, body, headers, patience)
        seconds = time.monotonic() - clock
        self.requests.end(number, outcome=outcome, status=status, seconds=seconds)
        return Answer(outcome, status, content, began, seconds)

    def book(self, order: dict[str, Any], **options: Any) -> Answer:
        return self.ask("POST", "/api/bookings", order, **options)

    def book_visit(self, order: dict[str, Any], **options: Any) -> Answer:
        return self.ask("POST", "/api/visits", order, **options)

    def change(self, booking_id: int, body: dict[str, Any], **options: Any) -> Answer:
        return self.ask("PUT", f"/api/bookings/{booking_id}", body, **options)

    def _exchange(
        self, method: str, path: str, body: Any, headers: dict[str, str], patience: float
    ) -> tuple[int, Any, str]:
        wire = http.client.HTTPConnection(self.host, self.port, timeout=patience)
        try:
            wire.connect()
        except OSError:
            return 0, None, "fail"
        try:
            wire.request(method, path, None if body is None else json.dumps(body), headers)
            answer = wire.getresponse()
            content = json.loads(answer.read() or b"null")
        except (OSError, http.client.HTTPException, ValueError):
            return 0, None, "unknown"
        finally:
            wire.close()
        return answer.status, content, "ok" if 200 <= answer.status < 300 else "fail"


@dataclass(frozen=True)
class Salon:
    """What `fill` made: ids to book with, and the administrator's token."""

    token: str
    staff: list[int]
    clients: list[int]
    service: int


class Slots:
    """Half hours that nobody else gets, from tomorrow on; times in UTC, which is the salon's zone."""

    def __init__(self, salon: Salon, *, first_day: int = 2) -> None:
        self._salon = salon
        self._counter = itertools.count()
        self._visits = itertools.count()
        self._lock = threading.Lock()
        midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        self.start = midnight + timedelta(days=first_day)

    def order(self, **changes: Any) -> dict[str, Any]:
        """A booking of the next free half hour."""
        with self._lock:
            number = next(self._counter)
        place, staff = divmod(number, len(self._salon.staff))
        client = self._salon.clients[number % len(self._salon.clients)]
        return self.at(place, staff=self._salon.staff[staff], client=client, **changes)

    def visit_order(self, **changes: Any) -> dict[str, Any]:
        """A visit of the next two free half hours of one person."""
        with self._lock:
            number = next(self._visits)
        place, staff = divmod(number, len(self._salon.staff))
        client = self._salon.clients[number % len(self._salon.clients)]
        return self.visit_at(
            FIRST_OF_VISITS + 2 * place, staff=self._salon.staff[staff], client=client, **changes
        )

    def visit_at(self, place: int, *, staff: int, client: int, **changes: Any) -> dict[str, Any]:
        """A visit of two items, half an hour each, from the half hour number `place` on."""
        first = self.at(place, staff=staff, client=client)
        items = [{name: first[name] for name in ("service_id", "staff_id")}] * 2
        return {"client_id": client, "start_at": first["start_at"], "items": items, **changes}

    def at(
        self, place: int, *, staff: int, client: int, half_hours: int = 1, **changes: Any
    ) -> dict[str, Any]:
        """A booking of the half hour number `place`."""
        start = self.start + timedelta(minutes=30 * place)
        return {
            "client_id": client,
            "staff_id": staff,
            "service_id": self._salon.service,
            "start_at": printed(start),
            "end_at": printed(start + timedelta(minutes=30 * half_hours)),
            **changes,
        }


def visit_of(answer: Answer) -> int:
    """The id of the visit that was booked, or of the one that the booking is."""
    found: int = answer.body["visit"]["id"] if "visit" in answer.body else answer.body["visit_id"]
    return found


def printed(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M:%S}"


@contextmanager
def hands(count: int, work: Callable[[int], None]) -> Iterator[list[Future[None]]]:
    """`work(number)` in so many threads while the block runs; their errors are raised at its end."""
    with ThreadPoolExecutor(count, thread_name_prefix="desk") as pool:
        running = [pool.submit(work, number) for number in range(count)]
        yield running
        for each in running:
            each.result()


class Pace:
    """So many a second over all threads together, and no more than `total` (None: without end)."""

    def __init__(self, *, per_second: float, total: int | None = None) -> None:
        self._gap = 1 / per_second
        self._total = total
        self._taken = 0
        self._next = time.monotonic()
        self._lock = threading.Lock()
        self.stopped = threading.Event()

    def take(self) -> bool:
        """Wait for one's turn; False when there is no more to do."""
        with self._lock:
            if self.stopped.is_set() or (self._total is not None and self._taken >= self._total):
                return False
            self._taken += 1
            now = time.monotonic()
            wait = max(0.0, self._next - now)
            self._next = max(self._next, now) + self._gap
        return not self.stopped.wait(wait)
