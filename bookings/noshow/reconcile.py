"""Asking Stripe about sessions whose webhook never came (reliability §1 "Stripe")."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.core.cache import cache

from bookings.models import StripeSession
from bookings.noshow import sessions, states, stripe_api
from bookings.noshow.payments import record_checkout
from bookings.noshow.stripe_api import StripeTrouble

EVERY = timedelta(minutes=5)
WEBHOOK_PATIENCE = timedelta(minutes=2)
"""Younger sessions are left to the job that makes them and to their webhooks."""

LISTED_AGE = timedelta(days=2)
"""Older ones, waiting for a slow payment method, are asked for one by one."""

ASKED_AT_ONCE = 20

logger = structlog.get_logger(__name__)


def reconcile(*, now: datetime) -> int:
    """Book what Stripe says of every session not settled yet; gives how many changed. Periodic.

    One listing for the recent ones, made at most every five minutes. A session that Stripe does not have is
    lost: the fee's job, or the client's next press of the button, makes another.
    """
    unsettled = StripeSession.objects.filter(
        state__in=states.UNSETTLED, created_at__lte=now - WEBHOOK_PATIENCE
    )
    rows = list(unsettled.order_by("id"))
    if not rows or not settings.STRIPE_API_KEY or not _is_our_turn(now):
        return 0
    before = {row.pk: row.state for row in rows}
    try:
        _compare_with_list([row for row in rows if row.created_at > now - LISTED_AGE], now=now)
        for row in [row for row in rows if row.created_at <= now - LISTED_AGE][:ASKED_AT_ONCE]:
            _ask_about(row, now=now)
    except StripeTrouble as trouble:
        logger.warning("stripe_not_reconciled", error=str(trouble)[:200])
    after = dict(StripeSession.objects.filter(pk__in=before).values_list("pk", "state"))
    return sum(after[pk] != state for pk, state in before.items())


def _is_our_turn(now: datetime) -> bool:
    """Once in each stretch of EVERY across all workers; a little too often does no harm."""
    stretch = int(now.timestamp() // EVERY.total_seconds())
    return cache.add(f"noshow.reconcile.{stretch}", "running", timeout=int(EVERY.total_seconds()))


def _compare_with_list(rows: list[StripeSession], *, now: datetime) -> None:
    missing = {row.idempotency_key: row for row in rows}
    if not missing:
        return
    for checkout in stripe_api.sessions_since(rows[0].created_at - sessions.CLOCK_SKEW):
        if missing.pop(checkout.reference, None) is not None:
            record_checkout(checkout, now=now)
        if not missing:
            return
    for row in missing.values():
        _ask_about(row, now=now)


def _ask_about(row: StripeSession, *, now: datetime) -> None:
    if row.session_id is not None:
        sessions.ask_again(row, now=now)
    elif now - row.created_at > sessions.KEY_LIFE:
        sessions.look_for(row, now=now)
