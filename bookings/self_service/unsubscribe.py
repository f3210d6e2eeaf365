"""Leaving the follow-up mails by the link in them (contract §1.4 "follow-up sequence"; RFC 8058).

Names: unsubscribe_token, subscriber_of, unsubscribe.

The token is a client's own and does not wear out: an old mail's link still works, and using it twice is
no error.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from bookings.errors import LinkUnknown
from bookings.links import new_token
from bookings.why_not_sent import Reason
from clients.models import Client
from notifications import outbox
from notifications.outbox import Recipient

MARKETING_MAILS = ("followup.step",)


def unsubscribe_token(client: Client) -> str:
    """This client's token, made at its first use; two who ask at once get the same one."""
    if client.unsubscribe_token is None:
        Client.objects.filter(pk=client.pk, unsubscribe_token__isnull=True).update(
            unsubscribe_token=new_token()
        )
        client.refresh_from_db(fields=["unsubscribe_token"])
    if client.unsubscribe_token is None:
        raise Client.DoesNotExist(f"client {client.pk} is gone")
    return client.unsubscribe_token


def subscriber_of(token: str) -> Client:
    """Whose token this is, archived clients included. Raises LinkUnknown."""
    client = Client.objects.filter(unsubscribe_token=token).select_related("merged_into").first()
    if client is None:
        raise LinkUnknown
    return client


def unsubscribe(*, token: str, now: datetime | None = None) -> Client:
    """Take back the consent and drop the follow-up mails that have not left. Idempotent. Raises LinkUnknown.

    A client who was merged into another leaves for both: it is one person.
    """
    now = now or timezone.now()
    with transaction.atomic():
        client = subscriber_of(token)
        for pk in {client.pk, client.survivor.pk}:
            Client.objects.filter(pk=pk, marketing_consent=True).update(
                marketing_consent=False, updated_at=now
            )
            outbox.drop(
                recipient=Recipient.client(pk), types=MARKETING_MAILS, reason=Reason.NO_CONSENT, now=now
            )
    client.marketing_consent = False
    return client
