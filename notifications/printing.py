"""Rows of this app as they stand on the wire (contract §1.5). Times are the salon's wall clock."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from notifications.models import FollowupSequence, FollowupStep, Job, Notification
from staff.wire.times import print_when

Json = dict[str, Any]


def notification_json(line: Notification, *, zone: ZoneInfo) -> Json:
    return {
        "id": line.pk,
        "type": line.type,
        "title": line.title,
        "body": line.body,
        "booking_id": line.booking_id,
        "is_read": line.is_read,
        "created_at": print_when(line.created_at, zone=zone),
    }


def job_json(job: Job, *, zone: ZoneInfo) -> Json:
    return {
        "id": job.pk,
        "type": job.type,
        "booking_id": job.booking_id,
        "run_at": print_when(job.run_at, zone=zone),
        "state": job.state,
        "attempts": job.attempts,
        "last_error": job.last_error,
        "created_at": print_when(job.created_at, zone=zone),
        "finished_at": _when(job.finished_at, zone),
    }


def sequence_json(sequence: FollowupSequence) -> Json:
    """Its steps come from the prefetched `steps`."""
    return {
        "id": sequence.pk,
        "name": sequence.name,
        "service_id": sequence.service_id,
        "is_active": sequence.is_active,
        "stop_on_rebook": sequence.stop_on_rebook,
        "steps": [step_json(step) for step in sequence.steps.all()],
    }


def step_json(step: FollowupStep) -> Json:
    return {"id": step.pk, "delay_days": step.delay_days, "subject": step.subject, "body": step.body}


def _when(instant: datetime | None, zone: ZoneInfo) -> str | None:
    return None if instant is None else print_when(instant, zone=zone)
