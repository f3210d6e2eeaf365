"""Paying a no-show fee (contract §1.4): the button leads on to Stripe; GET and HEAD change nothing."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus

import structlog
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from bookings.models import NoShowFee
from bookings.noshow.paylink import Standing, checkout_url, fee_of, payment_origins, standing_of
from bookings.noshow.stripe_api import StripeTrouble
from bookings.pages.render import HEADERS, Openings
from bookings.pages.shell import Button, Fact, PublicPage, greeting
from notifications.letters.language import long_date, long_moment, money
from notifications.letters.plain import one_line
from staff.wire.money import from_minor

RETRY_AFTER_SECONDS = 30

logger = structlog.get_logger(__name__)


class PayPage(PublicPage):
    """What is owed for which appointment, and the button. Stripe sends a client back here with `?done=1`."""

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        fee, now = self.read(token), timezone.now()
        return self.show(fee, now=now, back_from_stripe="done" in request.GET)

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        fee, now = self.read(token), timezone.now()
        if standing_of(fee, now=now) is not Standing.PAYABLE:
            return self.show(fee, now=now)
        try:
            url = checkout_url(fee, now=now)
        except StripeTrouble as trouble:
            logger.warning("pay_page_without_stripe", fee=fee.pk, error=str(trouble)[:200])
            return self.apologise()
        if url is None:
            return self.show(self.read(token), now=now)
        return HttpResponse(status=HTTPStatus.SEE_OTHER, headers={**HEADERS, "Location": url})

    def read(self, token: str) -> NoShowFee:
        fee = fee_of(token)
        self.speak_to(fee.client)
        if fee.booking.client_id == fee.client_id:
            self.about = fee.booking
        return fee

    def show(self, fee: NoShowFee, *, now: datetime, back_from_stripe: bool = False) -> HttpResponse:
        standing = standing_of(fee, now=now)
        if standing is Standing.PAYABLE and not back_from_stripe:
            return self.ask(fee)
        if standing in (Standing.PAYABLE, Standing.PROCESSING):
            return self.notice(
                _("Thank you"),
                _("Your payment is on its way to us. It can take a moment before we see it here."),
                facts=self.facts(fee),
                button=Button(_("Look again"), self.request.path),
            )
        if standing is Standing.PAID:
            return self.notice(
                _("This fee is paid"), _("Thank you. There is nothing more to do."), facts=self.facts(fee)
            )
        heading, sentence = self.why_not(standing)
        return self.notice(heading, sentence, status=HTTPStatus.GONE)

    def ask(self, fee: NoShowFee) -> HttpResponse:
        return self.page(
            "pages/act.html",
            heading=_("Fee for a missed appointment"),
            sentences=[
                *greeting(fee.client),
                _("We expected you and are sorry to have missed you. You can pay the fee here."),
            ],
            facts=self.facts(fee),
            small=_("You can pay until %(until)s. The payment page is Stripe's.")
            % {"until": long_moment(fee.pay_until, zone=self.salon.zone)},
            label=_("Pay %(amount)s") % {"amount": self.amount(fee)},
            openings=Openings(form_targets=payment_origins(fee)),
        )

    def apologise(self) -> HttpResponse:
        return self.notice(
            _("Paying is not possible at the moment"),
            _("We are sorry. Nothing was charged. Please try again in a few minutes, or contact us."),
            button=Button(_("Try again"), self.request.path),
            status=HTTPStatus.SERVICE_UNAVAILABLE,
            headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
        )

    def facts(self, fee: NoShowFee) -> list[Fact]:
        booking = fee.booking
        return [
            Fact(_("Service"), one_line(booking.service.name)),
            Fact(_("With"), one_line(booking.staff.name)),
            Fact(_("Date"), long_date(booking.start_at, zone=self.salon.zone)),
            Fact(pgettext("label", "Fee"), self.amount(fee)),
        ]

    def amount(self, fee: NoShowFee) -> str:
        return money(from_minor(fee.amount_minor, currency=fee.currency), fee.currency)

    def why_not(self, standing: Standing) -> tuple[str, str]:
        match standing:
            case Standing.REFUNDED:
                return _("This fee was paid back"), _("There is nothing to pay any more.")
            case Standing.TOO_LATE:
                return _("This link is no longer valid"), _(
                    "The time to pay here has passed. Please contact us, and we will find a way."
                )
        return _("There is nothing to pay"), _("This fee is not owed any more. You need do nothing.")
