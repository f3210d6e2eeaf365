"""Jobs whose worker died or froze: what their lease's end means (reliability §1)."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

import structlog
from django.db import transaction

from notifications.handlers import MailHandler, TextHandler
from notifications.models import SMS, Job, Message
from notifications.outbox.backoff import is_spent
from notifications.outbox.claim import LeaseLost
from notifications.outbox.finish import die, end, finish
from notifications.outbox.states import IS_CLAIMED
from notifications.registry import UnknownJobType, handler_of, is_mail, is_text

MOST_AT_ONCE = 500
UNCERTAIN_REASON = "No answer came while it was being sent."
MOST_SENDS = 2
"""What a client counts on may leave twice, with the same Message-ID; then nobody knows, and it stays so. A
text never leaves twice."""

logger = structlog.get_logger(__name__)


def release_leases(*, now: datetime) -> int:
    """Free every claimed job whose lease is over; gives how many.

    Nothing left the machine: pending again. It may have left: once more if a client counts on it, else
    uncertain. Safe to run any number of times at once.
    """
    released = 0
    for job in Job.objects.filter(IS_CLAIMED, lease_until__lte=now).order_by("lease_until")[:MOST_AT_ONCE]:
        try:
            _release(job, now=now)
        except LeaseLost:
            continue
        released += 1
        logger.warning("lease_over", job=job.pk, type=job.type, sends=job.sends, attempts=job.attempts)
    return released


def _release(job: Job, *, now: datetime) -> None:
    if job.sending_at is None:
        if is_spent(job, now=now):
            die(job, now=now, error=job.last_error or "Its worker died again and again.")
        else:
            end(job, state=Job.State.PENDING)
    elif job.channel != SMS and job.sends < MOST_SENDS and _is_counted_on(job):
        end(job, state=Job.State.PENDING)
    else:
        _leave_uncertain(job, now=now)


def _leave_uncertain(job: Job, *, now: datetime) -> None:
    end_uncertain(job, reason=UNCERTAIN_REASON, now=now)


def end_uncertain(job: Job, *, reason: str, now: datetime) -> None:
    """It may have been accepted, and is not sent again. A receipt that came meanwhile knows better. Raises
    LeaseLost."""
    with transaction.atomic():
        Job.objects.select_for_update(no_key=True).filter(pk=job.pk).first()
        message = Message.objects.filter(job=job).first()
        state = Job.State.UNCERTAIN
        fields: dict[str, Any] = {"state": Message.State.UNCERTAIN, "reason": reason}
        if message is not None and message.state in (Message.State.SENT, Message.State.DELIVERED):
            state, fields = Job.State.DONE, {"state": message.state, "reason": ""}
        fields["sent_at"] = job.sending_at
        handler, also = _handler_with_sent(job), None
        if handler is not None and message is not None:
            for name, value in fields.items():
                setattr(message, name, value)
            also = partial(handler.sent, job, message, now=now)
        finish(job, now=now, state=state, message=fields, also=also)


def _is_counted_on(job: Job) -> bool:
    try:
        return bool(handler_of(job.type).client_counts_on_it)
    except (UnknownJobType, ImportError):
        return False


def _handler_with_sent(job: Job) -> MailHandler | TextHandler | None:
    try:
        handler = handler_of(job.type)
    except (UnknownJobType, ImportError):
        return None
    return handler if is_mail(handler) or is_text(handler) else None
