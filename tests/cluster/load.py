"""People who book, move and look while hosts fail; each call is repeated with its key till answered."""

from __future__ import annotations

import itertools
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.desk import Answer, Desk, Pace, Slots, hands
from tests.chaos.programs import until

PEOPLE = 6
BOOKINGS_PER_SECOND = 4.0
LOOKS_PER_SECOND = 5.0
STRANGERS_PER_SECOND = 0.8
"""One address may ask for sixty such pages a minute."""
ANSWER_SECONDS = 10.0
KEEP_TRYING_SECONDS = 150.0
EVERY_THIRD, EVERY_FOURTH = 3, 4


@dataclass
class Load:
    """What was acknowledged, and when. `booked` holds booking ids, `moved` the start each was moved to;
    `lagging`: when something was read that may lag."""

    booked: list[int] = field(default_factory=list)
    moved: dict[int, str] = field(default_factory=dict)
    writes: list[float] = field(default_factory=list)
    reads: list[float] = field(default_factory=list)
    lagging: list[float] = field(default_factory=list)
    gave_up: list[Answer] = field(default_factory=list)
    tries: int = 0

    def gap(self, times: list[float], *, since: float, until: float) -> float:
        """The longest time without one of `times`, between those two moments."""
        within = sorted(each for each in times if since <= each <= until)
        marks = [since, *within, until]
        return max(after - before for before, after in itertools.pairwise(marks))


@contextmanager
def people(desk: Desk, slots: Slots) -> Iterator[Load]:
    """They work while the block runs, and finish what they have begun at its end."""
    load = Load()
    pace, looking = Pace(per_second=BOOKINGS_PER_SECOND), Pace(per_second=LOOKS_PER_SECOND)
    choosing = Pace(per_second=STRANGERS_PER_SECOND)
    lock = threading.Lock()

    def book(number: int) -> None:
        count = number
        while pace.take():
            count += 1
            if count % EVERY_THIRD == 0:
                order, path = slots.visit_order(), "/api/visits"
            else:
                order, path = slots.order(), "/api/bookings"
            answer = insist(desk, "POST", path, order, load, lock)
            if answer is None:
                continue
            made = answer.body["bookings"] if "visit" in answer.body else [answer.body]
            with lock:
                load.booked += [each["id"] for each in made]
            if len(made) == 1 and count % EVERY_FOURTH == 0:
                wish = slots.order()
                changes = {name: wish[name] for name in ("start_at", "end_at", "staff_id")}
                if insist(desk, "PUT", f"/api/bookings/{made[0]['id']}", changes, load, lock) is not None:
                    with lock:
                        load.moved[made[0]["id"]] = changes["start_at"]

    def look(number: int) -> None:
        while looking.take():
            if desk.ask("GET", "/api/bookings?page=1&limit=1", patience=2).outcome == "ok":
                load.reads.append(time.time())

    def choose(number: int) -> None:
        """What a stranger looks at before they book; it may lag."""
        while choosing.take():
            if desk.ask("GET", "/api/public/catalogue", patience=2).outcome == "ok":
                load.lagging.append(time.time())

    with hands(PEOPLE, book), hands(2, look), hands(2, choose):
        try:
            yield load
        finally:
            for each in (pace, looking, choosing):
                each.stopped.set()


def insist(
    desk: Desk, method: str, path: str, body: dict[str, Any], load: Load, lock: threading.Lock
) -> Answer | None:
    """Again with the same Idempotency-Key, as a good client does; None when nothing came of it."""
    key = str(uuid.uuid4())
    answer = None
    for _ in until(KEEP_TRYING_SECONDS, every=0.5):
        answer = desk.ask(method, path, body, key=key, patience=ANSWER_SECONDS)
        with lock:
            load.tries += 1
        if answer.outcome == "ok":
            with lock:
                load.writes.append(time.time())
            return answer
        if 400 <= answer.status < 500 and answer.body.get("code") != "idempotency_key_in_use":
            break
    if answer is not None:
        with lock:
            load.gave_up.append(answer)
    return None
