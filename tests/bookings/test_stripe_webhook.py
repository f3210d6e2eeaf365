"""POST /api/stripe/webhook: signed, in any order, as often as Stripe likes, one effect each (F8)."""

from __future__ import annotations

import json
import random
import time
from itertools import permutations
from typing import Any

import pytest
from django.test import Client as Browser
from stripe import WebhookSignature

from bookings.models import NoShowFee, StripeEvent, StripeSession
from bookings.noshow.waive_or_refund import waive
from tests.cast.noshow import (
    AFTER_THE_VISIT,
    WEBHOOK,
    charging_cast,
    fee_mails,
    missed_and_asked,
    money_jobs,
    money_rows,
    notices,
    post_event,
    post_raw,
    run_jobs,
    session_states,
    tell_news,
)
from tests.cast.races import at_once
from tests.cast.stripe_server import StripeServer, signed

pytestmark = [pytest.mark.django_db, pytest.mark.clock_at(AFTER_THE_VISIT, tick=True)]

PAID_NOTICES = [
    ("Bea Bakker", "No-show fee paid: 20.00 EUR"),
    ("Ada Admin", "No-show fee paid: 20.00 EUR"),
]
SURPLUS_NOTICE = ("Ada Admin", "A no-show fee was paid that was not owed any more: 20.00 EUR")


@pytest.fixture
def asked(stripe: StripeServer) -> tuple[NoShowFee, StripeSession]:
    """A fee that has been sent, with its open session."""
    _, fee, session = missed_and_asked(charging_cast())
    return fee, session


Asked = tuple[NoShowFee, StripeSession]


def news(stripe: StripeServer, type: str) -> dict[str, Any]:
    return next(event for event in stripe.books.events if event["type"] == type)


def test_a_payment_settles_the_fee_and_tells_the_salon(stripe: StripeServer, asked: Asked) -> None:
    fee, session = asked
    stripe.books.pay(str(session.session_id))
    answer = post_event(news(stripe, "checkout.session.completed"))
    assert (answer.status_code, answer.json()) == (200, {"received": True, "taken": True})
    fee.refresh_from_db()
    session.refresh_from_db()
    assert (fee.state, fee.paid_at is not None, session.state) == ("paid", True, "paid")
    assert session.payment_intent in stripe.books.charges
    assert notices("noshow.paid") == PAID_NOTICES
    assert StripeEvent.objects.count() == 1
    assert money_jobs() == [("noshow.fee", "done"), ("noshow.mail", "done")]


@pytest.mark.parametrize(
    "how", ["unsigned", "empty", "nonsense", "other secret", "old", "body changed", "not ascii", "no time"]
)
def test_what_stripe_did_not_sign_is_refused_and_changes_nothing(
    stripe: StripeServer, asked: Asked, how: str, settings: Any
) -> None:
    stripe.books.pay(str(asked[1].session_id))
    event = news(stripe, "checkout.session.completed")
    body, signature = signed(event, settings.STRIPE_WEBHOOK_SECRET)
    forged: dict[str, tuple[bytes, str | None]] = {
        "unsigned": (body, None),
        "empty": (body, ""),
        "nonsense": (body, "t=abc,v1="),
        "other secret": signed(event, "whsec_other"),
        "old": signed(event, settings.STRIPE_WEBHOOK_SECRET, at=time.time() - 301),
        "body changed": (body.replace(b"2000", b"1"), signature),
        "not ascii": (body, signature + "é"),
        "no time": (body, signature.partition(",")[2]),
    }
    before = money_rows()
    answer = post_raw(*forged[how])
    assert answer.status_code == 400
    assert answer.json() == {
        "error": "This was not signed by Stripe for this salon, or it is too old; nothing was changed.",
        "code": "bad_signature",
    }
    assert money_rows() == before


