"""System checks of the settings: what would only be noticed later, said at start-up."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning

from config.env import LOOPBACK_NAMES, WILDCARD_HOSTS


def check_settings(**kwargs: Any) -> list[CheckMessage]:
    """All checks of this module, in the order of their ids."""
    return [
        *_secret_key(),
        *_numbers(),
        *_replica(),
        *_stripe(),
        *_mail(),
        *_addresses(),
    ]


def _secret_key() -> list[CheckMessage]:
    if settings._wrapped.SECRET_KEY or settings.DEBUG:
        return []
    return [
        Error(
            "SECRET_KEY is not set.",
            hint="Set SECRET_KEY to a long random value; `make run` makes one in DATA_DIR by itself.",
            id="config.E001",
        )
    ]


def _numbers() -> list[CheckMessage]:
    least = {"UPDATE_MAIL_DELAY_SECONDS": 0, "JOB_LEASE_SECONDS": 1, "TRUSTED_PROXIES": 0, "PORT": 0}
    return [
        Error(f"{name} is {getattr(settings, name)}, it must be at least {value}.", id="config.E002")
        for name, value in least.items()
        if getattr(settings, name) < value
    ]


def _replica() -> list[CheckMessage]:
    on_sqlite = not settings.DATABASE_URL or settings.DATABASE_URL.startswith("sqlite")
    if not (settings.DATABASE_REPLICA_URL and on_sqlite):
        return []
    return [
        Error(
            "DATABASE_REPLICA_URL is set, but the database is SQLite, which has no replicas.",
            hint="Set DATABASE_URL to the PostgreSQL that it follows, or leave it out.",
            id="config.E008",
        )
    ]


def _stripe() -> list[CheckMessage]:
    if bool(settings.STRIPE_API_KEY) == bool(settings.STRIPE_WEBHOOK_SECRET):
        return []
    return [
        Warning(
            "Only one of STRIPE_API_KEY and STRIPE_WEBHOOK_SECRET is set.",
            hint="Without the other one, payments are asked for but never noticed, or the reverse.",
            id="config.W003",
        )
    ]


def _mail() -> list[CheckMessage]:
    if not settings.EMAIL_URL:
        return []
    found: list[CheckMessage] = []
    encrypted = settings.EMAIL_USE_TLS or settings.EMAIL_USE_SSL
    if not encrypted and settings.EMAIL_HOST not in LOOPBACK_NAMES and settings.EMAIL_HOST != "::1":
        found.append(
            Warning(
                f"EMAIL_URL speaks plain SMTP to {settings.EMAIL_HOST}: mails travel unencrypted.",
                hint="Use submission://user:password@host or smtp://user:password@host:465?ssl=True.",
                id="config.W004",
            )
        )
    sender_host = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].rstrip("> ")
    if sender_host in ("localhost", "127.0.0.1") and settings.EMAIL_HOST not in LOOPBACK_NAMES:
        found.append(
            Warning(
                f"Mails would be sent from {settings.DEFAULT_FROM_EMAIL}, which no mail server accepts.",
                hint="Set DEFAULT_FROM_EMAIL to an address of the salon.",
                id="config.W005",
            )
        )
    return found


def _addresses() -> list[CheckMessage]:
    found: list[CheckMessage] = []
    host = urlsplit(settings.PUBLIC_URL).hostname or ""
    public_is_loopback = host in ("localhost", "127.0.0.1", "::1")
    if settings.HOST in WILDCARD_HOSTS and public_is_loopback:
        found.append(
            Warning(
                f"HOST means every interface, but links in mails lead to {settings.PUBLIC_URL}.",
                hint="Set PUBLIC_URL to the address people use.",
                id="config.W006",
            )
        )
    if not settings.PUBLIC_URL_IS_HTTPS and not public_is_loopback:
        found.append(
            Warning(
                f"PUBLIC_URL is {settings.PUBLIC_URL}: logins and links travel unencrypted.",
                hint="Put TLS in front and set PUBLIC_URL to its https:// address.",
                id="config.W007",
            )
        )
    return found
