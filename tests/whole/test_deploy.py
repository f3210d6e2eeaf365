"""deploy/ stays true: what it starts, names and watches is there (docs/operations.md)."""

from __future__ import annotations

import configparser
import json
import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from pytest_django import Settings
from rest_framework.test import APIClient

from config import metrics
from config.health import LATE_AFTER, ChecksJson
from notifications.models import Message
from tests.cast.factories import make_salon
from tests.install.dockerfile import let_in, pairs, read

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
UNITS = DEPLOY / "systemd"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = {name: each for name, each in SERVICES.items() if each["image"] == "bookings"}
EXAMPLE = (DEPLOY / "env.example").read_text()
IMAGE = read((DEPLOY / "Dockerfile").read_text())[-1]
INSTALLED = "/opt/bookings"
NOT_OURS = {"PATH", "LANG", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE"}
"""What Python and the shell read."""


def processes() -> dict[str, list[str]]:
    """The commands of the Procfile, which docs/operations.md explains."""
    lines = (ROOT / "Procfile").read_text().splitlines()
    return {name: shlex.split(command) for name, _, command in (line.partition(":") for line in lines)}


def told_in_the_readme() -> set[str]:
    rows = re.findall(r"^\| ((?:`[A-Z_]+`(?:, )?)+) \|", (ROOT / "README.md").read_text(), re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`([A-Z_]+)`", row)}


def unit(name: str) -> configparser.ConfigParser:
    """One unit with what all have in common, as systemd merges them for what stands in each once."""
    found = configparser.ConfigParser(strict=False, interpolation=None)
    found.optionxform = str  # type: ignore[assignment,method-assign]
    found.read([UNITS / name, UNITS / "bookings-.service.d" / "bookings.conf"])
    return found


def test_the_compose_file_is_one() -> None:
    schema = json.loads((Path(__file__).parent / "compose_spec" / "compose-spec.json").read_text())
    faults = [
        f"{each.json_path}: {each.message}" for each in Draft202012Validator(schema).iter_errors(COMPOSE)
    ]
    assert faults == []


def test_whoever_waits_for_a_service_waits_for_one_that_says_so() -> None:
    for name, service in OURS.items():
        for other, wanted in service["depends_on"].items():
            if wanted["condition"] == "service_healthy":
                assert "test" in SERVICES[other]["healthcheck"], f"{name} waits for {other}"
            elif wanted["condition"] == "service_started":
                assert (name, other) == ("web", "worker"), "which is to be the new one before the web is"
            else:
                assert wanted["condition"] == "service_completed_successfully"
                assert SERVICES[other]["restart"] == "no"
    assert "worker" in OURS["web"]["depends_on"]
    named = {each.partition(":")[0] for service in SERVICES.values() for each in service.get("volumes", ())}
    assert named == set(COMPOSE["volumes"])


def test_everywhere_the_same_commands_are_started() -> None:
    expected = processes()
    assert {name: each["command"] for name, each in OURS.items()} == expected
    assert IMAGE.command() == expected["web"]
    for name, command in expected.items():
        started = shlex.split(unit(f"bookings-{name}.service")["Service"]["ExecStart"])
        assert [started[0].removeprefix(f"{INSTALLED}/.venv/bin/"), *started[1:]] == command


def test_every_variable_is_one_that_is_read() -> None:
    told = told_in_the_readme()
    given = set(re.findall(r"^#?([A-Z_]+)=", EXAMPLE, re.MULTILINE))
    interpolated = set(re.findall(r"\$\{(\w+)", (DEPLOY / "compose.yml").read_text()))
    assert interpolated <= given
    assert given - interpolated <= told
    for service in OURS.values():
        assert set(service["environment"]) <= told
    image = pairs(IMAGE.last("ENV"))
    assert set(image) - NOT_OURS <= told
    assert image["DATA_DIR"] == IMAGE.last("VOLUME")
    common = unit("bookings-web.service")["Service"]["Environment"]
    assert set(pairs(common)) - NOT_OURS <= told
    [example] = re.findall(r"^DATA_DIR=(.*)$", EXAMPLE, re.MULTILINE)
    assert example == image["DATA_DIR"] == pairs(common)["DATA_DIR"]


def test_the_example_holds_no_secret() -> None:
    found = dict(re.findall(r"^([A-Z_]+)=(.*)$", EXAMPLE, re.MULTILINE))
    secret = {name for name in found if re.search(r"SECRET|PASSWORD|TOKEN|EMAIL_URL", name)}
    assert len(secret) >= 5
    assert {name: found[name] for name in secret if found[name]} == {}


def test_the_image_is_the_product_alone_and_not_root_s() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    there = [*listed.splitlines(), "deploy/.env", ".env", "var/secret_key", "config/__pycache__/env.pyc"]
    inside = {name.partition("/")[0] for name in let_in(there, (ROOT / ".dockerignore").read_text())}
    product = {each.parent.name for each in ROOT.glob("*/__init__.py")} - {"tests"}
    assert inside == product | {"manage.py", "requirements.txt", "LICENSE"}
    assert "__pycache__" not in " ".join(let_in(there, (ROOT / ".dockerignore").read_text()))
    assert IMAGE.last("USER") == "bookings"
    *_, script = IMAGE.healthcheck()
    assert (ROOT / script).is_file()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
def test_systemd_understands_its_units(tmp_path: Path) -> None:
    units = tmp_path / "units"
    shutil.copytree(UNITS, units)
    binaries = Path(sys.executable).parent
    for file in units.rglob("*.*"):
        if file.is_file():
            moved = file.read_text().replace(f"{INSTALLED}/.venv/bin", str(binaries))
            file.write_text(moved.replace(INSTALLED, str(ROOT)))
    done = subprocess.run(
        [
            "systemd-analyze",
            "verify",
            *sorted(path.name for path in units.glob("bookings*.*") if path.is_file()),
        ],
        env={**os.environ, "SYSTEMD_UNIT_PATH": f"{units}:/lib/systemd/system"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_no_unit_may_more_than_it_needs() -> None:
    for name in processes():
        service = unit(f"bookings-{name}.service")["Service"]
        assert (service["User"], service["NoNewPrivileges"], service["ProtectSystem"]) == (
            "bookings",
            "yes",
            "strict",
        )
        assert service["CapabilityBoundingSet"] == ""
        assert service.get("Restart") == (None if name == "release" else "always")


@pytest.mark.django_db
def test_every_alert_is_about_something_that_is_exported(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_salon()
    settings.METRICS_TOKEN = "scrape-me-if-you-can"
    monkeypatch.setattr(metrics, "FRESH_SECONDS", 0.0)
    metrics.REQUESTS.labels("GET", "healthz", 200).inc()
    metrics.DURATIONS.labels("GET", "healthz").observe(0.1)
    client = APIClient(HTTP_AUTHORIZATION="Bearer scrape-me-if-you-can")
    exported = set(re.findall(r"^# TYPE (\w+)", client.get("/metrics").content.decode(), re.MULTILINE))
    exported |= {f"{name}_{part}" for name in exported for part in ("bucket", "count", "sum")}
    states = {state.value for state in (*metrics.LIVE_STATES, *Message.State)}
    rules = [
        rule
        for group in yaml.safe_load((DEPLOY / "alerts.yml").read_text())["groups"]
        for rule in group["rules"]
    ]
    for rule in rules:
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert rule["annotations"]["summary"]
        named = set(re.findall(r"\bbookings_\w+", rule["expr"]))
        assert named <= exported, rule["alert"]
        assert named or "up{" in rule["expr"]
        assert set(re.findall(r'state="(\w+)"', rule["expr"])) <= states
        assert set(re.findall(r'check="(\w+)"', rule["expr"])) <= set(ChecksJson.__annotations__)
    by_name = {rule["alert"]: rule["expr"] for rule in rules}
    assert len(by_name) == len(rules)
    assert by_name["JobsLate"].endswith(f"> {LATE_AFTER.total_seconds():.0f}")


def test_a_reload_counts_on_and_the_end_takes_the_counters_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """HUP has gunicorn read its settings again in the same process."""
    monkeypatch.setenv("METRICS_TOKEN", "scrape-me-if-you-can")
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "/of/somebody/else")
    runpy.run_path(str(ROOT / "config" / "gunicorn.py"))
    folder = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])
    again = runpy.run_path(str(ROOT / "config" / "gunicorn.py"))
    assert Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]) == folder
    assert folder.is_dir()
    again["on_exit"](None)
    assert not folder.exists()


class _Web(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        known = self.headers["Host"] == "book.salon.example"
        self.send_response(200 if known and self.path == "/healthz" else 400)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def web() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Web) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.mark.parametrize(
    ("variables", "arguments", "status"),
    [
        ({"PUBLIC_URL": "https://book.salon.example/a"}, [], 0),
        ({"PUBLIC_URL": "https://x.example", "ALLOWED_HOSTS": ".example, book.salon.example"}, [], 0),
        ({"PUBLIC_URL": "https://x.example"}, [], 1),
        ({"PUBLIC_URL": "https://book.salon.example"}, ["/readyz"], 1),
        ({"PUBLIC_URL": "https://book.salon.example", "HOST": "127.0.0.2"}, [], 1),
    ],
)
def test_the_healthcheck_asks_as_the_proxy_would(
    web: int, variables: dict[str, str], arguments: list[str], status: int
) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "config/healthcheck.py", *arguments],
        cwd=ROOT,
        env={"HOST": "0.0.0.0", "PORT": str(web), **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (status, "")
    assert done.stdout.startswith(arguments[0] if arguments else "/healthz")
