"""The base address under which a public link stands (contract §1.3 "base_url").

The Host header never builds a link: a base address is PUBLIC_URL or one of FRONTEND_ORIGINS, checked when
it is taken in and again when a link is built.

Names: checked_base_url, public_url.
"""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

from staff.wire.refusals import BadRequest

LONGEST_BASE_URL = 500
DEFAULT_PORTS = {"http": 80, "https": 443}

_URL_CHARACTERS = re.compile(r"[A-Za-z0-9._~:/!$&'()*+,;=%\[\]-]+")
_SEND_BASE_URL = (
    "Send the http(s) address of a front end that is listed in FRONTEND_ORIGINS, such as "
    "'https://book.example.com' or 'https://book.example.com/app', or leave it out."
)


def checked_base_url(text: object) -> str:
    """The base address `text` in its canonical form: lower-case origin, no default port, no trailing slash.

    Absent is the caller's business (store "": links then follow PUBLIC_URL); an empty string is refused
    like any other. Raises BadRequest (400, field `base_url`).
    """
    canonical = _canonical(text) if isinstance(text, str) else None
    if canonical is None:
        raise BadRequest.field("base_url", _SEND_BASE_URL, code="invalid_base_url")
    base_url, origin = canonical
    if origin not in _allowed_origins():
        raise BadRequest.field(
            "base_url",
            f"{origin} is not one of this salon's addresses. {_SEND_BASE_URL}",
            code="invalid_base_url",
        )
    return base_url


def public_url(base_url: str, path: str) -> str:
    """`path` (starting with a slash) under a stored base address, or under PUBLIC_URL.

    A stored address that is no longer on FRONTEND_ORIGINS is not used any more.
    """
    canonical = _canonical(base_url)
    if canonical is None or canonical[1] not in _allowed_origins():
        return f"{settings.PUBLIC_URL.rstrip('/')}{path}"
    return f"{canonical[0]}{path}"


def _canonical(text: str) -> tuple[str, str] | None:
    """(base address, origin), or None when `text` is not an http(s) origin with an optional path."""
    if len(text) > LONGEST_BASE_URL or _URL_CHARACTERS.fullmatch(text) is None:
        return None
    try:
        parts = urlsplit(text)
        origin = _origin(parts)
    except ValueError:
        return None
    if origin is None:
        return None
    return f"{origin}{parts.path.rstrip('/')}", origin


def _origin(parts: SplitResult) -> str | None:
    """Scheme, host and a port that is not the scheme's own. Raises ValueError on a port that is no number."""
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    if parts.port is None or parts.port == DEFAULT_PORTS[parts.scheme]:
        return f"{parts.scheme}://{host}"
    return f"{parts.scheme}://{host}:{parts.port}"


def _allowed_origins() -> set[str]:
    found = (_origin(urlsplit(address)) for address in (settings.PUBLIC_URL, *settings.FRONTEND_ORIGINS))
    return {origin for origin in found if origin is not None}
