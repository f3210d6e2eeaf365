"""Random lives of a fee: whatever happens in whatever order, the money comes out right.

Staff change their minds, the client presses, pays once or twice, slowly or not, webhooks are lost, repeated
and shuffled, Stripe has its moods, days pass. When all is quiet: a paid fee has exactly one payment that was
not given back, any other fee none; nothing can be paid that is not owed; one mail per fee at most.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client as Browser
from django.utils import timezone

from bookings.models import NoShowFee, StripeSession
from bookings.noshow import waive_or_refund
from bookings.noshow.reconcile import reconcile
from notifications.models import Job, Message
from staff.wire.refusals import Refused
from tests.cast.bookings import Salon
from tests.cast.noshow import AFTER_THE_VISIT, charging_cast, post_event, run_jobs
from tests.cast.stripe_books import ApiError
from tests.cast.stripe_server import StripeServer

pytestmark = [pytest.mark.django_db, pytest.mark.clock_at(AFTER_THE_VISIT, tick=True)]

SEEDS = range(int(os.environ.get("MONEY_SEEDS", "16")))
STEPS = 30
MOODS = ("429", "saved_500_after", "saved_500", "timeout_after")


class Life:
    """One booking and all that can befall its fees."""

    def __init__(self, seed: int, cast: Salon, stripe: StripeServer, clock: Any) -> None:
        self.dice = random.Random(seed)
        self.cast, self.stripe, self.clock = cast, stripe, clock
        self.booking = cast.book()
        self.log: list[str] = []

    def live(self, steps: int) -> None:
        happenings: list[tuple[int, Callable[[], object]]] = [
            (5, self.change_mind),
            (6, lambda: run_jobs()),
            (5, self.press),
            (4, self.pay),
            (2, self.slow_money_moves),
            (4, self.some_news),
            (3, self.time_passes),
            (2, lambda: reconcile(now=timezone.now())),
            (1, self.waive),
            (2, self.refund),
            (1, self.stripe_has_a_mood),
        ]
        weights = [weight for weight, _ in happenings]
        for _ in range(steps):
            happening = self.dice.choices(happenings, weights)[0][1]
            self.log.append(getattr(happening, "__name__", "?"))
            happening()

    def change_mind(self) -> None:
        status = self.dice.choice(["no-show", "no-show", "completed", "scheduled", "cancelled"])
        # A restore may be refused while another booking stands there; here none does.
        assert self.cast.put(self.booking, {"status": status}).status_code == 200

    def press(self) -> None:
        fee = self.any_fee()
        if fee is not None:
            answer = Browser().post(f"/pay/{fee.pay_token}")
            assert answer.status_code in (200, 303, 410, 429, 503)

    def pay(self) -> None:
        """At a session whose address a client can know."""
        known = set(StripeSession.objects.exclude(url="").values_list("session_id", flat=True))
        payable = [each for each in self.stripe.books.with_status("open") if each in known]
        if payable:
            self.stripe.books.pay(self.dice.choice(payable), slowly=self.dice.random() < 0.3)

    def slow_money_moves(self) -> None:
        slow = [each for each in self.stripe.books.charges.values() if each["intent_status"] == "processing"]
        if slow:
            arrives = self.dice.random() < 0.6
            self.stripe.books.money_arrives(self.dice.choice(slow)["session"], after_all=arrives)

    def some_news(self) -> None:
        events = self.stripe.books.events
        for event in self.dice.sample(events, min(len(events), self.dice.randint(1, 6))):
            assert post_event(event).status_code == 200

    def time_passes(self) -> None:
        self.clock.shift(timedelta(minutes=self.dice.choice([1, 6, 6, 90, 1300, 1500])))

    def waive(self) -> None:
        self.decide(lambda fee: waive_or_refund.waive(fee_id=fee.pk, reason="Kind", now=timezone.now()))

    def refund(self) -> None:
        if self.dice.random() < 0.4:
            self.decide(lambda fee: waive_or_refund.refund(fee_id=fee.pk, now=timezone.now()))
            return
        left = self.stripe.books.paid_charges()
        if left:
            self.stripe.books.refund({"payment_intent": self.dice.choice(left)["payment_intent"]})

    def decide(self, decision: Callable[[NoShowFee], object]) -> None:
        fee = self.any_fee()
        if fee is not None:
            try:
                decision(fee)
            except Refused:
                self.log.append("refused")

    def stripe_has_a_mood(self) -> None:
        self.stripe.fail_next(self.dice.choice(MOODS), path="/v1")

    def any_fee(self) -> NoShowFee | None:
        fees = list(NoShowFee.objects.order_by("id"))
        return self.dice.choice(fees) if fees else None

    def grow_quiet(self) -> None:
        """Every wait is over, every slow payment decided, every webhook came in the end, or none did.

        What Stripe's own desk gave back is known by its webhook only, so that one comes.
        """
        self.stripe.faults.clear()
        for charge in list(self.stripe.books.charges.values()):
            if charge["intent_status"] == "processing":
                self.stripe.books.money_arrives(charge["session"], after_all=self.dice.random() < 0.5)
        news_comes = self.dice.random() < 0.5
        for _ in range(6):
            self.clock.shift(timedelta(minutes=6))
            run_jobs()
            reconcile(now=timezone.now())
            for event in self.stripe.books.events:
                if news_comes or event["type"] == "charge.refunded":
                    assert post_event(event).status_code == 200


@pytest.mark.parametrize("seed", SEEDS)
def test_the_money_comes_out_right(stripe: StripeServer, clock: Any, seed: int) -> None:
    life = Life(seed, charging_cast(), stripe, clock)
    life.live(STEPS)
    life.grow_quiet()
    for fee in NoShowFee.objects.order_by("id"):
        assert_right(fee, stripe)
    assert set(Job.objects.filter(type__startswith="noshow.").values_list("state", flat=True)) <= {
        "done",
        "cancelled",
    }
    owed = NoShowFee.objects.filter(state="due")
    assert owed.count() <= 1
    live = StripeSession.objects.filter(session_id__in=stripe.books.with_status("open"), state="open")
    assert {row.fee_id for row in live} <= {fee.pk for fee in owed}
    assert life.cast.get(life.booking).json()["status"] == "no-show" or not owed.exists()


def assert_right(fee: NoShowFee, stripe: StripeServer) -> None:
    references = set(fee.sessions.values_list("idempotency_key", flat=True))
    kept = [each for each in stripe.books.paid_charges() if each["metadata"].get("reference") in references]
    assert len(kept) == (1 if fee.state == "paid" else 0), (fee.state, list(fee.sessions.values("state")))
    assert all(charge["amount"] == fee.amount_minor for charge in kept)
    mails = Message.objects.filter(type="noshow.mail", job__payload__fee_id=fee.pk)
    assert mails.count() <= 1
    payable = [
        each
        for each in stripe.books.with_status("open")
        if stripe.books.sessions[each]["client_reference_id"] in references
        and fee.sessions.filter(session_id=each).exclude(url="").exists()
    ]
    assert len(payable) <= 1, "a client could pay twice"


def test_a_session_cannot_be_paid_twice(stripe: StripeServer) -> None:
    """The stand-in itself."""
    session = stripe.books.create_session(
        {
            "mode": "payment",
            "success_url": "https://shop.example/",
            "line_items[0][quantity]": "1",
            "line_items[0][price_data][currency]": "eur",
            "line_items[0][price_data][unit_amount]": "500",
            "line_items[0][price_data][product_data][name]": "Shampoo",
        }
    )
    stripe.books.pay(session["id"])
    with pytest.raises(ApiError):
        stripe.books.pay(session["id"])