def test_nothing_is_believed_without_a_webhook_secret(
    stripe: StripeServer, asked: Asked, settings: Any
) -> None:
    settings.STRIPE_WEBHOOK_SECRET = ""
    stripe.books.pay(str(asked[1].session_id))
    before = money_rows()
    answer = post_event(news(stripe, "checkout.session.completed"), secret="")
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_signature")
    assert money_rows() == before


NAMED = b'{"id":"%s","type":"checkout.session.completed","data":{"object":{"id":"%s"}}}'


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"text"',
        b'{"id": 1}',
        b'{"id":1,"type":2,"data":{"object":{}}}',
        b"[" * 20_000,
        NAMED % (b"e" * 256, b"cs_1"),
        NAMED % (b"evt_1\\u0000", b"cs_1"),
        NAMED % (b"evt_1", b"cs_\\ud800"),
    ],
    ids=range(10),
)
def test_a_signed_body_that_is_no_event_is_refused(stripe: StripeServer, body: bytes, settings: Any) -> None:
    signature = WebhookSignature.generate_signature_header(
        body.decode(), settings.STRIPE_WEBHOOK_SECRET, int(time.time())
    )
    answer = post_raw(body, signature)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_event")
    assert StripeEvent.objects.count() == 0


def test_a_body_that_is_not_text_is_refused(stripe: StripeServer) -> None:
    answer = post_raw(b"\xff\xfe", "t=1,v1=00")
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_signature")


def test_other_events_are_taken_politely_and_not_kept(stripe: StripeServer, asked: Asked) -> None:
    stripe.books.pay(str(asked[1].session_id))
    before = money_rows()
    for event in (
        news(stripe, "payment_intent.succeeded"),
        {"id": "evt_1", "type": "invoice.paid", "data": {"object": {"id": "in_1"}}},
        {"id": "evt_2", "type": "x" * 300, "data": {"object": {}}},
    ):
        answer = post_event(event)
        assert (answer.status_code, answer.json()) == (200, {"received": True, "taken": False})
    assert money_rows() == before


def test_sessions_of_somebody_else_on_the_same_account_are_left_alone(
    stripe: StripeServer, asked: Asked
) -> None:
    stripe.books.pay(str(asked[1].session_id))
    event = news(stripe, "checkout.session.completed")
    theirs = {**event["data"]["object"], "id": "cs_other"}
    for number, about in enumerate(
        ({**theirs, "client_reference_id": None}, {**theirs, "client_reference_id": "order-7"}, theirs, {})
    ):
        answer = post_event({**event, "id": f"evt_{number}", "data": {"object": about}})
        assert answer.status_code == 200
    assert NoShowFee.objects.get().state == "due"
    assert (session_states(), notices("noshow.paid")) == (["open"], [])


def test_every_event_five_times_and_shuffled_has_one_effect(stripe: StripeServer, asked: Asked) -> None:
    stripe.books.pay(str(asked[1].session_id))
    events = stripe.books.events * 5
    random.Random(7).shuffle(events)
    assert {post_event(event).status_code for event in events} == {200}
    assert NoShowFee.objects.get().state == "paid"
    assert notices("noshow.paid") == PAID_NOTICES
    assert StripeEvent.objects.count() == 1


@pytest.mark.parametrize("order", list(permutations(range(2))))
@pytest.mark.parametrize("arrives", [True, False])
def test_a_slow_payment_ends_the_same_in_any_order(
    stripe: StripeServer, asked: Asked, order: tuple[int, ...], arrives: bool
) -> None:
    fee, session = asked
    stripe.books.pay(str(session.session_id), slowly=True)
    stripe.books.money_arrives(str(session.session_id), after_all=arrives)
    events = [stripe.books.events[number] for number in order]
    for event in [*events, *events]:
        assert post_event(event).status_code == 200
    fee.refresh_from_db()
    assert (fee.state, session_states()) == (("paid", ["paid"]) if arrives else ("due", ["failed"]))
    assert notices("noshow.paid") == (PAID_NOTICES if arrives else [])


