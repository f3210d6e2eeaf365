"""Carrying due jobs out, one at a time. The only place that does (reliability §1).

No transaction is ever open around SMTP or HTTP. What a handler says about an attempt becomes the job's state
here; what nobody knows is left to the lease (`outbox.release_leases`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any, cast

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError, close_old_connections
from django.utils import timezone

from notifications import outbox, texts
from notifications.handlers import (
    NO_ADDRESS,
    EffectHandler,
    Mail,
    MailHandler,
    NotBegun,
    NotNeeded,
    RefusedForGood,
    TryLater,
)
from notifications.inapp import tell_admins_once_in
from notifications.mail import Envelope, OutcomeUnknown, frozen, mail_server
from notifications.models import SMS, Job, Message
from notifications.one_mail_per_process import OneAtATime
from notifications.registry import UnknownJobType, handler_of, is_mail

MAIL_OFF_EVERY = timedelta(days=1)
PAUSES_BEFORE_GIVING_UP = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds between the attempts to write down that something was done, while the database is away."""

DATABASE_AWAY = (OperationalError, InterfaceError)

_handing_over = OneAtATime()

logger = structlog.get_logger(__name__)


def _never() -> bool:
    return False


def run_due(*, at_most: int, stop: Callable[[], bool] = _never) -> int:
    """Carry out what is due, what somebody waits for first, each in order of its time; gives how many.

    Any number of these may run at once. Goes round again while a round found something, because a job that
    had to wait for an earlier mail may be free by then. `stop` is asked between two jobs.
    """
    taken = 0
    found = True
    while found:
        found = False
        places: dict[int, outbox.Place] = {}
        while taken < at_most and not stop():
            job = outbox.claim(now=timezone.now(), after=places)
            if job is None:
                break
            found = True
            taken += 1
            places[job.urgency] = outbox.Place(job.run_at, job.pk)
            execute(job, stop=stop)
    return taken


def execute(job: Job, *, stop: Callable[[], bool] = _never) -> None:
    """Carry out one job this worker has claimed, and record how it ended.

    A mail that still waits for its turn when `stop` says so goes back as if nobody had taken it.
    """
    sends_before = job.sends
    try:
        _attempt(job, stop)
    except outbox.LeaseLost:
        logger.warning("lease_lost", job=job.pk, type=job.type)
    except NotBegun:
        _record(job, partial(outbox.put_back, job))
    except OutcomeUnknown as error:
        _record(job, partial(outbox.note, job, error=str(error)))
    except NotNeeded as moot:
        _record(job, partial(_cancel, job, moot.reason))
    except RefusedForGood as refused:
        _record(job, partial(_die, job, refused.error, passed_the_mark=job.sends > sends_before))
    except TryLater as later:
        _record(job, partial(_fail, job, later, passed_the_mark=job.sends > sends_before))
    except Exception as error:
        # A bug of a handler, or the database went away under it.
        logger.exception("job_failed", job=job.pk, type=job.type)
        if isinstance(error, DATABASE_AWAY):
            close_old_connections()
        said = f"{type(error).__name__}: {error}"
        if job.sends > sends_before:
            _record(job, partial(outbox.note, job, error=said))
        else:
            _record(job, partial(_fail, job, TryLater(said), passed_the_mark=False))


def _attempt(job: Job, stop: Callable[[], bool]) -> None:
    try:
        handler = handler_of(job.type)
    except UnknownJobType as error:
        raise RefusedForGood(str(error)) from error
    if job.channel == SMS:
        texts.carry_out(job, handler, record=_record, stop=stop)
    elif is_mail(handler):
        _send_mail(job, handler, stop)
    else:
        _make_call(job, cast(EffectHandler, handler))


def _send_mail(job: Job, handler: MailHandler, stop: Callable[[], bool]) -> None:
    message = Message.objects.get(job=job)
    fields = None
    if job.sending_at is None:
        mail = handler.compose(job, now=timezone.now())
        if not mail.to:
            raise NotNeeded(NO_ADDRESS)
        fields = frozen(mail, now=timezone.now())
        for name, value in fields.items():
            setattr(message, name, value)
        if not settings.EMAIL_URL or not mail.deliver_outside:
            _keep(job, handler, message, fields, mail)
            return
    elif not message.text and not message.html:
        raise RefusedForGood("Its words have been forgotten; they cannot be sent again.")
    envelope = Envelope(message)
    with mail_server() as server, _handing_over.turn():
        if stop():
            raise NotBegun
        outbox.mark_sending(job, now=timezone.now(), frozen=fields)
        server.send(envelope)
        _record(job, partial(_mail_done, job, handler, message, Message.State.SENT, {}))


def _keep(job: Job, handler: MailHandler, message: Message, fields: dict[str, Any], mail: Mail) -> None:
    """No mail leaves: it stays in the message log, and everything goes on as if it had been sent."""
    _mail_done(job, handler, message, Message.State.KEPT, fields)
    if mail.deliver_outside and not settings.DEBUG:
        tell_admins_once_in(
            MAIL_OFF_EVERY,
            type="mail.off",
            title="No mail leaves this salon",
            body="EMAIL_URL is not set: mails are only kept in the message log.",
            now=timezone.now(),
        )


def _mail_done(
    job: Job, handler: MailHandler, message: Message, state: Message.State, fields: dict[str, Any]
) -> None:
    now = timezone.now()
    message.state, message.sent_at = state, now
    outbox.finish(
        job,
        now=now,
        message={**fields, "state": state, "reason": "", "sent_at": now},
        also=partial(handler.sent, job, message, now=now),
    )


def _make_call(job: Job, handler: EffectHandler) -> None:
    prepared = handler.prepare(job, now=timezone.now())
    outbox.mark_sending(job, now=timezone.now())
    external_id = handler.call(job, prepared, now=timezone.now())
    _record(job, partial(_call_done, job, handler, prepared, external_id))


def _call_done(job: Job, handler: EffectHandler, prepared: Any, external_id: str) -> None:
    now = timezone.now()
    outbox.finish(
        job,
        now=now,
        external_id=external_id,
        also=partial(handler.done, job, prepared, external_id, now=now),
    )


def _cancel(job: Job, reason: str) -> None:
    outbox.cancel(job, now=timezone.now(), reason=reason)


def _fail(job: Job, later: TryLater, *, passed_the_mark: bool) -> None:
    outbox.fail(
        job, now=timezone.now(), error=later.error, after=later.after, passed_the_mark=passed_the_mark
    )


def _die(job: Job, error: str, *, passed_the_mark: bool) -> None:
    outbox.die(job, now=timezone.now(), error=error, passed_the_mark=passed_the_mark)


def _record(job: Job, write: Callable[[], None]) -> None:
    """Write down what happened outside, waiting for a database that is away for some seconds.

    Given up, the job stays claimed and its lease decides.
    """
    for pause in (*PAUSES_BEFORE_GIVING_UP, None):
        try:
            write()
            return
        except outbox.LeaseLost:
            logger.warning("lease_lost", job=job.pk, type=job.type)
            return
        except DATABASE_AWAY as error:
            logger.warning("database_away", job=job.pk, type=job.type, error=str(error)[:200])
            if pause is not None:
                time.sleep(pause)
                close_old_connections()
