"""The client's own page: everything about a visit, and what they may do with it (contract §8)."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from bookings.errors import NotAllowed, RescheduleLimitReached, ShownChanged, TooLate
from bookings.lifecycle import (
    ClientRequest,
    cancel_by_client,
    confirm_by_client,
    fingerprint,
    note_by_client,
)
from bookings.lifecycle.client_terms import ClientTerms, standing, terms_for
from bookings.links import accept_url, public_url
from bookings.mails.appointment import asking
from bookings.mails.client_mail import ClientReader
from bookings.mails.details import Times, rows
from bookings.mails.page_link import free_until
from bookings.models import Booking, BookingEvent, Visit, counted
from bookings.pages.calendar_links import calendar_links, file_of
from bookings.pages.shell import Button, Fact, PublicPage, greeting_of
from bookings.self_service.visit_link import visit_behind
from staff.models import SalonSettings
from staff.wire.refusals import Refused
from staff.wire.text import BadText, check_text

LONGEST_NOTE = 1000

Status = Booking.Status


class VisitPage(PublicPage):
    """What the addresses under /v/<token> have in common: `visit`, `terms`, `now`, from `read` on."""

    visit: Visit
    terms: ClientTerms
    now: datetime

    def read(self, token: str) -> None:
        """The visit as it is, in its client's language. Raises LinkUnknown, LinkVoid."""
        self.now = timezone.now()
        self.visit = visit_behind(token, now=self.now)
        self.speak(self.visit.locale)
        self.terms = terms_for(self.visit, salon=self.salon, now=self.now)

    def asked(self) -> ClientRequest:
        """What this POST asks for, by what the page showed."""
        shown = self.request.POST.get("shown", "")
        return ClientRequest(self.visit.pk, self.visit.link_nonce, shown=shown, channel="page")

    def to(self, part: str = "") -> str:
        """The address of a page beside this one, under whatever path we are reached."""
        token = self.kwargs["token"]
        return public_url("", f"/v/{token}/{part}" if part else f"/v/{token}")

    @property
    def facts(self) -> list[Fact]:
        items = counted(self.visit.items)
        found = rows(items, reader=self.reader, times=Times.of(items), with_note=False)
        return [Fact(*each) for each in found]

    @property
    def reader(self) -> ClientReader:
        if self.visit.client is None:
            raise TypeError("a visit without a client has no page")
        return ClientReader.of(self.visit.client, salon=self.salon)

    def show(self, *, alert: str = "", done: str = "", status: int = HTTPStatus.OK) -> HttpResponse:
        """The page of the visit as it is now."""
        visit, terms = self.visit, self.terms
        request = asking(standing(visit))
        waits = visit.status == Status.PROVISIONAL
        return self.page(
            "pages/visit.html",
            heading=self.heading(),
            status=status,
            alert=alert,
            done=done,
            sentences=[*greeting_of(visit.called), *self.standing_words()],
            facts=self.facts,
            shown=fingerprint(visit),
            answer=self.answer(request) if request and terms.open else "",
            confirm=self.to("confirm") if terms.open and not waits and not visit.client_confirmed_at else "",
            confirmed=terms.open and visit.client_confirmed_at is not None,
            move=self.to("move") if terms.may_move else "",
            cancel=self.to("cancel") if terms.may_cancel else "",
            deadlines=deadline_words(terms),
            calendar=calendar_links(visit, reader=self.reader, file=self.to("calendar.ics"))
            if terms.open
            else [],
            note_form=self.to("note") if terms.open else "",
            notes=standing(visit)[0].notes if terms.open else "",
            longest_note=LONGEST_NOTE,
            again=None if terms.open else book_again(visit, salon=self.salon),
        )

    def heading(self) -> str:
        return _("Your appointment")

    def answer(self, request: Booking) -> str:
        """The link to accept, which was mailed: not for who has not proved that they read that mail."""
        return accept_url("", request.provisional_token or "") if self.visit.by_stranger is None else ""

    def standing_words(self) -> list[str]:
        """How it stands, in one sentence or two."""
        match self.visit.status:
            case Status.CANCELLED:
                return [_("This appointment has been cancelled.")]
            case Status.COMPLETED:
                return [_("This appointment is over. Thank you for your visit.")]
            case Status.NO_SHOW:
                return [_("This appointment is over.")]
        if self.visit.end_at <= self.now:
            return [_("This appointment is over.")]
        if not self.terms.open:
            return [_("This appointment has begun.")]
        if self.visit.status == Status.PROVISIONAL:
            if asking(standing(self.visit)) is not None:
                return [_("We have kept this time for you. It is yours as soon as you confirm it.")]
            return [_("We have received your request. It is certain as soon as we confirm it by e-mail.")]
        return [_("Your appointment is confirmed. We look forward to seeing you.")]

    def refuse(self, problem: Refused) -> HttpResponse:
        """What the visit or the salon's terms refuse, above the visit as it is now."""
        match problem:
            case ShownChanged():
                said = _("The appointment has changed since you opened this page. Please look again.")
            case TooLate():
                said = too_late_words(self.salon)
            case RescheduleLimitReached():
                said = _("You have moved this appointment as often as you can here. Please contact us.")
            case NotAllowed():
                said = _("That cannot be done here. Please contact us.")
            case _:
                return super().refuse(problem)
        try:
            self.read(self.kwargs["token"])
        except Refused as gone:
            return super().refuse(gone)
        return self.show(alert=said, status=problem.http_status)

    def again(self, done: str) -> HttpResponse:
        """The visit as it is after what was done."""
        self.read(self.kwargs["token"])
        return self.show(done=done)


