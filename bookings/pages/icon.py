"""The salon's icon in the tabs of a browser: its colour and its first letter, drawn (contract §8 "look").

Public pages and the agenda hold it themselves, so that they ask for nothing else; admin, and whoever asks
without being told, find it at the address that every browser knows.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from html import escape
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse
from django.views import View

from staff.access.auth import salon_of
from staff.models import SalonSettings
from staff.salon.look import look_of

AN_HOUR = 3600
_DRAWING = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" '
    'fill="{ground}"/><text x="16" y="23" font-family="system-ui,sans-serif" font-size="20" '
    'font-weight="700" text-anchor="middle" fill="{ink}">{letter}</text></svg>'
)


class IconFile(View):
    """At /favicon.ico, whatever its name says: browsers go by the type."""

    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest) -> HttpResponse:
        headers = {"Cache-Control": f"public, max-age={AN_HOUR}"}
        return HttpResponse(drawing_of(salon_of(request)), content_type="image/svg+xml", headers=headers)


def drawing_of(salon: SalonSettings) -> str:
    """SVG. A salon without a name has its colour alone."""
    return _drawn(salon.brand_color, _first_letter(salon.business_name))


def icon_in_page(salon: SalonSettings) -> str:
    """The same as an address that holds it."""
    return f"data:image/svg+xml,{quote(drawing_of(salon))}"


@lru_cache(maxsize=64)
def _drawn(brand_color: str, letter: str) -> str:
    palette = look_of(brand_color).light
    return _DRAWING.format(ground=palette.accent, ink=palette.on_accent, letter=escape(letter))


def _first_letter(name: str) -> str:
    letter = next((each for each in unicodedata.normalize("NFC", name) if each.isalnum()), "")
    return letter.upper() if len(letter.upper()) == 1 else letter
