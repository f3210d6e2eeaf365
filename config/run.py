"""`make run`: prepare this installation, then web and worker in the foreground until Ctrl-C.

Standard library and honcho only: Django is started in processes of its own.
"""

from __future__ import annotations

import fcntl
import functools
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, Any

from honcho import manager, process

from config.folder_broker import tidy
from config.processes import end_with_parent

ROOT = Path(__file__).resolve().parent.parent
COMMANDS = {
    "web": "exec {python} -m gunicorn -c config/gunicorn.py config.wsgi",
    "worker": (
        "exec {python} -m celery -q -A config worker -B -c 4 "
        "--without-gossip --without-mingle --without-heartbeat -l INFO"
    ),
}
# A job that has begun may wait for a mail server (15 s) or for Stripe (10 s, three tries).
STOP_SECONDS = 35
RUNNING = "run.json"
"""The file in DATA_DIR that says who runs here."""


class Child(process.Process):
    """A process that ends with us, however we end."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._child_ctor = functools.partial(
            process.Popen, preexec_fn=functools.partial(end_with_parent, signal.SIGTERM)
        )

    def run(self, events: Any = None, ignore_signals: bool = False) -> None:
        end_with_parent(signal.SIGKILL)
        super().run(events=events, ignore_signals=ignore_signals)


def main() -> int:
    """Returns the status of the first process that ended; 130 after Ctrl-C becomes 0."""
    # Until it can be heeded it must not end us: RUNNING names us before first_run has ended.
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)
    os.chdir(ROOT)
    folder = Path(os.environ.get("DATA_DIR") or ROOT / "var").resolve()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    complete_environment(folder)
    if problem := _why_not_here(os.environ["HOST"], int(os.environ["PORT"])):
        sys.stderr.write(f"{problem}\n")
        return 1
    kept = _say_who_runs(folder / RUNNING)
    if kept is None:
        sys.stderr.write(f"`make run` is at work on {folder} already.\n")
        return 1
    tidy(folder / "broker")
    prepared = subprocess.run([sys.executable, "manage.py", "first_run"], check=False)
    if prepared.returncode:
        return prepared.returncode
    manager.KILL_WAIT = STOP_SECONDS
    running = manager.Manager()
    running._process_ctor = Child
    for name, command in COMMANDS.items():
        running.add_process(name, command.format(python=sys.executable))
    restart = _restarts_on_demand(running)
    running.loop()
    if restart:
        # The same process id in the same terminal, with the code and requirements of now. What honcho forked
        # has the lock too, until it has ended.
        for each in running._processes.values():
            each["process"].join()
        signal.signal(signal.SIGUSR2, signal.SIG_IGN)
        os.execv(sys.executable, [sys.executable, "-m", "config.run"])
    return 0 if running.returncode in (130, 143) else int(running.returncode or 0)


def complete_environment(folder: Path) -> None:
    os.environ["DATA_DIR"] = str(folder)
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    os.environ["PYTHONUNBUFFERED"] = "1"
    os.environ.setdefault("HOST", "127.0.0.1")
    os.environ.setdefault("PORT", "8000")
    os.environ.setdefault("DEMO", "0" if os.environ.get("DATABASE_URL") else "1")
    if not os.environ.get("SECRET_KEY"):
        _make_secret_key(folder / "secret_key")


def _say_who_runs(path: Path) -> IO[str] | None:
    """Keep the file locked for as long as this process runs; None: another one has it.

    `make upgrade` reads in it whom to restart (`config.upgrade`). `began` is another number for every start.
    """
    file = path.open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return None
    file.truncate(0)
    told = {"pid": os.getpid(), "began": time.time_ns(), "database": database(path.parent)}
    json.dump({**told, "host": os.environ["HOST"], "port": os.environ["PORT"]}, file)
    file.flush()
    return file


def database(folder: Path) -> dict[str, str]:
    """Which one this environment names, without login and password; `folder` is DATA_DIR."""
    url = os.environ.get("DATABASE_URL") or f"sqlite:///{folder / 'bookings.sqlite3'}"
    scheme, _, rest = url.partition("://")
    place, _, name = rest.partition("?")[0].partition("/")
    engine = "sqlite" if scheme == "sqlite" else "postgresql"
    return {"engine": engine, "host": place.rpartition("@")[2], "name": name}


def _restarts_on_demand(running: manager.Manager) -> list[int]:
    """SIGUSR2 ends web and worker as Ctrl-C does; not empty once it has come."""
    asked: list[int] = []

    def end(number: int, frame: object) -> None:
        asked.append(number)
        running.terminate()

    signal.signal(signal.SIGUSR2, end)
    return asked


def _make_secret_key(path: Path) -> None:
    """Write a new key once; settings.py reads it. Another copy starting now wins or loses whole."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(48))


def _why_not_here(host: str, port: int) -> str:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.strip("[]"), port))
        except OSError as error:
            return (
                f"Cannot listen on {host}:{port}: {error.strerror}. Another copy may be running; "
                f"try PORT={port + 1} DATA_DIR=./var-{port + 1} make run"
            )
    return ""


if __name__ == "__main__":
    sys.exit(main())
