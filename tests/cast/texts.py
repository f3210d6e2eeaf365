"""Channels, texts that are due, and what their providers send back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.test import Client as Browser

from notifications import outbox
from notifications.channels.addresses import inbound_url, receipts_url
from notifications.channels.records import add_channel
from notifications.execution import run_due
from notifications.handlers import Text
from notifications.models import SMS, Channel, Job, Message
from notifications.outbox import Due
from notifications.registry import handler_at
from tests.cast.text_server import (
    ACCOUNT,
    AUTH_TOKEN,
    SEVEN_KEY,
    SIGNING_KEY,
    TextServer,
    seven_call,
    text_server,
    twilio_call,
)

NUMBER, OTHER = "+31612345678", "+31687654321"
CREDENTIALS = {
    "seven": {"api_key": SEVEN_KEY, "signing_key": SIGNING_KEY},
    "twilio": {"account_sid": ACCOUNT, "auth_token": AUTH_TOKEN},
}
PROVIDERS = tuple(CREDENTIALS)


class SpokenCast:
    """A handler of texts that says what its attributes say, and keeps what it was told."""

    type = "test.text"
    client_counts_on_it = True

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.raises: Exception | None = None
        self.fields: dict[str, Any] = {}
        self.told: list[tuple[int, str]] = []

    def compose_text(self, job: Job, *, now: datetime) -> Text:
        if self.raises:
            raise self.raises
        plain = {"to": Message.objects.get(job=job).to, "locale": "en", "text": f"Hello {job.once_key}"}
        return Text(**(plain | self.fields))

    def sent(self, job: Job, message: Message, *, now: datetime) -> None:
        self.told.append((job.pk, message.state))


def spoken(settings: Any) -> SpokenCast:
    """The handler of `test.text`, as new."""
    path = "tests.cast.texts.SpokenCast"
    settings.HANDLERS = {**settings.HANDLERS, SpokenCast.type: path}
    handler = handler_at(path)
    assert isinstance(handler, SpokenCast)
    handler.reset()
    return handler


@contextmanager
def provider_for(settings: Any) -> Iterator[TextServer]:
    """A provider on loopback where both modules look for theirs."""
    with text_server() as provider:
        settings.SEVEN_API_BASE = settings.TWILIO_API_BASE = provider.url
        yield provider


def make_channel(provider: str = "seven", **fields: Any) -> Channel:
    plain = {"provider": provider, "name": provider, "sender": "Salon", "credentials": CREDENTIALS[provider]}
    return add_channel(fields=plain | fields)


def owe(*keys: str, to: str = NUMBER, now: datetime, type: str = SpokenCast.type, **fields: Any) -> None:
    outbox.enqueue(
        [Due(type=type, once_key=key, run_at=now, to=to, channel=SMS, **fields) for key in keys], now=now
    )


def send_due() -> int:
    return run_due(at_most=100)


def text_states() -> dict[str, tuple[str, str, str]]:
    """By once_key: the job's state, its message's state and reason."""
    return {
        job.once_key: (job.state, job.message.state, job.message.reason)
        for job in Job.objects.filter(channel=SMS).select_related("message").order_by("id")
    }


def receipt(channel: Channel, *, id: str, state: str, reference: str = "", **changes: Any) -> int:
    """The status that the provider's signed receipt gets. `state`: sent, delivered or failed."""
    if channel.provider == "seven":
        word = {"sent": "TRANSMITTED", "delivered": "DELIVERED", "failed": "NOTDELIVERED"}[state]
        data = {"msg_id": id, "status": word, **({"foreign_id": reference} if reference else {})}
        call = seven_call(receipts_url(channel), "dlr", data, **changes)
    else:
        word = {"sent": "sent", "delivered": "delivered", "failed": "undelivered"}[state]
        url = receipts_url(channel) + (f"?ref={reference}" if reference else "")
        call = twilio_call(url, {"MessageSid": f"SM{id}", "MessageStatus": word}, **changes)
    return Browser().post(**call).status_code


def write_back(channel: Channel, text: str, *, id: str = "1", number: str = NUMBER, **changes: Any) -> int:
    """The status that a signed reply gets."""
    if channel.provider == "seven":
        data = {"id": id, "sender": number.removeprefix("+"), "system": "4915", "text": text}
        call = seven_call(inbound_url(channel), "sms_mo", data, **changes)
    else:
        fields = {"MessageSid": f"SM{id}", "From": number, "To": "+15005550006", "Body": text}
        call = twilio_call(inbound_url(channel), fields, **changes)
    return Browser().post(**call).status_code
