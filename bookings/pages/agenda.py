"""The salon's day at /agenda: the shell of a program that runs in the browser (contract §11; docs/adr/0095).

It holds no data of the salon but its name and its colour. The program stands in `bookings/static/agenda/`
and is an ordinary client of the API: it logs in there, and keeps its token to itself.
"""

from __future__ import annotations

from pathlib import Path

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from bookings.pages.booking_shell import own_path
from bookings.pages.icon import icon_in_page
from bookings.pages.render import HEADERS, Sheet, accents_of
from bookings.pages.shell import PublicPage, language_wished
from notifications.letters.plain import one_line

FIVE_MINUTES = 300
_FILES = Path(__file__).resolve().parent.parent / "static" / "agenda"
_MODULES = sorted(each.name for each in _FILES.glob("*.js"))
"""Asked for at once, instead of one after the other as each is found to be imported."""


class AgendaPage(PublicPage):
    """In the reader's language, which the program then goes on in. Nothing to send, so a POST is 405."""

    http_method_names = ["get", "head"]

    def first_language(self, request: HttpRequest) -> str:
        return language_wished(request, self.salon)

    def get(self, request: HttpRequest) -> HttpResponse:
        sheet = accents_of(self.salon.brand_color)
        context = {
            "language": self.language,
            "accents": sheet.text,
            "icon": icon_in_page(self.salon),
            "salon_name": one_line(self.salon.business_name),
            "files": own_path("/static/agenda"),
            "modules": _MODULES,
            "admin": own_path("/admin/"),
        }
        headers = {
            **HEADERS,
            "Cache-Control": f"public, max-age={FIVE_MINUTES}",
            "Vary": "Accept-Language",
            "Content-Language": self.language,
            "Content-Security-Policy": policy(sheet),
        }
        return HttpResponse(render_to_string("pages/agenda.html", context), headers=headers)


def policy(sheet: Sheet) -> str:
    """Scripts, styles and requests of our own, the salon's colours, no frame, and no form that leads away."""
    return (
        f"default-src 'none'; script-src 'self'; style-src 'self' 'sha256-{sheet.hash}'; connect-src 'self'; "
        "img-src 'self' data:; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
    )
