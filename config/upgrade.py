"""`make upgrade`: the new code is here, what runs is the old one (docs/adr/0107; operations, "Upgrades").

    python -m config.upgrade [--by run|systemd|hand]

Backup, a look at it, the schema, restart, health. Until the schema is touched every failure leaves running
what runs. On PostgreSQL the schema grows beside the old release; on SQLite nobody writes meanwhile: it
drops the triggers that refuse double bookings where Django remakes a table.
"""

from __future__ import annotations

import argparse
import fcntl
import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import django
from django.db import connection

from config.healthcheck import ask
from config.run import ROOT, RUNNING, complete_environment, database

UNITS = ("bookings-worker.service", "bookings-beat.service", "bookings-web.service")
"""As they are restarted (deploy/): what the new web makes due, the old worker may not know."""
WEB = UNITS[-1]

READY_SECONDS = 120.0
LOOK_EVERY_SECONDS = 0.2
ROOM = {"sqlite": 3, "postgresql": 1}
"""Times the database's size that have to be free: the backup; on SQLite a trial and tables made anew too."""


class Failed(Exception):
    """The upgrade ends here; the message says why."""


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="make upgrade", description=__doc__.split("\n")[0], allow_abbrev=False
    )
    parser.add_argument(
        "--by", choices=["run", "systemd", "hand"], help="how it is restarted; else found out"
    )
    asked = parser.parse_args(arguments)
    os.chdir(ROOT)
    folder = Path(os.environ.get("DATA_DIR") or ROOT / "var").resolve()
    running = _running(folder / RUNNING)
    if running is None and not folder.is_dir() and not os.environ.get("DATABASE_URL"):
        sys.stderr.write(f"There is no {folder}: nothing to upgrade. `make run` begins.\n")
        return 1
    house, backup = House(folder, running), None
    try:
        _begin(house)
        house.find_out(asked.by)
        _say(f"restart by {house.how}; database: {connection.vendor}")
        _manage("check", "--fail-level", "ERROR")
        backup = _back_up(folder)
        away = _stop_migrate_start(house) if connection.vendor == "sqlite" else _migrate_then_restart(house)
        _say(_manage("catch_up").strip())
    except (Failed, OSError, KeyboardInterrupt) as failure:
        touched = house.touched and backup is not None
        after = _way_back(backup) if touched else "Nothing was changed; what runs goes on."
        sys.stderr.write(f"\nThe upgrade has failed: {failure}\n{after}\n")
        return 1
    if away is not None:
        _say(f"done; nobody was answered for {away:.1f} s")
    return 0


@dataclass
class House:
    """What runs here, how it is restarted, and whether its schema has been touched."""

    folder: Path
    running: dict[str, Any] | None
    how: str = "hand"
    units: tuple[str, ...] = ()
    """Those of systemd that are at work on this host, in the order of UNITS."""
    touched: bool = False

    def find_out(self, by: str | None) -> None:
        """Raises Failed where something runs that cannot be restarted from here and may not write meanwhile,
        and where `make run` has not come as far as to be asked."""
        if by == "systemd" or (by is None and self.running is None):
            self.units = tuple(unit for unit in UNITS if _is_active(unit))
        self.how = by or ("run" if self.running else "systemd" if self.units else "hand")
        if self.how == "run":
            if self.running is None:
                raise Failed(f"`make run` is not at work on {self.folder}.")
            if _status("/healthz") is None:
                raise Failed(f"`make run` does not answer on {_address()} yet; call this again once it does.")
        if self.how == "hand" and by is None and connection.vendor == "sqlite" and _status("/healthz"):
            raise Failed(
                f"something answers on {_address()} that was started neither by `make run` of this version "
                f"nor as {WEB}. End it (Ctrl-C, TERM), call this again, then start it anew."
            )

    def first_run(self) -> None:
        self.touched = True
        _manage("first_run")

    def run_again(self) -> None:
        """`make run` begins with first_run; returns when it is a new one. Raises Failed."""
        assert self.running is not None
        os.kill(self.running["pid"], signal.SIGUSR2)
        self.touched = True
        for _ in _until(READY_SECONDS):
            now = _running(self.folder / RUNNING)
            if now is not None and now["began"] != self.running["began"]:
                return
        raise Failed("`make run` did not come back; its terminal says why.")


def _begin(house: House) -> None:
    """Django, in the environment of what runs. Raises Failed where that is another database's."""
    if house.running is not None:
        os.environ.update(HOST=house.running["host"], PORT=house.running["port"])
        here, there = database(house.folder), house.running.get("database")
        if here != there:
            raise Failed(
                f"`make run` is at work on {there}, and this environment names {here}. "
                "Call this with the DATABASE_URL it was started with."
            )
    house.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    complete_environment(house.folder)
    django.setup()


def _is_active(unit: str) -> bool:
    systemctl = shutil.which("systemctl")
    command = [systemctl or "systemctl", "is-active", "--quiet", unit]
    return systemctl is not None and subprocess.run(command, check=False).returncode == 0


