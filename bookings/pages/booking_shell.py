"""What all steps of the booking page have in common: language, frame, refusals (contract §9)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from bookings.links import public_url
from bookings.online.catalogue import LocationUnknown
from bookings.online.limits import PageThrottle
from bookings.pages.booking_state import Asked, read_query
from bookings.pages.front import BOOKING_PATH, languages_of
from bookings.pages.render import Openings
from bookings.pages.shell import Button, PublicPage, language_wished, refusal_words
from staff.models import SalonSettings
from staff.wire.errors import error_headers
from staff.wire.refusals import Refused


class BookingShell(PublicPage):
    """A page under /book. The salon's websites may frame it, and nobody else."""

    throttle = PageThrottle
    asked: Asked

    def first_language(self, request: HttpRequest) -> str:
        self.asked = read_query(request, location=self.kwargs.get("location", ""))
        return language_wished(request, self.salon)

    @property
    def is_off(self) -> bool:
        return self.salon.online_booking == SalonSettings.OnlineBooking.OFF

    @property
    def is_request(self) -> bool:
        """A client asks, and the salon answers."""
        return self.salon.online_booking == SalonSettings.OnlineBooking.REQUEST

    def step(self, template: str, *, heading: str, with_widget: bool = False, **context: Any) -> HttpResponse:
        """A page of the booking: as every page, with its languages, and its frame where it stands in one."""
        framed_by = self.salon.embed_origins
        tells_height = self.asked.embed and bool(framed_by)
        query = self.state()
        return self.page(
            template,
            heading=heading,
            openings=Openings(framed_by=framed_by, own_scripts=with_widget or tells_height),
            embed=self.asked.embed,
            languages=languages_of(self.language),
            query=f"{query}&" if query else "",
            front=own_path("/"),
            book_path=own_path(BOOKING_PATH),
            frame_script=own_path("/static/bookings/embedded.js") if tells_height else "",
            frame_origins=" ".join(framed_by),
            widget_script=own_path("/static/bookings/book.js") if with_widget else "",
            **context,
        )

    def state(self) -> str:
        """What the links to this page in other languages carry on."""
        return self.asked.query(lang="")

    def notice(self, heading: str, *sentences: str, **more: Any) -> HttpResponse:
        return self.step("pages/book_notice.html", heading=heading, sentences=sentences, **more)

    def refuse(self, problem: Refused) -> HttpResponse:
        """In the frame of the page, where it stands in one."""
        status = problem.http_status
        if status == HTTPStatus.NOT_FOUND:
            return self.notice(
                _("There is no such page"),
                _("Please check the address, or begin anew."),
                button=Button(_("Book an appointment"), own_path(BOOKING_PATH)),
                status=status,
            )
        if status == HTTPStatus.GONE:
            booked = _("What you have booked stands in the e-mail that we have sent you.")
            return self.notice(_("This page is no longer here"), booked, status=status)
        heading, sentence = refusal_words(problem)
        return self.notice(heading, sentence, status=status, headers=error_headers(problem, status))


class BookingUnknown(BookingShell):
    """Any other address under /book."""

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        raise LocationUnknown

    post = get


def own_path(path: str) -> str:
    """`path` as a browser asks for it, below the path of PUBLIC_URL, whatever name we have there."""
    return urlsplit(public_url("", path)).path
