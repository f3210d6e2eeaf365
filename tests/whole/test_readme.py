"""The README stays true: its session runs as pasted, and its table names every variable that is read."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.docs import schema
from staff.printing_settings import SETTINGS_KEYS
from tests.cast.servers import free_port

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
READ_ELSEWHERE = {"WEB_CONCURRENCY"}
"""By gunicorn's own settings."""
START_SECONDS = 200
SETTLED = """
settled() { for turn in $(seq 400); do api GET bookings/$BOOKING/messages | python3 -c '
import json, sys
states = {mail["type"]: mail["state"] for mail in json.load(sys.stdin)}
if "booking.cancelled" not in states: states.pop("booking.updated", None)
states.pop("visit.reminder", None)
sys.exit("waiting" in states.values())
' && break; sleep 0.5; done; }
"""
"""For the four seconds of the session: until every mail is settled that does not wait for a last move."""


def test_every_variable_that_is_read_stands_in_the_table_and_no_other() -> None:
    sources = [(ROOT / "config" / name).read_text() for name in ("settings.py", "gunicorn.py")]
    read = {
        name
        for source in sources
        for name in re.findall(r"(?:env\.\w+|environ\.get|environ)\(\s*\"([A-Z_]+)\"", source)
    }
    rows = re.findall(r"^\| ((?:`[A-Z_]+`(?:, )?)+) \|", README, re.MULTILINE)
    told = {name for row in rows for name in re.findall(r"`([A-Z_]+)`", row)}
    assert told == read | READ_ELSEWHERE


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """What `make run` starts, on a port and in a folder of its own."""
    tmp_path = tmp_path_factory.mktemp("running")
    port = str(free_port())
    unset = (
        "DATABASE_URL",
        "BROKER_URL",
        "CACHE_URL",
        "SECRET_KEY",
        "DEMO",
        "DEBUG",
        "DJANGO_SETTINGS_MODULE",
    )
    environment = {name: value for name, value in os.environ.items() if name not in unset}
    log = (tmp_path / "run.log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-m", "config.run"],
        cwd=ROOT,
        env=environment | {"PORT": port, "DATA_DIR": str(tmp_path / "var")},
        stdout=log,
        stderr=log,
        start_new_session=True,
    )
    try:
        _wait_until_it_answers(f"http://127.0.0.1:{port}/healthz", process)
        yield f"http://127.0.0.1:{port}", tmp_path / "var"
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)
        log.close()


@pytest.mark.slow
@pytest.mark.servers
@pytest.mark.sqlite_only
@pytest.mark.timeout(600)
def test_the_session_works_as_pasted(running: tuple[str, Path]) -> None:
    assert shutil.which("curl"), "The session is made of curl calls; install curl."
    address, folder = running
    found = re.search(r"```sh\n(.*?)```", README, re.DOTALL)
    assert found is not None
    session = (
        found[1].replace("http://127.0.0.1:8000", address).replace("var/demo-logins", f"{folder}/demo-logins")
    )
    assert "sleep 4;" in session
    session = SETTLED + session.replace("sleep 4;", "settled;")
    done = subprocess.run(["sh", "-c", session], capture_output=True, text=True, timeout=280)
    assert done.stderr == ""
    taken, created, *told = done.stdout.splitlines()
    assert '"code":"slot_taken"' in taken
    assert created.startswith("booking.created | kept |  | Your appointment on ")
    assert told[1].endswith(" 20:00:00")
    assert [line.rpartition(" | ")[0] for line in told] == [
        "visit.reminder | waiting | ",
        "",
        "booking.created | kept | ",
        "visit.reminder | not_sent | moved_meanwhile",
        "visit.reminder | waiting | ",
        "booking.updated | waiting | ",
        "",
        "booking.created | kept | ",
        "visit.reminder | not_sent | moved_meanwhile",
        "visit.reminder | not_sent | cancelled_meanwhile",
        "booking.updated | not_sent | cancelled_meanwhile",
        "booking.cancelled | kept | ",
    ]
    assert told[6] == "cancelled"


@pytest.mark.slow
@pytest.mark.servers
@pytest.mark.sqlite_only
@pytest.mark.timeout(600)
def test_a_stranger_books_as_pasted_from_the_api_guide(running: tuple[str, Path]) -> None:
    guide = (ROOT / "docs" / "api.md").read_text().partition("## Online booking")[2]
    found = re.search(r"```sh\n(.*?)```", guide, re.DOTALL)
    assert found is not None
    session = found[1].replace("http://127.0.0.1:8000", running[0]).replace("\nbook ", "\necho; book ")
    done = subprocess.run(["sh", "-c", session], capture_output=True, text=True, timeout=120)
    assert done.stderr == ""
    _, booked, again = done.stdout.split("\n")
    assert json.loads(booked).get("state") == "booked", booked
    assert again == booked


def _wait_until_it_answers(address: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise AssertionError(f"it did not start (status {process.poll()})")


def test_every_call_and_every_setting_of_the_api_guide_is_there() -> None:
    guide = (ROOT / "docs" / "api.md").read_text()
    called = {
        (method.lower(), _as_described(path))
        for method, path in re.findall(r"`(GET|POST|PUT|PATCH|DELETE) (/?[a-z][\w/:.-]*)", guide)
    }
    real = {(method, path) for path, item in schema()["paths"].items() for method in item}
    assert len(called) > 30
    assert called - real == set()
    named = re.findall(r"\b[a-z]+(?:_[a-z]+)+\b", guide.partition("## Settings")[2].partition("\n## ")[0])
    assert set(SETTINGS_KEYS) - {"locale", "timezone", "country", "currency"} <= set(named)


def _as_described(path: str) -> str:
    path = re.sub(r":(\w+)", r"{\1}", path)
    return path if path.startswith("/") else f"/api/{path}"
