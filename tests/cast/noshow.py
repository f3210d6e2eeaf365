"""A salon that charges no-shows, with the Stripe stand-in beside it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from django.test import Client as Browser
from django.utils import timezone

from bookings.models import NoShowFee, StripeEvent, StripeSession
from notifications import outbox
from notifications.execution import execute, run_due
from notifications.models import Job, Message, Notification
from tests.cast.bookings import Salon, make_cast
from tests.cast.stripe_server import StripeServer, signed, stripe_server

API_KEY = "sk_test_salon"
SECRET = "whsec_salon"
WEBHOOK = "/api/stripe/webhook"
AFTER_THE_VISIT = datetime(2026, 3, 24, 11, 0, tzinfo=UTC)
"""Two hours after the start of the cast's booking."""


@contextmanager
def live_stripe(settings: Any, **options: Any) -> Iterator[StripeServer]:
    """The stand-in, with the product's settings turned to it."""
    with stripe_server(api_key=API_KEY, **options) as server:
        settings.STRIPE_API_KEY = API_KEY
        settings.STRIPE_WEBHOOK_SECRET = SECRET
        settings.STRIPE_API_BASE = server.url
        yield server


def charging_cast(**salon: Any) -> Salon:
    """Half of the price (20.00 EUR) is charged unless `salon` says otherwise."""
    return make_cast(
        **{"noshow_enabled": True, "noshow_fee_type": "percent", "noshow_fee_value": 50, **salon}
    )


def miss(cast: Salon, **order: Any) -> dict[str, Any]:
    """A booking that became a no-show; gives its JSON."""
    booking = cast.book(**order)
    answer = cast.put(booking, {"status": "no-show"})
    assert answer.status_code == 200, answer.content
    body: dict[str, Any] = answer.json()
    return body


def fee_of(booking: dict[str, Any]) -> NoShowFee:
    """The latest fee of a booking."""
    fee = NoShowFee.objects.filter(booking_id=booking["id"]).first()
    assert fee is not None
    return fee


def missed_and_asked(cast: Salon, **order: Any) -> tuple[dict[str, Any], NoShowFee, StripeSession]:
    """A no-show whose fee has been sent to the client."""
    booking = miss(cast, **order)
    run_jobs()
    fee = fee_of(booking)
    return booking, fee, fee.sessions.get()


def run_jobs(rounds: int = 1) -> None:
    """What a worker does; each round begins when every wait is over."""
    for _ in range(rounds):
        Job.objects.filter(state="pending").update(run_at=timezone.now())
        run_due(at_most=100)


def run_only(type: str) -> None:
    """The one pending job of this type, and no other."""
    others = Job.objects.filter(state="pending").exclude(type=type)
    waiting = list(others.values_list("pk", flat=True))
    others.update(run_at=timezone.now() + timedelta(days=1))
    job = outbox.claim(now=timezone.now())
    assert job is not None
    execute(job)
    Job.objects.filter(pk__in=waiting).update(run_at=timezone.now())


def tell_news(stripe: StripeServer) -> None:
    """Everything Stripe has to say, in order."""
    for event in stripe.books.events:
        assert post_event(event).status_code == 200


def money_jobs() -> list[tuple[str, str]]:
    """Type and state of every noshow job, oldest first."""
    found = Job.objects.filter(type__startswith="noshow.").order_by("id")
    return list(found.values_list("type", "state"))


def fee_mails() -> list[str]:
    """The states of the fee mails."""
    found = Message.objects.filter(type="noshow.mail").order_by("id")
    return list(found.values_list("state", flat=True))


def notices(type: str) -> list[tuple[str, str]]:
    """Whom the in-app lists told of such a thing, and in what words."""
    found = Notification.objects.filter(type=type).order_by("id")
    return list(found.values_list("staff__name", "title"))


def session_states() -> list[str]:
    return list(StripeSession.objects.order_by("id").values_list("state", flat=True))


def post_event(event: dict[str, Any], *, secret: str = SECRET, at: float | None = None) -> Any:
    body, signature = signed(event, secret, at=at)
    return post_raw(body, signature)


def post_raw(body: bytes, signature: str | None) -> Any:
    headers = {} if signature is None else {"Stripe-Signature": signature}
    return Browser().post(WEBHOOK, body, content_type="application/json", headers=headers)


def money_rows() -> tuple[Any, ...]:
    """Everything a payment may write: equal before and after what must change nothing."""
    return (
        list(NoShowFee.objects.order_by("id").values()),
        list(StripeSession.objects.order_by("id").values()),
        list(StripeEvent.objects.order_by("id").values()),
        list(Job.objects.order_by("id").values()),
        list(Message.objects.order_by("id").values()),
        list(Notification.objects.order_by("id").values()),
    )
