"""What schemathesis is told beyond the schema (SCHEMATHESIS_HOOKS=tests.e2e.fuzz_hooks).

FUZZ_FACTS names a JSON file: {url, logins: [[email, password], the same of who is logged out all the time],
ours: [ids of both], tokens: {beginning of a path: [token, ...]}}.
Only what random data cannot know is told: ids and tokens that exist, how to stay logged in, and that every
call comes from another address, so that limits for an address leave something to test.
"""

from __future__ import annotations

import json
import os
import random
import urllib.request
from itertools import count
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlencode

import schemathesis

FACTS = json.loads(Path(os.environ["FUZZ_FACTS"]).read_text())
FIRST_ROWS = 12
LARGEST_ID = 2**63 - 1
LONGEST_QUERY = 4000
LOGOUTS = "^/api/auth/logout"

callers = count(1)
chance = random.Random(20261120)


@schemathesis.hook
def map_path_parameters(context: Any, path_parameters: dict[str, Any] | None) -> Any:
    """Mostly rows and links that exist: a random id or token is only ever 404."""
    if not path_parameters or chance.random() < 0.2:
        return path_parameters
    path = context.operation.path
    mapped = {name: near(name, value) for name, value in path_parameters.items()}
    for beginning, tokens in FACTS["tokens"].items():
        if path.startswith(beginning) and "token" in mapped and tokens:
            mapped["token"] = chance.choice(tokens)
    return mapped


@schemathesis.hook
def filter_query(context: Any, query: dict[str, Any] | None) -> bool:
    """What makes an address longer than the server reads is 414 by the server's own word."""
    return not query or len(urlencode(query, doseq=True)) < LONGEST_QUERY


@schemathesis.hook
def map_body(context: Any, body: Any) -> Any:
    """Mostly references to rows that exist."""
    if not isinstance(body, dict) or chance.random() < 0.2:
        return body
    return {name: near(name, value) for name, value in body.items()}


def near(name: str, value: Any) -> Any:
    """A whole number that could be an id becomes the id of one of the first rows."""
    if type(value) is int and 1 <= value <= LARGEST_ID and (name in ("id", "into") or name.endswith("_id")):
        return value % FIRST_ROWS + 1
    return value


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    """From another address; and nobody demotes, deactivates or locks out who is doing this."""
    case.headers = case.headers or {}
    case.headers["X-Forwarded-For"] = address(10)
    if case.path == "/api/staff/{id}" and str(case.path_parameters.get("id")) in FACTS["ours"]:
        case.path_parameters["id"] = LARGEST_ID


class Login:
    """A person's token in the header."""

    person: ClassVar[int]

    def get(self, case: Any, context: Any) -> str:
        return log_in(self.person)

    def set(self, case: Any, token: str, context: Any) -> None:
        case.headers = case.headers or {}
        case.headers["Authorization"] = f"Bearer {token}"


@schemathesis.auth(refresh_interval=None).apply_to(path_regex=LOGOUTS)
class ThrownAway(Login):
    """A token of its own for every logout: afterwards it is gone, and with logout-all all of this person."""

    person = 1


@schemathesis.auth(refresh_interval=3600).skip_for(path_regex=LOGOUTS)
class Kept(Login):
    person = 0


def log_in(person: int) -> str:
    email, password = FACTS["logins"][person]
    request = urllib.request.Request(
        FACTS["url"] + "/api/auth/login",
        data=json.dumps({"email": email, "password": password}).encode(),
        headers={"Content-Type": "application/json", "X-Forwarded-For": address(11)},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return str(json.loads(answer.read())["token"])


def address(network: int) -> str:
    """Another one every time."""
    number = next(callers)
    return f"{network}.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
