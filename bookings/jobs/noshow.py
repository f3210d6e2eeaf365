"""What the worker asks of Stripe: make a fee's session, let one expire, give a payment back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from bookings.models import NoShowFee, StripeSession
from bookings.noshow import sessions, states, stripe_api
from bookings.noshow.fees import not_chargeable_after_all
from bookings.noshow.inapp_lines import say_not_sent
from bookings.noshow.payments import given_back, lock_fee_of
from bookings.noshow.states import State
from bookings.noshow.stripe_api import NoStripeKey, StripeRefused, StripeTrouble
from bookings.why_not_sent import Reason
from notifications.handlers import NotNeeded, RefusedForGood, TryLater
from notifications.models import Job

LONGEST_CALL = timedelta(minutes=3)
"""More than two calls with their retries take: a session still being made has an answer by then."""

ATTEMPTS_PER_KEY = 3
"""A saved 500 is repeated under its key. A new key is safe for a refund: Stripe gives nothing back twice."""


class CreateSession:
    """The Checkout Session of a fee; its success enqueues noshow.mail. `payload`: fee_id."""

    type = "noshow.fee"
    client_counts_on_it = True

    def prepare(self, job: Job, *, now: datetime) -> StripeSession:
        """The row with key and parameters, stored. Raises NotNeeded, RefusedForGood without a Stripe key."""
        fee = NoShowFee.objects.filter(pk=job.payload.get("fee_id")).first()
        if fee is None:
            raise NotNeeded(Reason.GONE.value)
        if fee.state != NoShowFee.State.DUE:
            raise NotNeeded(Reason.FEE_NOT_DUE.value)
        _require_key()
        try:
            return sessions.row_for(fee.pk, now=now)
        except sessions.FeeNotDue:
            raise NotNeeded(Reason.FEE_NOT_DUE.value) from None

    def call(self, job: Job, prepared: StripeSession, *, now: datetime) -> str:
        """Gives the session's id. Raises NotNeeded (Stripe finds it too small), TryLater, RefusedForGood."""
        with _as_outcome():
            try:
                return sessions.make(prepared, now=now).session_id or ""
            except StripeRefused as refused:
                if refused.code == "amount_too_small":
                    not_chargeable_after_all(prepared.fee_id, reason=str(refused))
                    raise NotNeeded(Reason.FEE_NOT_DUE.value) from refused
                raise

    def done(self, job: Job, prepared: StripeSession, external_id: str, *, now: datetime) -> None:
        """Nothing: the session and its mail were written down together when Stripe had answered."""

    def given_up(self, job: Job, error: str, *, now: datetime) -> None:
        """Admins are told, once, that the client was not asked, and what they can do about it."""
        fee = NoShowFee.objects.filter(pk=job.payload.get("fee_id")).first()
        if fee is None:
            return
        say_not_sent(fee, why=error, job=f"{job.pk} ({job.type})", now=now)


class ExpireSession:
    """Let nobody pay what is not owed any more. `payload`: session_row."""

    type = "noshow.expire"
    client_counts_on_it = True

    def prepare(self, job: Job, *, now: datetime) -> StripeSession:
        """Raises NotNeeded, RefusedForGood without a Stripe key, TryLater while the session is being made."""
        row = _row(job)
        if row.state not in states.MAY_BE_LIVE:
            raise NotNeeded(f"The session is {row.state}.")
        _require_key()
        if row.state in states.UNANSWERED and now < row.created_at + LONGEST_CALL:
            raise TryLater("The session is still being made.", after=row.created_at + LONGEST_CALL)
        return row

    def call(self, job: Job, prepared: StripeSession, *, now: datetime) -> str:
        """Gives the session's id; what turns out paid is booked so. Raises TryLater, RefusedForGood."""
        with _as_outcome():
            return sessions.end(prepared, now=now).session_id or ""

    def done(self, job: Job, prepared: StripeSession, external_id: str, *, now: datetime) -> None:
        """Nothing: what Stripe said was written down when it had answered."""


class RefundPayment:
    """Give a session's payment back, all of it. `payload`: session_row."""

    type = "noshow.refund"
    client_counts_on_it = True

    def prepare(self, job: Job, *, now: datetime) -> StripeSession:
        """Raises NotNeeded when it was given back or never paid, RefusedForGood without a Stripe key."""
        row = _row(job)
        if row.state not in (State.PAID, State.SURPLUS, State.WRONG_AMOUNT):
            raise NotNeeded(f"The session is {row.state}.")
        _require_key()
        return row

    def call(self, job: Job, prepared: StripeSession, *, now: datetime) -> str:
        """Gives the refund's id. Raises TryLater, RefusedForGood."""
        key = f"{prepared.idempotency_key}-refund-{job.attempts // ATTEMPTS_PER_KEY}"
        with _as_outcome():
            row = prepared if prepared.payment_intent else sessions.ask_again(prepared, now=now)
            return stripe_api.refund(row.payment_intent, idempotency_key=key)

    def done(self, job: Job, prepared: StripeSession, external_id: str, *, now: datetime) -> None:
        with transaction.atomic():
            given_back(lock_fee_of(prepared.pk), now=now)


def _row(job: Job) -> StripeSession:
    row = StripeSession.objects.filter(pk=job.payload.get("session_row")).first()
    if row is None:
        raise NotNeeded(Reason.GONE.value)
    return row


def _require_key() -> None:
    if not settings.STRIPE_API_KEY:
        raise RefusedForGood(str(NoStripeKey()))


@contextmanager
def _as_outcome() -> Iterator[None]:
    """Stripe's trouble as what the outbox understands."""
    try:
        yield
    except (NoStripeKey, StripeRefused) as refused:
        raise RefusedForGood(str(refused)) from refused
    except StripeTrouble as trouble:
        raise TryLater(str(trouble)) from trouble
