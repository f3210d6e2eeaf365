"""`make test-image`: what deploy/Dockerfile says, carried out without a container engine, and run.

    python -m tests.install.image [--mirror URL]

The Dockerfile is read (`tests/install/dockerfile.py`), never repeated here: FROM becomes a debootstrap of
that Debian, RUN and COPY happen in copies of it. What deploy/compose.yml calls release, web, worker and beat
is started in the last of them, each as process 1 of its own, as the image's user, with a root that cannot be
written, on a PostgreSQL and a Redis of this machine. Then somebody books, once, over HTTP. Needs root.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import yaml

from tests.cast import servers
from tests.chaos.programs import Program, until
from tests.install.debootstrap import (
    ROOT,
    Missing,
    copy_what_reaches_the_registries,
    passed_on_variables,
    system,
)
from tests.install.dockerfile import Stage, let_in, pairs, read

DEPLOY = ROOT / "deploy"
FOLDER = ROOT / ".venv" / "image"
PUBLIC_NAME = "salon.example"
ADMIN = {"email": "ada@salon.example", "password": "only-for-image-runs"}
METRICS_TOKEN = "only-for-image-runs"
START_SECONDS = 180.0
STOP_SECONDS = 40.0
BUILDING = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"}
BUILD = """
mount --rbind /dev "$0/dev" && mount -t proc proc "$0/proc" &&
exec chroot --userspec="$1" "$0" /bin/sh -c 'cd "$0" && exec /bin/sh -c "$1"' "$2" "$3"
"""
# $1 the user, $2 the working folder, $3 the volume outside, $4 inside; then the command.
SERVE = """
root=$0 user=$1 folder=$2 outside=$3 inside=$4; shift 4
mount --bind "$root" "$root" && mount --rbind /dev "$root/dev" && mount -t proc proc "$root/proc" &&
mount -t tmpfs tmpfs "$root/tmp" && mount --bind "$outside" "$root$inside" &&
mount -o remount,bind,ro "$root" &&
exec setpriv --no-new-privs chroot --userspec="$user" "$root" /bin/sh -c 'cd "$0" && exec "$@"' "$folder" "$@"
"""
NAMESPACES = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "/bin/sh", "-c")


class Image:
    """What a Dockerfile makes of a Debian: a folder and how its processes start."""

    def __init__(self, stages: list[Stage], mirror: str | None) -> None:
        self._mirror = mirror
        self._folders: dict[str, Path] = {}
        for number, stage in enumerate(stages):
            self.root = self._make(number, stage)
        self.stage = stages[-1]

    def _make(self, number: int, stage: Stage) -> Path:
        suite = re.fullmatch(r"debian:(\w+)-slim", stage.base)
        if not suite:
            raise Missing(f"only FROM debian:<release>-slim is known here, not {stage.base}.")
        base = system("image", suite=suite[1], packages=("ca-certificates",), mirror=self._mirror)
        root = FOLDER / f"stage{number}"
        shutil.rmtree(root, ignore_errors=True)
        subprocess.run(["cp", "-a", "--reflink=auto", str(base), str(root)], check=True)
        self._folders[stage.name or str(number)] = root
        self.variables, self.user, self.workdir, self.volume = dict(BUILDING), "root", "/", ""
        for word, rest in stage.steps:
            began = time.monotonic()
            self._carry_out(root, word, rest)
            print(f"  {time.monotonic() - began:6.1f} s  {word} {rest[:88]}", flush=True)
        return root

    def _carry_out(self, root: Path, word: str, rest: str) -> None:
        match word:
            case "RUN":
                copy_what_reaches_the_registries(root)
                enter = [*NAMESPACES, BUILD, str(root), self.user, self.workdir, rest]
                environment = dict(passed_on_variables()) | self.variables
                with (FOLDER / "build.log").open("ab") as log:
                    subprocess.run(enter, env=environment, check=True, stdout=log, stderr=log)
            case "COPY":
                self._copy(root, rest.split())
            case "ENV":
                self.variables |= pairs(rest)
            case "WORKDIR":
                self.workdir = rest
                (root / rest.lstrip("/")).mkdir(parents=True, exist_ok=True)
            case "USER":
                self.user = rest
            case "VOLUME":
                self.volume = rest

    def _copy(self, root: Path, words: list[str]) -> None:
        if words[0].startswith("--from="):
            *_, source, target = words
            inside = self._folders[words[0].removeprefix("--from=")] / source.lstrip("/")
            shutil.copytree(inside, root / target.lstrip("/"), symlinks=True)
            return
        source, target = words
        for name in _context():
            if source == ".":
                copied = root / target.lstrip("/") / name
            elif name == source:
                copied = root / target.lstrip("/")
            else:
                continue
            copied.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copied)
            copied.chmod(0o755 if os.access(ROOT / name, os.X_OK) else 0o644)

    def program(self, name: str, command: list[str], *, volume: Path, variables: dict[str, str]) -> Program:
        """One container, as far as the command can tell."""
        enter = [*NAMESPACES, SERVE, str(self.root), self.user, self.workdir, str(volume), self.volume]
        return Program(
            name,
            [*enter, *command],
            environment=self.variables | variables,
            log=volume.parent / f"{name}.log",
        )


def _context() -> list[str]:
    """What git has or would have here, but for what .dockerignore leaves out."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    names = [name for name in listed.split("\0") if name and (ROOT / name).is_file()]
    return let_in(names, (ROOT / ".dockerignore").read_text())


