"""Jobs that wait for a person's word after a backup was restored (reliability §6).

A backup holds jobs that were still to be done when it was made. What was due since has probably been done
by the installation it was made of, and a copy on a test machine must mail nobody: so a restore holds every
job, and `release` lets them go. A held job is pending and due at HELD_UNTIL; its own time stands in its
payload. What happens to a booking meanwhile drops or moves it like any other pending job.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

from django.db import transaction

from notifications import outbox
from notifications.channels import sending
from notifications.handlers import MailHandler, NotNeeded, TextHandler
from notifications.mail import frozen
from notifications.models import SMS, Job, Message
from notifications.outbox.states import IS_LIVE, IS_PENDING
from notifications.registry import UnknownJobType, handler_of, is_mail, is_text
from notifications.wake import wake_workers

HELD_UNTIL = datetime(9000, 1, 1, tzinfo=UTC)
MARK = "parked"
"""In its payload a held job keeps its own time under this; rows already hold the older word."""
PROBABLY_SENT = "A backup was restored; this mail had probably been sent before."
LEASE = timedelta(minutes=2)
AT_ONCE = 500


class Released(NamedTuple):
    """How many held jobs were let go, of which kind."""

    due_now: int
    due_later: int
    counted_as_sent: int


def hold_all() -> int:
    """Hold every job that is pending or in the hands of a worker of the past; gives how many."""
    with transaction.atomic():
        jobs = list(Job.objects.select_for_update().filter(IS_LIVE).exclude(run_at=HELD_UNTIL))
        for job in jobs:
            job.payload = {
                **job.payload,
                MARK: {"run_at": job.run_at.isoformat(), "first_run_at": job.first_run_at.isoformat()},
            }
            job.state, job.token, job.lease_until = Job.State.PENDING, None, None
            job.run_at = job.first_run_at = HELD_UNTIL
        fields = ["payload", "state", "token", "lease_until", "run_at", "first_run_at"]
        Job.objects.bulk_update(jobs, fields, batch_size=AT_ONCE)
    return len(jobs)


def number_held() -> int:
    """How many jobs are held."""
    return Job.objects.filter(IS_PENDING, run_at=HELD_UNTIL).count()


def release(*, send_overdue: bool, now: datetime) -> Released:
    """Let every held job go: at its own time, or at once where that has passed.

    `send_overdue` False: a mail whose time has passed is not sent but counted as sent (uncertain, so that a
    person can still send it), and the booking knows that its client was told. Other jobs (Stripe) are
    carried out in either case: they are safe to repeat.
    """
    due_now = due_later = counted = 0
    for job in list(Job.objects.filter(IS_PENDING, run_at=HELD_UNTIL).order_by("id")):
        own = job.payload.get(MARK, {})
        run_at = datetime.fromisoformat(own["run_at"]) if own else now
        first_run_at = datetime.fromisoformat(own["first_run_at"]) if own else now
        job.payload = {name: value for name, value in job.payload.items() if name != MARK}
        handler = _telling_handler(job)
        if run_at > now:
            due_later += _let_go(job, run_at=run_at, first_run_at=first_run_at)
        elif send_overdue or handler is None:
            due_now += _let_go(job, run_at=now, first_run_at=now)
        else:
            counted += _count_as_sent(job, handler, at=run_at, now=now)
    wake_workers()
    return Released(due_now, due_later, counted)


def _let_go(job: Job, *, run_at: datetime, first_run_at: datetime) -> int:
    return _still_held(job).update(payload=job.payload, run_at=run_at, first_run_at=first_run_at)


def _count_as_sent(job: Job, handler: MailHandler | TextHandler, *, at: datetime, now: datetime) -> int:
    """Written and kept, as if it had left at its time; nothing at all where it is no longer true."""
    with transaction.atomic():
        token = uuid.uuid4()
        claimed = _still_held(job).update(
            state=Job.State.CLAIMED,
            token=token,
            lease_until=now + LEASE,
            payload=job.payload,
            dedupe_key=None,
            run_at=at,
            first_run_at=at,
        )
        if not claimed:
            return 0
        job.state, job.token = Job.State.CLAIMED, token
        message = Message.objects.get(job=job)
        fields: dict[str, Any] = {"state": Message.State.UNCERTAIN, "reason": PROBABLY_SENT, "sent_at": at}
        if job.sending_at is None:
            try:
                fields = {**_words(job, handler, at=at, now=now), **fields}
            except NotNeeded as moot:
                outbox.cancel(job, now=now, reason=moot.reason)
                return 0
        for name, value in fields.items():
            setattr(message, name, value)
        outbox.finish(
            job,
            now=now,
            state=Job.State.UNCERTAIN,
            message=fields,
            also=partial(handler.sent, job, message, now=now),
        )
    return 1


def _still_held(job: Job) -> Any:
    return Job.objects.filter(IS_PENDING, pk=job.pk, run_at=HELD_UNTIL)


def _words(job: Job, handler: MailHandler | TextHandler, *, at: datetime, now: datetime) -> dict[str, Any]:
    """Raises NotNeeded."""
    if job.channel == SMS:
        return (
            sending.frozen(sending.composed(job, handler, now=now), channel=None) if is_text(handler) else {}
        )
    return frozen(handler.compose(job, now=now), now=at) if is_mail(handler) else {}


def _telling_handler(job: Job) -> MailHandler | TextHandler | None:
    try:
        handler = handler_of(job.type)
    except UnknownJobType:
        return None
    return handler if is_mail(handler) or is_text(handler) else None
