"""Endpoints and deliveries as they stand on the wire (contract §1.5). Times are the salon's wall clock."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Q

from notifications.models import Job, WebhookDelivery, WebhookEndpoint
from staff.wire.times import print_when

Json = dict[str, Any]

STATES: dict[str, Q] = {
    "waiting": Q(job__state__in=[Job.State.PENDING, Job.State.CLAIMED]),
    "delivered": Q(job__state=Job.State.DONE),
    "failed": Q(job__state=Job.State.DEAD),
    "skipped": Q(job__state=Job.State.CANCELLED, skipped_at__isnull=False),
    "cancelled": Q(job__state=Job.State.CANCELLED, skipped_at__isnull=True),
    "uncertain": Q(job__state=Job.State.UNCERTAIN),
}
"""What a delivery's `state` says, as what its job's state is."""

_OF_JOB = {
    Job.State.PENDING: "waiting",
    Job.State.CLAIMED: "waiting",
    Job.State.DONE: "delivered",
    Job.State.DEAD: "failed",
    Job.State.UNCERTAIN: "uncertain",
}


def endpoint_json(endpoint: WebhookEndpoint, *, zone: ZoneInfo) -> Json:
    """Without the secret, which is shown when the endpoint is added."""
    return {
        "id": endpoint.pk,
        "url": endpoint.url,
        "events": endpoint.events,
        "is_active": endpoint.is_active,
        "failing_since": _when(endpoint.failing_since, zone),
        "disabled_at": _when(endpoint.disabled_at, zone),
        "created_at": print_when(endpoint.created_at, zone=zone),
    }


def delivery_json(delivery: WebhookDelivery, *, zone: ZoneInfo) -> Json:
    """Its `job` comes along in the same statement."""
    job, state = delivery.job, state_of(delivery)
    return {
        "id": delivery.pk,
        "type": delivery.event_type,
        "booking_id": delivery.booking_id,
        "webhook_id": delivery.message_id,
        "state": state,
        "attempts": job.attempts,
        "response_status": delivery.response_status,
        "response_excerpt": delivery.response_excerpt,
        "last_error": job.last_error,
        "job_id": job.pk,
        "created_at": print_when(delivery.created_at, zone=zone),
        "next_attempt_at": print_when(job.run_at, zone=zone) if state == "waiting" else None,
        "delivered_at": _when(delivery.delivered_at, zone),
    }


def state_of(delivery: WebhookDelivery) -> str:
    """One of STATES."""
    if delivery.job.state == Job.State.CANCELLED:
        return "cancelled" if delivery.skipped_at is None else "skipped"
    return _OF_JOB[Job.State(delivery.job.state)]


def _when(instant: datetime | None, zone: ZoneInfo) -> str | None:
    return None if instant is None else print_when(instant, zone=zone)
