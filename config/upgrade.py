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
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.db import connection

from config.run import ROOT, RUNNING, complete_environment

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
    if running is not None:
        os.environ.update(HOST=running["host"], PORT=running["port"])
    if not folder.is_dir() and not os.environ.get("DATABASE_URL"):
        sys.stderr.write(f"There is no {folder}: nothing to upgrade. `make run` begins.\n")
        return 1
    complete_environment(folder)
    django.setup()
    backup: Path | None = None
    touched = False
    try:
        how = asked.by or _how(running)
        _say(f"restart by {how}; database: {connection.vendor}")
        _manage("check", "--fail-level", "ERROR")
        backup = _back_up(folder)
        touched = True
        if connection.vendor == "sqlite":
            away = _stop_migrate_start(how, running, folder)
        else:
            away = _migrate_then_restart(how, running, folder)
        _say(_manage("catch_up").strip())
    except (Failed, KeyboardInterrupt) as failure:
        after = _way_back(backup) if touched and backup else "Nothing was changed; what runs goes on."
        sys.stderr.write(f"\nThe upgrade has failed: {failure}\n{after}\n")
        return 1
    if away is not None:
        _say(f"done; nobody was answered for {away:.1f} s")
    return 0


def _how(running: dict[str, Any] | None) -> str:
    """Raises Failed where something runs that cannot be restarted from here and may not write meanwhile."""
    if running is not None:
        return "run"
    systemctl = shutil.which("systemctl")
    if systemctl and subprocess.run([systemctl, "is-active", "--quiet", WEB], check=False).returncode == 0:
        return "systemd"
    if connection.vendor == "sqlite" and _answers("/healthz"):
        raise Failed(
            f"something answers on {_address()} that was started neither by `make run` of this version nor "
            f"as {WEB}. End it (Ctrl-C, TERM), call this again, then start it anew."
        )
    return "hand"


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
    backups.mkdir(mode=0o700, exist_ok=True)
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
        _manage("migrate", "--no-input", "-v", "0", DATABASE_URL=f"sqlite:///{trial}")
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


def _stop_migrate_start(how: str, running: dict[str, Any] | None, folder: Path) -> float | None:
    """SQLite. Seconds in which nobody was answered; None where nothing ran."""
    if how == "hand":
        _manage("first_run")
        _say("up to date; start it again (`make run`)")
        return None
    with _watching() as watch:
        if how == "run" and running is not None:
            _run_again(running, folder)
        else:
            _systemctl("stop", *reversed(UNITS))
            _manage("first_run")
            _systemctl("start", *UNITS)
        _wait_until_ready()
    return watch.longest


def _migrate_then_restart(how: str, running: dict[str, Any] | None, folder: Path) -> float | None:
    """PostgreSQL. Seconds in which nobody was answered; None where it is for somebody else to restart."""
    with _watching() as watch:
        if how == "systemd":
            _systemctl("stop", *UNITS[:-1])
        try:
            _manage("first_run")
        finally:
            if how == "systemd":
                _systemctl("start", *UNITS[:-1])
        if how == "hand":
            _say(
                "the schema is up to date; restart worker, beat and web, in this order, then "
                "`manage.py catch_up`"
            )
            return None
        if how == "run" and running is not None:
            _run_again(running, folder)
        else:
            _systemctl("restart", WEB)
        _wait_until_ready()
    return watch.longest


def _run_again(running: dict[str, Any], folder: Path) -> None:
    """Returns when `make run` is a new one. Raises Failed."""
    os.kill(running["pid"], signal.SIGUSR2)
    for _ in _until(READY_SECONDS):
        now = _running(folder / RUNNING)
        if now is not None and now["began"] != running["began"]:
            return
    raise Failed("`make run` did not come back; its terminal says why.")


def _wait_until_ready() -> None:
    for _ in _until(READY_SECONDS):
        if _answers("/readyz"):
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
            answered = _answers("/healthz")
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


def _answers(path: str) -> bool:
    wire = http.client.HTTPConnection(os.environ["HOST"].strip("[]"), int(os.environ["PORT"]), timeout=2)
    try:
        wire.request("GET", path, headers={"Host": settings.ALLOWED_HOSTS[0].lstrip(".")})
        return wire.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        wire.close()


def _address() -> str:
    return f"http://{os.environ['HOST']}:{os.environ['PORT']}"


def _systemctl(*arguments: str) -> None:
    _say(f"systemctl {' '.join(arguments)}")
    _run("systemctl", *arguments)


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


def _way_back(backup: Path) -> str:
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
