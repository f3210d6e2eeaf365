"""What every public page does around its own work: rate, method, language, refusals in kind words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, NamedTuple

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.decorators import method_decorator
from django.utils.translation import activate, ngettext, override
from django.utils.translation import gettext as _
from django.utils.translation.trans_real import parse_accept_lang_header
from django.views import View
from django.views.decorators.csrf import csrf_exempt
from rest_framework.throttling import SimpleRateThrottle

from bookings.errors import LinkUnknown
from bookings.models import Booking
from bookings.pages.render import NOTHING_MORE, Openings, render_page
from bookings.self_service.visit_link import printed_url
from clients.models import Client
from notifications.letters.language import language_for
from notifications.letters.plain import one_line
from staff.access.auth import salon_of
from staff.access.throttles import PublicLinkThrottle
from staff.models import SalonSettings
from staff.wire.errors import MethodNotAllowed, error_headers
from staff.wire.refusals import Refused, TooMany

_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Fact(NamedTuple):
    """A line of what the page is about."""

    label: str
    value: str


class Button(NamedTuple):
    """A link to another address."""

    label: str
    url: str


@method_decorator(csrf_exempt, name="dispatch")
class PublicPage(View):
    """A page behind a link whose token is the credential: it reads no cookie, sets none, needs no CSRF token.

    A subclass writes `get` and `post`; GET and HEAD change nothing. It calls `speak_to` as soon as it knows
    the client; until then the page speaks the salon's language. A Refused becomes a page.
    """

    http_method_names = ["get", "head", "post"]
    throttle: type[SimpleRateThrottle] = PublicLinkThrottle
    salon: SalonSettings
    language: str
    about: Booking | None = None
    """The reader's booking that the page concerns: its visit's own page is linked, if that was printed."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.salon = salon_of(request)
        self.language = self.first_language(request)
        with override(self.language):
            try:
                check_rate(request, self, self.throttle())
                check_token(kwargs.get("token", ""))
                return super().dispatch(request, *args, **kwargs)
            except Refused as problem:
                return self.refuse(problem)

    def first_language(self, request: HttpRequest) -> str:
        """What the page speaks before it knows its reader."""
        return language_for(self.salon.locale)

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        allowed = [name.upper() for name in self.http_method_names if hasattr(self, name)]
        raise MethodNotAllowed(headers={"Allow": ", ".join(allowed)})

    def speak_to(self, client: Client | None) -> None:
        """From here on in this client's language, where we have it."""
        self.speak("" if client is None else client.locale)

    def speak(self, locale: str) -> None:
        self.language = language_for(locale, self.salon.locale)
        activate(self.language)

    def page(
        self,
        template: str,
        *,
        heading: str,
        status: int = HTTPStatus.OK,
        openings: Openings = NOTHING_MORE,
        headers: dict[str, str] | None = None,
        **context: Any,
    ) -> HttpResponse:
        return render_page(
            template,
            salon=self.salon,
            language=self.language,
            context={"heading": heading, "to_visit": printed_url(self.about), **context},
            status=status,
            headers=headers,
            openings=openings,
        )

    def notice(
        self,
        heading: str,
        *sentences: str,
        facts: Sequence[Fact] = (),
        button: Button | None = None,
        status: int = HTTPStatus.OK,
        headers: dict[str, str] | None = None,
    ) -> HttpResponse:
        """A page that only says something."""
        return self.page(
            "pages/notice.html",
            heading=heading,
            sentences=sentences,
            facts=facts,
            button=button,
            status=status,
            headers=headers,
        )

    def refuse(self, problem: Refused) -> HttpResponse:
        """The refusal as a page. Subclasses say more where they know more."""
        heading, sentence = refusal_words(problem)
        status = problem.http_status
        return self.notice(heading, sentence, status=status, headers=error_headers(problem, status))


class UnknownPage(PublicPage):
    """Any other address under a page's first word: a link that lost its end."""

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        raise LinkUnknown

    post = get


def check_rate(request: HttpRequest, view: Any, throttle: SimpleRateThrottle) -> None:
    """So many a minute for an address, pages and twins together (contract §0, §9). Raises TooMany."""
    if not throttle.allow_request(request, view):  # type: ignore[arg-type]
        raise TooMany(retry_after=seconds_of(throttle.wait()))


def language_wished(request: HttpRequest, salon: SalonSettings) -> str:
    """The language of `?lang=`, else the first of ours that the browser asks for, else the salon's."""
    asked = parse_accept_lang_header(request.headers.get("Accept-Language", ""))
    return language_for(request.GET.get("lang", ""), *(code for code, _ in asked), salon.locale)


def check_token(token: str) -> None:
    """Raises LinkUnknown for what cannot be a token, before it reaches the database."""
    if token and _TOKEN.fullmatch(token) is None:
        raise LinkUnknown


def seconds_of(wait: float | None) -> int:
    return max(1, round(wait or 0))


def refusal_words(problem: Refused) -> tuple[str, str]:
    """Heading and sentence of a refusal, in the active language."""
    match problem.http_status:
        case HTTPStatus.NOT_FOUND:
            return _("We do not know this link"), _(
                "Please check that the address was copied whole, or open the link in your e-mail again."
            )
        case HTTPStatus.GONE:
            return _("This link is no longer valid"), _(
                "It has been used already or its time is over. Please contact us if you have a question."
            )
        case HTTPStatus.CONFLICT:
            return _("That is not possible any more"), _(
                "Something has changed in the meantime. Please open the link in your e-mail again."
            )
        case HTTPStatus.TOO_MANY_REQUESTS:
            seconds = problem.retry_after or 1
            return _("One moment, please"), ngettext(
                "Too many pages were opened in a short time. Please try again in %(seconds)d second.",
                "Too many pages were opened in a short time. Please try again in %(seconds)d seconds.",
                seconds,
            ) % {"seconds": seconds}
        case HTTPStatus.METHOD_NOT_ALLOWED:
            return _("That does not work here"), _("Please open the link in your e-mail again.")
    return _("That did not work"), _("Please go back, check what you entered and try again.")


def greeting(client: Client | None) -> list[str]:
    """ "Hello Alice," as the first line of a page, nothing without a name."""
    return greeting_of("" if client is None else client.first_name)


def greeting_of(first_name: str) -> list[str]:
    name = one_line(first_name, longest=60)
    return [_("Hello %(name)s,") % {"name": name}] if name else []
