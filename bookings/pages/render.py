"""How every public page leaves: one template family, one stylesheet inside it, nothing from outside.

The stylesheet stands in the page and the policy names its hash: a page asks for nothing else, so it looks
the same under any address and any path prefix. Contract §1.4 "public pages".
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from django.http import HttpResponse
from django.template.loader import render_to_string
from django.utils.safestring import mark_safe
from django.utils.translation import override

from staff.models import SalonSettings

_SHEET = Path(__file__).resolve().parent.parent / "static" / "bookings" / "pages.css"
STYLESHEET = mark_safe(_SHEET.read_text(encoding="utf-8"))
_SHEET_HASH = base64.b64encode(hashlib.sha256(STYLESHEET.encode()).digest()).decode()

HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Robots-Tag": "noindex",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
}


def render_page(
    template: str,
    *,
    salon: SalonSettings,
    language: str,
    context: Mapping[str, Any],
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    form_targets: Sequence[str] = (),
) -> HttpResponse:
    """The page as an answer. `context` holds the page's `heading` and what its template asks for.

    `language` is one of settings.LANGUAGES; `form_targets` are origins besides our own to which its form may
    lead, by redirect too.
    """
    with override(language):
        body = render_to_string(
            template,
            {
                "salon": salon,
                "language": language,
                "stylesheet": STYLESHEET,
                "phone_link": dialable(salon.business_phone),
                **context,
            },
        )
    return HttpResponse(
        body,
        status=status,
        headers={
            **HEADERS,
            "Content-Language": language,
            "Content-Security-Policy": policy(form_targets),
            **(headers or {}),
        },
    )


def policy(form_targets: Sequence[str] = ()) -> str:
    """The Content-Security-Policy: no script, no outside resource, the one stylesheet, forms to ourselves."""
    targets = " ".join(["'self'", *form_targets])
    return (
        f"default-src 'none'; style-src 'sha256-{_SHEET_HASH}'; img-src data:; "
        f"form-action {targets}; frame-ancestors 'none'; base-uri 'none'"
    )


def dialable(phone: str) -> str:
    """The digits of a phone number, with a leading plus, for a `tel:` link."""
    digits = "".join(character for character in phone if character.isascii() and character.isdigit())
    return f"+{digits}" if phone.strip().startswith("+") else digits
