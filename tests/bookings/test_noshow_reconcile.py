"""Sessions whose webhook never came: asked of Stripe, at most every five minutes (docs/adr/0040)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from bookings.jobs.noshow import CreateSession
from bookings.models import NoShowFee, StripeSession
from bookings.noshow import stripe_api
from bookings.noshow.reconcile import reconcile
from notifications import outbox
from notifications.models import Job
from notifications.tasks import sweep
from tests.cast.noshow import (
    AFTER_THE_VISIT,
    charging_cast,
    fee_mails,
    miss,
    missed_and_asked,
    money_rows,
    notices,
    run_jobs,
    session_states,
    tell_news,
)
from tests.cast.stripe_server import SESSIONS, StripeServer

pytestmark = [pytest.mark.django_db, pytest.mark.clock_at(AFTER_THE_VISIT, tick=True)]


def test_a_payment_whose_webhook_never_came_is_booked_once(stripe: StripeServer, clock: Any) -> None:
    _, _, session = missed_and_asked(charging_cast())
    stripe.books.pay(str(session.session_id))
    clock.shift(timedelta(minutes=6))
    assert reconcile(now=timezone.now()) == 1
    assert (NoShowFee.objects.get().state, session_states()) == ("paid", ["paid"])
    clock.shift(timedelta(minutes=6))
    assert reconcile(now=timezone.now()) == 0
    tell_news(stripe)
    assert len(notices("noshow.paid")) == 2
    assert stripe.count("GET", SESSIONS) == 1


def test_the_sweep_does_it(stripe: StripeServer, clock: Any) -> None:
    _, _, session = missed_and_asked(charging_cast())
    stripe.books.pay(str(session.session_id))
    clock.shift(timedelta(minutes=6))
    sweep()
    assert NoShowFee.objects.get().state == "paid"


def test_an_expiry_whose_webhook_never_came_is_booked(stripe: StripeServer, clock: Any) -> None:
    missed_and_asked(charging_cast())
    clock.shift(timedelta(hours=25))
    assert reconcile(now=timezone.now()) == 1
    assert (NoShowFee.objects.get().state, session_states()) == ("due", ["expired"])


def test_an_open_session_stays_as_it_is(stripe: StripeServer, clock: Any) -> None:
    missed_and_asked(charging_cast())
    clock.shift(timedelta(minutes=6))
    before = money_rows()
    assert reconcile(now=timezone.now()) == 0
    assert money_rows() == before


def test_stripe_is_asked_at_most_every_five_minutes_and_only_for_a_reason(
    stripe: StripeServer, clock: Any
) -> None:
    reconcile(now=timezone.now())
    assert stripe.seen == []
    missed_and_asked(charging_cast())
    reconcile(now=timezone.now())
    assert stripe.count("GET", SESSIONS) == 0
    clock.shift(timedelta(minutes=6))
    for _ in range(10):
        reconcile(now=timezone.now())
    assert stripe.count("GET", SESSIONS) == 1
    clock.shift(timedelta(minutes=6))
    reconcile(now=timezone.now())
    assert stripe.count("GET", SESSIONS) == 2


def test_a_session_whose_making_nobody_saw_is_found_and_its_mail_sent_once(
    stripe: StripeServer, clock: Any
) -> None:
    """The worker was killed in mid-call twice: the job is uncertain, and nobody tries again."""
    miss(charging_cast())
    job = outbox.claim(now=timezone.now())
    while job is not None and job.type != "noshow.fee":
        outbox.finish(job, now=timezone.now())
        job = outbox.claim(now=timezone.now())
    assert job is not None
    row = CreateSession().prepare(job, now=timezone.now())
    stripe_api.create(row.params, idempotency_key=row.idempotency_key)
    Job.objects.filter(pk=job.pk).update(state="uncertain", token=None, lease_until=None)
    clock.shift(timedelta(minutes=6))
    assert reconcile(now=timezone.now()) == 1
    run_jobs()
    assert (session_states(), fee_mails()) == (["open"], ["kept"])
    assert len(stripe.books.sessions) == 1


def test_one_that_stripe_never_made_is_given_up_after_twenty_hours(stripe: StripeServer, clock: Any) -> None:
    stripe.fail_next("429")
    miss(charging_cast())
    run_jobs()
    clock.shift(timedelta(hours=1))
    assert reconcile(now=timezone.now()) == 0
    assert session_states() == ["creating"]
    clock.shift(timedelta(hours=20))
    assert reconcile(now=timezone.now()) == 1
    assert session_states() == ["lost"]
    run_jobs()
    assert (session_states(), fee_mails()) == (["lost", "open"], ["kept"])


@pytest.mark.parametrize("arrives", [True, False])
def test_a_slow_payment_is_asked_for_until_it_is_known(
    stripe: StripeServer, clock: Any, arrives: bool
) -> None:
    _, _, session = missed_and_asked(charging_cast())
    stripe.books.pay(str(session.session_id), slowly=True)
    clock.shift(timedelta(minutes=6))
    assert reconcile(now=timezone.now()) == 1
    assert session_states() == ["processing"]
    clock.shift(timedelta(days=5))
    assert reconcile(now=timezone.now()) == 0
    stripe.books.money_arrives(str(session.session_id), after_all=arrives)
    clock.shift(timedelta(minutes=6))
    assert reconcile(now=timezone.now()) == 1
    assert session_states() == (["paid"] if arrives else ["failed"])
    assert NoShowFee.objects.get().state == ("paid" if arrives else "due")


def test_many_sessions_are_found_over_several_pages(stripe: StripeServer, clock: Any) -> None:
    _, _, session = missed_and_asked(charging_cast())
    stripe.books.pay(str(session.session_id))
    for number in range(230):
        stripe.books.create_session(
            {
                "mode": "payment",
                "success_url": "https://shop.example/done",
                "client_reference_id": f"order-{number}",
                "line_items[0][quantity]": "1",
                "line_items[0][price_data][currency]": "eur",
                "line_items[0][price_data][unit_amount]": "500",
                "line_items[0][price_data][product_data][name]": "Shampoo",
            }
        )
    clock.shift(timedelta(minutes=6))
    assert reconcile(now=timezone.now()) == 1
    assert stripe.count("GET", SESSIONS) == 3
    assert StripeSession.objects.get().state == "paid"


def test_without_a_stripe_key_or_with_stripe_away_nothing_happens(
    stripe: StripeServer, clock: Any, settings: Any
) -> None:
    missed_and_asked(charging_cast())
    clock.shift(timedelta(minutes=6))
    before = money_rows()
    settings.STRIPE_API_KEY = ""
    assert reconcile(now=timezone.now()) == 0
    settings.STRIPE_API_KEY = "sk_test_wrong"
    assert reconcile(now=timezone.now()) == 0
    assert money_rows() == before
