"""One text, from what a handler composed to what its provider answered (contract §10; docs/adr/0102).

A text is never handed over twice. Before the point of no return everything may be tried again; behind it only
what the provider is known not to have taken. Anything else is uncertain at once, until a receipt says more.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.utils import timezone

from notifications import outbox
from notifications.channels import active
from notifications.channels.addresses import receipts_url
from notifications.channels.opt_outs import is_opted_out, opt_out
from notifications.channels.provider import Accepted, ChannelDown, OptedOutThere, Outgoing
from notifications.channels.providers import provider_of
from notifications.channels.sealing import KeyLost, opened
from notifications.channels.segments import length_of
from notifications.channels.wire import connected
from notifications.handlers import (
    DAILY_CAP,
    NO_CHANNEL,
    NO_NUMBER,
    OPTED_OUT,
    NotBegun,
    NotNeeded,
    RefusedForGood,
    Text,
    TextHandler,
    TryLater,
)
from notifications.mail import OutcomeUnknown
from notifications.models import Channel, Job, Message, OptOut
from staff.wire.phones import e164


def composed(job: Job, handler: TextHandler, *, now: datetime) -> Text:
    """What is to be said, to a number that may be sent to. Raises NotNeeded."""
    text = handler.compose_text(job, now=now)
    if not text.to or e164(text.to) != text.to:
        raise NotNeeded(NO_NUMBER)
    if not text.although_opted_out and is_opted_out(text.to):
        raise NotNeeded(OPTED_OUT)
    return text


def channel_for(job: Job) -> Channel:
    """Raises NotNeeded where there is none."""
    channel = active.first_active(job.payload.get("channel_id"))
    if channel is None:
        raise NotNeeded(NO_CHANNEL)
    return channel


def frozen(text: Text, *, channel: Channel | None) -> dict[str, Any]:
    """The `Message` fields of this text."""
    return {
        "to": text.to,
        "locale": text.locale,
        "text": text.text,
        "facts": dict(text.facts),
        "segments": length_of(text.text).segments,
        "sent_by": channel,
    }


def hand_over(
    job: Job, message: Message, *, channel: Channel, fields: dict[str, Any], stop: Callable[[], bool]
) -> Accepted:
    """Past the point of no return, once; `stop` is asked right before.

    Raises NotBegun, TryLater, RefusedForGood and NotNeeded (known not taken), OutcomeUnknown, LeaseLost.
    """
    now = timezone.now()
    if channel.paused_until is not None and channel.paused_until > now:
        raise TryLater(
            "The provider does not answer; nothing is tried for a while.", after=channel.paused_until
        )
    try:
        credentials = opened(channel.credentials)
    except KeyLost as error:
        active.note_down(channel, error=f"{error} Enter the credentials again.", now=now)
        raise TryLater(str(error)) from error
    if not active.take_place(channel, now=now):
        raise NotNeeded(DAILY_CAP)
    provider = provider_of(channel)
    outgoing = Outgoing(
        number=fields["to"],
        sender=channel.sender,
        text=fields["text"],
        reference=message.message_id,
        receipts_url=receipts_url(channel),
    )
    try:
        with connected(provider.base) as wire:
            if stop():
                raise NotBegun
            outbox.mark_sending(job, now=timezone.now(), frozen=fields)
            accepted = provider.hand_over(wire, outgoing, credentials)
    except OutcomeUnknown as error:
        active.note_failure(channel, error=str(error), now=timezone.now())
        raise
    except OptedOutThere:
        active.give_back(channel)
        opt_out(outgoing.number, source=OptOut.Source.PROVIDER, now=timezone.now())
        raise NotNeeded(OPTED_OUT) from None
    except ChannelDown as error:
        active.give_back(channel)
        active.note_down(channel, error=error.error, now=timezone.now())
        raise
    except TryLater as error:
        active.give_back(channel)
        active.note_failure(channel, error=error.error, now=timezone.now())
        raise
    except (RefusedForGood, NotBegun, outbox.LeaseLost):
        active.give_back(channel)
        raise
    active.note_success(channel)
    return accepted
