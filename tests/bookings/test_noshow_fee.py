"""To no-show and back (contract §1.4): the frozen fee, its undoing, and what is told."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from bookings.models import NoShowFee, StripeSession
from notifications.models import Job, Message, Notification
from notifications.outbox import retry
from tests.cast.bookings import jobs
from tests.cast.factories import caller
from tests.cast.noshow import (
    AFTER_THE_VISIT,
    charging_cast,
    fee_mails,
    fee_of,
    live_stripe,
    miss,
    missed_and_asked,
    money_jobs,
    notices,
    run_jobs,
    run_only,
    session_states,
    tell_news,
)
from tests.cast.stripe_server import StripeServer

pytestmark = [pytest.mark.django_db, pytest.mark.clock_at(AFTER_THE_VISIT, tick=True)]


def test_a_no_show_freezes_the_fee_and_enqueues_one_job(stripe: StripeServer) -> None:
    cast = charging_cast()
    booking = miss(cast)
    fee = fee_of(booking)
    assert (fee.amount_minor, fee.currency, fee.state, fee.reason) == (2000, "EUR", "due", "")
    assert (fee.client_id, fee.event.to_status, fee.paid_at) == (cast.alice.pk, "no-show", None)
    assert (fee.pay_until - fee.created_at).days == 7
    assert len(fee.pay_token) == 43
    assert money_jobs() == [("noshow.fee", "pending")]
    job = Job.objects.get(type="noshow.fee")
    assert (job.once_key, job.payload) == (f"noshow.fee:{booking['id']}:{fee.event_id}", {"fee_id": fee.pk})
    assert stripe.seen == []


def test_a_later_change_of_price_or_settings_leaves_the_fee_alone(stripe: StripeServer) -> None:
    cast = charging_cast()
    booking = miss(cast)
    admin = caller(cast.ada)
    admin.put("/api/settings", {"noshow_fee_value": "90"}, format="json")
    admin.put(f"/api/services/{cast.service.pk}", {"price": "400.00"}, format="json")
    run_jobs()
    assert fee_of(booking).amount_minor == 2000
    assert [each["amount_total"] for each in stripe.books.sessions.values()] == [2000]


@pytest.mark.parametrize(
    ("salon", "price", "expected"),
    [
        ({"noshow_fee_type": "fixed", "noshow_fee_value": "12.50"}, "40.00", 1250),
        ({"noshow_fee_type": "fixed", "noshow_fee_value": "12.345"}, "40.00", 1235),
        ({"noshow_fee_type": "fixed", "noshow_fee_value": "12.50", "noshow_fee_minimum": 30}, "40.00", 1250),
        ({"noshow_fee_type": "fixed", "noshow_fee_value": "12.50"}, None, 1250),
        ({"noshow_fee_value": 50}, "33.33", 1667),
        ({"noshow_fee_value": 50}, "33.31", 1666),
        ({"noshow_fee_value": 10, "noshow_fee_minimum": "7.50"}, "40.00", 750),
        ({"noshow_fee_value": 50, "noshow_fee_minimum": "7.50"}, "40.00", 2000),
        ({"noshow_fee_value": 50, "currency": "JPY"}, "4501", 2251),
        ({"noshow_fee_value": 50, "currency": "KWD"}, "10.250", 5130),
        ({"noshow_fee_value": 50, "currency": "KWD"}, "10.248", 5120),
        ({"noshow_fee_value": 50, "currency": "ISK"}, "9001", 4501),
        ({"noshow_fee_value": 50, "currency": "EUR"}, "1.00", 50),
    ],
)
def test_the_amount_is_right_to_the_minor_unit(
    stripe: StripeServer, salon: dict[str, Any], price: str | None, expected: int
) -> None:
    cast = charging_cast(**{name: _number(value) for name, value in salon.items()})
    cast.service.price = None if price is None else Decimal(price)
    cast.service.save()
    booking = miss(cast)
    assert (fee_of(booking).amount_minor, fee_of(booking).state) == (expected, "due")
    run_jobs()
    times = 100 if salon.get("currency") == "ISK" else 1
    assert [each["amount_total"] for each in stripe.books.sessions.values()] == [expected * times]
    assert fee_mails() == ["kept"]


@pytest.mark.parametrize(
    ("salon", "price", "amount", "reason"),
    [
        ({"noshow_fee_value": 50}, None, 0, "The booking has no price to take a percentage of."),
        ({"noshow_fee_value": 0}, "40.00", 0, "The fee comes to zero."),
        ({"noshow_fee_type": "fixed", "noshow_fee_value": 0}, "40.00", 0, "The fee comes to zero."),
        ({"noshow_fee_value": 50}, "0.00", 0, "The fee comes to zero."),
        ({"noshow_fee_value": 50}, "0.98", 49, "The fee is under the least that Stripe charges in EUR."),
        (
            {"noshow_fee_value": 50, "currency": "JPY"},
            "98",
            49,
            "The fee is under the least that Stripe charges in JPY.",
        ),
        (
            {"noshow_fee_type": "fixed", "noshow_fee_value": 1_000_000},
            "40.00",
            100_000_000,
            "The fee is over the most that Stripe charges in EUR.",
        ),
    ],
)
def test_what_cannot_be_charged_is_recorded_with_its_reason(
    stripe: StripeServer, salon: dict[str, Any], price: str | None, amount: int, reason: str
) -> None:
    cast = charging_cast(**salon)
    cast.service.price = None if price is None else Decimal(price)
    cast.service.save()
    fee = fee_of(miss(cast))
    assert (fee.state, fee.amount_minor, fee.reason) == ("not_charged", amount, reason)
    run_jobs()
    assert money_jobs() == []
    assert (stripe.seen, fee_mails(), notices("noshow.failed")) == ([], [], [])


def test_without_the_setting_nothing_is_charged(stripe: StripeServer) -> None:
    booking = miss(charging_cast(noshow_enabled=False))
    assert not NoShowFee.objects.filter(booking_id=booking["id"]).exists()
    assert money_jobs() == []


def test_correcting_the_status_before_stripe_was_asked_sets_nothing_in_motion(stripe: StripeServer) -> None:
    cast = charging_cast()
    booking = miss(cast)
    cast.put(booking, {"status": "completed"})
    run_jobs()
    fee = fee_of(booking)
    assert (fee.state, fee.reason) == ("void", "The booking is no longer a no-show.")
    assert money_jobs() == [("noshow.fee", "cancelled")]
    assert (stripe.seen, fee_mails()) == ([], [])


def test_correcting_the_status_expires_the_session_at_stripe(stripe: StripeServer) -> None:
    cast = charging_cast()
    booking, fee, session = missed_and_asked(cast)
    cast.put(booking, {"status": "scheduled"})
    run_jobs()
    fee.refresh_from_db()
    assert (fee.state, session_states()) == ("void", ["expired"])
    assert stripe.books.with_status("expired") == [session.session_id]
    assert money_jobs() == [("noshow.fee", "done"), ("noshow.mail", "done"), ("noshow.expire", "done")]
    assert fee_mails() == ["kept"]


def test_a_mail_that_waits_is_dropped_when_the_status_is_corrected(stripe: StripeServer) -> None:
    cast = charging_cast()
    booking = miss(cast)
    Job.objects.filter(booking_id=booking["id"]).exclude(type="noshow.fee").update(state="done")
    run_only("noshow.fee")
    cast.put(booking, {"status": "completed"})
    assert money_jobs() == [
        ("noshow.fee", "done"),
        ("noshow.mail", "cancelled"),
        ("noshow.expire", "pending"),
    ]
    assert list(Message.objects.filter(type="noshow.mail").values_list("state", "reason")) == [
        ("not_sent", "fee_not_due")
    ]


def test_doing_undoing_and_doing_it_again_charges_once_more_and_once_only(stripe: StripeServer) -> None:
    cast = charging_cast()
    booking, first, _ = missed_and_asked(cast)
    cast.put(booking, {"status": "completed"})
    cast.put(booking, {"status": "no-show"})
    run_jobs()
    states = list(NoShowFee.objects.order_by("id").values_list("state", flat=True))
    assert states == ["void", "due"]
    assert (session_states(), fee_mails()) == (["expired", "open"], ["kept", "kept"])
    assert len(stripe.books.with_status("open")) == 1
    assert first.pay_token != fee_of(booking).pay_token


def test_the_same_status_again_charges_nothing_more(stripe: StripeServer) -> None:
    cast = charging_cast()
    booking, _, _ = missed_and_asked(cast)
    assert cast.put(booking, {"status": "no-show"}).status_code == 200
    run_jobs()
    assert (NoShowFee.objects.count(), StripeSession.objects.count(), len(fee_mails())) == (1, 1, 1)


def test_a_paid_fee_stays_when_the_status_is_corrected_and_admins_are_told(stripe: StripeServer) -> None:
    cast = charging_cast()
    booking, fee, session = missed_and_asked(cast)
    stripe.books.pay(str(session.session_id))
    tell_news(stripe)
    cast.put(booking, {"status": "completed"})
    run_jobs()
    fee.refresh_from_db()
    assert (fee.state, stripe.books.refunds) == ("paid", {})
    assert notices("noshow.paid") == [
        ("Bea Bakker", "No-show fee paid: 20.00 EUR"),
        ("Ada Admin", "No-show fee paid: 20.00 EUR"),
        ("Ada Admin", "No longer a no-show, but the fee has been paid: 20.00 EUR"),
    ]


def test_a_paid_visit_is_not_charged_twice(stripe: StripeServer) -> None:
    cast = charging_cast()
    booking, _, session = missed_and_asked(cast)
    stripe.books.pay(str(session.session_id))
    tell_news(stripe)
    cast.put(booking, {"status": "completed"})
    cast.put(booking, {"status": "no-show"})
    run_jobs()
    fee = fee_of(booking)
    assert (fee.state, fee.reason) == ("not_charged", "A fee for this booking has been paid already.")
    assert (len(stripe.books.sessions), fee_mails()) == (1, ["kept"])


def test_without_a_stripe_key_the_fee_is_recorded_and_admins_know_what_to_do(settings: Any) -> None:
    cast = charging_cast()
    booking = miss(cast)
    run_jobs(rounds=3)
    assert fee_of(booking).state == "due"
    assert money_jobs() == [("noshow.fee", "dead")]
    assert (StripeSession.objects.count(), fee_mails()) == (0, [])
    assert notices("noshow.failed") == [("Ada Admin", "The no-show fee could not be sent: 20.00 EUR")]
    text = Notification.objects.get(type="noshow.failed").body
    assert text.startswith("STRIPE_API_KEY is not set")
    assert f"retry job {Job.objects.get(type='noshow.fee').pk} (noshow.fee)" in text
    assert notices("job.dead") == []


def test_a_retry_works_once_the_stripe_key_is_set(settings: Any, clock: Any) -> None:
    cast = charging_cast()
    booking = miss(cast)
    run_jobs()
    clock.move_to(AFTER_THE_VISIT.replace(month=4))
    with live_stripe(settings) as stripe:
        job = Job.objects.get(type="noshow.fee")
        retry(job.pk, now=job.created_at.replace(month=4))
        run_jobs()
        fee = fee_of(booking)
        assert (fee.state, fee_mails(), len(stripe.books.sessions)) == ("due", ["kept"], 1)
        assert (fee.pay_until - fee.sessions.get().created_at).days == 7


def test_a_client_without_an_address_is_charged_and_the_mail_says_why_it_was_not_sent(
    stripe: StripeServer,
) -> None:
    cast = charging_cast()
    cast.alice.email = ""
    cast.alice.save()
    booking = miss(cast)
    run_jobs()
    assert fee_of(booking).state == "due"
    assert list(Message.objects.filter(type="noshow.mail").values_list("state", "reason")) == [
        ("not_sent", "no_address")
    ]
    assert ("noshow.mail", "cancelled") in jobs(booking)


def _number(value: Any) -> Any:
    return Decimal(value) if isinstance(value, str) and value[0].isdigit() else value
