"""Carrying out a job that is a text: the part of `execution` that knows no mail (contract §10).

No transaction is open around the provider. What it answers becomes the job's state here.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django.db import transaction
from django.utils import timezone

from notifications import outbox
from notifications.channels import sending
from notifications.channels.provider import Accepted
from notifications.channels.receipts import apply_stored
from notifications.handlers import RefusedForGood, TextHandler
from notifications.mail import OutcomeUnknown
from notifications.models import Channel, Job, Message
from notifications.registry import Handler, is_text

Record = Callable[[Job, Callable[[], None]], None]


def carry_out(job: Job, handler: Handler, *, record: Record, stop: Callable[[], bool]) -> None:
    """`record` writes down what happened outside, waiting for a database that is away.

    Raises what `execution` knows how to record: NotNeeded, RefusedForGood, TryLater, NotBegun, LeaseLost.
    """
    if not is_text(handler):
        raise RefusedForGood(f"{job.type} cannot be said as a text.")
    message = Message.objects.get(job=job)
    if job.sending_at is not None:
        record(job, partial(_uncertain, job, "It had been handed over once already."))
        return
    text = sending.composed(job, handler, now=timezone.now())
    channel = sending.channel_for(job) if text.deliver_outside else None
    fields = sending.frozen(text, channel=channel)
    for name, value in fields.items():
        setattr(message, name, value)
    if channel is None:
        _finish(job, handler, message, state=Message.State.KEPT, fields=fields)
        return
    try:
        accepted = sending.hand_over(job, message, channel=channel, fields=fields, stop=stop)
    except OutcomeUnknown as error:
        record(job, partial(_uncertain, job, str(error)))
        return
    record(job, partial(_accepted, job, handler, message, channel, accepted))


def _uncertain(job: Job, reason: str) -> None:
    outbox.end_uncertain(job, reason=reason[: Message.LONGEST_REASON], now=timezone.now())


def _accepted(job: Job, handler: TextHandler, message: Message, channel: Channel, accepted: Accepted) -> None:
    """The channel's row is locked, so that a receipt comes before all of this or after it; one that came
    before says more than the answer."""
    cost = {} if accepted.cost is None else {"cost": accepted.cost, "currency": accepted.currency}
    with transaction.atomic():
        Channel.objects.select_for_update(no_key=True).filter(pk=channel.pk).first()
        _finish(
            job,
            handler,
            message,
            state=Message.State.SENT,
            fields=cost,
            external_id=accepted.provider_id,
        )
        apply_stored(message, channel, provider_id=accepted.provider_id, now=timezone.now())


def _finish(
    job: Job,
    handler: TextHandler,
    message: Message,
    *,
    state: Message.State,
    fields: dict[str, Any],
    external_id: str = "",
) -> None:
    now = timezone.now()
    message.state, message.sent_at = state, now
    outbox.finish(
        job,
        now=now,
        external_id=external_id,
        message={**fields, "state": state, "reason": "", "sent_at": now},
        also=partial(handler.sent, job, message, now=now),
    )
