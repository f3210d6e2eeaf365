"""Accepting and declining a mailed request (contract §1.4 "provisional")."""

from __future__ import annotations

import hashlib
from http import HTTPStatus
from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from bookings import lifecycle
from bookings.errors import LinkSpent, RequestMoved
from bookings.links import accept_url, decline_url
from bookings.models import Booking, coming_with
from bookings.pages.appointment import facts_of
from bookings.pages.shell import Button, PublicPage, greeting
from bookings.self_service.used_links import link_history
from notifications.letters.language import long_moment
from staff.wire.refusals import Refused

DECIDED = ("link_accepted", "link_confirmed", "link_withdrawn")
"""Codes of a link that say nothing of why the appointment does not take place."""


class RequestPage(PublicPage):
    """The question (GET) and the answer (POST); the button posts what was shown along with it."""

    yes: ClassVar[bool]

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        return self.ask(self.read(token))

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        self.read(token)
        shown = request.POST.get("shown")
        answer = lifecycle.accept if self.yes else lifecycle.decline
        try:
            booking = answer(
                token=token,
                shown=None if shown is None else lambda booking: fingerprint(booking) == shown,
            )
        except RequestMoved:
            return self.ask(self.read(token), moved=True)
        return self.thank(booking)

    def read(self, token: str) -> Booking:
        """The booking the link asks about; from here on the page speaks the client's language."""
        self.about = booking = lifecycle.request_of(token=token)
        self.speak_to(booking.client)
        return booking

    def ask(self, booking: Booking, *, moved: bool = False) -> HttpResponse:
        changed = _("We have changed this appointment in the meantime. Please look again and then answer.")
        return self.page(
            "pages/act.html",
            heading=self.heading,
            status=HTTPStatus.CONFLICT if moved else HTTPStatus.OK,
            alert=changed if moved else "",
            sentences=[*greeting(booking.client), self.question],
            facts=facts_of(booking, salon=self.salon),
            small=self.deadline(booking),
            hidden={"shown": fingerprint(booking)},
            label=self.label,
            other=self.other(booking),
        )

    def deadline(self, booking: Booking) -> str:
        deadlines = [each.provisional_expires_at for each in coming_with(booking)]
        earliest = min((each for each in deadlines if each is not None), default=None)
        if earliest is None:
            return ""
        until = long_moment(earliest, zone=self.salon.zone)
        return _("Please answer before %(moment)s.") % {"moment": until}

    def refuse(self, problem: Refused) -> HttpResponse:
        if not isinstance(problem, LinkSpent):
            return super().refuse(problem)
        found = link_history(self.kwargs["token"])
        self.about = booking = found.booking
        self.speak_to(found.reader)
        heading, sentences = spent_words(problem.code, status=status_for_reader(booking))
        stands = booking is not None and booking.status == Booking.Status.SCHEDULED
        return self.notice(
            heading,
            *sentences,
            facts=facts_of(booking, salon=self.salon) if booking is not None and stands else [],
            status=problem.http_status,
        )

    @property
    def heading(self) -> str:
        raise NotImplementedError

    @property
    def question(self) -> str:
        raise NotImplementedError

    @property
    def label(self) -> str:
        raise NotImplementedError

    def other(self, booking: Booking) -> Button:
        raise NotImplementedError

    def thank(self, booking: Booking) -> HttpResponse:
        raise NotImplementedError


class AcceptPage(RequestPage):
    yes = True

    @property
    def heading(self) -> str:
        return _("Does this appointment suit you?")

    @property
    def question(self) -> str:
        return _("We have kept this time for you. It is yours as soon as you confirm it.")

    @property
    def label(self) -> str:
        return _("Confirm the appointment")

    def other(self, booking: Booking) -> Button:
        return Button(_("I cannot come"), decline_url("", booking.provisional_token or ""))

    def thank(self, booking: Booking) -> HttpResponse:
        return self.notice(
            _("Your appointment is confirmed"),
            _("Thank you. We look forward to seeing you."),
            _("A confirmation is on its way to you by e-mail."),
            facts=facts_of(booking, salon=self.salon),
        )


class DeclinePage(RequestPage):
    yes = False

    @property
    def heading(self) -> str:
        return _("Do you want to decline this appointment?")

    @property
    def question(self) -> str:
        return _("We have kept this time for you. If it does not suit you, we will give it free again.")

    @property
    def label(self) -> str:
        return _("Decline the appointment")

    def other(self, booking: Booking) -> Button:
        return Button(_("I want to come after all"), accept_url("", booking.provisional_token or ""))

    def thank(self, booking: Booking) -> HttpResponse:
        return self.notice(
            _("You have declined the appointment"),
            _("Thank you for telling us. The time is free again, and you need do nothing more."),
            _("If you would like another time, please contact us."),
        )


def fingerprint(booking: Booking) -> str:
    """What the page shows of the visit, in short: another value means that it showed something else."""
    shown: list[tuple[Any, ...]] = [
        (each.start_at, each.end_at, each.staff_id, each.service_id) for each in coming_with(booking)
    ]
    return hashlib.sha256(repr(shown).encode()).hexdigest()[:16]


def status_for_reader(booking: Booking | None) -> str:
    """The booking's status for `spent_words`. A request without links, which a dialect wrote, asks nobody:
    there is no newer mail to look for."""
    if booking is None or (booking.status == Booking.Status.PROVISIONAL and not booking.provisional_token):
        return ""
    return booking.status


def spent_words(code: str, *, status: str) -> tuple[str, list[str]]:
    """Heading and sentences for a link that was used or whose time is over.

    `status` is that of the reader's booking now; "" when it is theirs no longer or asks nobody.
    """
    nothing_more = _("You need do nothing more.")
    question = _("Please contact us if you have a question.")
    another_time = _("If you would like another time, please contact us.")
    if status == Booking.Status.SCHEDULED:
        return _("This appointment is confirmed"), [nothing_more]
    if status in (Booking.Status.COMPLETED, Booking.Status.NO_SHOW):
        return _("This appointment is over"), [question]
    if status == Booking.Status.PROVISIONAL and code != "link_expired":
        newer = _("We have sent you a newer e-mail about this appointment. Please use the links in that one.")
        return _("There is a newer link"), [newer]
    if status == Booking.Status.CANCELLED and code in DECIDED:
        return _("This appointment has been cancelled"), [question, another_time]
    match code:
        case "link_declined":
            return _("You have declined this appointment"), [nothing_more, another_time]
        case "link_lapsed" | "link_expired":
            late = _("It was not answered in time, so the time was given free again.")
            return _("This request has lapsed"), [late, another_time]
        case "link_accepted" | "link_confirmed":
            return _("This appointment was confirmed"), [_("It has changed since then."), question]
        case "link_withdrawn":
            return _("We have withdrawn this appointment"), [question]
    return _("This link is no longer valid"), [another_time]
