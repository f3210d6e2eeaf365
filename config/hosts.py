"""Addresses of several hosts that are one service (contract §12 "settings").

PostgreSQL: `postgres://user:password@h1:5432,h2:5432/name`. Redis under Sentinel:
`sentinel://user:password@h1:26379,h2:26379/service/0`, the same for broker and cache. Everything here raises
ValueError with a sentence that names the variable.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import SplitResult, quote, unquote, urlsplit

import dj_database_url

SENTINEL = "sentinel://"
POSTGRES_PORT = 5432
SENTINEL_PORT = 26379
WRITER = "read-write"
"""Of several hosts libpq takes the first that takes writes, unless the address says otherwise."""

STANDBY = "prefer-standby"
"""Of several that may be behind, the first that only reads; where there is none, any."""


def parse_database(name: str, url: str, *, among_several: str = WRITER) -> dict[str, Any]:
    """What the address says, as Django's DATABASES has it; of several hosts as libpq takes them."""
    scheme, _, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    user, at, places = authority.rpartition("@")
    if "," not in places:
        return _parsed(name, url)
    hosts = _hosts(name, places, default_port=POSTGRES_PORT)
    found = _parsed(name, f"{scheme}://{user}{at}{_printed(hosts[0])}{slash}{path}")
    if found["ENGINE"] != "django.db.backends.postgresql":
        raise ValueError(f"{name}: only PostgreSQL can be on several hosts")
    return {
        **found,
        "HOST": ",".join(host for host, _ in hosts),
        "PORT": ",".join(str(port) for _, port in hosts),
        "OPTIONS": {"target_session_attrs": among_several, **(found.get("OPTIONS") or {})},
    }


def _parsed(name: str, url: str) -> dict[str, Any]:
    try:
        return {**dj_database_url.parse(url)}
    except (dj_database_url.ParseError, dj_database_url.UnknownSchemeError, ValueError) as error:
        raise ValueError(
            f"{name} must look like postgres://user:password@host:5432/name: {type(error).__name__}"
        ) from error


@dataclass(frozen=True, slots=True)
class SentinelAddress:
    """Where Sentinel answers, and what it calls the Redis that is meant. User and password are Redis' own."""

    hosts: Sequence[tuple[str, int]]
    service: str
    database: int
    user: str
    password: str

    @classmethod
    def read(cls, name: str, url: str) -> Self:
        # The hosts go where urlsplit reads none of them as one port.
        authority, _, path = url.removeprefix(SENTINEL).partition("/")
        user, at, places = authority.rpartition("@")
        who = urlsplit(f"//{user}{at}host")
        service, _, database = path.partition("/")
        if not service or (database and not database.isdecimal()):
            raise ValueError(f"{name} must look like sentinel://:password@host1:26379,host2:26379/service/0")
        return cls(
            hosts=_hosts(name, places, default_port=SENTINEL_PORT),
            service=unquote(service),
            database=int(database or 0),
            user=unquote(who.username or ""),
            password=unquote(who.password or ""),
        )

    def kombu_url(self) -> str:
        """As Celery's transport reads it; the service goes into its options."""
        login = f"{quote(self.user, safe='')}:{quote(self.password, safe='')}@" if self.password else ""
        return ";".join(f"{SENTINEL}{login}{_printed(each)}/{self.database}" for each in self.hosts)


def _hosts(name: str, places: str, *, default_port: int) -> list[tuple[str, int]]:
    """Host and port of each place of a comma-separated list."""
    found = []
    for place in places.split(","):
        parts = _parts(name, place)
        if not parts.hostname:
            raise ValueError(f"{name}: {place!r} is no host; write host1:{default_port},host2:{default_port}")
        found.append((parts.hostname, parts.port or default_port))
    return found


def _parts(name: str, place: str) -> SplitResult:
    try:
        parts = urlsplit(f"//{place}")
        parts.port  # noqa: B018  raises for what is no port
    except ValueError as error:
        raise ValueError(f"{name}: {place!r} is no host and port: {error}") from error
    return parts


def _printed(host: tuple[str, int]) -> str:
    name, port = host
    return f"[{name}]:{port}" if ":" in name else f"{name}:{port}"
