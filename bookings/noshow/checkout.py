"""A Checkout Session as Stripe tells it, in an answer or in a webhook."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Checkout:
    """What Stripe says has become of a session. `amount_total` is in Stripe's minor unit.

    `reference` is our `StripeSession.idempotency_key`. `failed` is known only where the payment intent was
    asked for too: a slow payment method has come to nothing.
    """

    id: str
    reference: str
    status: str
    payment_status: str
    amount_total: int | None
    currency: str
    payment_intent: str
    url: str
    failed: bool = False


def checkout_of(session: Mapping[str, Any]) -> Checkout:
    """From the JSON of a Checkout Session, of an answer or of a webhook."""
    intent = session.get("payment_intent")
    return Checkout(
        id=str(session.get("id") or ""),
        reference=str(session.get("client_reference_id") or ""),
        status=str(session.get("status") or ""),
        payment_status=str(session.get("payment_status") or ""),
        amount_total=session.get("amount_total"),
        currency=str(session.get("currency") or "").upper(),
        payment_intent=id_of(intent),
        url=str(session.get("url") or ""),
        failed=isinstance(intent, Mapping)
        and intent.get("status") in ("requires_payment_method", "canceled"),
    )


def id_of(session: Any) -> str:
    """The id of what Stripe names either by its id or in full."""
    return str((session.get("id") if isinstance(session, Mapping) else session) or "")