def _running(file: Path) -> dict[str, Any] | None:
    """What `make run` wrote, if it runs: it keeps the file locked."""
    if not file.exists():
        return None
    with file.open() as opened:
        try:
            fcntl.flock(opened, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            text = opened.read()
            told: dict[str, Any] | None = json.loads(text) if text else None
            return told
    return None


def _back_up(folder: Path) -> Path:
    """The file, looked at. Raises Failed, also for want of room."""
    backups = folder / "backups"
    backups.mkdir(mode=0o700, parents=True, exist_ok=True)
    size, free = _size(), shutil.disk_usage(backups).free
    if free < size * ROOM[connection.vendor]:
        raise Failed(
            f"{size * ROOM[connection.vendor]:,} bytes are needed in {backups} and {free:,} are free; delete "
            "older backups there."
        )
    file = backups / f"{datetime.now(UTC):%Y-%m-%d-%H%M%S}.backup"
    _say(_manage("backup", str(file)).strip())
    if connection.vendor == "postgresql":
        listed = _run("pg_restore", "--list", str(file))
        if "TABLE DATA public bookings_booking" not in listed:
            raise Failed(f"{file} lists no bookings.")
    else:
        _try_on_a_copy(file)
    return file


def _try_on_a_copy(file: Path) -> None:
    """SQLite: whether the copy is whole, and can be brought up to date."""
    trial = file.with_suffix(".trial")
    try:
        shutil.copy(file, trial)
        # Checked afterwards: what Django took away while it made a table anew is put back by this.
        _manage("migrate", "--skip-checks", "--no-input", "-v", "0", DATABASE_URL=f"sqlite:///{trial}")
        _manage("check", "--database", "default", DATABASE_URL=f"sqlite:///{trial}")
    finally:
        for each in file.parent.glob(f"{trial.name}*"):
            each.unlink()
    _say("a copy of it could be brought up to date")


def _size() -> int:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_database_size(current_database())")
            return int(cursor.fetchone()[0])
    database = Path(connection.settings_dict["NAME"])
    return sum(each.stat().st_size for each in database.parent.glob(f"{database.name}*"))


def _stop_migrate_start(house: House) -> float | None:
    """SQLite. Seconds in which nobody was answered; None where no web ran."""
    if house.how == "hand":
        house.first_run()
        _say("up to date; start it again (`make run`)")
        return None
    with _watching() as watch:
        if house.how == "run":
            house.run_again()
        else:
            try:
                _systemctl("stop", *reversed(house.units))
                house.first_run()
            except (Failed, KeyboardInterrupt):
                if not house.touched:
                    _systemctl("start", *house.units)
                raise
            _systemctl("start", *house.units)
        if house.how == "systemd" and WEB not in house.units:
            return None
        _wait_until_ready()
    return watch.longest


def _migrate_then_restart(house: House) -> float | None:
    """PostgreSQL. Seconds in which nobody was answered; None where it is for somebody else to restart."""
    before_the_web = [unit for unit in house.units if unit != WEB]
    with _watching() as watch:
        try:
            _systemctl("stop", *before_the_web)
            house.first_run()
        finally:
            _systemctl("start", *before_the_web)
        if house.how == "run":
            house.run_again()
        elif WEB in house.units:
            _systemctl("restart", WEB)
        else:
            _say(
                "the schema is up to date; restart what else runs, worker and beat before the web, then "
                "`manage.py catch_up`"
            )
            return None
        _wait_until_ready()
    return watch.longest


def _wait_until_ready() -> None:
    for _ in _until(READY_SECONDS):
        if _status("/readyz") == 200:
            return
    raise Failed(f"{_address()}/readyz has not said within {READY_SECONDS:.0f} s that bookings can be taken.")


class _Watch:
    """Asks whether somebody answers, and keeps the longest time (seconds) in which nobody did."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def end(self) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        last = time.monotonic()
        while not self._over.wait(LOOK_EVERY_SECONDS):
            answered = _status("/healthz") == 200
            now = time.monotonic()
            self.longest = max(self.longest, now - last)
            if answered:
                last = now


@contextmanager
def _watching() -> Iterator[_Watch]:
    watch = _Watch()
    try:
        yield watch
    finally:
        watch.end()


def _status(path: str) -> int | None:
    """Of the web process's answer; None: nobody answers."""
    try:
        return ask(path, os.environ)
    except (OSError, http.client.HTTPException):
        return None


def _address() -> str:
    return f"http://{os.environ['HOST']}:{os.environ['PORT']}"


def _systemctl(what: str, *units: str) -> None:
    if units:
        _say(f"systemctl {what} {' '.join(units)}")
        _run("systemctl", what, *units)


def _manage(*arguments: str, **variables: str) -> str:
    return _run(sys.executable, "manage.py", *arguments, **variables)


def _run(*command: str, **variables: str) -> str:
    """What it prints. Raises Failed with the end of what it said."""
    try:
        done = subprocess.run(
            command, env={**os.environ, **variables}, capture_output=True, text=True, check=False
        )
    except FileNotFoundError as missing:
        raise Failed(f"{command[0]} was not found.") from missing
    if done.returncode:
        raise Failed(f"{' '.join(command[-3:])}: {(done.stderr or done.stdout).strip()[-1500:]}")
    return done.stdout


def _until(seconds: float) -> Iterator[None]:
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        yield
        time.sleep(LOOK_EVERY_SECONDS)


def _say(text: str) -> None:
    sys.stdout.write(f"upgrade: {text}\n")
    sys.stdout.flush()


def _way_back(backup: Path | None) -> str:
    target = (
        "DATABASE_URL=postgres://.../<a new, empty database>"
        if connection.vendor == "postgresql"
        else "DATA_DIR=<a new, empty folder>"
    )
    return (
        f"The salon as it was is in {backup}. To go back: end what runs, check out the version of before\n"
        "(git reflog), then\n"
        "  make .venv/installed-run\n"
        f"  {target} .venv/bin/python manage.py restore {backup}\n"
        "  the same with: manage.py release_jobs --overdue=send\n"
        "and start it there. On PostgreSQL the version of before also works on the database as it is now."
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