class House:
    """The services of compose.yml that are made of the image, on servers of this machine."""

    def __init__(self, image: Image, folder: Path, database_url: str, broker_url: str) -> None:
        self.port = servers.free_port()
        self.volume = folder / "data"
        shutil.copytree(image.root / image.volume.lstrip("/"), self.volume)
        kept = (image.root / image.volume.lstrip("/")).stat()
        os.chown(self.volume, kept.st_uid, kept.st_gid)
        self.variables = {
            "PUBLIC_URL": f"https://{PUBLIC_NAME}",
            "SECRET_KEY": "only-for-image-runs-" * 3,
            "DATABASE_URL": database_url,
            "BROKER_URL": broker_url,
            "TRUSTED_PROXIES": "1",
            "ADMIN_EMAIL": ADMIN["email"],
            "ADMIN_PASSWORD": ADMIN["password"],
            "METRICS_TOKEN": METRICS_TOKEN,
            "PORT": str(self.port),
            "DEMO": "1",
        }
        self.image = image
        composed = yaml.safe_load((DEPLOY / "compose.yml").read_text())["services"]
        own = {name: each for name, each in composed.items() if each.get("image") == "bookings"}
        self.programs = {name: self._program(name, each["command"]) for name, each in own.items()}

    def _program(self, name: str, command: list[str]) -> Program:
        return self.image.program(name, command, volume=self.volume, variables=self.variables)

    def run(self, name: str, command: list[str]) -> tuple[int, str]:
        """A command in a container of its own: its status and what it said."""
        program = self._program(name, command)
        program.log.unlink(missing_ok=True)
        program.start()
        for _ in until(START_SECONDS):
            if not program.is_running:
                break
        return program.end() or 0, program.log.read_text(errors="replace")

    def ask(self, method: str, path: str, body: Any = None, token: str = "") -> tuple[int, Any]:
        """Status and JSON (else text) of one request, as the proxy hands it on."""
        wire = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        headers = {"Host": PUBLIC_NAME, "X-Forwarded-Proto": "https", "X-Forwarded-For": "127.0.0.1"}
        headers |= {"Content-Type": "application/json"} if body is not None else {}
        headers |= {"Authorization": f"Bearer {token}"} if token else {}
        try:
            wire.request(method, path, json.dumps(body) if body is not None else None, headers)
            answer = wire.getresponse()
            text = answer.read().decode()
        except OSError as error:
            return 0, str(error)
        finally:
            wire.close()
        is_json = answer.headers.get_content_type() == "application/json"
        return answer.status, json.loads(text) if is_json else text


class Told:
    """What was expected and what was seen, a line each."""

    def __init__(self) -> None:
        self.faults = 0

    def __call__(self, what: str, seen: Any, expected: Any) -> None:
        well = seen == expected
        self.faults += not well
        print(
            f"  {'ok   ' if well else 'FAULT'}  {what}: {seen}{'' if well else f', not {expected}'}",
            flush=True,
        )


