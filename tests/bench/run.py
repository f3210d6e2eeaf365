"""`make bench`: the product beside a bare WSGI and psycopg server, on one PostgreSQL and in the same minutes.

    python -m tests.bench.run                        # 1,000, 100,000 and 1,000,000 bookings
    python -m tests.bench.run --quick                # 100,000
    python -m tests.bench.run --rounds 3 --bookings 20000

Prints for every call and size the ratio of their calls per second (rounds taken in turns, the median of the
rounds' ratios) and of their p99, how the ratio grows with the bookings, statements and plans, the wait for
each public page beside that for one booking, what the bare array of all takes, and what costs most. Ends with
1 when a plan reads all bookings, when a call needs more statements than it may or more at one size than at
another, when the floor does something else than the product, or with `--strict` when a ratio misses what it
must be. Absolute figures depend on the machine; the ratio is what may be compared.
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
from typing import Any

from tests.bench.calls import CONNECTIONS, Caller, Compared, compare, differences
from tests.bench.load import Request, calls_per_second
from tests.bench.pages import compare_pages
from tests.bench.seed import grow, people_for
from tests.bench.whole_list import compare_whole_list
from tests.cast import servers
from tests.chaos.house import Ground, House
from tests.chaos.programs import ROOT, Program, until

MOST_STATEMENTS = {"list": 3, "one": 2, "week": 2, "create": 16, "move": 20, "delete": 18}
SIZES = (1000, 100_000, 1_000_000)
QUICK = 100_000
LEAST_GROWTH = 0.85
"""The ratio at the most bookings as a part of that at the fewest."""

WORKERS = 2
CLIENTS = 500


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.run")
    parser.add_argument("--bookings", type=int, help="this size alone, beside the smallest for the plans")
    parser.add_argument("--quick", action="store_true", help=f"the same with {QUICK:,}")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=0.6, help="of each round, call and server")
    parser.add_argument("--strict", action="store_true", help="a ratio under what it must be is a failure")
    asked = parser.parse_args(arguments)
    only = QUICK if asked.quick else asked.bookings
    compared = SIZES if only is None else (only,)
    faults: list[str] = []
    people = people_for(max(compared))
    options: dict[str, Any] = {
        "staff": people,
        "clients": CLIENTS,
        "salon": {"online_booking": "instant"},
        "variables": {"TRUSTED_PROXIES": "1"},
    }
    with Ground() as ground, ground.house("postgres", **options) as house:
        url = house.variables["DATABASE_URL"]
        costs: dict[int, dict[str, Any]] = {}
        found: dict[int, dict[str, Compared]] = {}
        misses: list[str] = []
        sizes = sorted({min(SIZES[0], max(compared)), *compared})
        grow(url, to=sizes[0])
        house.start(web=WORKERS)
        with _floor(house) as (floor, port):
            ours = Caller(house, house.port, people=slice(0, 5))
            theirs = Caller(house, port, people=slice(5, 10))
            for size in sizes:
                began = time.monotonic()
                grow(url, to=size)
                print(
                    f"{size:,} bookings of {people} people after {time.monotonic() - began:.0f} s", flush=True
                )
                costs[size] = _inside(house, "statements")
                if size in compared:
                    faults += differences(ours, theirs, size=size)
                    found[size] = compare(
                        ours, theirs, house.web, floor, size=size, rounds=asked.rounds, seconds=asked.seconds
                    )
                    misses += [
                        f"at {size:,}: {miss}" for each in found[size].values() for miss in each.faults
                    ]
        faults += _say_statements(costs)
        misses += _say_growth(found)
        misses += compare_whole_list(house)
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


def _say_growth(found: dict[int, dict[str, Compared]]) -> list[str]:
    """How each ratio changes from the fewest bookings to the most, and which falls too far."""
    few, many = min(found), max(found)
    if few == many:
        return []
    grown = {name: each.ratio / found[few][name].ratio for name, each in found[many].items()}
    print(f"\nratio at {many:,} as a part of that at {few:,} (at least {LEAST_GROWTH})")
    for name, part in grown.items():
        print(f"  {name:<15} {part:.2f}{'  missed' if part < LEAST_GROWTH else ''}", flush=True)
    return [f"{name}: falls to {part:.2f}" for name, part in grown.items() if part < LEAST_GROWTH]


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
        one = Caller(house, port, people=slice(0, 1)).requests(size=1)["one"]
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
