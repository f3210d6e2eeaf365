"""`make bench`: the product beside a bare WSGI and psycopg server, on one PostgreSQL and in the same minutes.

    python -m tests.bench.run                        # 100,000 bookings
    python -m tests.bench.run --rounds 3 --bookings 20000

Prints for every call the ratio of their calls per second (rounds taken in turns, the median of the rounds'
ratios), statements and plans at both sizes, the wait for each public page beside that for one booking, and
what costs most. Ends with 1 when a plan reads all bookings,
when a call needs more statements than it may or more at one size than at the other, or with `--strict` when
a ratio misses its aim. Absolute figures depend on the machine; the ratio is what may be compared.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from tests.bench.load import Request, calls_per_second
from tests.bench.pages import compare_pages
from tests.bench.seed import grow, people_for
from tests.cast import servers
from tests.chaos.house import Ground, House
from tests.chaos.programs import ROOT, Program, processor_seconds, until

AIMS: dict[str, float | None] = {"list of 50": 0.3, "one": 0.3, "create": 0.2, "a week": None}
MOST_STATEMENTS = {"list": 4, "one": 3}
SMALL = 1000
CONNECTIONS = 4
WORKERS = 2
CLIENTS = 500


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.run")
    parser.add_argument("--bookings", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=0.6, help="of each round, call and server")
    parser.add_argument("--strict", action="store_true", help="a ratio under its aim is a failure")
    asked = parser.parse_args(arguments)
    faults: list[str] = []
    people = people_for(asked.bookings)
    options: dict[str, Any] = {
        "staff": people,
        "clients": CLIENTS,
        "salon": {"online_booking": "instant"},
        "variables": {"TRUSTED_PROXIES": "1"},
    }
    with Ground() as ground, ground.house("postgres", **options) as house:
        url = house.variables["DATABASE_URL"]
        costs = {}
        for size in sorted({min(SMALL, asked.bookings), asked.bookings}):
            began = time.monotonic()
            grow(url, to=size)
            print(f"{size:,} bookings of {people} people after {time.monotonic() - began:.0f} s", flush=True)
            costs[size] = _inside(house, "statements")
        faults += _say_statements(costs)
        house.start(web=WORKERS)
        with _floor(house) as (floor, port):
            misses = _compare(house, floor, port, rounds=asked.rounds, seconds=asked.seconds)
        misses += _compare_visits(house, rounds=asked.rounds, seconds=asked.seconds)
        misses += compare_pages(
            house.port,
            house.salon.token,
            _inside(house, "pages"),
            connections=CONNECTIONS,
            rounds=asked.rounds,
            seconds=asked.seconds,
        )
        faults += misses if asked.strict else []
        _say_profile(_inside(house, "profile"))
    print("\n" + "\n".join(f"FAULT  {fault}" for fault in faults) if faults else "\nno fault", flush=True)
    return int(bool(faults))


def _inside(house: House, what: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.inside", house.salon.token, what],
        cwd=ROOT,
        env=house.variables,
        check=True,
        stdout=subprocess.PIPE,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _say_statements(costs: dict[int, dict[str, Any]]) -> list[str]:
    """Statements of each call at each size, and the faults among them."""
    small, large = min(costs), max(costs)
    print(f"\nat {small:,} and at {large:,} bookings (BEGIN and COMMIT are not counted)")
    print(
        f"  {'call':<10} {'statements':>12} {'plans that read all bookings':>30} {'for lack of an index':>22}"
    )
    faults = []
    for name, at_large in costs[large].items():
        at_small, most = costs[small][name], MOST_STATEMENTS.get(name, 99)
        pair = at_small["statements"], at_large["statements"]
        whole = len(at_small["sequential"]), len(at_large["sequential"])
        unserved = len(at_small["unserved"]), len(at_large["unserved"])
        shown = [f"{one} {other}" for one, other in (pair, whole, unserved)]
        print(f"  {name:<10} {shown[0]:>12} {shown[1]:>30} {shown[2]:>22}")
        if at_small["status"] != 200 or at_large["status"] != 200:
            faults.append(f"{name}: answered {at_small['status']} and {at_large['status']}")
        if pair[0] != pair[1] or max(pair) > most:
            faults.append(f"{name}: {pair[0]} and {pair[1]} statements, at most {most}")
        plans = [*at_large["sequential"], *at_small["unserved"]]
        faults += [f"{name} reads all bookings:\n{plan}" for plan in plans]
    return faults


class Measured(NamedTuple):
    """One round of one server: calls per second, and processor ms per call, its own and PostgreSQL's."""

    rate: float
    own: float
    database: float

    @property
    def cpu(self) -> float:
        return self.own + self.database


