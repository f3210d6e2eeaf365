"""Endpoints and deliveries as they stand on the wire (contract §1.5). Times are the salon's wall clock."""

from __future__ import annotations

from typing import Annotated, TypedDict
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Q

from notifications.models import Job, WebhookDelivery, WebhookEndpoint
from staff.wire.answers import Count, Id, When, one_of
from staff.wire.times import print_when

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


class WebhookJson(TypedDict):
    """An address that is told of booking events."""

    id: Id
    url: str
    events: Annotated[
        list[Annotated[str, one_of(settings.WEBHOOK_EVENTS)]], "Which events; an empty list means all."
    ]
    is_active: bool
    failing_since: Annotated[When | None, "Since when it has taken nothing; null when all is well."]
    disabled_at: Annotated[When | None, "When it was switched off for failing, or for a 410."]
    created_at: When


class WebhookMadeJson(WebhookJson):
    """An address that is told of booking events, with its secret."""

    secret: Annotated[str, "Signs every delivery (Standard Webhooks). Shown this once."]


class WebhookDeliveryJson(TypedDict):
    """One event for one endpoint, and what became of it."""

    id: Id
    type: Annotated[str, "The event."]
    booking_id: Id | None
    webhook_id: Annotated[str, "The header webhook-id of every attempt."]
    state: Annotated[str, one_of(STATES), "`skipped`: later events about the booking were let past it."]
    attempts: Count
    response_status: Annotated[int | None, "Of the last attempt, if any came."]
    response_excerpt: Annotated[str, "The beginning of what it answered."]
    last_error: str
    job_id: Annotated[Id, "See /api/jobs."]
    created_at: When
    next_attempt_at: When | None
    delivered_at: When | None


def endpoint_json(endpoint: WebhookEndpoint, *, zone: ZoneInfo) -> WebhookJson:
    """Without the secret, which is shown when the endpoint is added."""
    return {
        "id": endpoint.pk,
        "url": endpoint.url,
        "events": endpoint.events,
        "is_active": endpoint.is_active,
        "failing_since": print_when(endpoint.failing_since, zone=zone),
        "disabled_at": print_when(endpoint.disabled_at, zone=zone),
        "created_at": print_when(endpoint.created_at, zone=zone),
    }


def delivery_json(delivery: WebhookDelivery, *, zone: ZoneInfo) -> WebhookDeliveryJson:
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
        "delivered_at": print_when(delivery.delivered_at, zone=zone),
    }


def state_of(delivery: WebhookDelivery) -> str:
    """One of STATES."""
    if delivery.job.state == Job.State.CANCELLED:
        return "cancelled" if delivery.skipped_at is None else "skipped"
    return _OF_JOB[Job.State(delivery.job.state)]
