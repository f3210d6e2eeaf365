"""An event becomes one delivery for every endpoint that wants it, in the transaction of the change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from notifications import outbox
from notifications.models import Job, WebhookDelivery, WebhookEndpoint
from notifications.outbox import Due, Recipient
from notifications.webhooks.signing import new_message_id
from staff.storage.prepared_statements import PreparedRows

JOB_TYPE = "webhook.deliver"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a booking. `cause` is its identity: the id of the audit row."""

    type: str
    booking_id: int
    cause: int


def enqueue(events: Sequence[Event], *, now: datetime) -> None:
    """One statement when no active endpoint wants any of them; five for any number otherwise."""
    endpoints = _ACTIVE.all()
    wanted = [(endpoint, event) for endpoint in endpoints for event in events if endpoint.wants(event.type)]
    if not wanted:
        return
    dues = [_due(endpoint.pk, event, now=now) for endpoint, event in wanted]
    outbox.enqueue(dues, now=now)
    job_ids = dict(
        Job.objects.filter(once_key__in=[due.once_key for due in dues]).values_list("once_key", "id")
    )
    WebhookDelivery.objects.bulk_create(
        (
            WebhookDelivery(
                endpoint=endpoint,
                job_id=job_ids[due.once_key],
                event_type=event.type,
                booking_id=event.booking_id,
                message_id=new_message_id(),
                created_at=now,
            )
            for (endpoint, event), due in zip(wanted, dues, strict=True)
        ),
        ignore_conflicts=True,
    )


_ACTIVE = PreparedRows(WebhookEndpoint, lambda: WebhookEndpoint.objects.filter(is_active=True).order_by("id"))


def _due(endpoint_id: int, event: Event, *, now: datetime) -> Due:
    return Due(
        type=JOB_TYPE,
        once_key=f"{JOB_TYPE}:{event.booking_id}:{event.cause}:{endpoint_id}",
        run_at=now,
        booking_id=event.booking_id,
        recipient=Recipient.endpoint(endpoint_id),
        is_mail=False,
    )
