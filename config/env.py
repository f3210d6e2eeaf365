"""Reading the environment: values that are more than a string or a number.

Everything here raises `ValueError` with a sentence that names the variable, so that a wrong
deployment stops at start-up instead of misbehaving later.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import dj_email_url

from config.hosts import SENTINEL, SentinelAddress

MAIL_TIMEOUT_SECONDS = 15
CACHE_ENTRIES = 200_000
"""Beyond them Django deletes what has expired, and then a third of the rest, counted limits too; its own 300
would let anybody bring that about."""

STATEMENTS_KEPT = 400
"""Which a connection of SQLite need not compile again. Python keeps 128; a visit that is changed, its mails
and its pages ask twice as many. An ordinary one takes 16 kB, one that joins four tables 80."""

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")
# For whoever publishes; a worker keeps trying to connect by its own rule.
ONE_TRY = {"max_retries": 0, "interval_start": 0, "interval_step": 0, "interval_max": 0}
WILDCARD_HOSTS = ("0.0.0.0", "::", "[::]", "")
MAIL_SCHEMES = ("smtp", "submission", "submit")


def own_address(host: str, port: int) -> str:
    """The address of this machine's web process, for links when PUBLIC_URL is not set."""
    name = "127.0.0.1" if host in WILDCARD_HOSTS else host
    if ":" in name and not name.startswith("["):
        name = f"[{name}]"
    return f"http://{name}:{port}"


def base_address(name: str, value: str) -> str:
    """Check an http(s) address (origin, optional path) and return it without a trailing slash."""
    parts = _http_parts(name, value)
    return f"{parts.scheme}://{parts.netloc.lower()}{parts.path.rstrip('/')}"


def origin(name: str, value: str) -> str:
    """Check an http(s) origin (scheme, host, optional port) and return it in lower case."""
    parts = _http_parts(name, value)
    if parts.path.strip("/"):
        raise ValueError(
            f"{name}: {value!r} must be an origin such as https://book.example.com, without a path"
        )
    return origin_of(value)


def origins(name: str, value: str) -> list[str]:
    """The origins of a comma-separated list, each checked."""
    return [origin(name, each) for each in listed(value)]


def listed(value: str) -> list[str]:
    """The entries of a comma-separated list, without spaces and empty ones."""
    return [each.strip() for each in value.split(",") if each.strip()]


def origin_of(address: str) -> str:
    """The origin part of an address that was already checked."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc.lower()}"


def unique(values: Iterable[str]) -> list[str]:
    """The values in their first order, each once."""
    return list(dict.fromkeys(values))


def allowed_hosts(public_url: str) -> list[str]:
    """The Host headers answered to when ALLOWED_HOSTS is not set: PUBLIC_URL's host.

    A loopback PUBLIC_URL allows every name of the loopback.
    """
    name = urlsplit(public_url).hostname or ""
    host = f"[{name}]" if ":" in name else name
    return unique([host, *LOOPBACK_NAMES]) if host in LOOPBACK_NAMES else [host]


def time_zone(name: str, value: str) -> str:
    """Check that `value` is a zone of the tz database."""
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{name}: {value!r} is not a time zone such as Europe/Amsterdam") from error
    return value


def kept_secret(path: Path) -> str:
    """The key that `make run` made, so that manage.py works beside it; empty if it made none."""
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        return ""


@dataclass(frozen=True, slots=True)
class MailServer:
    """Django's EMAIL_* settings; as it stands here no mail leaves this machine. `timeout` is in seconds."""

    backend: str = "django.core.mail.backends.dummy.EmailBackend"
    host: str = "localhost"
    port: int = 25
    user: str = ""
    password: str = ""
    starttls: bool = False
    tls: bool = False
    timeout: int = MAIL_TIMEOUT_SECONDS


def mail_server(url: str) -> MailServer:
    """The mail server of EMAIL_URL; none when it is empty.

    Port 465 without a word about TLS speaks TLS from the first byte, as every server there does.
    """
    if not url:
        return MailServer()
    parts = urlsplit(url)
    if parts.scheme not in MAIL_SCHEMES or not parts.hostname:
        raise ValueError(
            "EMAIL_URL must look like submission://user:password@host or smtp://user:password@host:465?ssl=True"
        )
    found = dj_email_url.parse(url)
    starttls = found["EMAIL_USE_TLS"]
    return MailServer(
        backend=found["EMAIL_BACKEND"],
        host=found["EMAIL_HOST"],
        port=found["EMAIL_PORT"],
        user=found["EMAIL_HOST_USER"] or "",
        password=found["EMAIL_HOST_PASSWORD"] or "",
        starttls=starttls,
        tls=found["EMAIL_USE_SSL"] or (found["EMAIL_PORT"] == 465 and not starttls),
    )


