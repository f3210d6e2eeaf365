"""People who make the previous release's five calls at whichever web processes are there."""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.desk import Answer, Desk, Pace, Slots, hands

PEOPLE = 4
CYCLES_PER_SECOND = 3.0
EVERY_SECOND, EVERY_THIRD, EVERY_FIFTH = 2, 3, 5


@dataclass
class Stands:
    """What was acknowledged last of a booking."""

    start: str
    status: str


@dataclass
class Load:
    """`phase` is a word for where the upgrade is; `webs` are the desks that calls go to, by release."""

    webs: dict[str, Desk]
    phase: str = ""
    booked: dict[int, Stands] = field(default_factory=dict)
    doubtful: set[int] = field(default_factory=set)
    answers: Counter[tuple[str, str, str, int]] = field(default_factory=Counter)
    failed: list[tuple[str, str]] = field(default_factory=list)
    writes: list[float] = field(default_factory=list)
    contested: Counter[tuple[int, ...]] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._turn = itertools.count()

    def ask(self, call: str, method: str, path: str, body: Any = None, *, of: str = "") -> tuple[str, Answer]:
        """One call at the next web process, or the one of this release; which it was, and its answer."""
        webs = list(self.webs.items())
        release, desk = next(
            ((name, each) for name, each in webs if name == of), webs[next(self._turn) % len(webs)]
        )
        phase = self.phase
        answer = desk.ask(method, path, body, patience=30)
        with self._lock:
            self.answers[phase, release, call, answer.status] += 1
            if answer.outcome == "ok" and method != "GET":
                self.writes.append(time.time())
            if answer.outcome != "ok":
                self.failed.append((phase, f"{release}, {call}: {answer.status} {str(answer.body)[:160]}"))
        return release, answer

    def note(self, booking_id: int, answer: Answer, stands: Stands) -> None:
        """What is to be there from now on, if it was acknowledged; nobody knows where no answer came."""
        with self._lock:
            if answer.outcome == "ok":
                self.booked[booking_id] = stands
            elif answer.outcome == "unknown":
                self.doubtful.add(booking_id)

    def longest_wait(self, *, since: float, until: float) -> float:
        """Seconds without an acknowledged write between those two moments."""
        marks = [since, *sorted(each for each in self.writes if since <= each <= until), until]
        return max(after - before for before, after in itertools.pairwise(marks))


@contextmanager
def people(load: Load, slots: Slots) -> Iterator[None]:
    """They work while the block runs, and finish what they have begun at its end."""
    pace = Pace(per_second=CYCLES_PER_SECOND)

    def work(number: int) -> None:
        for count in itertools.count(number):
            if not pace.take():
                return
            _one_after_the_other(load, slots, count)

    with hands(PEOPLE, work):
        try:
            yield
        finally:
            pace.stopped.set()


def _one_after_the_other(load: Load, slots: Slots, count: int) -> None:
    """The five calls about one booking, mostly at another web process each time."""
    order = slots.order()
    _, made = load.ask("create", "POST", "/api/bookings", order)
    if made.outcome != "ok":
        return
    booking, path = made.body["id"], f"/api/bookings/{made.body['id']}"
    load.note(booking, made, Stands(order["start_at"], "scheduled"))
    load.ask("get", "GET", path)
    load.ask("list", "GET", "/api/bookings?page=1&limit=20")
    if count % EVERY_SECOND == 0:
        wish = slots.order()
        changes = {name: wish[name] for name in ("start_at", "end_at", "staff_id")}
        _, moved = load.ask("put", "PUT", path, changes)
        if moved.outcome == "ok":
            order = wish
        load.note(booking, moved, Stands(order["start_at"], "scheduled"))
    if count % EVERY_FIFTH == 0:
        _, gone = load.ask("delete", "DELETE", path)
        load.note(booking, gone, Stands(order["start_at"], "cancelled"))


def contest(load: Load, slots: Slots, rounds: int) -> None:
    """So many half hours, each wanted at two web processes at once, at two releases where there are two."""
    for _ in range(rounds):
        order = slots.order()
        releases = [*load.webs, *load.webs][:2]
        with ThreadPoolExecutor(2) as pool:
            got = list(pool.map(lambda each, order=order: load.webs[each].book(order, patience=30), releases))
        load.contested[tuple(sorted(each.status for each in got))] += 1
        for each in got:
            if each.outcome == "ok":
                load.note(each.body["id"], each, Stands(order["start_at"], "scheduled"))
