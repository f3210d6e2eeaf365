"""Making, changing and revoking API keys (contract §1.5, /api/api-keys)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from staff.access.auth import make_key_secret
from staff.models import ApiKey, Staff
from staff.storage.storing import locked, store_changes, stored
from staff.wire.refusals import BadRequest


def make_key(*, fields: Mapping[str, Any], by: Staff | None, now: datetime) -> tuple[ApiKey, str]:
    """A key and its secret, which is stored nowhere. Raises BadRequest for an expiry that has passed."""
    secret, prefix, secret_hash = make_key_secret()
    _check_expiry(fields, now=now)
    return stored(ApiKey(**fields, prefix=prefix, secret_hash=secret_hash, created_by=by)), secret


def change_key(key_id: int, *, fields: Mapping[str, Any], now: datetime) -> ApiKey:
    """Its name, mode or expiry; a dialect is for life. Raises NotFound, BadRequest."""
    changes = {name: value for name, value in fields.items() if name != "dialect"}
    _check_expiry(changes, now=now)
    with transaction.atomic():
        return store_changes(locked(ApiKey.objects.all(), key_id), changes)


def revoke_key(key_id: int, *, now: datetime) -> ApiKey:
    """It opens nothing from now on; a second time keeps the first moment. Raises NotFound."""
    with transaction.atomic():
        key = locked(ApiKey.objects.all(), key_id)
        return key if key.revoked_at else store_changes(key, {"revoked_at": now})


def _check_expiry(fields: Mapping[str, Any], *, now: datetime) -> None:
    expires_at = fields.get("expires_at")
    if expires_at is not None and expires_at <= now:
        raise BadRequest.field("expires_at", "It must be in the future.")
