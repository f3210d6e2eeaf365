"""The script by which another website shows the booking page (contract §9 "embed")."""

from __future__ import annotations

from pathlib import Path

from django.http import HttpRequest, HttpResponse
from django.views import View

_SCRIPT = Path(__file__).resolve().parent.parent / "static" / "bookings" / "embed.js"
_TEXT = _SCRIPT.read_bytes()
AN_HOUR = 3600


class EmbedFile(View):
    """At an address of its own, short and without a version: it stands in other people's websites."""

    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest) -> HttpResponse:
        headers = {"Cache-Control": f"public, max-age={AN_HOUR}"}
        return HttpResponse(_TEXT, content_type="text/javascript; charset=utf-8", headers=headers)
