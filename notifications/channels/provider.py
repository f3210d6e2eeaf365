"""What a provider of texts is to us: a way to hand one over, and the form of what it sends back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, Protocol

from django.utils import timezone

from notifications.channels.wire import Reply, Wire
from notifications.handlers import RefusedForGood, TryLater
from notifications.mail import OutcomeUnknown

LONGEST_CODE = 60


class OptedOutThere(Exception):
    """The provider keeps its own list, and this number is on it."""


class ChannelDown(TryLater):
    """Nothing leaves by this channel until somebody mends it: a wrong key, no credit."""


class State(StrEnum):
    """What a receipt says."""

    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One text. `number` is E.164; `reference` comes back in receipts; `receipts_url` is where to."""

    number: str
    sender: str
    text: str
    reference: str
    receipts_url: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider has it. `cost` in `currency`, where it says so."""

    provider_id: str
    cost: Decimal | None = None
    currency: str = ""


@dataclass(frozen=True, slots=True)
class Called:
    """A request of a provider, as it came. `url`: PUBLIC_URL with its path and query; `form`: a form body's
    fields, `query` those of the address; `data` the JSON of a body, else an empty object."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    query: Mapping[str, str]
    form: Mapping[str, str]
    data: Any

    @property
    def fields(self) -> Mapping[str, str]:
        return {**self.query, **self.form}


@dataclass(frozen=True, slots=True)
class Delivery:
    """A receipt. `state` None: news that is none for us."""

    provider_id: str
    state: State | None
    reference: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class Written:
    """A text that somebody wrote back; `number` as the provider writes it."""

    provider_id: str
    number: str
    text: str


class Provider(Protocol):
    required: tuple[str, ...]
    """The names of its credentials."""

    optional: tuple[str, ...]

    answers_stop_itself: bool
    """It confirms a STOP, and takes nothing for that number from then on."""

    @property
    def base(self) -> str:
        """The address of its server."""

    def hand_over(self, wire: Wire, text: Outgoing, credentials: Mapping[str, str]) -> Accepted:
        """Once. Raises TryLater (known not accepted), ChannelDown, RefusedForGood, OptedOutThere,
        OutcomeUnknown."""

    def is_signed(self, called: Called, credentials: Mapping[str, str], *, now: datetime) -> bool:
        """By the provider, and not long ago where it says when."""

    def signs(self, credentials: Mapping[str, str]) -> bool:
        """Whether its requests can be checked with these credentials."""

    def delivery(self, called: Called) -> Delivery | None:
        """What a receipt says; None where it is none."""

    def reply(self, called: Called) -> Written | None:
        """What somebody wrote; None where it is nothing of the kind."""


def known_not_accepted(reply: Reply, said: str) -> TryLater:
    after = None if reply.retry_after is None else timezone.now() + timedelta(seconds=reply.retry_after)
    return TryLater(f"The provider did not take the text: {said}", after=after)


def raise_for_status(reply: Reply, said: str) -> None:
    """What an HTTP status alone says; nothing for one that is below 400.

    429 and 503 are said before anything is done. After any other 5xx nobody knows.
    """
    if reply.status in (429, 503):
        raise known_not_accepted(reply, said)
    if reply.status in (401, 403):
        raise ChannelDown(f"The provider refuses the credentials: {said}")
    if reply.status >= 500:
        raise OutcomeUnknown(f"The provider failed: {said}")
    if reply.status >= 300:
        raise RefusedForGood(f"The provider refused the text: {said}")


def amount(said: Any) -> Decimal | None:
    """A price as a provider writes it, without its sign; None where there is none."""
    if said is None or isinstance(said, bool):
        return None
    try:
        found = abs(Decimal(str(said)))
    except InvalidOperation:
        return None
    return found.quantize(Decimal("0.0001")) if found.is_finite() and found < 100_000 else None


def plain(said: Any, *, longest: int = LONGEST_CODE) -> str:
    """A provider's word as it can be kept."""
    text = said if isinstance(said, str) else "" if said is None else str(said)
    return "".join(each for each in text if each.isprintable())[:longest]
