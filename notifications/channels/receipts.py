"""What a provider says became of a text: stored once for each state, never moving one back (contract §10)."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from notifications.channels.provider import Delivery, State
from notifications.models import SMS, Channel, Job, Message, Receipt
from notifications.outbox.states import IS_TEXT
from notifications.registry import UnknownJobType, handler_of, is_text

NOT_DELIVERED = "not_delivered"
KEPT = timedelta(days=30)
AT_ONCE = 500

_RANK = {
    Message.State.WAITING: 0,
    Message.State.UNCERTAIN: 1,
    Message.State.SENT: 2,
    Message.State.NOT_SENT: 3,
    Message.State.DELIVERED: 4,
}
_BECOMES = {
    State.SENT: Message.State.SENT,
    State.FAILED: Message.State.NOT_SENT,
    State.DELIVERED: Message.State.DELIVERED,
}


def take_receipt(channel: Channel, delivery: Delivery, *, now: datetime) -> bool:
    """False for old news. In one transaction, with the channel's row locked: an answer of the provider that
    is being written down comes before it or after it."""
    if delivery.state is None:
        return False
    with transaction.atomic():
        Channel.objects.select_for_update(no_key=True).filter(pk=channel.pk).first()
        receipt, is_news = Receipt.objects.get_or_create(
            channel=channel,
            provider_id=delivery.provider_id,
            state=delivery.state,
            defaults={"code": delivery.code, "received_at": now},
        )
        if is_news:
            message = _message_of(channel, delivery)
            if message is not None:
                _apply(message, receipt, now=now)
    return is_news


def apply_stored(message: Message, channel: Channel, *, provider_id: str, now: datetime) -> None:
    """Receipts that came before the answer with the provider's id. The channel's row is locked."""
    for receipt in Receipt.objects.filter(channel=channel, provider_id=provider_id).order_by("id"):
        _apply(message, receipt, now=now)


def forget_old_receipts(*, now: datetime) -> None:
    """Those of a month ago; what they said stands on the messages. Called by the sweep."""
    old = Receipt.objects.filter(received_at__lt=now - KEPT).order_by("received_at")
    Receipt.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:AT_ONCE])).delete()


def _message_of(channel: Channel, delivery: Delivery) -> Message | None:
    """By our reference, else by the provider's id."""
    texts = Message.objects.filter(channel=SMS, sent_by=channel)
    if delivery.reference:
        found = texts.filter(message_id=delivery.reference).first()
        if found is not None:
            return found
    jobs = Job.objects.filter(IS_TEXT, external_id=delivery.provider_id).values("pk")
    return texts.filter(job__in=jobs).first()


def _apply(message: Message, receipt: Receipt, *, now: datetime) -> None:
    """A text that nobody knew of has left after all: its job is done, and what it announced was told."""
    job = Job.objects.select_for_update(no_key=True).get(pk=message.job_id)
    message.refresh_from_db()
    state = _BECOMES[State(receipt.state)]
    if _RANK.get(Message.State(message.state), 0) >= _RANK[state]:
        return
    message.state = state
    message.reason = f"{NOT_DELIVERED}: {receipt.code}" if state == Message.State.NOT_SENT else ""
    message.sent_at = message.sent_at or now
    message.save(update_fields=["state", "reason", "sent_at"])
    found_out = Q(state=Job.State.UNCERTAIN) | Q(state=Job.State.PENDING)
    was_pending = job.state == Job.State.PENDING
    changed = Job.objects.filter(found_out, pk=job.pk).update(
        state=Job.State.DONE,
        finished_at=now,
        dedupe_key=None,
        external_id=job.external_id or receipt.provider_id,
    )
    if changed and was_pending:
        _tell_handler(job, message, now=now)


def _tell_handler(job: Job, message: Message, *, now: datetime) -> None:
    try:
        handler = handler_of(job.type)
    except (UnknownJobType, ImportError):
        return
    if is_text(handler):
        handler.sent(job, message, now=now)
