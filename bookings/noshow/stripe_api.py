"""Stripe over HTTP, in our words: five calls, what they answer, and what their failures mean.

Timeout 10 s, two retries by the library under the same idempotency key. Nothing here touches the database;
never call it with a transaction open.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import urljoin

import stripe
from django.conf import settings
from stripe import StripeClient
from stripe.checkout import Session

from bookings.noshow.checkout import Checkout, checkout_of

stripe.enable_telemetry = False

TIMEOUT_SECONDS = 10
NETWORK_RETRIES = 2
PAGE = 100
MOST_PAGES = 20
CHECKOUT_ORIGIN = "https://checkout.stripe.com"

T = TypeVar("T")


class StripeTrouble(Exception):
    """A call that did not go through."""


class NoStripeKey(StripeTrouble):
    """STRIPE_API_KEY is not set."""

    def __init__(self) -> None:
        super().__init__("STRIPE_API_KEY is not set, so nothing can be charged.")


class StripeAway(StripeTrouble):
    """Busy or out of reach. Whatever it did, the same idempotency key will tell."""


class StripeUnsure(StripeTrouble):
    """A 5xx: it may have been done, and the same key may repeat this answer for a day."""


class StripeRefused(StripeTrouble):
    """Refused for what was asked: nothing was done. `code` is Stripe's error code."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


def create(params: Mapping[str, Any], *, idempotency_key: str) -> Checkout:
    """Raises StripeTrouble."""
    return _checkout(
        lambda client: client.v1.checkout.sessions.create(
            params=dict(params),  # type: ignore[arg-type]
            options={"idempotency_key": idempotency_key},
        )
    )


def retrieve(session_id: str) -> Checkout:
    """Raises StripeTrouble."""
    return _checkout(
        lambda client: client.v1.checkout.sessions.retrieve(session_id, params={"expand": ["payment_intent"]})
    )


def expire(session_id: str) -> Checkout:
    """Let nobody pay there now; gives what has become of it, as it may be complete. Raises StripeTrouble."""
    try:
        return _checkout(lambda client: client.v1.checkout.sessions.expire(session_id))
    except StripeRefused:
        return retrieve(session_id)


def sessions_since(since: datetime) -> Iterator[Checkout]:
    """The account's Checkout Sessions made since then, the newest first. Raises StripeTrouble."""
    last = ""
    for _ in range(MOST_PAGES):
        page, more = _page(since, last)
        yield from page
        if not more or not page:
            return
        last = page[-1].id


def find(reference: str, *, since: datetime) -> Checkout | None:
    """Ours, if Stripe has it. Raises StripeTrouble."""
    return next((each for each in sessions_since(since) if each.reference == reference), None)


def refund(payment_intent: str, *, idempotency_key: str) -> str:
    """Give back all of a payment; gives the refund's id, "" if it had been given back already.

    Raises StripeTrouble.
    """
    try:
        made = _ask(
            lambda client: client.v1.refunds.create(
                params={"payment_intent": payment_intent}, options={"idempotency_key": idempotency_key}
            )
        )
    except StripeRefused as refused:
        if refused.code == "charge_already_refunded":
            return ""
        raise
    if made.status in ("failed", "canceled"):
        raise StripeRefused(f"The refund {made.id} is {made.status}.", code="refund_failed")
    return made.id


def checkout_origins() -> list[str]:
    """Where a client may be sent to pay, for the page's Content-Security-Policy."""
    if not settings.STRIPE_API_BASE:
        return [CHECKOUT_ORIGIN]
    return [CHECKOUT_ORIGIN, urljoin(settings.STRIPE_API_BASE, "/").rstrip("/")]


def _page(since: datetime, after: str) -> tuple[list[Checkout], bool]:
    listed = _ask(
        lambda client: client.v1.checkout.sessions.list(
            params={
                "created": {"gte": int(since.timestamp())},
                "limit": PAGE,
                **({"starting_after": after} if after else {}),
            }
        )
    )
    return [checkout_of(each.to_dict()) for each in listed.data], bool(listed.has_more)


def _checkout(call: Callable[[StripeClient], Session]) -> Checkout:
    return checkout_of(_ask(call).to_dict())


def _ask(call: Callable[[StripeClient], T]) -> T:
    client = _client()
    try:
        return call(client)
    except (stripe.APIConnectionError, stripe.RateLimitError) as error:
        raise StripeAway(_said(error)) from error
    except stripe.StripeError as error:
        status = error.http_status or 0
        if status == HTTPStatus.CONFLICT:
            raise StripeAway(_said(error)) from error
        if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
            raise StripeRefused(_said(error), code=error.code or "") from error
        raise StripeUnsure(_said(error)) from error


def _said(error: stripe.StripeError) -> str:
    status = f" {error.http_status}" if error.http_status else ""
    return f"Stripe{status}: {error.user_message or type(error).__name__}"


def _client() -> StripeClient:
    if not settings.STRIPE_API_KEY:
        raise NoStripeKey()
    return _client_for(settings.STRIPE_API_KEY, settings.STRIPE_API_BASE)


@functools.lru_cache(maxsize=4)
def _client_for(api_key: str, api_base: str) -> StripeClient:
    """One for all threads: each keeps a connection of its own in it."""
    return StripeClient(
        api_key,
        http_client=stripe.RequestsClient(timeout=TIMEOUT_SECONDS),
        max_network_retries=NETWORK_RETRIES,
        base_addresses={"api": api_base} if api_base else {},
    )