def test_a_slow_payment_under_way_leaves_the_fee_due(stripe: StripeServer, asked: Asked) -> None:
    stripe.books.pay(str(asked[1].session_id), slowly=True)
    tell_news(stripe)
    assert (NoShowFee.objects.get().state, session_states()) == ("due", ["processing"])


def test_an_expired_session_leaves_the_fee_due(stripe: StripeServer, asked: Asked) -> None:
    stripe.books.expire(str(asked[1].session_id))
    tell_news(stripe)
    assert (NoShowFee.objects.get().state, session_states()) == ("due", ["expired"])
    assert fee_mails() == ["kept"]


def test_paid_is_final(stripe: StripeServer, asked: Asked) -> None:
    stripe.books.pay(str(asked[1].session_id))
    tell_news(stripe)
    event = news(stripe, "checkout.session.completed")
    before = money_rows()
    old_news: list[dict[str, Any]] = [
        {"status": "expired", "payment_status": "unpaid"},
        {"status": "complete", "payment_status": "unpaid"},
        {"status": "open", "payment_status": "unpaid"},
        {"amount_total": 1},
    ]
    for number, changes in enumerate(old_news):
        about = {**event["data"]["object"], **changes}
        assert post_event({**event, "id": f"evt_{number}", "data": {"object": about}}).status_code == 200
    StripeEvent.objects.filter(event_id__regex=r"^evt_\d$").delete()
    assert money_rows()[0] == before[0]
    assert [row["state"] for row in money_rows()[1]] == ["paid"]
    assert money_rows()[2:] == before[2:]


@pytest.mark.parametrize("changes", [{"amount_total": 1999}, {"currency": "usd"}, {"amount_total": None}])
def test_another_amount_or_currency_is_not_taken_for_the_fee(
    stripe: StripeServer, asked: Asked, changes: dict[str, Any]
) -> None:
    stripe.books.pay(str(asked[1].session_id))
    event = news(stripe, "checkout.session.completed")
    about = {**event["data"]["object"], **changes}
    for number in range(2):
        post_event({**event, "id": f"evt_{number}", "data": {"object": about}})
    assert (NoShowFee.objects.get().state, session_states()) == ("due", ["wrong_amount"])
    assert notices("noshow.failed") == [("Ada Admin", "A payment for a no-show fee has the wrong amount")]
    assert notices("noshow.paid") == []


@pytest.mark.parametrize("closed", ["void", "waived"])
def test_a_payment_for_a_fee_that_is_not_owed_goes_back_once(stripe: StripeServer, closed: str) -> None:
    cast = charging_cast()
    booking, fee, session = missed_and_asked(cast)
    stripe.books.pay(str(session.session_id))
    if closed == "void":
        cast.put(booking, {"status": "completed"})
    else:
        waive(fee_id=fee.pk, reason="A misunderstanding", now=fee.created_at)
    tell_news(stripe)
    tell_news(stripe)
    run_jobs(rounds=2)
    tell_news(stripe)
    fee.refresh_from_db()
    assert (fee.state, session_states()) == (closed, ["refunded"])
    assert [refund["amount"] for refund in stripe.books.refunds.values()] == [2000]
    assert notices("noshow.paid") == [SURPLUS_NOTICE]
    assert [job for job in money_jobs() if job[0] == "noshow.refund"] == [("noshow.refund", "done")]


def test_the_answer_complete_to_an_expiry_means_paid_and_goes_back(stripe: StripeServer) -> None:
    """The webhook never comes: the job that lets the session expire finds out."""
    cast = charging_cast()
    booking, fee, session = missed_and_asked(cast)
    stripe.books.pay(str(session.session_id))
    cast.put(booking, {"status": "completed"})
    run_jobs(rounds=2)
    fee.refresh_from_db()
    assert (fee.state, session_states(), len(stripe.books.refunds)) == ("void", ["refunded"], 1)
    assert notices("noshow.paid") == [SURPLUS_NOTICE]


