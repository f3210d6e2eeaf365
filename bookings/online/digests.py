"""Whom we count, without keeping who it is: keyed digests of addresses, numbers and bodies."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from django.utils.crypto import salted_hmac


def digest(kind: str, value: str) -> str:
    """64 hex digits; equal for equal values of one kind, and of no use without our key."""
    return salted_hmac(f"bookings.online.{kind}", value, algorithm="sha256").hexdigest()


def body_digest(body: Any) -> str:
    """Of JSON, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(body, sort_keys=True, default=str).encode()).hexdigest()
