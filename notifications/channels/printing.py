"""Channels, opt-outs and inbound texts as they stand on the wire (contract §10). Times are the salon's."""

from __future__ import annotations

from typing import Annotated, TypedDict
from zoneinfo import ZoneInfo

from notifications.channels.addresses import inbound_url, receipts_url
from notifications.models import Channel, InboundText, Message, OptOut
from staff.wire.answers import Count, Id, When, one_of
from staff.wire.times import print_when


class ChannelJson(TypedDict):
    """A provider of texts with the salon's account there; what it logs in with is never shown."""

    id: Id
    kind: Annotated[str, one_of(Channel.Kind.choices)]
    provider: Annotated[str, one_of(Channel.Provider.choices)]
    name: str
    sender: str
    is_active: bool
    daily_cap: Count
    unsigned_inbound: bool
    sent_today: Annotated[Count, "Texts that count for today's cap."]
    paused_until: Annotated[When | None, "Until when nothing is tried, after failures in a row."]
    receipts_url: Annotated[str, "Where the provider says what became of a text."]
    inbound_url: Annotated[str, "Where the provider sends replies."]
    created_at: When


class TestJson(TypedDict):
    """A text that is on its way."""

    message_id: Id
    job_id: Id
    to: str


class OptOutJson(TypedDict):
    """A number that gets no texts."""

    id: Id
    number: Annotated[str, "Empty after its client was erased."]
    source: Annotated[str, one_of(OptOut.Source.choices)]
    created_at: When
    lifted_at: When | None
    lifted_by: Id | None
    lifted_because: str


class InboundTextJson(TypedDict):
    """What somebody wrote back."""

    id: Id
    number: str
    client_id: Annotated[Id | None, "The one client with this number, if there is exactly one."]
    text: str
    meaning: Annotated[str, one_of(InboundText.Meaning.choices)]
    received_at: When


def channel_json(channel: Channel, *, zone: ZoneInfo, today: object) -> ChannelJson:
    """`today`: the salon's date."""
    return {
        "id": channel.pk,
        "kind": channel.kind,
        "provider": channel.provider,
        "name": channel.name,
        "sender": channel.sender,
        "is_active": channel.is_active,
        "daily_cap": channel.daily_cap,
        "unsigned_inbound": channel.unsigned_inbound,
        "sent_today": channel.counted if channel.counted_on == today else 0,
        "paused_until": print_when(channel.paused_until, zone=zone),
        "receipts_url": receipts_url(channel),
        "inbound_url": inbound_url(channel),
        "created_at": print_when(channel.created_at, zone=zone),
    }


def test_json(message: Message) -> TestJson:
    return {"message_id": message.pk, "job_id": message.job_id, "to": message.to}


def opt_out_json(row: OptOut, *, zone: ZoneInfo) -> OptOutJson:
    return {
        "id": row.pk,
        "number": row.number,
        "source": row.source,
        "created_at": print_when(row.created_at, zone=zone),
        "lifted_at": print_when(row.lifted_at, zone=zone),
        "lifted_by": row.lifted_by,
        "lifted_because": row.lifted_because,
    }


def inbound_json(row: InboundText, *, zone: ZoneInfo) -> InboundTextJson:
    return {
        "id": row.pk,
        "number": row.number,
        "client_id": row.client_id,
        "text": row.text,
        "meaning": row.meaning,
        "received_at": print_when(row.received_at, zone=zone),
    }
