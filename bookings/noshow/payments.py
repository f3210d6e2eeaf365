"""What Stripe tells of a payment, in any order and as often as it likes (contract §1.4, reliability §1).

Every function is one transaction (or part of the caller's) and locks the fee first. Paid is final; amount
and currency are compared with the frozen ones; money nobody owed goes back.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import structlog
from django.db import transaction

from bookings.models import NoShowFee, StripeSession
from bookings.noshow import states
from bookings.noshow.amounts import stripe_amount, stripe_amount_text
from bookings.noshow.checkout import Checkout, id_of
from bookings.noshow.fees import PAY_LINK_LIFE, drop_unsent, expire_dues, mail_due
from bookings.noshow.inapp_lines import say_no_address, say_paid, say_surplus, say_wrong_amount
from bookings.noshow.states import State
from notifications.outbox import Due, enqueue

logger = structlog.get_logger(__name__)


def record_checkout(checkout: Checkout, *, failed: bool = False, now: datetime) -> None:
    """Book what has become of a Checkout Session; of one that is not ours, nothing.

    `failed`: a slow payment method has come to nothing.
    """
    with transaction.atomic():
        row = _locked_row(checkout)
        if row is None:
            return
        _fill_in(row, checkout)
        if checkout.status == "open":
            _opened(row, now=now)
        elif checkout.status == "expired":
            _ended(row, State.EXPIRED)
        elif checkout.payment_status == "paid":
            _paid(row, checkout, now=now)
        elif failed or checkout.failed:
            _ended(row, State.FAILED)
        elif row.state in (*states.MAY_BE_LIVE, State.LOST):
            _save_state(row, State.PROCESSING)


def record_refund(charge: Mapping[str, Any], *, now: datetime) -> None:
    """Book that a charge was given back, by us or at Stripe's own desk."""
    with transaction.atomic():
        row = _row_of_charge(charge)
        if row is None:
            return
        if not row.payment_intent:
            row.payment_intent = id_of(charge.get("payment_intent"))
            row.save(update_fields=["payment_intent"])
        if charge.get("refunded"):
            given_back(row, now=now)
        else:
            _partly_given_back(row, charge)


def given_back(row: StripeSession, *, now: datetime) -> None:
    """All of this session's payment has been given back. The caller holds the fee's lock."""
    if row.state == State.REFUNDED:
        return
    fee = row.fee
    paid_unseen = row.state not in states.TAKEN and fee.state == NoShowFee.State.DUE
    was_the_fees = paid_unseen or (row.state == State.PAID and fee.state == NoShowFee.State.PAID)
    _save_state(row, State.REFUNDED)
    if not was_the_fees:
        return
    fee.state = NoShowFee.State.REFUNDED
    fee.paid_at = fee.paid_at or now
    fee.save(update_fields=["state", "paid_at"])
    _stop_collecting(fee, but=row, now=now)


def lock_fee_of(row_id: int) -> StripeSession:
    """The session row, read while its fee is locked. Inside a transaction. Raises DoesNotExist."""
    fee_id = StripeSession.objects.values_list("fee_id", flat=True).get(pk=row_id)
    fee = NoShowFee.objects.select_for_update().get(pk=fee_id)
    row = StripeSession.objects.get(pk=row_id)
    row.fee = fee
    return row


def _locked_row(checkout: Checkout) -> StripeSession | None:
    row_id = (
        StripeSession.objects.filter(idempotency_key=checkout.reference).values_list("pk", flat=True).first()
        if checkout.reference
        else None
    )
    if row_id is None:
        return None
    row = lock_fee_of(row_id)
    if row.session_id not in (None, checkout.id):
        logger.warning("stripe_reference_of_another_session", row=row.pk, session=checkout.id)
        return None
    return row


