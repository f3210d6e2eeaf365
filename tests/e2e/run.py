"""`make e2e`: whole installations, used from outside. Exits with 1 when anything failed.

make e2e                                    # all of it, about ten minutes
make e2e ARGS="fuzz --examples 200"         # schemathesis alone, on SQLite and on PostgreSQL
make e2e ARGS="browser"                     # a person's clicks in Chromium
make e2e ARGS="clients"                     # a client books, in Chromium, under axe's eyes
make e2e ARGS="agenda"                      # the desk's day at /agenda, in Chromium
make e2e ARGS="access"                      # access matrix and odd bodies, nothing left out
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path

from tests.cast import servers
from tests.e2e import agenda, browser, clients
from tests.e2e.fuzz import fuzz
from tests.e2e.house import installation

SEED = 20261120
BEHIND_A_PROXY = {"TRUSTED_PROXIES": "1"}


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="make e2e", description=(__doc__ or "").partition(".")[0])
    parser.add_argument("which", nargs="*", choices=[*RUNS, []], help="all of them unless said")
    parser.add_argument("--examples", type=int, default=40, help="of schemathesis, per operation")
    parser.add_argument("--seed", type=int, default=SEED)
    asked = parser.parse_args(arguments)
    results: dict[str, str] = {}
    for name in asked.which or RUNS:
        print(f"\n=== {name}", flush=True)
        try:
            results[name] = "passed" if RUNS[name](asked) == 0 else "FAILED"
        except servers.Missing as missing:
            results[name] = f"SKIPPED: {missing}"
            print(f"\n{'!' * 100}\n!!! {name}: {results[name]}\n{'!' * 100}", flush=True)
        except Exception:  # noqa: BLE001 - the other runs are wanted all the same
            traceback.print_exc()
            results[name] = "FAILED"
    print("\n" + "\n".join(f"{name}: {result}" for name, result in results.items()), flush=True)
    missing_counts = os.environ.get("REQUIRE_ALL") == "1"
    return int(any(each == "FAILED" or (missing_counts and each != "passed") for each in results.values()))


def fuzz_on_sqlite(asked: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory(prefix="bookings-e2e-") as name:
        folder = Path(name)
        with installation(folder, **BEHIND_A_PROXY) as house:
            return fuzz(house, folder, examples=asked.examples, seed=asked.seed)


def fuzz_on_postgres(asked: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory(prefix="bookings-e2e-") as name, servers.database() as database:
        folder = Path(name)
        with installation(folder, database_url=database.url, **BEHIND_A_PROXY) as house:
            return fuzz(house, folder, examples=asked.examples, seed=asked.seed)


def in_a_browser(asked: argparse.Namespace) -> int:
    """Raises servers.Missing without Chromium."""
    with tempfile.TemporaryDirectory(prefix="bookings-e2e-") as name:
        return browser.walk(Path(name))


def clients_in_a_browser(asked: argparse.Namespace) -> int:
    """Raises servers.Missing without Chromium."""
    with tempfile.TemporaryDirectory(prefix="bookings-e2e-") as name:
        return clients.walk(Path(name))


def agenda_in_a_browser(asked: argparse.Namespace) -> int:
    """Raises servers.Missing without Chromium."""
    with tempfile.TemporaryDirectory(prefix="bookings-e2e-") as name:
        return agenda.walk(Path(name))


def access(asked: argparse.Namespace) -> int:
    files = (
        "whole/test_access_matrix",
        "whole/test_access_admin",
        "wire/test_odd_bodies",
        "wire/test_every_route",
    )
    tests = [f"tests/{each}.py" for each in files]
    command = [sys.executable, "-m", "pytest", "--ds=tests.settings", "-q", "-o", "timeout=1200", *tests]
    return subprocess.run(command, env=os.environ | {"LEAVE_NOTHING_OUT": "1"}, check=False).returncode


RUNS: dict[str, Callable[[argparse.Namespace], int]] = {
    "fuzz": fuzz_on_sqlite,
    "fuzz-postgres": fuzz_on_postgres,
    "browser": in_a_browser,
    "clients": clients_in_a_browser,
    "agenda": agenda_in_a_browser,
    "access": access,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
