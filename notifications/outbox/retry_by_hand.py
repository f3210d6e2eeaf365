"""Trying again what was given up, by a person's decision."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from notifications.models import SMS, Job, Message
from notifications.wake import wake_workers
from staff.wire.refusals import Conflict, NotFound

RETRIABLE = (Job.State.DEAD, Job.State.UNCERTAIN)


class NotRetriable(Conflict):
    code = "job_not_retriable"


def retry(job_id: int, *, now: datetime) -> None:
    """Due at once, with its attempts and patience anew.

    An uncertain mail leaves as it was, with the same Message-ID; a dead one is written anew from the
    present. Raises NotFound, and NotRetriable when the job is neither dead nor uncertain, and for a text that
    may have left.
    """
    with transaction.atomic():
        job = Job.objects.select_for_update().filter(pk=job_id).first()
        if job is None:
            raise NotFound("Job not found")
        if job.state not in RETRIABLE:
            raise NotRetriable(f"This job is {job.state}; only a dead or uncertain one can be retried.")
        if job.channel == SMS and job.sending_at is not None:
            raise NotRetriable("This text may have been delivered; a text is never sent twice.")
        Job.objects.filter(pk=job.pk).update(
            state=Job.State.PENDING, run_at=now, first_run_at=now, attempts=0, finished_at=None
        )
        Message.objects.filter(job=job).update(state=Message.State.WAITING, reason="", sent_at=None)
        transaction.on_commit(wake_workers, robust=True)
