"""The calls that are compared with the floor's, and how: what each must reach, rounds in turns, same answers
and same rows (docs/operations.md "What a machine carries")."""

from __future__ import annotations

import http.client
import itertools
import json
import statistics
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import psycopg

from tests.bench.load import Request, calls_per_second, first_bytes
from tests.chaos.house import House
from tests.chaos.programs import Program, processor_seconds

MUSTS: dict[str, tuple[float, float]] = {
    "list of 50": (0.60, 0.80),
    "one": (0.45, 0.55),
    "a week": (0.50, 0.70),
    "page 1,000": (0.40, 0.55),
    "changes, 1,000": (0.40, 0.55),
    "availability": (0.40, 0.55),
    "create": (0.40, 0.55),
    "move": (0.40, 0.55),
    "cancel": (0.40, 0.55),
}
"""Calls per second as a part of the floor's: what they must be, and what is aimed at."""

MOST_P99 = 2.5
"""Times the floor's."""

CONNECTIONS = 4
TABLES = (
    "bookings_visit",
    "bookings_booking",
    "bookings_busytime",
    "bookings_bookingevent",
    "notifications_notification",
    "notifications_job",
    "notifications_message",
)


class Caller:
    """One server's calls as bytes. What it writes lies on hours of `people` that nobody else gets."""

    def __init__(self, house: House, port: int, *, people: slice) -> None:
        self.house, self.port = house, port
        self._people = house.salon.staff[people]
        self._head = f"Host: 127.0.0.1:{port}\r\nAuthorization: Bearer {house.salon.token}\r\n"
        self._start = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        self._start += timedelta(days=700)
        self._counter, self._moves = itertools.count(), itertools.count()
        # Another one for each call: two at once for one client wait for each other, which nobody's desk does.
        self._clients = itertools.cycle(house.salon.clients)
        self._mine: list[int] = []
        self._moving: Iterator[int] = iter(())

    def requests(self, *, size: int) -> dict[str, Request]:
        """In the order of MUSTS, among `size` bookings; a move needs `stock` first, and a cancel."""
        today = datetime.now(UTC).date()
        week = f"date_from={today - timedelta(days=3)}&date_to={today + timedelta(days=3)}"
        weekday = today + timedelta(days=14 - today.weekday())
        last_page = max(1, min(1000, size * 9 // 10 // 50))
        about = f"service_id={self.house.salon.service}&staff_id={self._people[0]}"
        return {
            "list of 50": self._get("/api/bookings?page=1"),
            "one": self._get("/api/bookings/500"),
            "a week": self._get(f"/api/bookings?page=1&limit=200&staff_id={self._people[0]}&{week}"),
            "page 1,000": self._get(f"/api/bookings?page={last_page}"),
            "changes, 1,000": self._get("/api/bookings/changes?limit=1000"),
            "availability": self._get(f"/api/availability?{about}&date_from={weekday}&date_to={weekday}"),
            "create": self._create,
            "move": self._move,
            "cancel": self._cancel,
        }

    def stock(self, at_least: int) -> None:
        """Have so many bookings of its own that stand, by its own door."""
        ask = """SELECT id FROM bookings_booking WHERE staff_id = ANY(%s) AND start_at >= %s
        AND status = 'scheduled' ORDER BY id"""
        with psycopg.connect(self.house.variables["DATABASE_URL"], autocommit=True) as wire:
            while True:
                found = wire.execute(ask, [list(self._people), self._start]).fetchall()
                if len(found) >= at_least:
                    break
                calls_per_second(self.port, self._create, connections=CONNECTIONS, seconds=1)
        self._mine = [pk for (pk,) in found]
        self._moving = itertools.cycle(list(self._mine))

    def _get(self, path: str) -> Request:
        request = f"GET {path} HTTP/1.1\r\n{self._head}\r\n".encode()
        return lambda: request

    def _times(self) -> tuple[int, dict[str, str]]:
        place, who = divmod(next(self._counter), len(self._people))
        return self._people[who], _lasting(self._start + timedelta(minutes=30 * place))

    def _create(self) -> bytes:
        person, times = self._times()
        who = {"client_id": next(self._clients), "staff_id": person}
        order = {**who, "service_id": self.house.salon.service, **times}
        return _with_body("POST", "/api/bookings", self._head, order)

    def _move(self) -> bytes:
        """To a half hour in which nobody else is, whoever it is with."""
        begins = self._start + timedelta(days=800, minutes=30 * next(self._moves))
        return _with_body("PUT", f"/api/bookings/{next(self._moving)}", self._head, _lasting(begins))

    def _cancel(self) -> bytes:
        return f"DELETE /api/bookings/{self._mine.pop()} HTTP/1.1\r\n{self._head}\r\n".encode()


def _lasting(begins: datetime) -> dict[str, str]:
    ends = begins + timedelta(minutes=30)
    return {"start_at": f"{begins:%Y-%m-%d %H:%M:%S}", "end_at": f"{ends:%Y-%m-%d %H:%M:%S}"}


def _with_body(method: str, path: str, head: str, order: Mapping[str, Any]) -> bytes:
    body = json.dumps(order).encode()
    length = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return f"{method} {path} HTTP/1.1\r\n{head}{length}\r\n".encode() + body


class Measured(NamedTuple):
    """One round of one server: calls per second, processor ms per call (its own and PostgreSQL's), and the
    seconds of each call until its first byte."""

    rate: float
    own: float
    database: float
    waits: list[float]


class Compared(NamedTuple):
    ratio: float
    p99: float
    faults: list[str]


def compare(
    ours: Caller, theirs: Caller, product: Program, floor: Program, *, size: int, rounds: int, seconds: float
) -> dict[str, Compared]:
    """Rounds in turns; prints each call's line and gives what it came to."""
    print(
        f"\nat {size:,} bookings, {CONNECTIONS} connections, median of {rounds} rounds in turns:"
        "\ncalls per second, their ratio (middle half of the rounds), must and aim; p99 to the first byte"
        " beside the floor's; processor ms per call, web + PostgreSQL"
        f"\n  {'call':<15} {'product':>8} {'floor':>7} {'ratio':>6} {'':>11} {'must':>5} {'aim':>5}"
        f" {'p99':>5} {'product':>15} {'floor':>15}"
    )
    found = {}
    for name, (must, aim) in MUSTS.items():
        if name in ("move", "cancel"):
            for caller in (ours, theirs):
                caller.stock(_enough(caller, rounds=rounds, seconds=seconds))
        pairs = []
        for number in range(rounds + 1):
            pair = [
                _measure(caller, server, name, size=size, seconds=seconds)
                for caller, server in ((ours, product), (theirs, floor))
            ]
            if number:
                pairs.append(pair)
        found[name] = _said(name, pairs, must=must, aim=aim)
    return found


def _enough(caller: Caller, *, rounds: int, seconds: float) -> int:
    """Twice what a round of creates makes: a cancel takes less."""
    rate = calls_per_second(caller.port, caller._create, connections=CONNECTIONS, seconds=seconds)
    return int(rate * seconds * (rounds + 2) * 2)


def _measure(caller: Caller, server: Program, name: str, *, size: int, seconds: float) -> Measured:
    groups: tuple[Callable[[], Any], ...] = (server.children, caller.house.backends)
    before = [processor_seconds(group()) for group in groups]
    request = caller.requests(size=size)[name]
    waits = first_bytes(caller.port, request, connections=CONNECTIONS, seconds=seconds)
    calls = max(1, len(waits))
    own, database = (
        (processor_seconds(group()) - used) * 1000 / calls for group, used in zip(groups, before, strict=True)
    )
    return Measured(calls / seconds, own, database, waits)


def _said(name: str, pairs: list[list[Measured]], *, must: float, aim: float) -> Compared:
    ratios = sorted(product.rate / bare.rate for product, bare in pairs)
    ratio = statistics.median(ratios)
    tails = [_p99([wait for pair in pairs for wait in pair[side].waits]) for side in (0, 1)]
    p99 = tails[0] / tails[1]
    costs = [
        f"{statistics.median(pair[side].own for pair in pairs):.2f} + "
        f"{statistics.median(pair[side].database for pair in pairs):.2f}"
        for side in (0, 1)
    ]
    faults = [f"{name}: {ratio:.2f} of the floor, must be {must}"] if ratio < must else []
    faults += [f"{name}: p99 {p99:.1f} times the floor's, at most {MOST_P99}"] if p99 > MOST_P99 else []
    middle = f"{ratios[len(ratios) // 4]:.2f}-{ratios[-1 - len(ratios) // 4]:.2f}"
    print(
        f"  {name:<15} {statistics.median(each.rate for each, _ in pairs):>8.0f}"
        f" {statistics.median(each.rate for _, each in pairs):>7.0f} {ratio:>6.2f} {middle:>11}"
        f" {must:>5.2f} {aim:>5.2f} {p99:>5.1f} {costs[0]:>15} {costs[1]:>15}"
        f"{'  missed' if faults else ''}",
        flush=True,
    )
    return Compared(ratio, p99, faults)


def _p99(waits: list[float]) -> float:
    return statistics.quantiles(waits, n=100)[-1]


def differences(ours: Caller, theirs: Caller, *, size: int) -> list[str]:
    """Where the floor answers something else than the product, or writes other rows."""
    asked = [each.requests(size=size) for each in (ours, theirs)]
    found = []
    for name in list(MUSTS)[:6]:
        product, bare = (
            _asked(caller, each[name]()) for caller, each in zip((ours, theirs), asked, strict=True)
        )
        if name not in ("a week", "availability") and _told(product) != _told(bare):
            found.append(f"{name}: the floor answers something else")
        if name in ("a week", "availability") and not _told(bare):
            found.append(f"{name}: the floor finds nothing")
    rows = []
    for caller, each in zip((ours, theirs), asked, strict=True):
        caller.stock(2)
        rows.append([_rows_written(caller, each[name]) for name in ("create", "move", "cancel")])
    for name, product, bare in zip(("create", "move", "cancel"), *rows, strict=True):
        if product != bare:
            found.append(f"{name}: the floor writes {bare}, the product {product}")
    return found


def _asked(caller: Caller, request: bytes) -> Any:
    line, _, rest = request.partition(b"\r\n")
    method, path, _ = line.decode().split(" ")
    head, _, body = rest.partition(b"\r\n\r\n")
    headers = dict(each.split(": ", 1) for each in head.decode().split("\r\n"))
    wire = http.client.HTTPConnection("127.0.0.1", caller.port, timeout=30)
    try:
        wire.request(method, path, body or None, headers)
        return json.loads(wire.getresponse().read())
    finally:
        wire.close()


def _told(answer: Any) -> Any:
    """What both must have in common."""
    if "days" in answer:
        return [start for day in answer["days"] for each in day["staff"] for start in each["starts"]]
    keys = ("id", "start_at", "status", "client_name", "staff_name", "version")
    rows = answer.get("items", [answer])
    return [answer.get("total"), *([str(row[key]) for key in keys] for row in rows)] if rows else []


def _rows_written(caller: Caller, request: Request) -> dict[str, int]:
    with psycopg.connect(caller.house.variables["DATABASE_URL"], autocommit=True) as wire:
        before = _counts(wire)
        _asked(caller, request())
        return {name: more for name, count in _counts(wire).items() if (more := count - before[name])}


def _counts(wire: psycopg.Connection[Any]) -> dict[str, int]:
    return {name: (wire.execute(f"SELECT count(*) FROM {name}").fetchone() or (0,))[0] for name in TABLES}
