"""Stripe's webhooks: signed, in any order, as often as Stripe likes; each event has its effect once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import stripe
from django.conf import settings
from django.db import transaction

from bookings.models import StripeEvent
from bookings.noshow.checkout import checkout_of
from bookings.noshow.payments import record_checkout, record_refund
from staff.wire.gate import parse_json
from staff.wire.refusals import BadRequest

TOLERANCE_SECONDS = 300
LONGEST_ID = 255
FAILED = "checkout.session.async_payment_failed"
ABOUT_SESSIONS = {
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.expired",
    FAILED,
}
REFUNDED = "charge.refunded"


class NotFromStripe(BadRequest):
    code = "bad_signature"
    message = "This was not signed by Stripe for this salon, or it is too old; nothing was changed."


class NotAnEvent(BadRequest):
    code = "invalid_event"
    message = "This is no event of Stripe's."


def take_event(body: bytes, *, signature: str, now: datetime) -> bool:
    """Book what the event says, with its id, in one transaction; False for old news and what is no concern.

    `body` is exactly what arrived. Raises NotFromStripe, NotAnEvent.
    """
    _verify(body, signature)
    event_id, type, about = _read(body)
    if type not in ABOUT_SESSIONS and type != REFUNDED:
        return False
    with transaction.atomic():
        _, is_new = StripeEvent.objects.get_or_create(
            event_id=event_id, defaults={"type": type, "created_at": now}
        )
        if not is_new:
            return False
        if type == REFUNDED:
            record_refund(about, now=now)
        else:
            record_checkout(checkout_of(about), failed=type == FAILED, now=now)
    return True


def _verify(body: bytes, signature: str) -> None:
    if not settings.STRIPE_WEBHOOK_SECRET:
        raise NotFromStripe("STRIPE_WEBHOOK_SECRET is not set, so no event can be believed.")
    try:
        # The library compares signatures with a function that takes ASCII only.
        signature.encode("ascii")
        stripe.WebhookSignature.verify_header(
            body.decode(), signature, settings.STRIPE_WEBHOOK_SECRET, TOLERANCE_SECONDS
        )
    except (UnicodeError, stripe.SignatureVerificationError):
        raise NotFromStripe() from None


def _read(body: bytes) -> tuple[str, str, Mapping[str, Any]]:
    """The event's id, its type and what it is about. Raises NotAnEvent."""
    try:
        event = parse_json(body)
        event_id, type, about = event["id"], event["type"], event["data"]["object"]
    except (BadRequest, KeyError, TypeError):
        raise NotAnEvent from None
    if not (isinstance(event_id, str) and isinstance(type, str) and isinstance(about, Mapping)):
        raise NotAnEvent
    if len(event_id) > LONGEST_ID:
        raise NotAnEvent
    return event_id, type, about