def _compare(house: House, floor: Program, floor_port: int, *, rounds: int, seconds: float) -> list[str]:
    """Rounds in turns; prints rates and ratios, gives the calls whose ratio misses its aim."""
    print(
        f"\n{WORKERS} gunicorn workers each, {CONNECTIONS} connections, median of {rounds} rounds in turns:"
        "\ncalls per second, their ratio (middle half of the rounds); processor ms per call, web + PostgreSQL"
        f"\n  {'call':<11} {'product':>8} {'floor':>7} {'ratio':>6} {'':>11} {'aim':>4}"
        f" {'product':>14} {'floor':>14} {'ratio':>6}"
    )
    misses = []
    ours = _requests(house, house.port, people=slice(0, 5))
    theirs = _requests(house, floor_port, people=slice(5, 10))
    for name, aim in AIMS.items():
        pairs: list[tuple[Measured, Measured]] = []
        for number in range(rounds + 1):
            product = _measure(house, house.web, house.port, ours[name], seconds=seconds)
            bare = _measure(house, floor, floor_port, theirs[name], seconds=seconds)
            if number:
                pairs.append((product, bare))
        ratios = sorted(product.rate / bare.rate for product, bare in pairs)
        ratio = statistics.median(ratios)
        costs = [
            f"{statistics.median(pair[side].own for pair in pairs):.2f} + "
            f"{statistics.median(pair[side].database for pair in pairs):.2f}"
            for side in (0, 1)
        ]
        saved = statistics.median(bare.cpu / max(product.cpu, 0.001) for product, bare in pairs)
        wanted = "" if aim is None else f"{aim}"
        middle = f"{ratios[len(ratios) // 4]:.2f}-{ratios[-1 - len(ratios) // 4]:.2f}"
        print(
            f"  {name:<11} {statistics.median(each.rate for each, _ in pairs):>8.0f} "
            f"{statistics.median(each.rate for _, each in pairs):>7.0f} "
            f"{ratio:>6.2f} {middle:>11} {wanted:>4} "
            f"{costs[0]:>14} {costs[1]:>14} {saved:>6.2f}{'  missed' if ratio < (aim or 0) else ''}",
            flush=True,
        )
        if ratio < (aim or 0):
            misses.append(f"{name}: {ratio:.2f} of the floor, aim {aim}")
    return misses


def _compare_visits(house: House, *, rounds: int, seconds: float) -> list[str]:
    """Visits beside the single services they are made of, both by the product, in turns; prints how many
    times as long they take, gives what takes longer than its aim."""
    print("\nvisits, how many times as long as single services (middle half of the rounds)")
    misses = []
    for name, (visits, singles, each, most) in _visit_requests(house).items():
        times = []
        for number in range(rounds + 1):
            rates = [
                calls_per_second(house.port, request, connections=CONNECTIONS, seconds=seconds)
                for request in (visits, singles)
            ]
            if number:
                times.append(rates[1] / rates[0] / each)
        times.sort()
        middle = f"{times[len(times) // 4]:.2f}-{times[-1 - len(times) // 4]:.2f}"
        took = statistics.median(times)
        aim = "" if most is None else f", at most {most:g}"
        print(f"  {name}: {took:.2f} ({middle}){aim}", flush=True)
        if most is not None and took > most:
            misses.append(f"{name}: {took:.2f} times as long, at most {most:g}")
    return misses


