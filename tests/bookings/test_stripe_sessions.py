"""Making a Checkout Session whatever Stripe does meanwhile: one session, one mail (reliability §1, F7)."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import stripe as stripe_library
from django.db import IntegrityError, connections, transaction
from django.utils import timezone

from bookings.jobs.noshow import CreateSession
from bookings.models import NoShowFee, StripeSession
from bookings.noshow import stripe_api
from notifications import outbox
from notifications.execution import execute
from notifications.models import Job
from notifications.outbox import retry
from tests.cast.noshow import (
    AFTER_THE_VISIT,
    API_KEY,
    charging_cast,
    fee_mails,
    fee_of,
    live_stripe,
    miss,
    missed_and_asked,
    money_jobs,
    notices,
    run_jobs,
    session_states,
)
from tests.cast.races import at_once
from tests.cast.stripe_server import SESSIONS, StripeServer

pytestmark = [pytest.mark.django_db, pytest.mark.clock_at(AFTER_THE_VISIT, tick=True)]


def assert_one_of_each(stripe: StripeServer, *, sessions: int = 1) -> None:
    """One session a client can pay, known to us; one fee mail. `sessions` were ever made at Stripe."""
    assert len(stripe.books.sessions) == sessions
    assert len(stripe.books.with_status("open")) == 1
    live = StripeSession.objects.get(state="open")
    assert [live.session_id] == stripe.books.with_status("open")
    assert live.url == stripe.books.sessions[str(live.session_id)]["url"]
    assert money_jobs() == [("noshow.fee", "done"), ("noshow.mail", "done")]
    assert fee_mails() == ["kept"]


def test_the_database_knows_the_states_of_a_session(stripe: StripeServer) -> None:
    _, _, row = missed_and_asked(charging_cast())
    for state in StripeSession.State.values:
        StripeSession.objects.filter(pk=row.pk).update(state=state)
    with pytest.raises(IntegrityError, match="stripe_session_state_known"), transaction.atomic():
        StripeSession.objects.filter(pk=row.pk).update(state="gone")


def test_stripe_is_asked_for_what_the_row_holds(stripe: StripeServer) -> None:
    cast = charging_cast()
    _, fee, row = missed_and_asked(cast)
    session = stripe.books.sessions[str(row.session_id)]
    page = f"http://127.0.0.1:8000/pay/{fee.pay_token}"
    wanted = {
        "mode": "payment",
        "amount_total": 2000,
        "currency": "eur",
        "client_reference_id": row.idempotency_key,
        "success_url": f"{page}?done=1",
        "cancel_url": page,
        "expires_at": int(row.expires_at.timestamp()),
    }
    assert {name: session[name] for name in wanted} == wanted
    assert row.params["line_items"][0]["price_data"] == {
        "currency": "eur",
        "unit_amount": 2000,
        "product_data": {"name": "No-show fee, Salon Zonne"},
    }
    assert timedelta(hours=23) < row.expires_at - row.created_at < timedelta(hours=24)
    assert "alice" not in str(row.params).lower()
    assert [(each.method, each.path, each.idempotency_key, each.status) for each in stripe.seen] == [
        ("POST", SESSIONS, row.idempotency_key, 200)
    ]
    assert_one_of_each(stripe)


def test_key_and_parameters_are_stored_before_stripe_is_asked(stripe: StripeServer) -> None:
    stripe.fail_next("429")
    miss(charging_cast())
    run_jobs()
    row = StripeSession.objects.get()
    assert (row.state, row.session_id, stripe.books.sessions) == ("creating", None, {})
    assert row.params["client_reference_id"] == row.idempotency_key
    run_jobs()
    assert [each.idempotency_key for each in stripe.seen] == [row.idempotency_key] * 2
    assert_one_of_each(stripe)


@pytest.mark.parametrize("fault", ["429", "500", "saved_500_after", "timeout_after", "cut"])
@pytest.mark.parametrize("times", [1, 4])
def test_one_fault_or_several_still_make_one_session_and_one_mail(
    stripe: StripeServer, fault: str, times: int
) -> None:
    stripe.fail_next(fault, times=times)
    miss(charging_cast())
    run_jobs(rounds=times + 3)
    assert_one_of_each(stripe)
    assert StripeSession.objects.count() == 1


def test_a_saved_500_without_a_session_is_looked_for_before_a_new_key_is_used(stripe: StripeServer) -> None:
    stripe.fail_next("saved_500")
    miss(charging_cast())
    run_jobs()
    assert session_states() == ["doubtful"]
    assert stripe.count("GET", SESSIONS) == 0
    run_jobs()
    assert session_states() == ["lost"]
    assert stripe.count("GET", SESSIONS) == 1
    run_jobs()
    assert session_states() == ["lost", "open"]
    assert_one_of_each(stripe)
    keys = {each.idempotency_key for each in stripe.seen if each.method == "POST"}
    assert len(keys) == 2


def test_a_saved_500_behind_which_the_session_was_made_is_found_and_used(stripe: StripeServer) -> None:
    stripe.fail_next("saved_500_after")
    miss(charging_cast())
    run_jobs(rounds=2)
    assert_one_of_each(stripe)
    keys = {each.idempotency_key for each in stripe.seen if each.method == "POST"}
    assert len(keys) == 1


def test_an_answer_that_comes_too_late_is_asked_for_again(settings: Any) -> None:
    with live_stripe(settings, hang_seconds=11.0) as stripe:
        stripe.fail_next("hang")
        miss(charging_cast())
        run_jobs()
        assert_one_of_each(stripe)


@pytest.mark.parametrize("reached_stripe", [True, False])
@pytest.mark.parametrize("away", [timedelta(minutes=3), timedelta(hours=20, minutes=1)])
def test_a_worker_that_died_in_mid_call_makes_no_second_session(
    stripe: StripeServer, away: timedelta, reached_stripe: bool, clock: Any
) -> None:
    """Within twenty hours the same key tells; after that Stripe's list does, before a new key is used."""
    miss(charging_cast())
    _die_in_mid_call(reached_stripe=reached_stripe)
    clock.shift(away)
    outbox.release_leases(now=timezone.now())
    run_jobs(rounds=3)
    assert_one_of_each(stripe)
    looked = away > timedelta(hours=20)
    assert stripe.count("GET", SESSIONS) == looked
    assert StripeSession.objects.count() == (2 if looked and not reached_stripe else 1)


