"""PgBouncer of one Debian or another, in front of a PostgreSQL of this machine."""

from __future__ import annotations

import configparser
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.cast import servers
from tests.chaos.programs import Program, until
from tests.cluster.network import IN_SYSTEM
from tests.install.debootstrap import ROOT, system

PACKAGES = ("pgbouncer",)
START_SECONDS = 60.0
NOTHING_ELSE = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}


@contextmanager
def bouncer(
    suite: str, server: servers.Server, *, folder: Path, settings: Mapping[str, str]
) -> Iterator[tuple[int, str]]:
    """Its port and its version; deploy/pgbouncer.ini but for `settings`. Raises debootstrap.Missing."""
    debian = system("pooler", suite=suite, packages=PACKAGES)
    port = servers.free_port()
    inside = f"/srv/pooler/{port}.ini"
    outside = debian / inside.lstrip("/")
    outside.parent.mkdir(parents=True, exist_ok=True)
    changes = {"listen_port": str(port), "auth_type": "any", **settings}
    outside.write_text(_configuration(server.port, changes))
    outside.chmod(0o644)
    log = folder / f"pgbouncer-{port}.log"
    command = ["unshare", "--mount", "sh", "-c", IN_SYSTEM, str(debian), "nobody", "pgbouncer", inside]
    program = Program("pgbouncer", command, environment=NOTHING_ELSE, log=log)
    program.start()
    try:
        _wait_for(port, log)
        yield port, _version(log)
    finally:
        program.kill()
        outside.unlink()


def _configuration(server_port: int, changes: Mapping[str, str]) -> str:
    deployed = configparser.ConfigParser(interpolation=None)
    deployed.read(ROOT / "deploy" / "pgbouncer.ini")
    places = deployed["databases"]["bookings"].replace("port=5432", f"port={server_port}")
    kept = {**deployed["pgbouncer"], **changes}
    kept.pop("auth_file")
    lines = [f"{name} = {value}" for name, value in kept.items() if value != "unknown to it"]
    # auth_type any takes everybody for one user.
    return "\n".join(["[databases]", f"bookings = {places} user=bookings", "[pgbouncer]", *lines, ""])


def _wait_for(port: int, log: Path) -> None:
    for _ in until(START_SECONDS):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            continue
        return
    raise TimeoutError(f"PgBouncer did not start:\n{log.read_text()[-2000:]}")


def _version(log: Path) -> str:
    return log.read_text().partition("process up: PgBouncer ")[2].partition(",")[0]
