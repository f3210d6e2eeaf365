"""Checkout Sessions of a fee: the row first, then Stripe, then what it answered (reliability §1 "Stripe").

A row's idempotency key is also its client_reference_id, so that a session whose making got no answer can be
looked for. At most one session of a fee can be paid at a time.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import get_supported_language_variant, override
from django.utils.translation import gettext as _

from bookings.links import pay_url
from bookings.models import NoShowFee, StripeSession
from bookings.noshow import states, stripe_api
from bookings.noshow.amounts import stripe_amount
from bookings.noshow.checkout import Checkout
from bookings.noshow.payments import record_checkout
from bookings.noshow.states import State
from bookings.noshow.stripe_api import StripeRefused, StripeUnsure
from staff.models import SalonSettings

SESSION_LIFE = timedelta(hours=23, minutes=50)
"""Stripe takes at most 24 h from its own clock."""

KEY_LIFE = timedelta(hours=20)
"""Stripe forgets an idempotency key after 24 h: from here on it is looked for before a new one is used."""

CLOCK_SKEW = timedelta(minutes=10)


class FeeNotDue(Exception):
    """There is nothing to pay any more, or a payment is under way."""


def row_for(fee_id: int, *, now: datetime) -> StripeSession:
    """The session row to work with: the one that may be live, else a new one with its key and parameters.

    Raises FeeNotDue.
    """
    salon = SalonSettings.load()
    with transaction.atomic():
        fee = NoShowFee.objects.select_for_update().get(pk=fee_id)
        if fee.state != NoShowFee.State.DUE or fee.sessions.filter(state=State.PROCESSING).exists():
            raise FeeNotDue()
        live = fee.sessions.filter(state__in=states.MAY_BE_LIVE).order_by("-id").first()
        if live is not None:
            return live
        key = f"noshow-{fee.pk}-{secrets.token_hex(12)}"
        expires_at = (now + SESSION_LIFE).replace(microsecond=0)
        return StripeSession.objects.create(
            fee=fee,
            idempotency_key=key,
            params=_params(fee, salon, key=key, expires_at=expires_at),
            state=State.CREATING,
            expires_at=expires_at,
            created_at=now,
        )


def make(row: StripeSession, *, now: datetime) -> StripeSession:
    """Have Stripe make the session of this row, or find out that it did; gives the row as it is then.

    Two network calls at most. Raises StripeTrouble; after StripeUnsure the next attempt may use a new row.
    """
    if row.state not in states.UNANSWERED:
        return row
    if now - row.created_at < KEY_LIFE:
        try:
            made = stripe_api.create(row.params, idempotency_key=row.idempotency_key)
        except StripeRefused:
            _move(row, State.REFUSED)
            raise
        except StripeUnsure:
            if row.state == State.CREATING:
                _move(row, State.DOUBTFUL)
                raise
        else:
            return _taken_in(row, made, now=now)
    if look_for(row, now=now) is None:
        raise StripeUnsure("Stripe has no session under this key; the next attempt uses a new one.")
    row.refresh_from_db()
    return row


def look_for(row: StripeSession, *, now: datetime) -> StripeSession | None:
    """The row with its session if Stripe has it, else None: then the row is lost. Raises StripeTrouble."""
    found = stripe_api.find(row.idempotency_key, since=row.created_at - CLOCK_SKEW)
    if found is None:
        _move(row, State.LOST)
        return None
    return _taken_in(row, found, now=now)


def end(row: StripeSession, *, now: datetime) -> StripeSession:
    """Let nobody pay this session now; gives the row as it is then, maybe paid. Raises StripeTrouble."""
    if row.state in states.UNANSWERED and look_for(row, now=now) is None:
        row.refresh_from_db()
        return row
    row.refresh_from_db()
    if row.session_id is None or row.state != State.OPEN:
        return row
    return _taken_in(row, stripe_api.expire(row.session_id), now=now)


def ask_again(row: StripeSession, *, now: datetime) -> StripeSession:
    """The row after asking Stripe what has become of its session. Raises StripeTrouble."""
    if row.session_id is None:
        return row
    return _taken_in(row, stripe_api.retrieve(row.session_id), now=now)


def _taken_in(row: StripeSession, checkout: Checkout, *, now: datetime) -> StripeSession:
    record_checkout(checkout, now=now)
    row.refresh_from_db()
    return row


def _move(row: StripeSession, state: str) -> None:
    """Only from where nothing is known: news may have come in meanwhile."""
    StripeSession.objects.filter(pk=row.pk, state__in=states.UNANSWERED).update(state=state)
    row.refresh_from_db()


def _params(fee: NoShowFee, salon: SalonSettings, *, key: str, expires_at: datetime) -> dict[str, Any]:
    """What Stripe is asked for. No personal data: it is kept."""
    page = pay_url(fee.booking.base_url, fee.pay_token)
    with override(_language_of(fee, salon)):
        name = _("No-show fee")
    if salon.business_name:
        name = f"{name}, {salon.business_name}"
    return {
        "mode": "payment",
        "client_reference_id": key,
        "line_items": [
            {
                "quantity": 1,
                "price_data": {
                    "currency": fee.currency.lower(),
                    "unit_amount": stripe_amount(fee.amount_minor, currency=fee.currency),
                    "product_data": {"name": name},
                },
            }
        ],
        "success_url": f"{page}?done=1",
        "cancel_url": page,
        "expires_at": int(expires_at.timestamp()),
        "payment_intent_data": {"metadata": {"reference": key}},
    }


def _language_of(fee: NoShowFee, salon: SalonSettings) -> str | None:
    for wish in (fee.client.locale if fee.client else "", salon.locale):
        try:
            return get_supported_language_variant(wish.replace("_", "-").lower())
        except LookupError:
            continue
    return None
