"""What one salon costs that nobody uses: memory of its processes, and disk for each booking it holds.

    python -m tests.bench.memory [--bookings 300] [--only memory|disk]

On a PostgreSQL and a Redis of this machine, for some shapes of one salon: each is started, used a little,
left alone, and looked at in /proc (Linux). PSS counts what several processes share once; "own" is what no
other process has, which is what the next salon on the same host adds. Then bookings are made over HTTP, their
mails sent, and PostgreSQL asked how much its tables and indexes have grown. Judges nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.chaos.house import Ground, House
from tests.chaos.programs import Program, processor_seconds

REST_SECONDS = 20.0
FLAGS = ("--without-gossip", "--without-mingle", "-l", "WARNING")
WEB = ("gunicorn", "-c", "config/gunicorn.py", "config.wsgi")
WORKER = ("celery", "-q", "-A", "config", "worker", *FLAGS)
BEAT = ("celery", "-q", "-A", "config", "beat", "-l", "WARNING")
# "together": the clock inside of the worker, as `make run` starts it.
TOGETHER = (*WORKER, "-B", "-c", "4")
SHAPES: dict[str, tuple[int, dict[str, tuple[str, ...]]]] = {
    "Procfile": (2, {"web": WEB, "worker": (*WORKER, "-c", "8"), "beat": BEAT}),
    "make run": (2, {"web": WEB, "worker": TOGETHER}),
    "smallest": (1, {"web": WEB, "worker": (*WORKER, "-B", "-c", "2")}),
    "Procfile, preload": (
        2,
        {"web": (*WEB, "--preload"), "worker": (*WORKER, "-c", "8"), "beat": BEAT},
    ),
    "smallest, preload": (1, {"web": (*WEB, "--preload"), "worker": (*WORKER, "-B", "-c", "2")}),
}
# The two that a new salon has.
RULES = (
    {"name": "The evening before", "when": {"days_before": 1, "at": "18:00"}, "channel": "mail"},
    {"name": "Two hours before", "when": {"minutes_before": 120}, "channel": "mail"},
)


class Memory(NamedTuple):
    """In bytes: the proportional share, and what is nobody else's."""

    shared_out: int = 0
    own: int = 0

    def plus(self, other: Memory) -> Memory:
        return Memory(self.shared_out + other.shared_out, self.own + other.own)

    def __str__(self) -> str:
        return f"{self.shared_out / 2**20:6.0f} MB PSS, {self.own / 2**20:6.0f} MB own"


def memory_of(pids: list[int]) -> Memory:
    """Of these processes together; those that are gone count nothing."""
    total = Memory()
    for pid in pids:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            text = Path(f"/proc/{pid}/smaps_rollup").read_text()
            kilobytes = {
                name: int(size) for name, size in re.findall(r"^(\w+): +(\d+) kB", text, re.MULTILINE)
            }
            own = kilobytes["Private_Clean"] + kilobytes["Private_Dirty"]
            total = total.plus(Memory(kilobytes["Pss"] * 1024, own * 1024))
    return total


def family_of(pid: int) -> list[int]:
    """A process and all that descend from it."""
    children = Path(f"/proc/{pid}/task").glob("*/children")
    found = [int(each) for file in children for each in file.read_text().split()]
    return [pid, *(other for child in found for other in family_of(child))]


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.memory")
    parser.add_argument("--bookings", type=int, default=300)
    parser.add_argument("--only", choices=["memory", "disk"])
    asked = parser.parse_args(arguments)
    with Ground() as ground:
        for name, (web, commands) in SHAPES.items() if asked.only != "disk" else ():
            with ground.house("postgres") as house, _running(house, web, commands) as programs:
                _use(house, 10)
                _say_rest(name, house, programs)
        if asked.only != "memory":
            with ground.house("postgres") as house:
                house.start(web=1, worker=True)
                _say_disk(house, asked.bookings)
    return 0


@contextlib.contextmanager
def _running(house: House, web: int, commands: dict[str, tuple[str, ...]]) -> Iterator[list[Program]]:
    """These programs in place of the house's own."""
    variables = {**house.variables, "WEB_CONCURRENCY": str(web), "METRICS_TOKEN": "only-for-benches"}
    programs = [
        Program(
            name, [sys.executable, "-m", *command], environment=variables, log=house.folder / f"{name}.log"
        )
        for name, command in commands.items()
    ]
    house.web = programs[0]
    try:
        for program in programs:
            program.start()
        house.wait_for_web(web)
        yield programs
    finally:
        for program in programs:
            program.end()


def _use(house: House, bookings: int) -> None:
    """Some of everything, so that what is loaded at its first use is loaded."""
    for _ in range(bookings):
        house.desk.book(house.slots.order())
    for path in ("/api/bookings", "/api/clients", "/api/agenda", "/api/availability?service_id=1", "/readyz"):
        house.desk.ask("GET", path)
    for path in (
        "/admin/login/",
        "/book",
        "/agenda",
        "/metrics",
        "/api/v1/bookings",
        "/wp-admin/admin-ajax.php",
    ):
        house.desk.ask("GET", path)
    if house.wait_for_jobs(120.0, hurry=True) is None:
        raise TimeoutError(f"mails were not sent; look at {house.folder}")


def _say_rest(name: str, house: House, programs: list[Program]) -> None:
    pids = [pid for program in programs for pid in family_of(program.pid)]
    before = processor_seconds(pids), _transactions(house)
    time.sleep(REST_SECONDS)
    used, asked = processor_seconds(pids) - before[0], _transactions(house) - before[1]
    parts = {program.name: family_of(program.pid) for program in programs}
    total = memory_of([pid for pids in parts.values() for pid in pids])
    print(f"{name:<20} {total}", flush=True)
    for part, pids in parts.items():
        print(f"    {part:<16} {memory_of(pids)}  {len(pids)} processes")
    backends = house.backends()
    print(f"    {'PostgreSQL':<16} {memory_of(backends)}  {len(backends)} connections")
    print(
        f"    at rest {asked / REST_SECONDS:.1f} transactions/s, {100 * used / REST_SECONDS:.1f} % of a core",
        flush=True,
    )


def _transactions(house: House) -> int:
    """That this database has seen, but for what its backends have yet to tell (they do when idle)."""
    return int(
        house.rows.one(
            "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()"
        )
    )


def _say_disk(house: House, bookings: int) -> None:
    """The slope between some bookings and more of them, so that what an empty table takes is left out."""
    for rule in RULES:
        made = house.desk.ask("POST", "/api/reminder-rules", rule)
        assert made.outcome == "ok", made.body
    sizes = []
    for number in (bookings // 3, bookings):
        for _ in range(number):
            house.desk.book(house.slots.order())
        house.wait_for_jobs(600.0, hurry=True)
        sizes.append(_sizes(house))
    grown = {name: (size - sizes[0].get(name, 0)) / bookings for name, size in sizes[1].items()}
    print(f"disk for each booking, with all its rows and indexes: {sum(grown.values()) / 1024:.1f} kB")
    for name, size in sorted(grown.items(), key=lambda item: -item[1])[:8]:
        print(f"    {name:<36} {size / 1024:6.2f} kB")
    rows = "SELECT count(*) FROM notifications_message"
    print(
        f"    messages for each booking: {house.rows.one(rows) / (bookings + bookings // 3):.1f}", flush=True
    )


def _sizes(house: House) -> dict[str, int]:
    found = house.rows.all(
        "SELECT relname, pg_total_relation_size(oid) FROM pg_class"
        " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )
    return {str(name): int(size) for name, size in found}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
