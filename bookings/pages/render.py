"""How every public page leaves: one template family, one stylesheet inside it, nothing from outside.

The stylesheet stands in the page and the policy names its hash: a page asks for nothing else, so it looks
the same under any address and any path prefix. Contract §1.4 "public pages".
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from csp.constants import NONE, SELF
from django.http import HttpResponse
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import override

from bookings.pages.icon import icon_in_page
from staff.models import SalonSettings
from staff.salon.look import Palette, look_of

_STATIC = Path(__file__).resolve().parent.parent / "static" / "bookings"
_SHEET = (_STATIC / "pages.css").read_text(encoding="utf-8")


class Sheet(NamedTuple):
    """A stylesheet as it stands in a page, and its hash as the policy names it."""

    text: SafeString
    hash: str


class Openings(NamedTuple):
    """What a page's policy allows beyond every page's: origins besides our own to which its form may lead, by
    redirect too; origins that may frame it; scripts and workers of ours."""

    form_targets: Sequence[str] = ()
    framed_by: Sequence[str] = ()
    own_scripts: bool = False


NOTHING_MORE = Openings()

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
    openings: Openings = NOTHING_MORE,
) -> HttpResponse:
    """The page as an answer. `context` holds the page's `heading` and what its template asks for.

    `language` is one of settings.LANGUAGES.
    """
    sheet = sheet_of(salon.brand_color)
    with override(language):
        body = render_to_string(
            template,
            {
                "salon": salon,
                "language": language,
                "stylesheet": sheet.text,
                "icon": icon_in_page(salon),
                "phone_link": dialable(salon.business_phone),
                **context,
            },
        )
    answer = HttpResponse(
        body,
        status=status,
        headers={
            **HEADERS,
            "Content-Language": language,
            "Content-Security-Policy": policy(sheet, openings),
            **(headers or {}),
        },
    )
    if openings.framed_by:
        # It knows no list of origins: the policy's frame-ancestors says who may.
        del answer.headers["X-Frame-Options"]
        answer.xframe_options_exempt = True
    return answer


@lru_cache(maxsize=64)
def sheet_of(brand_color: str) -> Sheet:
    """The one stylesheet in the salon's colours."""
    return _hashed(f"{_accents(brand_color)}\n{_SHEET}")


@lru_cache(maxsize=64)
def accents_of(brand_color: str) -> Sheet:
    """The salon's colours alone, for a page whose stylesheet is a file."""
    return _hashed(_accents(brand_color))


def _hashed(text: str) -> Sheet:
    return Sheet(mark_safe(text), base64.b64encode(hashlib.sha256(text.encode()).digest()).decode())


def _accents(brand_color: str) -> str:
    look = look_of(brand_color)
    return f"{_variables(look.light)}\n@media (prefers-color-scheme: dark) {{ {_variables(look.dark)} }}"


def _variables(palette: Palette) -> str:
    return (
        f":root {{ --accent: {palette.accent}; --accent-strong: {palette.strong}; "
        f"--on-accent: {palette.on_accent}; --tint: {palette.tint}; }}"
    )


def policy(sheet: Sheet, openings: Openings) -> str:
    """The Content-Security-Policy: no outside resource, the one stylesheet, forms to ourselves, no frame."""
    scripts = "script-src 'self'; worker-src 'self'; connect-src 'self'; " if openings.own_scripts else ""
    return (
        f"default-src 'none'; style-src 'sha256-{sheet.hash}'; img-src data:; {scripts}"
        f"form-action {' '.join([SELF, *openings.form_targets])}; "
        f"frame-ancestors {' '.join(openings.framed_by) or NONE}; base-uri 'none'"
    )


def dialable(phone: str) -> str:
    """The digits of a phone number, with a leading plus, for a `tel:` link."""
    digits = "".join(character for character in phone if character.isascii() and character.isdigit())
    return f"+{digits}" if phone.strip().startswith("+") else digits
