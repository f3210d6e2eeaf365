"""Rows of this app as they stand on the wire (contract §1.5). Times are the salon's wall clock.

Names: notification_json, job_json, sequence_json, step_json, and the TypedDicts that answers are.
"""

from __future__ import annotations

from typing import Annotated, TypedDict
from zoneinfo import ZoneInfo

from notifications.models import FollowupSequence, FollowupStep, Job, Notification
from staff.wire.answers import Count, Id, When, one_of
from staff.wire.times import print_when


class NotificationJson(TypedDict):
    """A line in one's own list."""

    id: Id
    type: str
    title: str
    body: str
    booking_id: Id | None
    is_read: bool
    created_at: When


class UnreadCountJson(TypedDict):
    unread_count: Count


class ReadAllJson(TypedDict):
    marked: Annotated[Count, "How many were unread until now."]


class JobJson(TypedDict):
    """Something to do outside: a mail, a payment, a webhook."""

    id: Id
    type: str
    booking_id: Id | None
    visit_id: Id | None
    run_at: When
    state: Annotated[str, one_of(Job.State.choices)]
    attempts: Count
    last_error: str
    created_at: When
    finished_at: When | None


class FollowupStepJson(TypedDict):
    """One mail, `delay_days` after the visit."""

    id: Id
    delay_days: Count
    subject: str
    body: str


class FollowupSequenceJson(TypedDict):
    """What a salon says to a client after a visit; `service_id` null means every service."""

    id: Id
    name: str
    service_id: Id | None
    is_active: bool
    stop_on_rebook: bool
    steps: list[FollowupStepJson]


def notification_json(line: Notification, *, zone: ZoneInfo) -> NotificationJson:
    return {
        "id": line.pk,
        "type": line.type,
        "title": line.title,
        "body": line.body,
        "booking_id": line.booking_id,
        "is_read": line.is_read,
        "created_at": print_when(line.created_at, zone=zone),
    }


def job_json(job: Job, *, zone: ZoneInfo) -> JobJson:
    return {
        "id": job.pk,
        "type": job.type,
        "booking_id": job.booking_id,
        "visit_id": job.visit_id,
        "run_at": print_when(job.run_at, zone=zone),
        "state": job.state,
        "attempts": job.attempts,
        "last_error": job.last_error,
        "created_at": print_when(job.created_at, zone=zone),
        "finished_at": print_when(job.finished_at, zone=zone),
    }


def sequence_json(sequence: FollowupSequence) -> FollowupSequenceJson:
    """Its steps come from the prefetched `steps`."""
    return {
        "id": sequence.pk,
        "name": sequence.name,
        "service_id": sequence.service_id,
        "is_active": sequence.is_active,
        "stop_on_rebook": sequence.stop_on_rebook,
        "steps": [step_json(step) for step in sequence.steps.all()],
    }


def step_json(step: FollowupStep) -> FollowupStepJson:
    return {"id": step.pk, "delay_days": step.delay_days, "subject": step.subject, "body": step.body}
