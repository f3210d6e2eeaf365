"""F11: many clients on one slot, and writers of every kind on a crowded day; on both databases."""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.desk import Answer, Desk, hands
from tests.chaos.house import Ground, House, Kind
from tests.chaos.ledger import Ledger, counted, spread
from tests.chaos.rows import TWO_PARTIES, WITHOUT_THEIR_TIME, Rows
from tests.chaos.sizes import Sizes

STANDING = ("scheduled", "provisional")
WEB_WORKERS = 8
CROWDED_PLACES = 48
SAMPLE_EVERY = 0.1


def f11(ground: Ground, sizes: Sizes) -> list[Ledger]:
    return [_f11(ground, sizes, kind) for kind in sizes.databases]


def _f11(ground: Ground, sizes: Sizes, kind: Kind) -> Ledger:
    ledger = Ledger(
        "F11",
        f"races ({'PostgreSQL' if kind == 'postgres' else 'SQLite'}, {WEB_WORKERS} web workers)",
        f"{sizes.racers} clients x {sizes.race_rounds} slots; {sizes.writers} writers for "
        f"{sizes.mix_seconds:.0f} s; seed {sizes.seed}",
    )
    with ground.house(kind, staff=2, clients=64) as house:
        log_from = _server_log_size(ground, kind)
        house.start(web=WEB_WORKERS)
        _one_slot(house, ledger, racers=sizes.racers, rounds=sizes.race_rounds)
        _mix(house, ledger, sizes)
        deadlocks = _deadlocks(ground, kind, log_from)
        ledger.promise("no deadlock in the server's log", kept=deadlocks == 0, found=str(deadlocks))
        crashes = house.crashes()
        ledger.promise("no error in the web's log", kept=not crashes, found=f"{len(crashes)} {crashes[:2]}")
        ledger.say("clients", house.requests.asked)
    ledger.close()
    return ledger


def _one_slot(house: House, ledger: Ledger, *, racers: int, rounds: int) -> None:
    salon, answers = house.salon, []
    per_round: Counter[str] = Counter()
    for number in range(rounds):
        ready = threading.Barrier(racers)
        got: list[Answer] = []

        def post(client: int, number: int = number, ready: threading.Barrier = ready, got: Any = got) -> None:
            slot = {"staff": salon.staff[0], "client": salon.clients[client % len(salon.clients)]}
            order = house.slots.at(2 * number, **slot)
            visit = house.slots.visit_at(2 * number, **slot)
            ready.wait(60)
            got.append(house.desk.book_visit(visit) if client % 2 else house.desk.book(order))

        with hands(racers, post):
            pass
        answers += got
        per_round[str(dict(sorted(Counter(each.status for each in got).items())))] += 1
    ledger.say("found", f"rounds by their answers: {counted(per_round)}")
    ledger.say("found", f"answer times {spread(each.seconds for each in answers)}")
    expected = str({200: 1, 409: racers - 1})
    ledger.promise(
        f"one 200 and {racers - 1} times 409, every round",
        kept=per_round == Counter({expected: rounds}),
    )
    visits = sum(each.outcome == "ok" and "visit" in each.body for each in answers)
    taken = house.rows.one("SELECT count(*) FROM bookings_busytime")
    ledger.promise(
        "one busy time for every round that a booking won, two for a visit",
        kept=taken == rounds + visits,
        found=f"{taken}; a visit won {visits} of {rounds}",
    )


@dataclass
class Crowd:
    """What the writers of the mix share; `asked` is what every booking was made with."""

    house: House
    until: float
    asked: dict[int, dict[str, Any]] = field(default_factory=dict)
    known: list[int] = field(default_factory=list)
    visits: list[int] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, what: str, answer: Answer) -> None:
        with self.lock:
            self.done[f"{what} {answer.status}"] += 1

    def note_booked(self, order: dict[str, Any], answer: Answer) -> None:
        if answer.outcome == "ok":
            with self.lock:
                self.asked[answer.body["id"]] = order
                self.known.append(answer.body["id"])

    def note_visit(self, answer: Answer) -> None:
        """Its bookings may be changed one by one, too."""
        if answer.outcome == "ok":
            with self.lock:
                self.asked |= {each["id"]: each for each in answer.body["bookings"]}
                self.known += answer.body["visit"]["booking_ids"]
                self.visits.append(answer.body["visit"]["id"])


def _mix(house: House, ledger: Ledger, sizes: Sizes) -> None:
    crowd = Crowd(house, until=time.monotonic() + sizes.mix_seconds)
    samples: list[int] = []
    first_event = house.rows.one("SELECT coalesce(max(id), 0) FROM bookings_bookingevent")

    def write(number: int) -> None:
        dice = random.Random(f"{sizes.seed}:{number}")
        while time.monotonic() < crowd.until:
            _one_step(crowd, dice)

    with hands(sizes.writers, write) as writers:
        while not all(each.done() for each in writers):
            samples.append(house.rows.one(TWO_PARTIES))
            time.sleep(SAMPLE_EVERY)
    samples.append(house.rows.one(TWO_PARTIES))
    ledger.say("found", f"steps by answer: {counted(crowd.done)}")
    ledger.promise(
        "at no instant two parties", kept=sum(samples) == 0, found=f"{sum(samples)} in {len(samples)} samples"
    )
    wrong = house.rows.one(WITHOUT_THEIR_TIME)
    ledger.promise(
        "every booking occupies its own time and no other", kept=wrong == 0, found=f"{wrong} wrong"
    )
    over, ordinary, deliberate = replayed(house.rows, crowd.asked, after=first_event)
    ledger.promise(
        "an ordinary booking never over another",
        kept=not over,
        found=f"{len(over)} of {ordinary} ordinary writes ({deliberate} deliberate ones) {over[:3]}",
    )
    bad = {name: count for name, count in crowd.done.items() if name.split()[-1][0] in "05"}
    ledger.promise("no 5xx and no unanswered call", kept=not bad, found=str(bad or ""))


