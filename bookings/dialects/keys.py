"""The API key of a dialect: who calls, through which channel, and what the key may do (contract §2, §6)."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from staff.access.actor import Actor
from staff.access.auth import bearer_of, find_key
from staff.models import ApiKey
from staff.wire.refusals import Forbidden, NotLoggedIn

READS = ApiKey.Mode.READ
WRITES = ApiKey.Mode.WRITE


class DialectKey(BaseAuthentication):
    """`Authorization: Bearer KEY` with a key of this dialect; a key of another dialect is refused."""

    dialect: ClassVar[str]

    def secret_of(self, request: Request) -> str | None:
        return bearer_of(request)

    def authenticate(self, request: Request) -> tuple[None, ApiKey]:
        secret = self.secret_of(request)
        key = None if not secret else find_key(secret, self.dialect)
        if key is None:
            raise NotLoggedIn("The API key is missing, unknown, revoked or expired.")
        return None, key

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class KeyMay(BasePermission):
    """The key's mode covers what `view.power_of(request)` says the call is: READS or WRITES."""

    def has_permission(self, request: Request, view: Any) -> bool:
        key = request.auth
        power = view.power_of(request)
        if not isinstance(key, ApiKey) or not key.mode & power:
            what = "read" if power == READS else "write"
            raise Forbidden(f"This API key may not {what}; use a key whose mode allows it.")
        return True


def actor_of_key(request: Request) -> Actor:
    """The key as the door sees it: it acts as an admin, and the audit trail names it."""
    key = request.auth
    if not isinstance(key, ApiKey):
        raise NotLoggedIn
    return Actor(type="api_key", id=key.pk, name=key.name, channel=key.dialect, is_admin=True)