def database_settings(found: dict[str, Any]) -> dict[str, Any]:
    """Complete what DATABASE_URL says with how this project uses SQLite and PostgreSQL.

    Connections are kept for the life of their thread and tested before each request, so a
    database that went away and came back needs no restart of ours.
    """
    options = dict(found.get("OPTIONS") or {})
    if found.get("ENGINE") == "django.db.backends.sqlite3":
        options = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL;",
            "cached_statements": STATEMENTS_KEPT,
            **options,
        }
    elif found.get("ENGINE") == "django.db.backends.postgresql":
        # Django's default would forbid prepared statements altogether (`config.postgres`).
        options = {
            "connect_timeout": 3,
            "application_name": "bookings",
            "prepare_threshold": 0,
            **options,
        }
        found = {**found, "ENGINE": "config.postgres"}
    else:
        raise ValueError("DATABASE_URL must start with sqlite:/// or postgres://")
    return {**found, "OPTIONS": options, "CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": True}


def replica_settings(found: dict[str, Any]) -> dict[str, Any]:
    """The same for what DATABASE_REPLICA_URL says. Raises ValueError for anything but PostgreSQL."""
    if found.get("ENGINE") != "django.db.backends.postgresql":
        raise ValueError("DATABASE_REPLICA_URL must start with postgres://: only PostgreSQL has replicas")
    return {**database_settings(found), "TEST": {"MIRROR": "default"}}


def default_sender(public_url: str) -> str:
    """The sender of mails when DEFAULT_FROM_EMAIL is not set; a check warns if mails would leave with it."""
    name = urlsplit(public_url).hostname or ""
    return f"bookings@{'localhost' if name in ('127.0.0.1', '::1') else name}"


def cache_settings(url: str, broker_url: str) -> dict[str, Any]:
    """The shared cache: CACHE_URL, else the broker if it is Redis, else a table of the database."""
    name = "CACHE_URL" if url else "BROKER_URL"
    url = url or (broker_url if _is_redis(broker_url) else "")
    if not url or url == "database":
        return {
            "BACKEND": "django.core.cache.backends.db.DatabaseCache",
            "LOCATION": "cache_entries",
            "OPTIONS": {"MAX_ENTRIES": CACHE_ENTRIES},
        }
    if not _is_redis(url):
        raise ValueError("CACHE_URL must be 'database' or start with redis://, rediss:// or sentinel://")
    options: dict[str, Any] = {"socket_timeout": 0.5, "socket_connect_timeout": 0.5}
    if url.startswith(SENTINEL):
        SentinelAddress.read(name, url)
        options["pool_class"] = "config.cache.SentinelPool"
    return {
        "BACKEND": "config.cache.RedisCacheThatMayBeAway",
        # A list: Django would take a string apart at its commas.
        "LOCATION": [url],
        "KEY_PREFIX": "bookings",
        "OPTIONS": options,
    }


def broker_url(url: str) -> str:
    """BROKER_URL as Celery reads it."""
    return SentinelAddress.read("BROKER_URL", url).kombu_url() if url.startswith(SENTINEL) else url


def broker_options(url: str, folder: Path) -> dict[str, Any]:
    """Celery's transport options: a broker that is away costs a web request about half a second."""
    if url.startswith("filesystem"):
        return _filesystem_broker(folder)
    if _is_redis(url):
        return {
            **_behind_sentinel(url),
            "socket_timeout": 0.5,
            "socket_connect_timeout": 0.5,
            "retry_on_timeout": False,
            # Wake-ups may be lost, so Redis need not keep those under way.
            "ack_emulation": False,
            **ONE_TRY,
        }
    if url.startswith(("amqp://", "amqps://", "pyamqp://")):
        return {"connect_timeout": 0.5, "write_timeout": 0.5, **ONE_TRY}
    raise ValueError("BROKER_URL must start with redis://, rediss://, sentinel://, amqp:// or amqps://")


def _is_redis(url: str) -> bool:
    return url.startswith(("redis://", "rediss://", "unix://", SENTINEL))


def _behind_sentinel(url: str) -> dict[str, Any]:
    """Asking a Sentinel that hangs costs no more than asking a Redis that does."""
    if not url.startswith(SENTINEL):
        return {}
    timeouts = {"socket_timeout": 0.5, "socket_connect_timeout": 0.5}
    return {"master_name": SentinelAddress.read("BROKER_URL", url).service, "sentinel_kwargs": timeouts}


def _filesystem_broker(folder: Path) -> dict[str, Any]:
    """Celery's transport options for a broker that is a folder; makes the folders (mode 0700)."""
    folders = {name: folder / name for name in ("messages", "processed", "control")}
    for path in folders.values():
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return {
        "data_folder_in": str(folders["messages"]),
        "data_folder_out": str(folders["messages"]),
        "processed_folder": str(folders["processed"]),
        "control_folder": str(folders["control"]),
        "store_processed": False,
        "polling_interval": 0.1,
    }


def _http_parts(name: str, value: str) -> SplitResult:
    try:
        parts = urlsplit(value)
        port_is_legal = parts.port is None or parts.port > 0
    except ValueError as error:
        raise ValueError(f"{name}: {value!r} is not an address: {error}") from error
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_legal:
        raise ValueError(f"{name}: {value!r} must start with http:// or https:// and name a host")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError(f"{name}: {value!r} must carry no user, query or fragment")
    return parts
