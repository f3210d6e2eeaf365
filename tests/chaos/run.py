"""`make chaos`: fault runs with real processes on loopback (PostgreSQL, Valkey, gunicorn, Celery, SMTP).

    python -m tests.chaos.run                       # all, about 15 minutes on two cores
    python -m tests.chaos.run --only F1,F6 --bookings 5000
    python -m tests.chaos.run --full                # the full sizes

Each run prints its ledger: what was asked, what was found, each promise kept or BROKEN. Ends with 1 when one
is broken. Ends only processes it started, and leaves nothing behind.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.cast import servers
from tests.chaos import brokers, databases, kills, mails, money, races, reminders, texts
from tests.chaos.house import Ground
from tests.chaos.ledger import Ledger
from tests.chaos.sizes import FULL, Sizes

Run = Callable[[Ground, Sizes], list[Ledger]]

RUNS: dict[str, Run] = {
    "F1": kills.f1,
    "F2": kills.f2,
    "F3": brokers.f3,
    "F4": brokers.f4,
    "F5": databases.f5,
    "F6": mails.f6,
    "F7": money.f7,
    "F8": money.f7,
    "F9": mails.f9,
    "F10": mails.f10,
    "F11": races.f11,
    "F12": kills.f12,
    "F13": databases.f13,
    "F14": texts.f14,
    "F15": reminders.f15,
}


def main(arguments: list[str]) -> int:
    chosen, sizes = _asked(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    began = time.monotonic()
    ledgers: list[Ledger] = []
    with Ground() as ground:
        for name, run in _once(chosen).items():
            try:
                ledgers += run(ground, sizes)
            except servers.Missing as missing:
                ledgers.append(_left_out(name, str(missing)))
    print("\n" + "\n".join(f"{each.name:<4} {each.verdict}" for each in ledgers), flush=True)
    broken = sum(bool(each.broken) for each in ledgers)
    skipped = sum(bool(each.skipped) for each in ledgers)
    print(
        f"{len(ledgers)} fault runs in {time.monotonic() - began:.0f} s: "
        f"{len(ledgers) - broken - skipped} kept, {broken} broken, {skipped} skipped",
        flush=True,
    )
    return int(broken > 0 or (skipped > 0 and os.environ.get("REQUIRE_ALL") == "1"))


def _once(names: list[str]) -> dict[str, Run]:
    """What to run: two names of one run, such as F7 and F8, mean it once."""
    runs: dict[str, Run] = {}
    for name in names:
        if RUNS[name] not in runs.values():
            runs[name] = RUNS[name]
    return runs


def _left_out(name: str, reason: str) -> Ledger:
    ledger = Ledger(name, "did not run", "none")
    ledger.skip(reason)
    return ledger


def _asked(arguments: list[str]) -> tuple[list[str], Sizes]:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.run", description=__doc__.split("\n")[0])
    parser.add_argument("--only", default=",".join(RUNS), help="such as F1,F6")
    parser.add_argument("--full", action="store_true", help="the full sizes; hours on two cores")
    parser.add_argument("--databases", help="postgres, sqlite or both with a comma")
    parser.add_argument("--kill-every", help="seconds, such as 3 or 3-5")
    for name in ("bookings", "lease", "racers", "race_rounds", "writers", "seed", "web_bookings", "mails"):
        parser.add_argument(f"--{name.replace('_', '-')}", type=int)
    for name in (
        "broker_faults",
        "database_restarts",
        "fees",
        "bursts",
        "terms",
        "embedded_kills",
        "reminders",
    ):
        parser.add_argument(f"--{name.replace('_', '-')}", type=int)
    for name in ("per_second", "mix_seconds", "broker_stopped", "broker_fault_every"):
        parser.add_argument(f"--{name.replace('_', '-')}", type=float)
    asked: dict[str, Any] = vars(parser.parse_args(arguments))
    chosen = [name.strip().upper() for name in asked.pop("only").split(",")]
    if unknown := set(chosen) - set(RUNS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(RUNS)}")
    sizes = FULL if asked.pop("full") else Sizes()
    changes = {name: value for name, value in asked.items() if value is not None}
    if "databases" in changes:
        changes["databases"] = tuple(changes["databases"].split(","))
    if "kill_every" in changes:
        seconds = [float(each) for each in changes["kill_every"].split("-")]
        changes["kill_every"] = (seconds[0], seconds[-1])
    return chosen, replace(sizes, **changes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
