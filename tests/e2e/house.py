"""One installation as `make run` starts it: web, worker and clock on a demo salon, on a free port.

with installation(folder, database_url="") as house:    # SQLite and the folder broker
    house.call("GET", "/api/bookings", token=house.admin_token)
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.cast import servers
from tests.chaos.programs import Program

START_SECONDS = 120.0
WHATEVER_IS_SET = (
    "ALLOWED_HOSTS",
    "BROKER_URL",
    "CACHE_URL",
    "EMAIL_URL",
    "FRONTEND_ORIGINS",
    "PUBLIC_URL",
    "SECRET_KEY",
    "STRIPE_API_KEY",
    "STRIPE_WEBHOOK_SECRET",
    "TRUSTED_PROXIES",
)


class Refused(Exception):
    """An answer that is not 2xx."""


class House:
    """A running installation; `logins` are its demo people's passwords by e-mail."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder

    @property
    def logins(self) -> dict[str, str]:
        lines = (self.folder / "demo-logins.txt").read_text().splitlines()
        return {email: password for _role, email, password in map(str.split, lines)}

    @property
    def admin(self) -> str:
        return next(email for email in self.logins if email.startswith("admin"))

    def log_in(self, email: str) -> str:
        """A fresh token."""
        answer = self.call("POST", "/api/auth/login", {"email": email, "password": self.logins[email]})
        return str(answer["token"])

    def call(self, method: str, path: str, body: Any = None, *, token: str = "") -> Any:
        """The JSON of a 2xx answer. Raises Refused."""
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"}
            | ({"Authorization": f"Bearer {token}"} if token else {}),
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            raise Refused(f"{method} {path}: {error.code} {error.read().decode()[:500]}") from error

    @property
    def is_ready(self) -> bool:
        try:
            self.call("GET", "/healthz")
        except (OSError, Refused):
            return False
        return True


@contextlib.contextmanager
def installation(folder: Path, *, database_url: str = "", **variables: str) -> Iterator[House]:
    """Starts it, waits until it answers, and ends it. `variables` are more of its environment."""
    data, port = folder / "data", servers.free_port()
    data.mkdir(parents=True)
    environment = {name: value for name, value in os.environ.items() if name not in WHATEVER_IS_SET}
    environment |= {
        "DATA_DIR": str(data),
        "DATABASE_URL": database_url,
        "PORT": str(port),
        "HOST": "127.0.0.1",
        "DEMO": "1",
        "DEBUG": "0",
        **variables,
    }
    log = folder / "house.log"
    program = Program("installation", [sys.executable, "-m", "config.run"], environment=environment, log=log)
    house = House(f"http://127.0.0.1:{port}", data)
    program.start()
    try:
        until = time.monotonic() + START_SECONDS
        while not house.is_ready:
            if not program.is_running or time.monotonic() > until:
                raise Refused(f"the installation did not start:\n{log.read_text()[-3000:]}")
            time.sleep(0.2)
        yield house
    finally:
        program.end()