def _one_step(crowd: Crowd, dice: random.Random) -> None:
    house, desk = crowd.house, crowd.house.desk
    with crowd.lock:
        chosen = dice.choice(crowd.known) if crowd.known else None
        visit_id = dice.choice(crowd.visits) if crowd.visits else None
    order = house.slots.at(
        1000 + dice.randrange(CROWDED_PLACES),
        staff=dice.choice(house.salon.staff),
        client=dice.choice(house.salon.clients),
        half_hours=dice.choice([1, 2, 3]),
    )
    step = dice.choices(
        ["create", "over", "ask", "list", "move", "move over", "cancel", "restore", "visit", "whole"],
        [18, 5, 5, 4, 20, 3, 14, 13, 8, 14],
    )[0]
    if chosen is None or step in ("create", "over"):
        extra = {"allow_overlap": True} if step == "over" else {}
        answer = desk.book({**order, **extra})
        crowd.note_booked(order, answer)
    elif step == "ask":
        answer = _ask_and_accept(crowd, desk, order)
    elif step == "list":
        answer = _book_from_waitlist(crowd, desk, order)
    elif step == "visit" or (step == "whole" and visit_id is None):
        items = [{name: order[name] for name in ("service_id", "staff_id")}] * 2
        wanted = {"client_id": order["client_id"], "start_at": order["start_at"], "items": items}
        answer = desk.book_visit(wanted)
        crowd.note_visit(answer)
    elif step == "whole":
        change = dice.choice(
            [{"start_at": order["start_at"]}, {"status": "cancelled"}, {"status": "scheduled"}]
        )
        answer = desk.ask("PUT", f"/api/visits/{visit_id}", change)
    elif step == "cancel":
        answer = desk.ask("DELETE", f"/api/bookings/{chosen}")
    elif step == "restore":
        answer = desk.change(chosen, {"status": "scheduled"})
    else:
        moved = {name: order[name] for name in ("staff_id", "start_at", "end_at")}
        answer = desk.change(chosen, {**moved, "allow_overlap": step == "move over"})
    crowd.note(step, answer)


def _ask_and_accept(crowd: Crowd, desk: Desk, order: dict[str, Any]) -> Answer:
    """A request that the client accepts by its link while others write."""
    answer = desk.book({**order, "provisional": True})
    crowd.note_booked(order, answer)
    if answer.outcome != "ok":
        return answer
    accepted = desk.ask("POST", f"/api/public/provisional/{answer.body['provisional_token']}/accept")
    crowd.note("accept", accepted)
    return answer


def _book_from_waitlist(crowd: Crowd, desk: Desk, order: dict[str, Any]) -> Answer:
    names = ("client_id", "service_id")
    entry = desk.ask(
        "POST", "/api/waitlist", {**{name: order[name] for name in names}, "date": order["start_at"][:10]}
    )
    if entry.outcome != "ok":
        return entry
    answer = desk.book({**order, "waitlist_id": entry.body["id"]})
    crowd.note_booked(order, answer)
    return answer


def replayed(rows: Rows, asked: dict[int, dict[str, Any]], *, after: int) -> tuple[list[str], int, int]:
    """The audit rows in their order (writers of one staff member queue, so it is the true one) against the
    rule: an ordinary write over a standing booking is a fault. Gives the faults and how many ordinary and
    deliberate writes there were."""
    places: dict[int, tuple[int, str, str]] = {}
    standing: set[int] = set()
    faults: list[str] = []
    ordinary = deliberate = 0
    for event, booking, old, new, changes in rows.all(
        "SELECT id, booking_id, from_status, to_status, changes FROM bookings_bookingevent "
        f"WHERE id > {after} ORDER BY id"
    ):
        facts = json.loads(changes) if isinstance(changes, str) else changes
        if booking not in asked:
            faults.append(f"#{booking} was never answered for")
            continue
        order = asked[booking]
        before = places.get(booking, (order["staff_id"], order["start_at"], order["end_at"]))
        names = ("staff_id", "start_at", "end_at")
        place = tuple(
            facts[name][1] if name in facts else was for name, was in zip(names, before, strict=True)
        )
        places[booking] = (int(place[0]), str(place[1]), str(place[2]))
        if new not in STANDING:
            standing.discard(booking)
            continue
        if old not in STANDING or any(name in facts for name in names):
            if "allow_overlap" in facts:
                deliberate += 1
            else:
                ordinary += 1
                faults += [
                    f"event {event}: #{booking} over #{other}"
                    for other in standing - {booking}
                    if _touch(places[booking], places[other]) and not _one_visit(order, asked[other])
                ]
        standing.add(booking)
    return faults, ordinary, deliberate


def _one_visit(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Bookings of one visit give up their places together, before the first of them is at its new one."""
    return "visit_id" in one and one["visit_id"] == other.get("visit_id")


def _touch(one: tuple[int, str, str], other: tuple[int, str, str]) -> bool:
    return one[0] == other[0] and one[1] < other[2] and other[1] < one[2]


def _server_log_size(ground: Ground, kind: Kind) -> int:
    return ground.postgres.log.stat().st_size if kind == "postgres" else 0


def _deadlocks(ground: Ground, kind: Kind, log_from: int) -> int:
    if kind == "sqlite":
        return 0
    return ground.postgres.log.read_bytes()[log_from:].count(b"deadlock detected")
