"""Adding, changing, removing and switching off endpoints (contract §1.5, /api/webhooks)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from notifications import outbox
from notifications.inapp import tell_admins
from notifications.models import WebhookEndpoint
from notifications.outbox import Recipient
from notifications.webhooks.addresses import BadTarget, addresses_of, target_of
from notifications.webhooks.signing import new_secret
from staff.storage.storing import locked, store_changes, stored
from staff.wire.refusals import BadRequest

LONGEST_FAILURE = timedelta(days=5)
"""An endpoint that took nothing for so long is switched off."""

SWITCHED_OFF = "The endpoint was switched off."
REMOVED = "The endpoint was removed."


def why_not(url: str) -> str:
    """Why no webhook may go there, as a sentence; "" when it may. Never with a transaction open."""
    try:
        addresses_of(target_of(url))
    except BadTarget as refused:
        return str(refused)
    return ""


def check_url(url: str) -> None:
    """Raises BadRequest (`url`) as `why_not` says. Never with a transaction open."""
    if sentence := why_not(url):
        raise BadRequest.field("url", sentence)


def add_endpoint(*, fields: Mapping[str, Any]) -> WebhookEndpoint:
    """With a fresh secret. Its address was checked (`check_url`)."""
    return stored(WebhookEndpoint(**fields, secret=new_secret()))


def change_endpoint(endpoint_id: int, *, fields: Mapping[str, Any], now: datetime) -> WebhookEndpoint:
    """What is absent stays. Switched on again it starts anew; switched off, what waits is not sent.

    Another address was checked (`check_url`). Raises NotFound.
    """
    with transaction.atomic():
        endpoint = locked(WebhookEndpoint.objects.all(), endpoint_id)
        changes = dict(fields)
        if changes.get("is_active") and not endpoint.is_active:
            changes |= {"disabled_at": None, "failing_since": None}
        endpoint = store_changes(endpoint, changes)
        if not endpoint.is_active:
            outbox.drop(recipient=Recipient.endpoint(endpoint.pk), reason=SWITCHED_OFF, now=now)
    return endpoint


def remove_endpoint(endpoint_id: int, *, now: datetime) -> None:
    """With its deliveries; what waits is not sent. Raises NotFound."""
    with transaction.atomic():
        endpoint = locked(WebhookEndpoint.objects.all(), endpoint_id)
        outbox.drop(recipient=Recipient.endpoint(endpoint.pk), reason=REMOVED, now=now)
        endpoint.delete()


def note_failure(endpoint: WebhookEndpoint, *, now: datetime) -> bool:
    """It took nothing this time. True when it has taken nothing for LONGEST_FAILURE and is switched off."""
    first = WebhookEndpoint.objects.filter(pk=endpoint.pk, failing_since=None).update(failing_since=now)
    failing_since = now if first or endpoint.failing_since is None else endpoint.failing_since
    if now - failing_since < LONGEST_FAILURE:
        return False
    switch_off(endpoint, why=f"It has taken no webhook for {LONGEST_FAILURE.days} days.", now=now)
    return True


def note_success(endpoint: WebhookEndpoint) -> None:
    WebhookEndpoint.objects.filter(pk=endpoint.pk, failing_since__isnull=False).update(failing_since=None)


def switch_off(endpoint: WebhookEndpoint, *, why: str, now: datetime) -> None:
    """By us, not by a person: what waits is not sent, and administrators are told, once."""
    with transaction.atomic():
        active = WebhookEndpoint.objects.filter(pk=endpoint.pk, is_active=True)
        if not active.update(is_active=False, disabled_at=now):
            return
        outbox.drop(recipient=Recipient.endpoint(endpoint.pk), reason=SWITCHED_OFF, now=now)
        tell_admins(
            type="job.dead",
            title=f"Webhooks to {endpoint.url} were switched off",
            body=f"{why} Mend the receiver, switch the endpoint on again (it is number {endpoint.pk}), and "
            "replay what it missed.",
            now=now,
        )
