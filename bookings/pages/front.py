"""The front page, until there is one to book on: whose address this is, and where to go from here."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from bookings.links import public_url
from bookings.pages.shell import Button, PublicPage
from notifications.letters.plain import one_line


class FrontPage(PublicPage):
    """In the salon's language; nothing to send, so a POST is 405."""

    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.page(
            "pages/front.html",
            heading=one_line(self.salon.business_name) or _("Welcome"),
            sentences=[
                _("This is where we keep our appointments. For yours, please open the link in your e-mail.")
            ],
            button=Button(_("For administrators: log in"), public_url("", "/admin/")),
            other=Button(_("For developers: the API"), public_url("", "/api/docs")),
        )
