"""/pay/<token>: shows what is owed, leads on to Stripe, and never changes anything by GET or HEAD."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client as Browser

from bookings.models import NoShowFee, StripeSession
from bookings.noshow.waive_or_refund import waive
from tests.cast.noshow import (
    AFTER_THE_VISIT,
    charging_cast,
    fee_mails,
    missed_and_asked,
    money_jobs,
    money_rows,
    notices,
    run_jobs,
    session_states,
    tell_news,
)
from tests.cast.races import at_once
from tests.cast.stripe_server import SESSIONS, StripeServer

pytestmark = [pytest.mark.django_db, pytest.mark.clock_at(AFTER_THE_VISIT, tick=True)]

Asked = tuple[NoShowFee, StripeSession]


@pytest.fixture
def asked(stripe: StripeServer) -> Asked:
    _, fee, session = missed_and_asked(charging_cast())
    return fee, session


def page_of(fee: NoShowFee) -> str:
    return f"/pay/{fee.pay_token}"


def press(fee: NoShowFee, **fields: str) -> Any:
    return Browser().post(page_of(fee), fields)


def heading(answer: Any) -> str:
    text: str = answer.content.decode()
    return text.partition("<h1>")[2].partition("</h1>")[0]


def test_the_page_says_what_is_owed_and_for_what(stripe: StripeServer, asked: Asked) -> None:
    answer = Browser().get(page_of(asked[0]))
    text = answer.content.decode()
    assert (answer.status_code, heading(answer)) == (200, "Fee for a missed appointment")
    for part in (
        "Hello Alice,",
        "Haircut",
        "Bea Bakker",
        "Tuesday 24 March 2026",
        "Pay €20.00",
        "Salon Zonne",
    ):
        assert part in text
    for secret in ("Adams", "alice@example.com", "cs_test"):
        assert secret not in text
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["Cache-Control"] == "no-store"
    form = f"form-action 'self' https://checkout.stripe.com {stripe.url};"
    assert form in answer.headers["Content-Security-Policy"]
    assert "script-src" not in answer.headers["Content-Security-Policy"]
    assert not answer.cookies


def test_the_button_may_lead_to_the_salons_own_address_at_stripe(
    stripe: StripeServer, asked: Asked, settings: Any
) -> None:
    settings.STRIPE_API_BASE = ""
    StripeSession.objects.update(url="https://pay.salon.example/c/pay/cs_1#fragment")
    policy = Browser().get(page_of(asked[0])).headers["Content-Security-Policy"]
    assert "form-action 'self' https://checkout.stripe.com https://pay.salon.example;" in policy


@pytest.mark.parametrize("query", ["", "?done=1"])
@pytest.mark.parametrize("method", ["get", "head"])
@pytest.mark.parametrize("state", ["due", "paid", "void", "waived", "refunded", "not_charged", "late"])
def test_opening_the_page_changes_nothing_and_asks_stripe_nothing(
    stripe: StripeServer, asked: Asked, clock: Any, method: str, state: str, query: str
) -> None:
    fee, _ = asked
    if state == "late":
        clock.shift(timedelta(days=8))
    else:
        NoShowFee.objects.update(state=state)
    before, seen = money_rows(), len(stripe.seen)
    answer = getattr(Browser(), method)(page_of(fee) + query)
    assert answer.status_code == (200 if state in ("due", "paid") else 410)
    assert (money_rows(), len(stripe.seen)) == (before, seen)
    assert (method == "head") == (answer.content == b"")


@pytest.mark.parametrize(
    ("state", "status", "words"),
    [
        ("paid", 200, "This fee is paid"),
        ("void", 410, "There is nothing to pay"),
        ("waived", 410, "There is nothing to pay"),
        ("refunded", 410, "This fee was paid back"),
    ],
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_fee_that_is_not_owed_is_said_in_kind_words(
    stripe: StripeServer, asked: Asked, state: str, status: int, words: str, method: str
) -> None:
    NoShowFee.objects.update(state=state)
    before, seen = money_rows(), len(stripe.seen)
    answer = getattr(Browser(), method)(page_of(asked[0]))
    assert (answer.status_code, heading(answer)) == (status, words)
    assert (money_rows(), len(stripe.seen)) == (before, seen)
    assert "<form" not in answer.content.decode()


def test_the_button_leads_to_the_live_session(stripe: StripeServer, asked: Asked) -> None:
    fee, session = asked
    for _ in range(3):
        answer = press(fee)
        assert (answer.status_code, answer.headers["Location"]) == (303, session.url)
    assert (len(stripe.books.sessions), session_states(), fee_mails()) == (1, ["open"], ["kept"])


def test_an_amount_in_the_form_is_nobodys_business(stripe: StripeServer, asked: Asked, clock: Any) -> None:
    clock.shift(timedelta(days=2))
    assert press(asked[0], amount="1", amount_minor="1", currency="JPY").status_code == 303
    assert [(each["amount_total"], each["currency"]) for each in stripe.books.sessions.values()] == [
        (2000, "eur"),
        (2000, "eur"),
    ]


@pytest.mark.parametrize("days", [1, 3, 6])
def test_for_seven_days_the_button_makes_a_fresh_session(
    stripe: StripeServer, asked: Asked, clock: Any, days: int
) -> None:
    fee, old = asked
    clock.shift(timedelta(days=days, hours=1))
    answer = press(fee)
    fresh = StripeSession.objects.get(state="open")
    assert (answer.status_code, answer.headers["Location"]) == (303, fresh.url)
    assert fresh.pk != old.pk
    assert session_states() == ["expired", "open"]
    assert stripe.books.with_status("open") == [fresh.session_id]
    assert press(fee).headers["Location"] == fresh.url
    assert len(stripe.books.sessions) == 2
    assert fee_mails() == ["kept"]
    assert (fee.pay_until, NoShowFee.objects.get().pay_until) == (fee.pay_until, fee.pay_until)


def test_a_session_about_to_end_is_expired_at_stripe_before_a_fresh_one_is_made(
    stripe: StripeServer, asked: Asked, clock: Any
) -> None:
    fee, old = asked
    clock.shift(timedelta(hours=23, minutes=45))
    answer = press(fee)
    assert answer.status_code == 303
    posts = [each.path for each in stripe.seen if each.method == "POST"]
    assert posts == [SESSIONS, f"{SESSIONS}/{old.session_id}/expire", SESSIONS]
    assert len(stripe.books.with_status("open")) == 1


def test_after_seven_days_the_link_is_over(stripe: StripeServer, asked: Asked, clock: Any) -> None:
    clock.shift(timedelta(days=7, seconds=1))
    seen = len(stripe.seen)
    answer = press(asked[0])
    assert (answer.status_code, heading(answer)) == (410, "This link is no longer valid")
    assert (len(stripe.seen), NoShowFee.objects.get().state) == (seen, "due")


@pytest.mark.parametrize("hours", [1, 30])
def test_a_payment_whose_news_never_came_is_found_by_the_button(
    stripe: StripeServer, asked: Asked, clock: Any, hours: int
) -> None:
    fee, session = asked
    stripe.books.pay(str(session.session_id))
    clock.shift(timedelta(hours=hours))
    answer = press(fee)
    assert (answer.status_code, heading(answer)) == (200, "This fee is paid")
    assert (NoShowFee.objects.get().state, session_states()) == ("paid", ["paid"])
    assert len(notices("noshow.paid")) == 2
    tell_news(stripe)
    assert len(notices("noshow.paid")) == 2
    assert len(stripe.books.sessions) == 1


def test_a_slow_payment_under_way_is_not_asked_for_twice(
    stripe: StripeServer, asked: Asked, clock: Any
) -> None:
    fee, session = asked
    stripe.books.pay(str(session.session_id), slowly=True)
    for hours in (0, 30):
        clock.shift(timedelta(hours=hours))
        answer = press(fee)
        assert (answer.status_code, heading(answer)) == (200, "Thank you")
        assert len(stripe.books.sessions) == 1
    assert "on its way" in Browser().get(page_of(fee)).content.decode()


def test_a_slow_payment_that_failed_can_be_made_anew(stripe: StripeServer, asked: Asked) -> None:
    fee, session = asked
    stripe.books.pay(str(session.session_id), slowly=True)
    stripe.books.money_arrives(str(session.session_id), after_all=False)
    tell_news(stripe)
    answer = press(fee)
    assert answer.status_code == 303
    assert session_states() == ["failed", "open"]


def test_back_from_stripe_the_page_waits_for_the_news(stripe: StripeServer, asked: Asked) -> None:
    fee, session = asked
    stripe.books.pay(str(session.session_id))
    answer = Browser().get(page_of(fee) + "?done=1")
    assert (answer.status_code, heading(answer)) == (200, "Thank you")
    assert "<form" not in answer.content.decode()
    tell_news(stripe)
    assert heading(Browser().get(page_of(fee) + "?done=1")) == "This fee is paid"


def test_two_paid_sessions_are_one_fee_and_one_refund(stripe: StripeServer, asked: Asked) -> None:
    """We took the first session for expired when it was not."""
    fee, _ = asked
    StripeSession.objects.update(state="expired")
    assert press(fee).status_code == 303
    for session_id in stripe.books.with_status("open"):
        stripe.books.pay(session_id)
    tell_news(stripe)
    run_jobs(rounds=2)
    tell_news(stripe)
    assert NoShowFee.objects.get().state == "paid"
    assert session_states() == ["paid", "refunded"]
    assert (len(stripe.books.paid_charges()), len(stripe.books.refunds)) == (1, 1)
    assert notices("noshow.paid")[2:] == [
        ("Ada Admin", "A no-show fee was paid that was not owed any more: 20.00 EUR")
    ]


@pytest.mark.parametrize("fault", ["429", "cut", "500"])
def test_while_stripe_is_away_the_page_says_so_and_works_later(
    stripe: StripeServer, asked: Asked, clock: Any, fault: str
) -> None:
    fee, _ = asked
    clock.shift(timedelta(days=2))
    stripe.fail_next(fault, times=3)
    answer = press(fee)
    assert (answer.status_code, heading(answer)) == (503, "Paying is not possible at the moment")
    assert answer.headers["Retry-After"] == "30"
    stripe.faults.clear()
    assert press(fee).status_code == 303
    assert len(stripe.books.with_status("open")) == 1


def test_without_a_stripe_key_the_page_says_so(stripe: StripeServer, asked: Asked, settings: Any) -> None:
    settings.STRIPE_API_KEY = ""
    before = money_rows()
    answer = press(asked[0])
    assert (answer.status_code, heading(answer)) == (503, "Paying is not possible at the moment")
    assert money_rows() == before


def test_a_waived_fee_cannot_be_paid_and_its_session_ends(stripe: StripeServer, asked: Asked) -> None:
    fee, _ = asked
    waive(fee_id=fee.pk, reason="Ill", now=fee.created_at)
    assert press(fee).status_code == 410
    run_jobs()
    assert stripe.books.with_status("open") == []
    assert money_jobs()[-1] == ("noshow.expire", "done")


@pytest.mark.parametrize("path", ["/pay/nothing", "/pay/" + "x" * 65, "/pay/a%20b", "/pay", "/pay/a/b"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_an_unknown_link_is_not_found(path: str, method: str) -> None:
    answer = getattr(Browser(), method)(path)
    assert (answer.status_code, heading(answer)) == (404, "We do not know this link")


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_other_methods_are_not_allowed(stripe: StripeServer, asked: Asked, method: str) -> None:
    answer = getattr(Browser(), method)(page_of(asked[0]))
    assert answer.status_code == 405


def test_an_address_may_open_sixty_pages_a_minute(stripe: StripeServer, asked: Asked) -> None:
    browser, page = Browser(), page_of(asked[0])
    statuses = [browser.get(page).status_code for _ in range(61)]
    assert statuses == [200] * 60 + [429]
    assert Browser().get(page, REMOTE_ADDR="10.1.1.1").status_code == 200


@pytest.mark.parametrize("locale", ["nl", "de", "fr", "es"])
def test_the_page_speaks_the_clients_language(stripe: StripeServer, locale: str) -> None:
    cast = charging_cast()
    cast.alice.locale = locale
    cast.alice.save()
    _, fee, _ = missed_and_asked(cast)
    answer = Browser().get(page_of(fee))
    assert answer.headers["Content-Language"] == locale
    assert f'<html lang="{locale}">' in answer.content.decode()


@pytest.mark.django_db(transaction=True)
def test_two_presses_at_once_lead_to_one_session(stripe: StripeServer, clock: Any) -> None:
    _, fee, _ = missed_and_asked(charging_cast())
    clock.shift(timedelta(days=2))
    places = {answer.headers.get("Location", "") for answer in at_once(*[lambda: press(fee)] * 4)}
    assert len(places) == 1
    assert places.pop().startswith(f"{stripe.url}/c/pay/")
    assert len(stripe.books.with_status("open")) == 1
    assert session_states() == ["expired", "open"]