@pytest.mark.parametrize("order", list(permutations(range(2))))
def test_a_refund_at_stripes_own_desk_is_booked_in_any_order(
    stripe: StripeServer, asked: Asked, order: tuple[int, ...]
) -> None:
    fee, session = asked
    paid = stripe.books.pay(str(session.session_id))
    stripe.books.refund({"payment_intent": paid["payment_intent"]})
    events = [news(stripe, "checkout.session.completed"), news(stripe, "charge.refunded")]
    for number in (*order, *order):
        assert post_event(events[number]).status_code == 200
    fee.refresh_from_db()
    assert (fee.state, session_states()) == ("refunded", ["refunded"])
    assert [job for job in money_jobs() if job[0] == "noshow.refund"] == []


def test_a_part_given_back_leaves_the_fee_paid_and_says_so(stripe: StripeServer, asked: Asked) -> None:
    fee, session = asked
    paid = stripe.books.pay(str(session.session_id))
    stripe.books.refund({"payment_intent": paid["payment_intent"], "amount": "500"})
    tell_news(stripe)
    fee.refresh_from_db()
    assert (fee.state, fee.reason) == ("paid", "Partly refunded at Stripe: 5.00 EUR of 20.00 EUR.")


def test_a_refund_of_somebody_elses_charge_is_left_alone(stripe: StripeServer, asked: Asked) -> None:
    about = {"id": "ch_1", "payment_intent": "pi_other", "refunded": True, "metadata": {}}
    assert (
        post_event({"id": "evt_1", "type": "charge.refunded", "data": {"object": about}}).status_code == 200
    )
    assert NoShowFee.objects.get().state == "due"


@pytest.mark.parametrize("method", ["get", "put", "delete", "patch"])
def test_only_post_is_answered(method: str, db: None) -> None:
    answer = getattr(Browser(), method)(WEBHOOK)
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert "POST" in answer.headers["Allow"]


def test_it_answers_with_a_trailing_slash_too(stripe: StripeServer, asked: Asked, settings: Any) -> None:
    stripe.books.pay(str(asked[1].session_id))
    body, signature = signed(news(stripe, "checkout.session.completed"), settings.STRIPE_WEBHOOK_SECRET)
    answer = Browser().post(
        f"{WEBHOOK}/", body, content_type="application/json", headers={"Stripe-Signature": signature}
    )
    assert answer.status_code == 200
    assert NoShowFee.objects.get().state == "paid"


def test_a_body_of_another_type_is_refused(stripe: StripeServer, asked: Asked, settings: Any) -> None:
    stripe.books.pay(str(asked[1].session_id))
    body, signature = signed(news(stripe, "checkout.session.completed"), settings.STRIPE_WEBHOOK_SECRET)
    headers = {"Stripe-Signature": signature}
    answer = Browser().post(WEBHOOK, body, content_type="text/plain", headers=headers)
    assert (answer.status_code, NoShowFee.objects.get().state) == (415, "due")
    answer = Browser().post(WEBHOOK, body, content_type="application/json; charset=utf-8", headers=headers)
    assert (answer.status_code, NoShowFee.objects.get().state) == (200, "paid")


def test_a_body_over_the_limit_is_refused(db: None) -> None:
    answer = post_raw(json.dumps({"id": "x" * 300_000}).encode(), "t=1,v1=00")
    assert answer.status_code == 413


@pytest.mark.django_db(transaction=True)
def test_the_same_event_eight_times_at_once_has_one_effect(stripe: StripeServer) -> None:
    _, _, session = missed_and_asked(charging_cast())
    stripe.books.pay(str(session.session_id))
    event = news(stripe, "checkout.session.completed")
    answers = at_once(*[lambda: post_event(event)] * 8)
    assert [answer.status_code for answer in answers] == [200] * 8
    assert (StripeEvent.objects.count(), NoShowFee.objects.get().state) == (1, "paid")
    assert notices("noshow.paid") == PAID_NOTICES