def _die_in_mid_call(*, reached_stripe: bool) -> None:
    job = outbox.claim(now=timezone.now())
    while job is not None and job.type != "noshow.fee":
        execute(job)
        job = outbox.claim(now=timezone.now())
    assert job is not None
    row = CreateSession().prepare(job, now=timezone.now())
    outbox.mark_sending(job, now=timezone.now())
    if reached_stripe:
        stripe_api.create(row.params, idempotency_key=row.idempotency_key)


def test_a_key_stripe_refuses_is_told_and_works_after_a_retry(stripe: StripeServer, settings: Any) -> None:
    settings.STRIPE_API_KEY = "sk_test_of_another"
    cast = charging_cast()
    miss(cast)
    run_jobs(rounds=2)
    assert money_jobs() == [("noshow.fee", "dead")]
    assert notices("noshow.failed") == [("Ada Admin", "The no-show fee could not be sent: 20.00 EUR")]
    assert (session_states(), fee_mails()) == (["refused"], [])
    settings.STRIPE_API_KEY = API_KEY
    retry(Job.objects.get(type="noshow.fee").pk, now=timezone.now())
    run_jobs()
    assert_one_of_each(stripe)


def test_an_amount_only_stripe_knows_to_be_too_small_is_not_charged(stripe: StripeServer) -> None:
    booking = miss(charging_cast(currency="ISK", noshow_fee_type="fixed", noshow_fee_value=99))
    run_jobs()
    fee = fee_of(booking)
    assert fee.state == "not_charged"
    assert fee.reason.startswith("Stripe 400: ")
    assert money_jobs() == [("noshow.fee", "cancelled")]
    assert (session_states(), fee_mails(), notices("noshow.failed")) == (["refused"], [], [])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("fault", ["", "saved_500_after", "timeout_after"])
def test_a_fee_that_becomes_void_while_stripe_makes_the_session_is_never_mailed(
    stripe: StripeServer, fault: str, clock: Any
) -> None:
    if fault:
        stripe.fail_next(fault)
    cast = charging_cast()
    booking = miss(cast)

    def correct_the_status(path: str) -> None:
        stripe.before_answer = None
        try:
            assert cast.put(booking, {"status": "completed"}).status_code == 200
        finally:
            connections.close_all()

    stripe.before_answer = correct_the_status
    run_jobs()
    clock.shift(timedelta(minutes=5))
    run_jobs(rounds=3)
    assert fee_of(booking).state == "void"
    assert (fee_mails(), stripe.books.with_status("open"), session_states()) == ([], [], ["expired"])
    assert len(stripe.books.with_status("expired")) == 1
    assert {state for _, state in money_jobs()} <= {"done", "cancelled"}


def test_telemetry_is_off() -> None:
    assert stripe_library.enable_telemetry is False


@pytest.mark.django_db(transaction=True)
def test_no_transaction_is_open_while_stripe_is_asked(stripe: StripeServer) -> None:
    wrote: list[int] = []

    def write_meanwhile(path: str) -> None:
        try:
            with transaction.atomic():
                fees = NoShowFee.objects.select_for_update(nowait=True).filter(state="due")
                wrote.append(len(fees))
                NoShowFee.objects.filter(pk__in=[fee.pk for fee in fees]).update(reason="written meanwhile")
        finally:
            connections.close_all()

    stripe.before_answer = write_meanwhile
    booking = miss(charging_cast())
    run_jobs()
    assert wrote == [1]
    assert fee_of(booking).reason == "written meanwhile"
    assert_one_of_each(stripe)


@pytest.mark.django_db(transaction=True)
def test_two_workers_with_one_job_make_one_session(stripe: StripeServer, clock: Any) -> None:
    """A worker frozen longer than its lease wakes up beside the second one (F9)."""
    miss(charging_cast())
    slow = outbox.claim(now=timezone.now())
    assert slow is not None
    clock.shift(timedelta(minutes=3))
    outbox.release_leases(now=timezone.now())
    quick = outbox.claim(now=timezone.now())
    assert quick is not None
    at_once(partial(execute, slow), partial(execute, quick))
    run_jobs()
    assert_one_of_each(stripe)
