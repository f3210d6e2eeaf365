"""What stands behind /pay/<token>: whether the fee can still be paid, and where (contract §1.4)."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum
from urllib.parse import urlsplit

from bookings.errors import LinkUnknown
from bookings.models import NoShowFee, StripeSession
from bookings.noshow import sessions, states
from bookings.noshow.sessions import FeeNotDue
from bookings.noshow.states import State
from bookings.noshow.stripe_api import checkout_origins

TIME_TO_PAY = timedelta(minutes=10)
"""A session that ends sooner is replaced before a client is sent there."""


class Standing(Enum):
    """How a fee stands for the client who opens its page."""

    PAYABLE = "payable"
    PROCESSING = "processing"
    PAID = "paid"
    REFUNDED = "refunded"
    NOT_OWED = "not_owed"
    TOO_LATE = "too_late"


def fee_of(token: str) -> NoShowFee:
    """The fee of a mailed link, with what its page shows. Raises LinkUnknown."""
    fee = (
        NoShowFee.objects.select_related("client", "booking__service", "booking__staff")
        .filter(pay_token=token)
        .first()
        if token
        else None
    )
    if fee is None:
        raise LinkUnknown()
    return fee


def standing_of(fee: NoShowFee, *, now: datetime) -> Standing:
    match fee.state:
        case NoShowFee.State.PAID:
            return Standing.PAID
        case NoShowFee.State.REFUNDED:
            return Standing.REFUNDED
        case NoShowFee.State.DUE:
            if fee.sessions.filter(state=State.PROCESSING).exists():
                return Standing.PROCESSING
            return Standing.PAYABLE if now < fee.pay_until else Standing.TOO_LATE
    return Standing.NOT_OWED


def checkout_url(fee: NoShowFee, *, now: datetime) -> str | None:
    """Where this payable fee is paid: the live session, else a fresh one once the old one is over at Stripe.

    None when it turns out that it is paid or not owed any more. Calls Stripe up to three times; no
    transaction may be open. Raises StripeTrouble.
    """
    last = fee.sessions.filter(state__in=states.MAY_BE_LIVE).order_by("-id").first()
    if last is not None and last.state == State.OPEN:
        last = _fresh_news(last, now=now)
        if last.state == State.OPEN:
            return last.url
    try:
        row = sessions.make(sessions.row_for(fee.pk, now=now), now=now)
    except FeeNotDue:
        return None
    return row.url if row.state == State.OPEN else None


def payment_origins(fee: NoShowFee) -> list[str]:
    """Where the page's button may lead: Stripe's own address, and the one this salon's sessions are under."""
    last_url = fee.sessions.exclude(url="").values_list("url", flat=True).first()
    own = [f"{parts.scheme}://{parts.netloc}"] if last_url and (parts := urlsplit(last_url)).netloc else []
    return list(dict.fromkeys([*checkout_origins(), *own]))


def _fresh_news(row: StripeSession, *, now: datetime) -> StripeSession:
    if now < row.expires_at - TIME_TO_PAY:
        return sessions.ask_again(row, now=now)
    return sessions.end(row, now=now)
