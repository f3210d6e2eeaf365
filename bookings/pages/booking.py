"""The booking page: choose, time, you, code; done is the visit's own page (contract §9).

A GET shows a step and changes nothing. The one POST books, or asks for the code, and brings everything with
it that was entered.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.translation import gettext as _

from bookings import online
from bookings.lifecycle import policy
from bookings.links import public_url
from bookings.online import Booked, Choice, CodeAsked, OnlineStart, SlotGone, Waiting
from bookings.online.contact import LONGEST_NOTE
from bookings.online.limits import address_of
from bookings.online.starts import PAGE_DAYS
from bookings.online.submission import CodeSpent, NotAPerson, PleaseCall
from bookings.pages import booking_words as words
from bookings.pages.booking_done import done_path
from bookings.pages.booking_form import HONEYPOT, Entered, faults_in, summary_of
from bookings.pages.booking_shell import BookingShell, own_path
from bookings.pages.booking_state import Asked, known_in, print_start, read_day, read_start
from bookings.pages.booking_times import Telling
from bookings.pages.front import BOOKING_PATH
from bookings.pages.shell import Button
from bookings.self_service.visit_link import page_url
from notifications.letters.language import moment
from staff.access.idempotency import KeyReused
from staff.salon.online import LOCAL_HOSTS
from staff.storage.may_lag import ask_the_writer, may_lag
from staff.wire.refusals import BadRequest, Refused, TooMany
from staff.wire.times import local_date


class BookingPage(BookingShell):
    now: datetime

    def get(self, request: HttpRequest, location: str = "") -> HttpResponse:
        self.now = timezone.now()
        if self.is_off:
            return self.say_off()
        return self.show(request, self.asked)

    @may_lag
    def show(self, request: HttpRequest, asked: Asked) -> HttpResponse:
        """The step that `asked` has come to, which is shown twice where the replica does not do."""
        self.asked = asked
        self.read_catalogue()
        if (self.asked.services, self.asked.staff) != (asked.services, asked.staff):
            ask_the_writer()
        goes_on_to = request.GET.get("go")
        if not self.asked.services or self.asked.edit:
            return self.choose(alert=words.no_service_chosen() if goes_on_to == "time" else "")
        try:
            choices = self.choices()
        except BadRequest as problem:
            ask_the_writer()
            return self.choose(alert=words.why_not_chosen(problem), status=HTTPStatus.BAD_REQUEST)
        if self.asked.wait is not None:
            return self.you(choices, entered=Entered.anew(now=self.now))
        if self.asked.start_at is None:
            return self.times(choices, alert=words.no_time_chosen() if goes_on_to == "you" else "")
        start = self.start_of(choices, self.asked.start_at)
        if start is None:
            return self.not_free(choices)
        return self.you(choices, start=start, entered=Entered.anew(now=self.now))

    def post(self, request: HttpRequest, location: str = "") -> HttpResponse:
        self.now = timezone.now()
        self.read_catalogue()
        another = read_start(request.POST.get("start", ""))
        if another is not None:
            self.asked = replace(self.asked, start_at=another)
        day = read_day(request.POST.get("wait", ""))
        if day is not None and self.asked.wait is not None:
            self.asked = replace(self.asked, wait=day)
        if self.is_off:
            return self.send_again(request)
        waits = self.asked.wait is not None
        if not self.asked.services or not (waits or self.asked.start_at):
            return self.choose(status=HTTPStatus.BAD_REQUEST)
        entered = Entered.read(request.POST)
        try:
            choices = self.choices()
            if request.POST.get("back"):
                return self.you(choices, entered=entered.with_new_key())
            return self.send(request, entered)
        except SlotGone as problem:
            return self.taken(problem, entered)
        except BadRequest as problem:
            if isinstance(problem, NotAPerson) or faults_in(problem.details or {}, entered):
                return self.sent_back(choices, entered, problem)
            if "start_at" in (problem.details or {}):
                return self.not_free(choices)
            if "date" in (problem.details or {}):
                another_day = words.another_day()
                return self.you(choices, entered=entered, alert=another_day, status=problem.http_status)
            return self.choose(alert=words.why_not_chosen(problem), status=HTTPStatus.BAD_REQUEST)
        except (CodeSpent, KeyReused) as problem:
            return self.sent_back(choices, entered.with_new_key(), problem, shows_person=False)
        except (PleaseCall, TooMany) as problem:
            return self.sent_back(choices, entered, problem)

    def send(self, request: HttpRequest, entered: Entered) -> HttpResponse:
        wanted = self.asked.wanted(self.offers)
        submission = entered.submission(self.asked, wanted=wanted, locale=self.language, now=self.now)
        who: dict[str, Any] = {
            "address": address_of(request),
            "door": "page",
            "salon": self.salon,
            "now": self.now,
        }
        outcome: Booked | CodeAsked | Waiting
        if self.asked.wait is not None:
            outcome = online.join_waitlist(submission, wanted=wanted[0], date=self.asked.wait, **who)
        else:
            outcome = online.submit(submission, user_agent=request.headers.get("User-Agent", ""), **who)
        match outcome:
            case CodeAsked():
                return self.code(entered, outcome)
            case Waiting():
                return self.notice(
                    _("You are on our waitlist"),
                    _("We will write to %(email)s as soon as a time comes free.") % {"email": outcome.email},
                )
        path = (
            done_path(outcome.visit, Asked(embed=True, lang=self.asked.lang).query())
            if self.asked.embed
            else page_url(outcome.visit)
        )
        return HttpResponseRedirect(path, status=HTTPStatus.SEE_OTHER)

    def send_again(self, request: HttpRequest) -> HttpResponse:
        """Online booking has been switched off meanwhile: what was sent before is answered as it was."""
        if self.asked.services:
            with suppress(Refused):
                return self.send(request, Entered.read(request.POST))
        return self.say_off(status=HTTPStatus.CONFLICT)

    # --- what was asked for ---

    def read_catalogue(self) -> None:
        """Raises LocationUnknown."""
        self.catalogue = online.catalogue(location=self.asked.location, also=self.asked.keys())
        self.offers = self.catalogue.offers
        self.asked = known_in(self.asked, self.catalogue)

    def choices(self) -> list[Choice]:
        """Raises BadRequest."""
        choices = online.chosen_of(self.asked.wanted(self.offers), self.offers)
        people = [person for each in choices for person in each.offer.people]
        self.telling = Telling(self.salon.zone, words.places_of(self.catalogue, people))
        return choices

    def start_of(self, choices: Sequence[Choice], start_at: datetime) -> OnlineStart | None:
        """The start at that instant, while it is free."""
        day = local_date(start_at, zone=self.salon.zone)
        if not self.today <= day <= self.today + timedelta(days=self.salon.booking_horizon_days):
            return None
        days = online.starts(choices, first=day, days=1, salon=self.salon, now=self.now)
        return next((each for each in days[0].starts if each.start_at == start_at), None)

    def shown_start(self, choices: Sequence[Choice]) -> OnlineStart | None:
        return None if self.asked.start_at is None else self.start_of(choices, self.asked.start_at)

    @property
    def today(self) -> date:
        return local_date(self.now, zone=self.salon.zone)

    # --- the steps ---

    def choose(self, *, alert: str = "", status: int = HTTPStatus.OK) -> HttpResponse:
        if not self.offers:
            return self.say_off()
        may_be_found = status == HTTPStatus.OK and self.asked == Asked()
        return self.step(
            "pages/book_choose.html",
            heading=_("What may we do for you?"),
            status=status,
            alert=alert,
            steps=words.steps(0, self.asked),
            categories=words.categories(self.catalogue, self.asked, currency=self.salon.currency),
            people=words.people_of(self.offers, chosen=self.asked.staff),
            locations=words.locations(self.catalogue, self.asked, base=own_path(BOOKING_PATH)),
            hidden=replace(self.asked, edit=False).hidden("service", "staff", "start", "from", "wait"),
            canonical=public_url("", BOOKING_PATH) if may_be_found else "",
            headers={"X-Robots-Tag": "all"} if may_be_found else None,
        )

    def times(
        self, choices: Sequence[Choice], *, alert: str = "", status: int = HTTPStatus.OK
    ) -> HttpResponse:
        zone, horizon = self.salon.zone, self.today + timedelta(days=self.salon.booking_horizon_days)
        first = min(max(self.asked.first or self.today, self.today), horizon)
        days = online.starts(choices, first=first, days=PAGE_DAYS, salon=self.salon, now=self.now)
        found = next((each for day in days for each in day.starts), None)
        after = first + timedelta(days=PAGE_DAYS)
        later = None
        if found is None and after <= horizon:
            later = online.first_free(choices, salon=self.salon, now=self.now, after=after)
        if found is None and later is None and first == self.today and len(choices) == 1:
            self.asked = replace(self.asked, wait=self.today)
            return self.you(choices, entered=Entered.anew(now=self.now), alert=words.nothing_free())
        before = max(self.today, first - timedelta(days=PAGE_DAYS))
        back = None if before == self.today else before
        free = found or later
        people = words.people_links(choices, self.asked, shown=self.offers)
        return self.step(
            "pages/book_times.html",
            heading=_("When would you like to come?"),
            status=status,
            alert=alert,
            steps=words.steps(1, self.asked),
            summary=words.chosen_lines(choices, currency=self.salon.currency, asked=self.asked),
            change=self.asked.query(edit=True, start_at=None),
            note=words.done_by_others(self.asked, choices),
            people=people,
            days=self.telling.days(days, shows_people=bool(people)),
            has_times=found is not None,
            first_free=None if free is None else self.telling.sentence(free),
            first_free_link=self.asked.query(
                first=local_date(later.start_at, zone=zone) if later and not found else self.asked.first,
                start_at=None if free is None or found is None else free.start_at,
            ),
            earlier=self.asked.query(first=back, start_at=None) if first > self.today else "",
            following=self.asked.query(first=after, start_at=None) if after <= horizon else "",
            waitlist=self.asked.query(wait=first, start_at=None) if len(choices) == 1 else "",
            hidden=self.asked.hidden("start"),
        )

    def you(
        self,
        choices: Sequence[Choice],
        *,
        entered: Entered,
        start: OnlineStart | None = None,
        nearest: Sequence[OnlineStart] = (),
        details: dict[str, Any] | None = None,
        alert: str = "",
        status: int = HTTPStatus.OK,
    ) -> HttpResponse:
        waits = self.asked.wait is not None
        text = "" if waits else policy.policy_text(self.salon, self.language)
        faults = faults_in(details or {}, entered, unaccepted=bool(text) and not entered.accepts)
        proves = self.can_prove
        return self.step(
            "pages/book_you.html",
            heading=_("Wait for a free time") if waits else _("Who is coming?"),
            status=status,
            alert=alert,
            with_widget=proves,
            steps=words.steps(2, self.asked),
            when=self.when(start, nearest=nearest),
            where=[] if start is None else words.addresses_of(start, self.catalogue),
            nearest=self.telling.slots(nearest),
            wait=self.asked.wait,
            wait_last=self.today + timedelta(days=self.salon.booking_horizon_days),
            wait_first=self.today,
            summary=words.chosen_lines(choices, currency=self.salon.currency),
            total=words.total(choices, start, currency=self.salon.currency),
            change_time=self.asked.query(start_at=None, wait=None),
            entered=entered,
            fields=entered.fields(faults),
            faults=faults,
            fault_lines=summary_of(faults),
            longest_note=LONGEST_NOTE,
            honeypot=HONEYPOT,
            policy_text=text,
            policy_version=self.salon.policy_version,
            is_request=self.is_request,
            label=words.send_label(waits=waits, is_request=self.is_request),
            challenge=own_path("/api/public/challenge") if proves else "",
        )

    def when(self, start: OnlineStart | None, *, nearest: Sequence[OnlineStart]) -> str:
        """The chosen time in words, without the person while it is kept for this client alone."""
        if start is not None:
            return Telling(self.salon.zone).sentence(start)
        if self.asked.start_at is None or nearest:
            return ""
        return moment(self.asked.start_at, zone=self.salon.zone)

    def code(self, entered: Entered, asks: CodeAsked) -> HttpResponse:
        return self.step(
            "pages/book_code.html",
            heading=_("Please enter the code from our e-mail"),
            status=HTTPStatus.BAD_REQUEST if asks.wrong else HTTPStatus.OK,
            steps=words.steps(2, self.asked),
            sentences=words.about_the_code(asks, zone=self.salon.zone),
            wrong=words.wrong_code(asks),
            carried=entered.carried(),
            wait=self.asked.wait,
            start="" if self.asked.start_at is None else print_start(self.asked.start_at),
            label=words.send_label(waits=self.asked.wait is not None, is_request=self.is_request),
        )

    def not_free(self, choices: Sequence[Choice]) -> HttpResponse:
        """The times in place of one that cannot be booked (any more)."""
        self.asked = replace(self.asked, start_at=None)
        alert = _("This time is no longer free. Please choose another one.")
        return self.times(choices, alert=alert, status=HTTPStatus.CONFLICT)

    def taken(self, problem: SlotGone, entered: Entered) -> HttpResponse:
        """The three nearest starts, with all that was entered; without any of them the times of the day.

        Another time is another submission: the form gets another key.
        """
        choices = self.choices()
        if not problem.nearest:
            return self.not_free(choices)
        return self.you(
            choices,
            entered=entered.with_new_key(),
            nearest=problem.nearest,
            alert=words.just_taken(),
            status=HTTPStatus.CONFLICT,
        )

    def sent_back(
        self, choices: Sequence[Choice], entered: Entered, problem: Refused, *, shows_person: bool = True
    ) -> HttpResponse:
        """The form with what was entered, and why it was not taken."""
        return self.you(
            choices,
            start=self.shown_start(choices) if shows_person else None,
            entered=entered,
            details=problem.details,
            alert=words.why_not_taken(problem, phone=self.salon.business_phone),
            status=problem.http_status,
        )

    def say_off(self, *, status: int = HTTPStatus.OK) -> HttpResponse:
        return self.notice(
            _("We take no bookings online at the moment"),
            words.how_to_reach(self.salon),
            button=Button(_("To our front page"), own_path("/")),
            status=status,
        )

    @property
    def can_prove(self) -> bool:
        """Browsers compute the proof over HTTPS and on this machine only; elsewhere the code is asked."""
        address = urlsplit(settings.PUBLIC_URL)
        host = f"[{address.hostname}]" if ":" in (address.hostname or "") else address.hostname
        return address.scheme == "https" or host in LOCAL_HOSTS
