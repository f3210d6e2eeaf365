"""One installation under fault: servers, web, worker, clock, a post office, all on loopback.

with Ground() as ground:                        # PostgreSQL and Valkey, once for all runs
    with ground.house("postgres") as house:     # a migrated database and a salon of its own
        house.start(web=2, worker=True)
        house.desk.book(house.slots.order())
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import psycopg

from tests.cast import servers
from tests.chaos.desk import Desk, Salon, Slots
from tests.chaos.ledger import Requests
from tests.chaos.post_office import PostOffice, post_office
from tests.chaos.programs import ROOT, Program, threads_of, until
from tests.chaos.rows import SQLITE, Rows

Kind = Literal["postgres", "sqlite"]
START_SECONDS = 120.0
WORKER_FLAGS = ("--without-gossip", "--without-mingle", "-l", "INFO")
QUIET_STATES = "('pending', 'claimed')"


class Ground:
    """The servers and migrated databases of a whole chaos session; nothing of it stays."""

    def __init__(self) -> None:
        self._stack = contextlib.ExitStack()
        self._houses = 0

    def __enter__(self) -> Self:
        name = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="bookings-chaos-"))
        self.folder = Path(name)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @cached_property
    def postgres(self) -> servers.Server:
        """Raises servers.Missing."""
        server = self._stack.enter_context(servers.postgres())
        self._prepare(server.url)
        return server

    @cached_property
    def valkey(self) -> servers.Server:
        return self._stack.enter_context(servers.valkey())

    @cached_property
    def sqlite_file(self) -> Path:
        path = self.folder / "template.sqlite3"
        self._prepare(f"{SQLITE}{path}")
        return path

    def house(self, kind: Kind, **options: Any) -> contextlib.AbstractContextManager[House]:
        """A house of its own on a fresh database: PostgreSQL with Valkey, or the embedded kind.

        `options`: those of `House`, and `staff`, `clients`, `names` and `salon` of `fill`.
        """
        return self._house(kind, **options)

    @contextlib.contextmanager
    def _house(
        self,
        kind: Kind,
        *,
        staff: int = 4,
        clients: int = 40,
        names: tuple[str, ...] = ("client",),
        salon: dict[str, Any] | None = None,
        **options: Any,
    ) -> Iterator[House]:
        self._houses += 1
        folder = self.folder / f"house{self._houses}"
        folder.mkdir()
        url = self._fresh_postgres() if kind == "postgres" else self._fresh_sqlite(folder)
        broker = self.valkey.url if kind == "postgres" else ""
        with post_office(folder) as office:
            house = House(folder, database_url=url, broker_url=broker, office=office, **options)
            house.fill(staff=staff, clients=clients, names=list(names), salon=salon or {})
            try:
                yield house
            finally:
                house.close()
        shutil.rmtree(folder, ignore_errors=True)

    def _fresh_postgres(self) -> str:
        name = f"house{self._houses}"
        url = self.postgres.url
        with psycopg.connect(url.rpartition("/")[0] + "/postgres", autocommit=True) as wire:
            wire.execute(f"CREATE DATABASE {name} TEMPLATE bookings".encode())
        return f"{url.rpartition('/')[0]}/{name}"

    def _fresh_sqlite(self, folder: Path) -> str:
        path = folder / "bookings.sqlite3"
        shutil.copy(self.sqlite_file, path)
        return f"{SQLITE}{path}"

    def _prepare(self, url: str) -> None:
        folder = self.folder / "prepare"
        folder.mkdir(exist_ok=True)
        variables = environment(DATABASE_URL=url, DATA_DIR=str(folder))
        for command in (["migrate", "-v", "0"], ["createcachetable"]):
            subprocess.run([sys.executable, "manage.py", *command], cwd=ROOT, env=variables, check=True)
        if url.startswith(SQLITE):
            Rows(url).all("PRAGMA wal_checkpoint(TRUNCATE)")


class House:
    """Web, worker, clock and post office of one installation. `variables` are more of the environment."""

    def __init__(
        self,
        folder: Path,
        *,
        database_url: str,
        broker_url: str,
        office: PostOffice,
        lease: int = 20,
        variables: dict[str, str] | None = None,
    ) -> None:
        self.folder, self.office, self.lease = folder, office, lease
        self.rows = Rows(database_url)
        self.port = servers.free_port()
        self.embedded = not broker_url
        self.requests = Requests(folder / "requests.jsonl")
        self.variables = environment(
            DATABASE_URL=database_url,
            BROKER_URL=broker_url,
            DATA_DIR=str(folder / "data"),
            PORT=str(self.port),
            EMAIL_URL=office.url,
            JOB_LEASE_SECONDS=str(lease),
            **(variables or {}),
        )
        self.programs: list[Program] = []
        self.web = self._program("web", "gunicorn", "-c", "config/gunicorn.py", "config.wsgi")
        self.worker = self.another_worker("worker")
        self.beat = self.another_beat("beat")

    def fill(self, **wanted: Any) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "tests.chaos.fill", json.dumps(wanted)],
            cwd=ROOT,
            env=self.variables,
            check=True,
            stdout=subprocess.PIPE,
        )
        self.salon = Salon(**json.loads(done.stdout))
        self.slots = Slots(self.salon)
        self.desk = Desk(port=self.port, token=self.salon.token, requests=self.requests)

    def start(self, *, web: int = 0, worker: bool = False, beat: bool = True) -> None:
        """`web` gunicorn workers, each having answered something when this returns."""
        if worker:
            self.worker.start()
            if beat and not self.embedded:
                self.beat.start()
        if web:
            self.web._environment["WEB_CONCURRENCY"] = str(web)
            self.web.start()
            self.wait_for_web(web)

    def wait_for_web(self, workers: int) -> None:
        """Until so many gunicorn workers have answered. Raises TimeoutError with the end of the log."""
        quiet = Desk(port=self.port, token=self.salon.token, requests=Requests(self.folder / "warming.jsonl"))
        for _ in until(START_SECONDS, every=0.01):
            quiet.ask("GET", "/api/bookings?page=1&limit=1", patience=10)
            # A worker has its second thread from its first request on.
            ready = [pid for pid in self.web.children() if threads_of(pid) > 1]
            if len(ready) >= workers:
                return
        raise TimeoutError(f"the web did not start:\n{self.web.log.read_text()[-2000:]}")

    def another_worker(self, name: str, **variables: str) -> Program:
        embedded = ["-B", "--without-heartbeat"] if self.embedded else []
        command = ["celery", "-q", "-A", "config", "worker", "-c", "4"]
        return self._program(name, *command, *embedded, *WORKER_FLAGS, "-n", f"{name}@here", **variables)

    def another_beat(self, name: str) -> Program:
        return self._program(name, "celery", "-q", "-A", "config", "beat", "-l", "INFO")

    def manage(self, *command: str) -> str:
        """Run a management command; its output."""
        done = subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=ROOT,
            env=self.variables,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        return done.stdout

    def backends(self) -> list[int]:
        """The process ids of PostgreSQL's own processes that serve this house."""
        return [
            pid
            for (pid,) in self.rows.all("SELECT pid FROM pg_stat_activity WHERE backend_type LIKE 'client%'")
        ]

    def unfinished(self, *, later_too: bool = False) -> int:
        """Jobs that are pending and were due when made, or in a worker's hands; `later_too`: all pending."""
        due = "" if later_too else " AND (first_run_at <= created_at OR state = 'claimed')"
        return int(
            self.rows.one(f"SELECT count(*) FROM notifications_job WHERE state IN {QUIET_STATES}{due}")
        )

    def wait_for_jobs(self, seconds: float, *, hurry: bool = False, later_too: bool = False) -> float | None:
        """Seconds until no job was left to do; None when some were still there after `seconds`.

        `hurry` brings waits for a next try forward every second.
        """
        began = time.monotonic()
        for _ in until(seconds, every=1.0 if hurry else 0.3):
            if self.unfinished(later_too=later_too) == 0:
                return time.monotonic() - began
            if hurry:
                self.rows.hurry()
        return None

    def crashes(self) -> list[str]:
        """What the web's log says of errors nobody foresaw."""
        return self.web.said("Traceback", "internal_error", "deadlock detected", "Worker failed to boot")

    def close(self) -> None:
        for program in self.programs:
            program.kill()
        self.requests.close()

    def _program(self, name: str, *command: str, **variables: str) -> Program:
        program = Program(
            name,
            [sys.executable, "-m", *command],
            environment={**self.variables, **variables},
            log=self.folder / f"{name}.log",
        )
        self.programs.append(program)
        return program


def environment(**variables: str) -> dict[str, str]:
    """The product's environment: nothing of whoever started the run but PATH and HOME."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {
        **kept,
        "SECRET_KEY": "only-for-fault-runs-" * 3,
        "HOST": "127.0.0.1",
        "DEBUG": "0",
        "DEMO": "0",
        "TIME_ZONE": "UTC",
        "DEFAULT_FROM_EMAIL": "salon@example.com",
        "PYTHONUNBUFFERED": "1",
        **variables,
    }
