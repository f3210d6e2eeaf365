"""`make bench`: the product beside a bare WSGI and psycopg server, on one PostgreSQL and in the same minutes.

    python -m tests.bench.run                        # 100,000 bookings
    python -m tests.bench.run --rounds 3 --bookings 20000

Prints for every call the ratio of their calls per second (rounds taken in turns, the median of the rounds'
ratios), statements and plans at both sizes, and what costs most. Ends with 1 when a plan reads all bookings,
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
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from tests import servers
from tests.bench.load import Request, calls_per_second
from tests.bench.seed import PEOPLE, grow
from tests.chaos.house import Ground, House
from tests.chaos.programs import ROOT, until

AIMS = {"list of 50": 0.3, "one": 0.3, "create": 0.2, "a week": 0.3}
MOST_STATEMENTS = {"list": 4, "one": 3}
SMALL = 1000
CONNECTIONS = 4
WORKERS = 2
CLIENTS = 500


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.run")
    parser.add_argument("--bookings", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=1.5, help="of each round, call and server")
    parser.add_argument("--strict", action="store_true", help="a ratio under its aim is a failure")
    asked = parser.parse_args(arguments)
    faults: list[str] = []
    with Ground() as ground, ground.house("postgres", staff=PEOPLE, clients=CLIENTS) as house:
        url = house.variables["DATABASE_URL"]
        sizes = (SMALL, asked.bookings)
        costs = {}
        for size in sizes:
            grow(url, to=size)
            costs[size] = _inside(house, "statements")
        faults += _say_statements(costs)
        house.start(web=WORKERS)
        with _floor(house) as port:
            misses = _compare(house, port, rounds=asked.rounds, seconds=asked.seconds)
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
    small, large = costs
    print(f"\nstatements per call at {small:,} and at {large:,} bookings (BEGIN and COMMIT not counted)")
    faults = []
    for name, at_large in costs[large].items():
        at_small = costs[small][name]
        pair = at_small["statements"], at_large["statements"]
        reads_all = {size: len(costs[size][name]["sequential"]) for size in costs}
        print(f"  {name:<10} {pair[0]:>3} {pair[1]:>3}   sequential scans over bookings {reads_all}")
        if at_small["status"] != 200 or at_large["status"] != 200:
            faults.append(f"{name}: answered {at_small['status']} and {at_large['status']}")
        if pair[0] != pair[1] or max(pair) > MOST_STATEMENTS.get(name, 99):
            faults.append(
                f"{name}: {pair[0]} and {pair[1]} statements, may be {MOST_STATEMENTS.get(name, 'any')}"
            )
        for size, count in reads_all.items():
            if count:
                faults.append(
                    f"{name} at {size}: a plan reads all bookings\n{costs[size][name]['sequential'][0]}"
                )
    return faults


def _compare(house: House, floor_port: int, *, rounds: int, seconds: float) -> list[str]:
    """Rounds in turns; prints both rates and the ratio, gives the calls whose ratio misses its aim."""
    print(
        f"\ncalls per second, {WORKERS} gunicorn workers each, {CONNECTIONS} connections, "
        f"median of {rounds} rounds"
        f"\n  {'call':<12} {'product':>9} {'floor':>9} {'ratio':>7} {'rounds':>15} {'aim':>6}"
    )
    misses = []
    ours, theirs = (
        _requests(house, house.port, people=slice(0, 5)),
        _requests(house, floor_port, people=slice(5, 10)),
    )
    for name, aim in AIMS.items():
        rates: dict[int, list[float]] = {house.port: [], floor_port: []}
        for number in range(rounds + 1):
            pair = [(house.port, ours[name]), (floor_port, theirs[name])]
            for port, request in pair if number % 2 else reversed(pair):
                rate = calls_per_second(port, request, connections=CONNECTIONS, seconds=seconds)
                if number:
                    rates[port].append(rate)
        ratios = [one / other for one, other in zip(rates[house.port], rates[floor_port], strict=True)]
        ratio = statistics.median(ratios)
        print(
            f"  {name:<12} {statistics.median(rates[house.port]):>9.0f} "
            f"{statistics.median(rates[floor_port]):>9.0f} {ratio:>7.2f} "
            f"{f'{min(ratios):.2f}-{max(ratios):.2f}':>15} {aim:>6}{'' if ratio >= aim else '  missed'}",
            flush=True,
        )
        if ratio < aim:
            misses.append(f"{name}: {ratio:.2f} of the floor, aim {aim}")
    return misses


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
        body = json.dumps(order).encode()
        return (
            f"POST /api/bookings HTTP/1.1\r\n{head}Content-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n".encode()
            + body
        )

    return {
        "list of 50": get("/api/bookings?page=1"),
        "one": get("/api/bookings/500"),
        "a week": get(f"/api/bookings?page=1&limit=200&staff_id={staff[0]}&{week}"),
        "create": create,
    }


@contextmanager
def _floor(house: House) -> Iterator[int]:
    """The bare server, with as many workers and threads of the same kind."""
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
        yield port
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