def _visit_requests(house: House) -> dict[str, tuple[Request, Request, int, float | None]]:
    """Of each comparison the visits' call, the single service's, how many of these it is beside, and how many
    times as long it may take."""
    salon, staff = house.salon, house.salon.staff[:10]
    head = f"Host: 127.0.0.1:{house.port}\r\nAuthorization: Bearer {salon.token}\r\n"
    today = datetime.now(UTC).date()
    days = f"date_from={today + timedelta(days=1)}&date_to={today + timedelta(days=14)}"
    start = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=900)
    counter = itertools.count()

    def next_place() -> tuple[dict[str, Any], dict[str, Any]]:
        """The client and the start, and who does what: an hour that nobody else gets."""
        place, who = divmod(next(counter), len(staff))
        begins = start + timedelta(hours=place)
        client = salon.clients[place % len(salon.clients)]
        item = {"staff_id": staff[who], "service_id": salon.service}
        return {"client_id": client, "start_at": f"{begins:%Y-%m-%d %H:%M:%S}"}, item

    def post(path: str, order: dict[str, Any]) -> bytes:
        return _post(f"/api/{path}", head, order)

    def visit() -> bytes:
        order, item = next_place()
        return post("visits", {**order, "items": [item, item]})

    def single() -> bytes:
        order, item = next_place()
        return post("bookings", {**order, **item})

    ask = f"GET /api/availability?{days}&"
    three = f"{ask}items={','.join([f'{salon.service}:any'] * 3)} HTTP/1.1\r\n{head}\r\n".encode()
    one = f"{ask}service_id={salon.service} HTTP/1.1\r\n{head}\r\n".encode()
    return {
        "POST of a visit of two, to two POST of bookings": (visit, single, 2, None),
        f"14 days of a visit of three by any of {len(staff)}, to one service": (
            lambda: three,
            lambda: one,
            1,
            3,
        ),
    }


def _measure(house: House, server: Program, port: int, request: Request, *, seconds: float) -> Measured:
    groups = server.children(), house.backends()
    before = [processor_seconds(group) for group in groups]
    rate = calls_per_second(port, request, connections=CONNECTIONS, seconds=seconds)
    own, database = (
        (processor_seconds(group) - used) * 1000 / max(1.0, rate * seconds)
        for group, used in zip(groups, before, strict=True)
    )
    return Measured(rate, own, database)


def _requests(house: House, port: int, *, people: slice) -> dict[str, Request]:
    """The calls as bytes; a create takes the next free half hour of `people`."""
    salon = house.salon
    today = datetime.now(UTC).date()
    week = f"date_from={today - timedelta(days=3)}&date_to={today + timedelta(days=3)}"
    head = f"Host: 127.0.0.1:{port}\r\nAuthorization: Bearer {salon.token}\r\n"
    start = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=700)
    counter = itertools.count()
    staff = salon.staff[people]

    def get(path: str) -> Request:
        request = f"GET {path} HTTP/1.1\r\n{head}\r\n".encode()
        return lambda: request

    def create() -> bytes:
        place, who = divmod(next(counter), len(staff))
        begins = start + timedelta(minutes=30 * place)
        order = {
            "client_id": salon.clients[place % len(salon.clients)],
            "staff_id": staff[who],
            "service_id": salon.service,
            "start_at": f"{begins:%Y-%m-%d %H:%M:%S}",
            "end_at": f"{begins + timedelta(minutes=30):%Y-%m-%d %H:%M:%S}",
        }
        return _post("/api/bookings", head, order)

    return {
        "list of 50": get("/api/bookings?page=1"),
        "one": get("/api/bookings/500"),
        "a week": get(f"/api/bookings?page=1&limit=200&staff_id={staff[0]}&{week}"),
        "create": create,
    }


def _post(path: str, head: str, order: dict[str, Any]) -> bytes:
    body = json.dumps(order).encode()
    lines = (
        f"POST {path} HTTP/1.1\r\n{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return lines.encode() + body


@contextmanager
def _floor(house: House) -> Iterator[tuple[Program, int]]:
    """The bare server and its port, with as many workers and threads of the same kind."""
    port = servers.free_port()
    command = ["gunicorn", "-k", "gthread", "-w", str(WORKERS), "--threads", "4", "--keep-alive", "5"]
    where = ["-b", f"127.0.0.1:{port}", "--no-control-socket", "tests.bench.floor"]
    program = house._program("floor", *command, *where)
    program.start()
    try:
        one = _requests(house, port, people=slice(0, 1))["one"]
        for _ in until(60):
            try:
                calls_per_second(port, one, connections=4, seconds=0.2)
                break
            except OSError:
                continue
        yield program, port
    finally:
        program.kill()


def _say_profile(found: dict[str, Any]) -> None:
    print("\nwhat costs most inside one call (own time under cProfile, which makes Python look slower)")
    for name, each in found.items():
        packages = ", ".join(f"{package} {share:.0%}" for package, share in each["packages"].items())
        print(f"  {name:<8} {each['milliseconds']:.1f} ms: {packages}")
        for function, share in list(each["functions"].items())[:8]:
            print(f"           {share:>5.1%}  {function}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
