"""`make test`: the whole suite on SQLite, then on PostgreSQL and Redis; extra arguments go to pytest.

    python -m tests.run [--only sqlite|postgres] [pytest's own arguments]

Processes take one test file each at a time (pytest-xdist), one more of them than the machine has cores: some
test always waits for a server to start or for a lease to end. What asks for no database and no server runs in
the first pass alone, unless the second is asked for alone. A server that cannot be had is said loudly, and is
a failure with REQUIRE_ALL=1. The closing line of every pass comes last.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping

from tests.cast import servers

OURS = (
    "DATABASE_URL",
    "BROKER_URL",
    "CACHE_URL",
    "EMAIL_URL",
    "DATA_DIR",
    "DEMO",
    "DEBUG",
    "SECRET_KEY",
    "HOST",
    "PORT",
    "ALLOWED_HOSTS",
    "FRONTEND_ORIGINS",
    "TRUSTED_PROXIES",
    # Every process would compile all tests anew, which takes it longer than to collect them.
    "PYTHONDONTWRITEBYTECODE",
)
CORES = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
IN_PARALLEL = (
    f"--numprocesses={min(CORES + 1, servers.REDIS_DATABASES)}",
    "--dist=loadfile",
    "--no-loadscope-reorder",
)


class Pass:
    """One run of something, with the line it closed with."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.status = 0
        self.closing = "did not run"

    def run(self, command: list[str], variables: Mapping[str, str]) -> None:
        print(f"\n=== {self.name}: {' '.join(command[1:])}", flush=True)
        environment = {name: value for name, value in os.environ.items() if name not in OURS}
        running = subprocess.Popen(
            command, env={**environment, **variables}, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        assert running.stdout is not None
        for line in running.stdout:
            print(line, end="", flush=True)
            self.closing = line.strip() or self.closing
        self.status = running.wait()

    def skip(self, reason: str) -> None:
        self.closing = f"SKIPPED: {reason}"
        self.status = 1 if os.environ.get("REQUIRE_ALL") == "1" else 0
        print(f"\n{'!' * 100}\n!!! {self.name}: {self.closing}\n{'!' * 100}", flush=True)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.run", allow_abbrev=False)
    parser.add_argument("--only", choices=["sqlite", "postgres"])
    asked, others = parser.parse_known_args(arguments)
    pytest = [sys.executable, "-m", "pytest", *IN_PARALLEL, *others]
    passes = []
    if asked.only != "postgres":
        passes.append(_on_sqlite(pytest))
    if asked.only != "sqlite":
        passes.append(_on_servers(pytest if asked.only else [*pytest, "--second-pass"]))
    print("\n" + "\n".join(f"{each.name}: {each.closing}" for each in passes), flush=True)
    return max(each.status for each in passes)


def _on_sqlite(pytest: list[str]) -> Pass:
    done = Pass("SQLite")
    done.run(pytest, {})
    return done


def _on_servers(pytest: list[str]) -> Pass:
    done = Pass("PostgreSQL + Redis")
    with contextlib.ExitStack() as stack:
        try:
            variables = {name: stack.enter_context(server()) for name, server in SERVERS.items()}
        except servers.Missing as missing:
            done.skip(str(missing))
        else:
            done.run(pytest, variables)
    return done


@contextlib.contextmanager
def _database_url() -> Iterator[str]:
    with servers.database() as server:
        yield server.url


@contextlib.contextmanager
def _broker_url() -> Iterator[str]:
    with servers.broker() as server:
        yield server.url


SERVERS: dict[str, Callable[[], contextlib.AbstractContextManager[str]]] = {
    "DATABASE_URL": _database_url,
    "BROKER_URL": _broker_url,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
