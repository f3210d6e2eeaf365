"""How a claimed job ends, or goes back to wait: every write fenced by its token (reliability §1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

import structlog
from django.db import InterfaceError, OperationalError, transaction

from notifications.inapp import tell_admins
from notifications.models import Job, Message
from notifications.outbox.backoff import is_spent, wait_before_next
from notifications.outbox.claim import LeaseLost, held
from notifications.registry import given_up_of

LONGEST_ERROR = 2000

Also = Callable[[], None]

logger = structlog.get_logger(__name__)


def finish(
    job: Job,
    *,
    now: datetime,
    state: Job.State = Job.State.DONE,
    external_id: str = "",
    message: Mapping[str, Any] | None = None,
    also: Also | None = None,
) -> None:
    """It is done (or, after a kill in mid-sending, uncertain). Raises LeaseLost.

    `message` are the fields its `Message` gets; `also` is the handler's own bookkeeping, in the same
    transaction. Should that fail, the job stays done: what has left is not sent again for it.
    """
    with transaction.atomic():
        end(job, state=state, finished_at=now, external_id=external_id[:255])
        if message is not None:
            Message.objects.filter(job=job).update(**message)
        if also is not None:
            _do_also(job, also)


def fail(
    job: Job,
    *,
    now: datetime,
    error: str,
    after: datetime | None = None,
    passed_the_mark: bool = False,
) -> None:
    """Known not accepted: back to pending for as long as its handler's `Persistence` says, then dead.

    Not before `after`. `passed_the_mark` takes this sending back: nothing has left. Raises LeaseLost.
    """
    if is_spent(job, now=now):
        die(job, now=now, error=error, passed_the_mark=passed_the_mark)
        return
    run_at = now + wait_before_next(job)
    end(
        job,
        state=Job.State.PENDING,
        run_at=run_at if after is None else max(run_at, after),
        last_error=_kept(error),
        **_taken_back(job, passed_the_mark),
    )


def die(job: Job, *, now: datetime, error: str, passed_the_mark: bool = False) -> None:
    """Refused for good, or its attempts are spent: dead, and admins are told. Raises LeaseLost."""
    error = _kept(error)
    taken_back = _taken_back(job, passed_the_mark)
    maybe_sent = job.sends > (1 if passed_the_mark else 0)
    with transaction.atomic():
        end(
            job,
            state=Job.State.DEAD,
            finished_at=now,
            last_error=error,
            **taken_back,
        )
        Message.objects.filter(job=job).update(
            state=Message.State.UNCERTAIN if maybe_sent else Message.State.NOT_SENT,
            reason=error[: Message.LONGEST_REASON],
        )
        _say_it_is_dead(job, error=error, now=now)
    logger.warning("job_dead", job=job.pk, type=job.type, error=error[: Message.LONGEST_REASON])


def cancel(job: Job, *, now: datetime, reason: str) -> None:
    """The world has moved on: nothing is sent. Raises LeaseLost."""
    with transaction.atomic():
        end(job, state=Job.State.CANCELLED, finished_at=now, last_error=reason[: Message.LONGEST_REASON])
        Message.objects.filter(job=job).update(
            state=Message.State.NOT_SENT, reason=reason[: Message.LONGEST_REASON]
        )


def put_back(job: Job) -> None:
    """Nobody has begun it: pending again, and this claim was no attempt. Raises LeaseLost."""
    end(job, state=Job.State.PENDING, attempts=job.attempts - 1)


def note(job: Job, *, error: str) -> None:
    """Write down what happened, and leave the rest to the lease: nobody knows whether it was accepted."""
    held(job).update(last_error=_kept(error))


def _kept(error: str) -> str:
    """What others said, as far as it is kept; no column holds a NUL or a lone surrogate."""
    return error[:LONGEST_ERROR].replace("\0", " ").encode("utf-8", "replace").decode()


def end(job: Job, **fields: Any) -> None:
    """Take the job out of its holder's hands, with these fields. Raises LeaseLost."""
    if held(job).update(token=None, lease_until=None, **fields) != 1:
        raise LeaseLost(str(job))


def _taken_back(job: Job, passed_the_mark: bool) -> dict[str, Any]:
    if not passed_the_mark:
        return {}
    sends = job.sends - 1
    return {"sends": sends, "sending_at": job.sending_at if sends else None}


def _say_it_is_dead(job: Job, *, error: str, now: datetime) -> None:
    given_up = given_up_of(job.type)
    if given_up is not None:
        _do_also(job, partial(given_up, job, error, now=now))
        return
    tell_admins(
        type="job.dead",
        title=f"{job.type} could not be carried out",
        body=error,
        booking_id=job.booking_id,
        now=now,
    )


def _do_also(job: Job, also: Also) -> None:
    try:
        with transaction.atomic():
            also()
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        logger.exception("handler_failed_after_sending", job=job.pk, type=job.type)
