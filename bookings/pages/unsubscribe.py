"""Leaving the follow-up mails: a page for people, and the one-click POST of mail programs (RFC 8058).

A mail program posts `List-Unsubscribe=One-Click`, our button the same; the body decides nothing, and neither
does a cookie: whoever has the link may use it, as often as they like.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from bookings.pages.shell import PublicPage
from bookings.self_service.unsubscribe import subscriber_of, unsubscribe


class UnsubscribePage(PublicPage):
    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        client = subscriber_of(token)
        self.speak_to(client)
        if not client.marketing_consent:
            return self.done()
        return self.page(
            "pages/act.html",
            heading=_("No more of these e-mails?"),
            sentences=[
                _("After a visit we sometimes write with advice and offers. You can end that here."),
                _("E-mails about your own appointments still reach you."),
            ],
            hidden={"List-Unsubscribe": "One-Click"},
            label=_("Unsubscribe"),
        )

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        self.speak_to(unsubscribe(token=token))
        return self.done()

    def done(self) -> HttpResponse:
        return self.notice(
            _("You are unsubscribed"),
            _("We will not send you any more e-mails of this kind."),
            _("E-mails about your own appointments still reach you."),
        )
