"""No-show fees in Django admin: read, waive with a reason, refund; by POST, after asking."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client as Browser
from django.utils import timezone

from bookings.models import NoShowFee, StripeSession
from notifications.models import Job
from staff.models import SalonSettings, Staff
from tests.cast.bookings import Salon
from tests.cast.noshow import (
    AFTER_THE_VISIT,
    charging_cast,
    missed_and_asked,
    money_jobs,
    money_rows,
    notices,
    run_jobs,
    session_states,
    tell_news,
)
from tests.cast.stripe_server import StripeServer

pytestmark = [pytest.mark.django_db, pytest.mark.clock_at(AFTER_THE_VISIT, tick=True)]

LIST = "/admin/bookings/noshowfee/"


@pytest.fixture
def cast() -> Salon:
    return charging_cast()


def logged_in(person: Staff, **options: Any) -> Browser:
    browser = Browser(**options)
    browser.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    return browser


def paid_fee(stripe: StripeServer, cast: Salon) -> tuple[NoShowFee, StripeSession]:
    _, fee, session = missed_and_asked(cast)
    stripe.books.pay(str(session.session_id))
    tell_news(stripe)
    fee.refresh_from_db()
    return fee, session


def test_a_fee_is_shown_with_its_sessions_and_no_secret(stripe: StripeServer, cast: Salon) -> None:
    _, fee, session = missed_and_asked(cast)
    browser = logged_in(cast.ada)
    assert "20.00 EUR" in browser.get(LIST).content.decode()
    text = browser.get(f"{LIST}{fee.pk}/change/").content.decode()
    assert str(session.session_id) in text
    assert "Waive this fee" in text
    assert fee.pay_token not in text
    assert session.idempotency_key not in text


def test_the_list_tells_when_the_visit_was(stripe: StripeServer, cast: Salon) -> None:
    _, fee, _ = missed_and_asked(cast)
    page = logged_in(cast.ada).get(LIST).content.decode()
    local = timezone.localtime(fee.booking.start_at, SalonSettings.load().zone)
    assert f'<td class="field-booked_for nowrap">{local.day} {local:%b %Y, %H:%M}</td>' in page


@pytest.mark.parametrize("path", ["add/", "{id}/delete/"])
def test_nobody_adds_or_deletes_a_fee(stripe: StripeServer, cast: Salon, path: str) -> None:
    _, fee, _ = missed_and_asked(cast)
    before = money_rows()
    browser = logged_in(cast.ada)
    address = LIST + path.format(id=fee.pk)
    assert browser.get(address).status_code == 403
    assert browser.post(address, {"post": "yes"}).status_code == 403
    bulk = {"action": "delete_selected", "_selected_action": [fee.pk], "post": "yes"}
    browser.post(LIST, bulk)
    browser.post(f"{LIST}{fee.pk}/change/", {"state": "paid", "amount_minor": "1"})
    assert money_rows() == before


def test_waiving_asks_first_and_needs_a_reason(stripe: StripeServer, cast: Salon) -> None:
    _, fee, _ = missed_and_asked(cast)
    browser, address = logged_in(cast.ada), f"{LIST}{fee.pk}/waive/"
    before = money_rows()
    assert "Waive this no-show fee?" in browser.get(address).content.decode()
    for reason in ("", "   "):
        answer = browser.post(address, {"reason": reason})
        assert answer.status_code == 200
        assert "This field is required" in answer.content.decode()
    assert money_rows() == before


def test_a_waived_fee_keeps_its_reason_and_its_session_ends_at_stripe(
    stripe: StripeServer, cast: Salon
) -> None:
    _, fee, session = missed_and_asked(cast)
    browser = logged_in(cast.ada)
    answer = browser.post(f"{LIST}{fee.pk}/waive/", {"reason": "Bea forgot to call"})
    assert (answer.status_code, answer.headers["Location"]) == (302, f"{LIST}{fee.pk}/change/")
    fee.refresh_from_db()
    assert (fee.state, fee.reason) == ("waived", "Bea forgot to call")
    run_jobs()
    assert stripe.books.with_status("expired") == [session.session_id]
    entry = LogEntry.objects.get()
    assert (entry.user_id, entry.change_message) == (cast.ada.pk, "Waived: Bea forgot to call")


def test_only_a_due_fee_is_waived(stripe: StripeServer, cast: Salon) -> None:
    fee, _ = paid_fee(stripe, cast)
    before = money_rows()
    answer = logged_in(cast.ada).post(f"{LIST}{fee.pk}/waive/", {"reason": "Kind"}, follow=True)
    assert "Only a fee that is due can be waived." in answer.content.decode()
    assert money_rows() == before
    assert LogEntry.objects.count() == 0


def test_a_refund_asks_first_and_gives_everything_back_once(stripe: StripeServer, cast: Salon) -> None:
    fee, _ = paid_fee(stripe, cast)
    browser, address = logged_in(cast.ada), f"{LIST}{fee.pk}/refund/"
    before = money_rows()
    assert "Give all of this payment back?" in browser.get(address).content.decode()
    assert money_rows() == before
    for _ in range(3):
        assert browser.post(address).status_code == 302
    assert [job for job in money_jobs() if job[0] == "noshow.refund"] == [("noshow.refund", "pending")]
    run_jobs()
    tell_news(stripe)
    fee.refresh_from_db()
    assert (fee.state, session_states()) == ("refunded", ["refunded"])
    assert [refund["amount"] for refund in stripe.books.refunds.values()] == [2000]
    assert len(notices("noshow.paid")) == 2
    assert Job.objects.get(type="noshow.refund").external_id in stripe.books.refunds


@pytest.mark.parametrize("fault", ["429", "500", "saved_500", "saved_500_after", "timeout_after", "cut"])
def test_a_refund_happens_once_whatever_stripe_does(stripe: StripeServer, cast: Salon, fault: str) -> None:
    fee, _ = paid_fee(stripe, cast)
    stripe.fail_next(fault, path="/v1/refunds")
    logged_in(cast.ada).post(f"{LIST}{fee.pk}/refund/")
    run_jobs(rounds=6)
    fee.refresh_from_db()
    assert (fee.state, len(stripe.books.refunds)) == ("refunded", 1)
    assert money_jobs()[-1] == ("noshow.refund", "done")


def test_only_a_paid_fee_is_refunded(stripe: StripeServer, cast: Salon) -> None:
    _, fee, _ = missed_and_asked(cast)
    before = money_rows()
    answer = logged_in(cast.ada).post(f"{LIST}{fee.pk}/refund/", follow=True)
    assert "Only a fee that was paid through Stripe can be refunded." in answer.content.decode()
    assert money_rows() == before


@pytest.mark.parametrize("verb", ["waive", "refund"])
def test_staff_and_strangers_decide_nothing(stripe: StripeServer, cast: Salon, verb: str) -> None:
    _, fee, _ = missed_and_asked(cast)
    before = money_rows()
    for browser in (Browser(), logged_in(cast.bea)):
        answer = browser.post(f"{LIST}{fee.pk}/{verb}/", {"reason": "Mine"})
        assert answer.status_code == 302
        assert "/admin/login/" in answer.headers["Location"]
    assert money_rows() == before


@pytest.mark.parametrize("verb", ["waive", "refund"])
def test_a_form_of_another_site_decides_nothing(stripe: StripeServer, cast: Salon, verb: str) -> None:
    _, fee, _ = missed_and_asked(cast)
    before = money_rows()
    browser = logged_in(cast.ada, enforce_csrf_checks=True)
    assert browser.post(f"{LIST}{fee.pk}/{verb}/", {"reason": "Mine"}).status_code == 403
    assert money_rows() == before


@pytest.mark.parametrize("verb", ["waive", "refund"])
def test_an_unknown_fee_is_not_found(cast: Salon, verb: str) -> None:
    assert logged_in(cast.ada).get(f"{LIST}900000999/{verb}/").status_code == 404
