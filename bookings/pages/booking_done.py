"""What was booked, for who booked it inside a frame of another website (contract §9 "embed").

The visit's own page is never framed; this one says what was booked and leads there.
"""

from __future__ import annotations

from urllib.parse import urlencode

from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from bookings.errors import LinkUnknown, LinkVoid
from bookings.models import Booking, Visit, counted
from bookings.pages.appointment import facts_of
from bookings.pages.booking_shell import BookingShell, own_path
from bookings.pages.front import BOOKING_PATH
from bookings.pages.shell import Button
from bookings.self_service.visit_link import page_url

DONE_PATH = f"{BOOKING_PATH}/done"
VALID_SECONDS = 30 * 60
_SALT = "bookings.pages.booking_done"


def done_path(visit: Visit, query: str) -> str:
    """Where the page is, with a signed id that is good for half an hour; `query` is carried on.

    The visit's own link is written here, so that showing the page changes nothing.
    """
    page_url(visit)
    token = signing.dumps([visit.pk, visit.link_nonce], salt=_SALT)
    return f"{own_path(DONE_PATH)}?t={token}{'&' if query else ''}{query}"


class DonePage(BookingShell):
    """In words, without the client's name: the address could be passed on."""

    http_method_names = ["get", "head"]

    def state(self) -> str:
        token = self.request.GET.get("t", "")
        return "&".join(each for each in (urlencode({"t": token}), super().state()) if each)

    def get(self, request: HttpRequest) -> HttpResponse:
        try:
            visit_id, nonce = signing.loads(request.GET.get("t", ""), salt=_SALT, max_age=VALID_SECONDS)
        except signing.SignatureExpired:
            raise LinkVoid from None
        except signing.BadSignature:
            raise LinkUnknown from None
        # Another client has another link, and so another number.
        visit = Visit.objects.filter(pk=visit_id, link_nonce=nonce).first()
        if visit is None:
            raise LinkUnknown
        page = Button(_("See, move or cancel it"), page_url(visit))
        if visit.status == Booking.Status.CANCELLED:
            return self.notice(_("This appointment has been cancelled."), button=page, leaves_frame=True)
        provisional = visit.status == Booking.Status.PROVISIONAL
        sentences = (
            [_("It is not yet certain: we will answer by e-mail.")]
            if provisional
            else [_("A confirmation is on its way to you by e-mail.")]
        )
        return self.notice(
            _("We have received your request") if provisional else _("Your appointment is booked"),
            *sentences,
            facts=facts_of(counted(visit.items)[0], salon=self.salon),
            button=page,
            leaves_frame=True,
        )