def _row_of_charge(charge: Mapping[str, Any]) -> StripeSession | None:
    intent = id_of(charge.get("payment_intent"))
    reference = (charge.get("metadata") or {}).get("reference")
    rows = StripeSession.objects.all()
    found = rows.filter(payment_intent=intent).first() if intent else None
    if found is None and reference:
        found = rows.filter(idempotency_key=str(reference), payment_intent__in=["", intent]).first()
    return lock_fee_of(found.pk) if found is not None else None


def _fill_in(row: StripeSession, checkout: Checkout) -> None:
    row.session_id = checkout.id
    row.url = checkout.url or row.url
    row.payment_intent = checkout.payment_intent or row.payment_intent
    row.save(update_fields=["session_id", "url", "payment_intent"])


def _opened(row: StripeSession, *, now: datetime) -> None:
    """Stripe made it. The fee's mail goes out, once; a fee that is no longer due lets it expire."""
    if row.state not in (*states.UNANSWERED, State.LOST):
        return
    _save_state(row, State.OPEN)
    fee = row.fee
    if fee.state != NoShowFee.State.DUE:
        enqueue(expire_dues([row], after="made", now=now), now=now)
    elif not fee.sessions.exclude(pk=row.pk).exclude(session_id=None).exists():
        fee.pay_until = now + PAY_LINK_LIFE
        fee.save(update_fields=["pay_until"])
        enqueue([mail_due(fee, now=now)], now=now)
        if fee.client is not None and not fee.client.email:
            say_no_address(fee, now=now)


def _paid(row: StripeSession, checkout: Checkout, *, now: datetime) -> None:
    if row.state in states.TAKEN:
        return
    fee = row.fee
    if not _is_the_frozen_amount(fee, checkout):
        _save_state(row, State.WRONG_AMOUNT)
        say_wrong_amount(fee, checkout, now=now)
        return
    if fee.state != NoShowFee.State.DUE:
        _save_state(row, State.SURPLUS)
        enqueue([refund_due(row, now=now)], now=now)
        say_surplus(fee, now=now)
        return
    _save_state(row, State.PAID)
    fee.state, fee.paid_at = NoShowFee.State.PAID, now
    fee.save(update_fields=["state", "paid_at"])
    _stop_collecting(fee, but=row, now=now)
    say_paid(fee, now=now)


def refund_due(row: StripeSession, *, now: datetime) -> Due:
    """The job that gives this session's payment back: once, however often it is asked for."""
    return Due(
        type="noshow.refund",
        once_key=f"noshow.refund:{row.fee.booking_id}:{row.pk}",
        run_at=now,
        booking_id=row.fee.booking_id,
        payload={"session_row": row.pk},
        is_mail=False,
    )


def _is_the_frozen_amount(fee: NoShowFee, checkout: Checkout) -> bool:
    frozen = stripe_amount(fee.amount_minor, currency=fee.currency)
    return (checkout.amount_total, checkout.currency) == (frozen, fee.currency)


def _stop_collecting(fee: NoShowFee, *, but: StripeSession, now: datetime) -> None:
    drop_unsent(fee, now=now)
    others = fee.sessions.filter(state__in=states.MAY_BE_LIVE).exclude(pk=but.pk).order_by("id")
    enqueue(expire_dues(others, after="paid", now=now), now=now)


def _partly_given_back(row: StripeSession, charge: Mapping[str, Any]) -> None:
    fee = row.fee
    currency = str(charge.get("currency") or fee.currency).upper()
    back, paid = (
        stripe_amount_text(charge.get(name), currency=currency) for name in ("amount_refunded", "amount")
    )
    fee.reason = f"Partly refunded at Stripe: {back} of {paid}."[: NoShowFee.LONGEST_REASON]
    fee.save(update_fields=["reason"])


def _ended(row: StripeSession, state: str) -> None:
    if row.state not in states.TAKEN:
        _save_state(row, state)


def _save_state(row: StripeSession, state: str) -> None:
    row.state = state
    row.save(update_fields=["state"])
