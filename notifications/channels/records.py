"""Adding, changing and removing channels, and trying one (contract §10 "channels")."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from notifications import outbox
from notifications.channels.addresses import new_secret
from notifications.channels.providers import provider_named
from notifications.channels.sealing import sealed
from notifications.models import SMS, Channel, Message
from notifications.outbox import Due
from staff.storage.storing import found, locked, store_changes, stored
from staff.wire.phones import e164
from staff.wire.refusals import BadRequest

TEST = "channel.test"


def add_channel(*, fields: Mapping[str, Any]) -> Channel:
    """`fields` with `credentials` in the open. Raises BadRequest."""
    values = dict(fields)
    credentials = check_credentials(values["provider"], values.pop("credentials", {}))
    return stored(Channel(**values, credentials=sealed(credentials), secret=new_secret()))


def change_channel(channel_id: int, *, fields: Mapping[str, Any]) -> Channel:
    """What is absent stays; credentials come whole or not at all, and with another provider they must.

    Whoever changes them has mended it: nothing waits any longer. Raises NotFound, BadRequest.
    """
    values = dict(fields)
    with transaction.atomic():
        channel = locked(Channel.objects.all(), channel_id)
        provider = values.get("provider", channel.provider)
        if "credentials" in values or provider != channel.provider:
            values["credentials"] = sealed(check_credentials(provider, values.get("credentials", {})))
        if values:
            values |= {"failures": 0, "paused_until": None, "down_told_at": None}
        return store_changes(channel, values)


def remove_channel(channel_id: int) -> None:
    """Its messages stay in the log. Raises NotFound."""
    with transaction.atomic():
        locked(Channel.objects.all(), channel_id).delete()


def send_test(channel_id: int, *, to: str, region: str | None, now: datetime) -> Message:
    """A text to this number, due at once. Raises NotFound, BadRequest."""
    channel = found(Channel.objects.all(), channel_id)
    number = e164(to, region=region)
    if number is None:
        raise BadRequest.field("to", "This is no telephone number; write it as +31612345678.")
    once_key = f"{TEST}:{channel.pk}:{uuid.uuid4().hex}"
    due = Due(
        type=TEST,
        once_key=once_key,
        run_at=now,
        to=number,
        payload={"channel_id": channel.pk},
        channel=SMS,
    )
    with transaction.atomic():
        outbox.enqueue([due], now=now)
        return Message.objects.get(job__once_key=once_key)


def check_credentials(provider: str, credentials: Mapping[str, str]) -> dict[str, str]:
    """Exactly what this provider needs and may have, and no more. Raises BadRequest (`credentials`)."""
    needs = provider_named(provider)
    given = {name: value.strip() for name, value in credentials.items() if value.strip()}
    missing = [name for name in needs.required if name not in given]
    unknown = sorted(set(given) - {*needs.required, *needs.optional})
    odd = sorted(name for name, value in given.items() if not _fits_a_header(value))
    if missing:
        raise BadRequest.field("credentials", f"{provider} also needs: {', '.join(missing)}.")
    if unknown:
        raise BadRequest.field("credentials", f"{provider} has no: {', '.join(unknown)}.")
    if odd:
        raise BadRequest.field("credentials", f"Copy it again, there are odd signs in: {', '.join(odd)}.")
    return given


def _fits_a_header(value: str) -> bool:
    """Else every text would end as uncertain, before any of it has left."""
    return value.isascii() and value.isprintable() and " " not in value
