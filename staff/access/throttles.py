"""Rates of contract §0, counted in the shared cache over a sliding minute. 429 with Retry-After beyond them.

Names: LoginThrottle, PublicLinkThrottle, CalendarThrottle, NativeKeyThrottle, DryRunThrottle,
PasswordThrottle; note_forwarded, proxy_is_unknown.

The client's address is believed through TRUSTED_PROXIES proxies (REST framework's NUM_PROXIES). Not exact
under concurrency, which is enough here; SimpleSpa's exact limit is counted on the key's row. Ten failures on
one account are counted by axes (`staff.access.accounts`).
"""

from __future__ import annotations

import hashlib
from typing import Any

import structlog
from django.conf import settings
from django.core.cache import cache
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle

from staff.models import ApiKey, Staff

logger = structlog.get_logger(__name__)


FORWARDED = "proxy:forwarded"
FORWARDED_FOR = 24 * 3600
"""Seconds that it is said on admin's first page, and between two lines in the log."""


def note_forwarded(request: Any) -> None:
    """A request that came through a proxy of which we were told nothing: all limits for an address are then
    for the proxy's. Said in the log once a day, and on admin's first page (contract §9 "limits")."""
    if settings.TRUSTED_PROXIES or "HTTP_X_FORWARDED_FOR" not in request.META:
        return
    if cache.add(FORWARDED, "yes", FORWARDED_FOR):
        logger.warning("proxy_not_trusted", hint="Set TRUSTED_PROXIES to the number of proxies before us.")


def proxy_is_unknown() -> bool:
    """Whether that has happened within a day."""
    return not settings.TRUSTED_PROXIES and cache.get(FORWARDED) is not None


class AddressThrottle(SimpleRateThrottle):
    """So many calls a minute from one address."""

    def get_cache_key(self, request: Any, view: Any) -> str:
        note_forwarded(request)
        address = hashlib.sha256(str(self.get_ident(request)).encode("utf-8", "replace")).hexdigest()[:32]
        return f"throttle:{self.scope}:{address}"


class LoginThrottle(AddressThrottle):
    """Logins and password resets: 30 a minute for an address."""

    scope = "login"
    rate = "30/min"


class PublicLinkThrottle(AddressThrottle):
    """Public links, pages and their JSON twins: 60 a minute for an address."""

    scope = "public"
    rate = "60/min"


class CalendarThrottle(AddressThrottle):
    """Calendars that staff subscribe to: 600 a minute for an address: a provider has one for many."""

    scope = "calendar"
    rate = "600/min"


class NativeKeyThrottle(SimpleRateThrottle):
    """A native API key: 600 calls a minute. Staff are not counted."""

    scope = "key"
    rate = "600/min"

    def get_cache_key(self, request: Request, view: Any) -> str | None:
        if not isinstance(request.auth, ApiKey):
            return None
        return f"throttle:{self.scope}:{request.auth.pk}"


class DryRunThrottle(SimpleRateThrottle):
    """What would happen: 120 questions a minute for a person, or for a native key (contract §11)."""

    scope = "dry-run"
    rate = "120/min"

    def get_cache_key(self, request: Request, view: Any) -> str | None:
        if isinstance(request.auth, ApiKey):
            return f"throttle:{self.scope}:key:{request.auth.pk}"
        return f"throttle:{self.scope}:{request.user.pk}" if isinstance(request.user, Staff) else None


class PasswordThrottle(SimpleRateThrottle):
    """Guesses of one's old password through a stolen token: 10 a minute for a person."""

    scope = "password"
    rate = "10/min"

    def get_cache_key(self, request: Request, view: Any) -> str | None:
        if not isinstance(request.user, Staff):
            return None
        return f"throttle:{self.scope}:{request.user.pk}"
