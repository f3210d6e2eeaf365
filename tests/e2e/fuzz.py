"""schemathesis against our own schema: a running installation, every operation, an administrator's login.

What is left out of its checks, and why, is schemathesis.toml.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import token_urlsafe
from typing import Any

from tests.e2e.house import House

CONFIG = Path(__file__).with_name("schemathesis.toml")
PHASES = "examples,coverage,fuzzing,stateful"
LINKS = 10
TOKENS_AT = {
    "/api/public/provisional": "provisional_token",
    "/api/public/feedback": "feedback_token",
}


def fuzz(house: House, folder: Path, *, examples: int, seed: int) -> int:
    """schemathesis' status: 0 without a failure. Its closing lines go to standard output."""
    token = house.log_in(house.admin)
    facts = folder / "facts.json"
    facts.write_text(json.dumps(_facts(house, token)))
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        *("--config-file", str(CONFIG)),
        "run",
        f"{house.url}/api/schema",
        *("--phases", PHASES),
        *("--max-examples", str(examples)),
        *("--seed", str(seed)),
        *("--generation-database", "none"),
        *("--max-response-time", "15"),
        # One: Python 3.11 counts the depth of what two threads parse together, and then it is a SystemError.
        *("--workers", "1"),
        *("--warnings", "off"),
        "--continue-on-failure",
        "--no-color",
    ]
    environment = os.environ | {"SCHEMATHESIS_HOOKS": "tests.e2e.fuzz_hooks", "FUZZ_FACTS": str(facts)}
    done = subprocess.run(command, env=environment, check=False)
    # Whoever asked is still let in, and everything stored can still be listed.
    house.call("GET", "/api/auth/me", token=token)
    house.call("GET", "/api/bookings", token=token)
    return done.returncode


def _facts(house: House, token: str) -> dict[str, Any]:
    """Who we are, and links that are still open: requests of tomorrow's clients, visits of last week."""
    me = house.call("GET", "/api/auth/me", token=token)
    other = {"name": "Logged Out", "role": "admin", "bookable": False}
    other |= {"email": "logged-out@example.com", "password": token_urlsafe()}
    now = datetime.now(UTC)
    requests = [_book(house, token, now + timedelta(days=30 + day), provisional=True) for day in range(LINKS)]
    visits = [_book(house, token, now - timedelta(days=30 + day)) for day in range(LINKS)]
    done = [
        house.call("PUT", f"/api/bookings/{each['id']}", {"status": "completed"}, token=token)
        for each in visits
    ]
    return {
        "url": house.url,
        "logins": [[house.admin, house.logins[house.admin]], [other["email"], other["password"]]],
        "ours": [str(me["id"]), str(house.call("POST", "/api/staff", other, token=token)["id"])],
        "tokens": {
            beginning: [each[name] for each in requests + done if each[name]]
            for beginning, name in TOKENS_AT.items()
        },
    }


def _book(house: House, token: str, start_at: datetime, **order: Any) -> dict[str, Any]:
    start_at = start_at.replace(hour=3, minute=0, second=0, microsecond=0)
    booking: dict[str, Any] = house.call(
        "POST",
        "/api/bookings",
        {
            "client_id": house.call("GET", "/api/clients?page=1&limit=1", token=token)["items"][0]["id"],
            "staff_id": house.call("GET", "/api/staff?bookable=1", token=token)[0]["id"],
            "service_id": house.call("GET", "/api/services?is_active=1", token=token)[0]["id"],
            "start_at": start_at.isoformat(),
            "end_at": (start_at + timedelta(hours=1)).isoformat(),
            "allow_overlap": True,
            **order,
        },
        token=token,
    )
    return booking