class ShowPage(VisitPage):
    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        self.read(token)
        return self.show()


class ConfirmPage(ShowPage):
    """ "I will come"; opened by itself it shows the visit."""

    http_method_names = ["get", "head", "post"]

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        self.read(token)
        confirm_by_client(self.asked(), salon=self.salon, now=self.now)
        return self.again(_("Thank you. We are looking forward to your visit."))


class NotePage(ShowPage):
    http_method_names = ["get", "head", "post"]

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        self.read(token)
        notes = normalised(request.POST.get("notes", ""))
        if notes is None:
            wrong = _("Please shorten your note to %(count)d characters.") % {"count": LONGEST_NOTE}
            return self.show(alert=wrong, status=HTTPStatus.BAD_REQUEST)
        note_by_client(self.asked(), notes=notes, salon=self.salon, now=self.now)
        return self.again(_("Your note is kept."))


class CancelPage(VisitPage):
    """Asks first, with or without a reason."""

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        self.read(token)
        return self.ask()

    def ask(self, *, alert: str = "", reason: str = "", status: int = HTTPStatus.OK) -> HttpResponse:
        self.terms.check_cancel()
        late = _("It is late to cancel. You still can, and we will note it.")
        return self.page(
            "pages/visit_cancel.html",
            heading=_("Cancel your appointment?"),
            status=status,
            alert=alert,
            reason=reason,
            sentences=[*greeting_of(self.visit.called), *([late] if self.terms.cancel_is_late else [])],
            facts=self.facts,
            shown=fingerprint(self.visit),
            longest=BookingEvent.LONGEST_REASON,
            back=self.to(),
        )

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        self.read(token)
        typed = request.POST.get("reason", "")
        reason = normalised(typed, longest=BookingEvent.LONGEST_REASON)
        if reason is None:
            wrong = _("Please shorten your note to %(count)d characters.")
            alert = wrong % {"count": BookingEvent.LONGEST_REASON}
            return self.ask(alert=alert, reason=typed, status=HTTPStatus.BAD_REQUEST)
        cancel_by_client(self.asked(), reason=reason, salon=self.salon, now=self.now)
        return self.again(_("Your appointment is cancelled. You need do nothing more."))


class CalendarFile(VisitPage):
    """The calendar file, to load down."""

    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        self.read(token)
        if not self.terms.open:
            return self.show(status=HTTPStatus.GONE)
        return file_of(self.visit, reader=self.reader, page=self.to(), now=self.now)


def normalised(text: str, *, longest: int = LONGEST_NOTE) -> str | None:
    """Line breaks as one character, as browsers count them; None for what cannot be kept."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    try:
        check_text(text)
    except BadText:
        return None
    return text if len(text) <= longest else None


def deadline_words(terms: ClientTerms) -> list[str]:
    """Until when moving and cancelling are free, and what is too late."""
    over = too_late_words(terms.salon) if terms.open and not terms.may_cancel else ""
    return [each for each in (free_until(terms), over) if each]


def too_late_words(salon: SalonSettings) -> str:
    if salon.business_phone:
        called = {"phone": salon.business_phone}
        return _("It is too late to change this appointment here. Please call us on %(phone)s.") % called
    return _("It is too late to change this appointment here. Please contact us.")


def book_again(visit: Visit, *, salon: SalonSettings) -> Button | None:
    """Where the client books the same again, if the salon has clients book."""
    if salon.online_booking == SalonSettings.OnlineBooking.OFF:
        return None
    keys = ",".join(str(each.service.key) for each in counted(visit.items) if each.service.online)
    return Button(_("Book again"), public_url("", f"/book?service={keys}" if keys else "/book"))
