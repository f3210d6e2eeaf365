"""What must not lie in the open: credentials, sealed, and numbers, as a keyed digest (docs/adr/0102).

The keys come from CHANNEL_KEY, where it is set, then SECRET_KEY and its fallbacks: the first one seals, all
of them open.

Names: sealed, opened, digest_of, digests_of, KeyLost.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

_CREDENTIALS, _NUMBERS = b"bookings channels credentials", b"bookings channels numbers"


class KeyLost(Exception):
    """No key of ours opens this: SECRET_KEY or CHANNEL_KEY was changed."""


def sealed(credentials: Mapping[str, str]) -> str:
    """As it is stored."""
    return _box().encrypt(json.dumps(dict(credentials)).encode()).decode()


def opened(stored: str) -> dict[str, str]:
    """What `sealed` was given. Raises KeyLost."""
    try:
        found: dict[str, str] = json.loads(_box().decrypt(stored.encode()))
    except (InvalidToken, ValueError) as error:
        raise KeyLost("The stored credentials do not open with today's key.") from error
    return found


def digest_of(number: str) -> str:
    """64 hex digits that know a number (E.164) again, and of no use without our key."""
    return digests_of(number)[0]


def digests_of(number: str) -> list[str]:
    """As each of our keys makes it, the newest first."""
    return [hmac.new(key, number.encode(), hashlib.sha256).hexdigest() for key in _keys(_NUMBERS)]


def _box() -> MultiFernet:
    return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in _keys(_CREDENTIALS)])


def _keys(purpose: bytes) -> list[bytes]:
    secrets = [settings.CHANNEL_KEY, settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return [
        HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(secret.encode())
        for secret in secrets
        if secret
    ]
