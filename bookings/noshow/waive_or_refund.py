"""What an admin decides about a fee: waive it, or give the payment back."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from bookings.models import NoShowFee
from bookings.noshow.fees import close
from bookings.noshow.payments import refund_due
from bookings.noshow.states import State
from notifications.models import Job
from notifications.outbox import enqueue
from staff.wire.refusals import BadRequest, Conflict, NotFound


class FeeNotOpen(Conflict):
    code = "fee_not_due"
    message = "Only a fee that is due can be waived."


class FeeNotPaid(Conflict):
    code = "fee_not_paid"
    message = "Only a fee that was paid through Stripe can be refunded."


def waive(*, fee_id: int, reason: str, now: datetime) -> NoShowFee:
    """The client need not pay: its session expires at Stripe. Raises BadRequest (no reason), FeeNotOpen."""
    reason = reason.strip()
    if not reason or len(reason) > NoShowFee.LONGEST_REASON:
        raise BadRequest.field("reason", f"Say why, in at most {NoShowFee.LONGEST_REASON} characters.")
    with transaction.atomic():
        fee = _locked(fee_id)
        if fee.state != NoShowFee.State.DUE:
            raise FeeNotOpen()
        enqueue(close(fee, state=NoShowFee.State.WAIVED, reason=reason, now=now), now=now)
    return fee


def refund(*, fee_id: int, now: datetime) -> Job:
    """Ask for all of a paid fee to be given back; gives the job that does it, the same one when asked again.

    The fee is refunded once Stripe has done it. Raises FeeNotPaid.
    """
    with transaction.atomic():
        fee = _locked(fee_id)
        row = fee.sessions.filter(state=State.PAID).first()
        if fee.state != NoShowFee.State.PAID or row is None:
            raise FeeNotPaid()
        due = refund_due(row, now=now)
        enqueue([due], now=now)
    return Job.objects.get(once_key=due.once_key)


def _locked(fee_id: int) -> NoShowFee:
    fee = NoShowFee.objects.select_for_update().filter(pk=fee_id).first()
    if fee is None:
        raise NotFound("Fee not found")
    return fee
