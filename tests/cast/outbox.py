"""Job types of the outbox' own tests, and a mail server on loopback that behaves as it is told."""

from __future__ import annotations

import asyncio
import email
import email.policy
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from notifications import outbox
from notifications.execution import run_due
from notifications.handlers import Mail
from notifications.models import Job, Message
from notifications.outbox import Due
from notifications.registry import handler_at
from tests.cast.servers import free_port

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)

HANDLERS = {
    "test.counted": "tests.cast.outbox.Counted",
    "test.optional": "tests.cast.outbox.Optional",
    "test.effect": "tests.cast.outbox.EffectCast",
}


class MailCast:
    """A mail handler that says what its attributes say, and keeps what it was told."""

    client_counts_on_it: bool

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.mail: dict[str, Any] = {}
        self.raises: Exception | None = None
        self.sent_raises: Exception | None = None
        self.composed = 0
        self.told: list[tuple[int, str]] = []

    def compose(self, job: Job, *, now: datetime) -> Mail:
        self.composed += 1
        if self.raises:
            raise self.raises
        plain = {
            "to": "alice@example.com",
            "locale": "en",
            "subject": "Hello",
            "text": "Hi Alice",
            "html": "",
        }
        return Mail(**(plain | self.mail))

    def sent(self, job: Job, message: Message, *, now: datetime) -> None:
        if self.sent_raises:
            raise self.sent_raises
        self.told.append((job.pk, message.state))


class Counted(MailCast):
    type = "test.counted"
    client_counts_on_it = True


class Optional(MailCast):
    type = "test.optional"
    client_counts_on_it = False


class EffectCast:
    """An effect handler likewise; `called` counts what reached the outside."""

    type = "test.effect"
    client_counts_on_it = True

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.raises: Exception | None = None
        self.called = 0
        self.finished: list[str] = []

    def prepare(self, job: Job, *, now: datetime) -> str:
        return f"prepared {job.once_key}"

    def call(self, job: Job, prepared: Any, *, now: datetime) -> str:
        self.called += 1
        if self.raises:
            raise self.raises
        return "cs_1"

    def done(self, job: Job, prepared: Any, external_id: str, *, now: datetime) -> None:
        self.finished.append(external_id)


counted = cast(MailCast, handler_at(HANDLERS["test.counted"]))
optional = cast(MailCast, handler_at(HANDLERS["test.optional"]))
effect = cast(EffectCast, handler_at(HANDLERS["test.effect"]))


def cast_handlers(settings: Any) -> None:
    """These handlers beside the product's, as new."""
    settings.HANDLERS = settings.HANDLERS | HANDLERS
    settings.JOB_LEASE_SECONDS = 120
    for handler in (counted, optional, effect):
        handler.reset()


def due(name: str = "1", **fields: Any) -> Due:
    """A mail about booking 7 to client 5, due at NOON, unless said otherwise."""
    plain = {
        "type": "test.counted",
        "once_key": name,
        "run_at": NOON,
        "booking_id": 7,
        "client_id": 5,
        "recipient": "client:5",
        "to": "alice@example.com",
    }
    return Due(**(plain | fields))


def enqueue(*dues: Due, now: datetime = NOON) -> list[Job]:
    """The jobs these became."""
    outbox.enqueue(dues, now=now)
    return [Job.objects.get(once_key=each.once_key) for each in dues]


def claimed(*, now: datetime = NOON) -> Job:
    job = outbox.claim(now=now)
    assert job is not None
    return job


def run(at_most: int = 100) -> int:
    """A worker's round."""
    return run_due(at_most=at_most)


def row(job: Job, *names: str) -> dict[str, Any]:
    return Job.objects.values(*names).get(pk=job.pk)


def states() -> dict[str, str]:
    return dict(Job.objects.values_list("once_key", "state"))


def outcome() -> dict[str, Any]:
    """The only job and its message."""
    return {
        **Job.objects.values("state", "sends", "attempts", "last_error").get(),
        "message": Message.objects.values("state", "reason").get(),
    }


class Sink:
    """What an SMTP server on loopback was given, and what it answers.

    `answers` maps MAIL, RCPT or DATA to a line such as "451 later". After the bytes of a mail `after_data`
    is "hang" (say nothing), "slow" (answer after a second) or "reset" (cut the connection). `most_in_hand`
    mails were at once between their sender's MAIL and our answer to their content.
    """

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.envelopes: list[Envelope] = []
        self.answers: dict[str, str] = {}
        self.after_data = ""
        self.sessions = 0
        self.in_hand = 0
        self.most_in_hand = 0
        self.host = "127.0.0.1"
        self.port = 0

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        self.sessions += 1
        session.host_name = hostname
        return responses

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if "MAIL" in self.answers:
            return self.answers["MAIL"]
        self.in_hand += 1
        self.most_in_hand = max(self.most_in_hand, self.in_hand)
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if "RCPT" in self.answers:
            return self.answers["RCPT"]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if "DATA" in self.answers:
            return self.answers["DATA"]
        content = envelope.content
        assert isinstance(content, bytes)
        parsed = email.message_from_bytes(content, policy=email.policy.default)
        assert isinstance(parsed, EmailMessage)
        self.mails.append(parsed)
        self.envelopes.append(envelope)
        if self.after_data == "reset":
            server.transport.abort()
        if self.after_data == "hang":
            await asyncio.sleep(60)
        if self.after_data == "slow":
            await asyncio.sleep(1)
        if self.after_data == "until two are in hand":
            for _ in range(1000):
                if self.most_in_hand > 1:
                    break
                await asyncio.sleep(0.05)
        self.in_hand -= 1
        return "250 OK"

    @property
    def message_ids(self) -> list[str]:
        return [mail["Message-ID"] for mail in self.mails]


@contextmanager
def mail_sink(**controller_options: Any) -> Iterator[Sink]:
    """A running SMTP server that fills a Sink."""
    sink = Sink()
    sink.port = free_port()
    controller = Controller(sink, hostname=sink.host, port=sink.port, **controller_options)
    controller.start()
    try:
        yield sink
    finally:
        controller.stop()


def send_to(settings: Any, port: int) -> None:
    """Let the outbox hand its mails to this port of loopback, which may take its time on a busy machine."""
    settings.EMAIL_URL = f"smtp://127.0.0.1:{port}"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", port, 60
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    settings.DEFAULT_FROM_EMAIL = "Salon Zonne <desk@salon.example>"