def _prove(house: House) -> int:
    told = Told()
    image = house.image
    inside = {path.name for path in (image.root / image.workdir.lstrip("/")).iterdir()} - {"__pycache__"}
    expected = {name.partition("/")[0] for name in _context()}
    told("what is in it of ours", " ".join(sorted(inside)), " ".join(sorted(expected)))
    told("whose it is", house.run("whoami", ["id", "-u"]), (0, "10001\n"))
    told("its root can be written", house.run("write", ["touch", "/srv/bookings/x"])[0] == 0, False)
    told(
        "its root belongs to somebody who may",
        house.run("write", ["test", "-w", "/srv/bookings"])[0] == 0,
        False,
    )
    told("its volume can be written", house.run("write", ["touch", f"{image.volume}/x"])[0] == 0, True)
    told("CMD is compose's web", image.stage.command(), house.programs["web"]._command[-4:])
    release = house.programs.pop("release")
    release.start()
    _wait(lambda: not release.is_running, START_SECONDS)
    told("release ended with", release.end(), 0)
    for program in house.programs.values():
        program.start()
    _wait(lambda: house.ask("GET", "/healthz")[0] == 200, START_SECONDS)
    told("/healthz", house.ask("GET", "/healthz"), (200, {"status": "ok"}))
    _wait(lambda: house.ask("GET", "/readyz")[0] == 200, START_SECONDS)
    told("/readyz", house.ask("GET", "/readyz")[0], 200)
    _wait(lambda: house.run("health", image.stage.healthcheck())[0] == 0, START_SECONDS)
    told("HEALTHCHECK", house.run("health", image.stage.healthcheck()), (0, "/healthz: 200\n"))
    told("a static file", house.ask("GET", "/static/agenda/agenda.css")[0], 200)
    _book(house, told)
    text = house.ask("GET", "/metrics", token=METRICS_TOKEN)[1]
    told("/metrics counts requests", "bookings_http_requests_total{" in text, True)
    for name, program in house.programs.items():
        began = time.monotonic()
        os.kill(program.children()[0], signal.SIGTERM)
        _wait(lambda program=program: not program.is_running, STOP_SECONDS)
        told(f"{name} after TERM, in {time.monotonic() - began:.1f} s", program.end(), 0)
    told("HEALTHCHECK without web ends with", house.run("health", image.stage.healthcheck())[0], 1)
    for program in house.programs.values():
        lines = program.said("Traceback", "Read-only file system", "Permission denied")
        told(f"{program.name}'s log complains", lines, [])
    return told.faults


def _book(house: House, told: Told) -> None:
    token = house.ask("POST", "/api/auth/login", ADMIN)[1]["token"]
    client = {"first_name": "Alice", "last_name": "Adams", "email": "alice@example.com"}
    client_id = house.ask("POST", "/api/clients", client, token)[1]["id"]
    day = date.today() + timedelta(7)
    order = {
        "client_id": client_id,
        "staff_id": 2,
        "service_id": 1,
        "start_at": f"{day} 19:00",
        "end_at": f"{day} 19:45",
    }
    status, booking = house.ask("POST", "/api/bookings", order, token)
    told("a booking", status, 200)
    status, refused = house.ask("POST", "/api/bookings", order, token)
    told("the same time again", (status, refused["code"]), (409, "slot_taken"))

    def confirmation() -> str:
        mails = house.ask("GET", f"/api/bookings/{booking['id']}/messages", token=token)[1]
        return next((each["state"] for each in mails if each["type"] == "booking.created"), "none")

    _wait(lambda: confirmation() == "kept", 60)
    told("its confirmation, handled by the worker", confirmation(), "kept")


def _wait(condition: Callable[[], bool], seconds: float) -> None:
    for _ in until(seconds, every=0.2):
        if condition():
            return


@contextmanager
def _house(image: Image) -> Iterator[House]:
    with (
        servers.postgres() as database,
        servers.valkey() as broker,
        tempfile.TemporaryDirectory(prefix="bookings-image-") as folder,
    ):
        house = House(image, Path(folder), database.url, broker.url)
        try:
            yield house
        finally:
            for program in house.programs.values():
                program.kill()
            for log in sorted(Path(folder).glob("*.log")):
                shutil.copy(log, FOLDER / log.name)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.install.image")
    parser.add_argument("--mirror", help="where Debian comes from, if not from where apt's sources say")
    asked = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        image = Image(read((DEPLOY / "Dockerfile").read_text()), asked.mirror)
    except Missing as missing:
        border = "!" * 100
        print(f"{border}\n!!! The image was not tried: {missing}\n{border}", file=sys.stderr)
        return 1
    size = subprocess.run(["du", "-smx", str(image.root)], capture_output=True, text=True, check=True).stdout
    print(f"built: {size.split()[0]} MB; logs in {FOLDER}", flush=True)
    with _house(image) as house:
        faults = _prove(house)
    print(f"{faults} fault(s)" if faults else "no fault")
    return min(faults, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
