"""Whether the web process of this environment answers: `python -P config/healthcheck.py [/readyz]`.

Ends with 0 for a 2xx, else with 1 and a line that says why. A file to run, so that asking loads nothing of
ours (`config.upgrade`, which has loaded us, imports it); it asks as the client of PUBLIC_URL would, as other
names are refused.
"""

from __future__ import annotations

import http.client
import os
import sys
from collections.abc import Mapping
from urllib.parse import urlsplit

PATIENCE_SECONDS = 4.0
LOOPBACK = "127.0.0.1"


def main(path: str, environment: Mapping[str, str]) -> int:
    """0 or 1: the status to end with."""
    try:
        status = ask(path, environment)
    except (OSError, http.client.HTTPException) as error:
        sys.stdout.write(f"{path}: {type(error).__name__}: {error}\n")
        return 1
    sys.stdout.write(f"{path}: {status}\n")
    return 0 if 200 <= status < 300 else 1


def ask(path: str, environment: Mapping[str, str]) -> int:
    """The status of the answer. Raises OSError or HTTPException where there is none in PATIENCE_SECONDS."""
    place = environment.get("HOST", "").strip("[]")
    place = {"": LOOPBACK, "0.0.0.0": LOOPBACK, "::": "::1"}.get(place, place)
    port = int(environment.get("PORT") or 8000)
    own = f"[{place}]:{port}" if ":" in place else f"{place}:{port}"
    wire = http.client.HTTPConnection(place, port, timeout=PATIENCE_SECONDS)
    try:
        wire.request("GET", path, headers={"Host": _name(environment) or own})
        return wire.getresponse().status
    finally:
        wire.close()


def _name(environment: Mapping[str, str]) -> str:
    """A Host that is answered: of ALLOWED_HOSTS the first plain name, else PUBLIC_URL's; "" for none."""
    allowed = [each.strip() for each in environment.get("ALLOWED_HOSTS", "").split(",")]
    plain = [each for each in allowed if each and each[0] not in "*."]
    return plain[0] if plain else urlsplit(environment.get("PUBLIC_URL", "")).netloc.rpartition("@")[2]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "/healthz", os.environ))
