"""Which module speaks to which provider."""

from __future__ import annotations

from notifications.channels.provider import Provider
from notifications.channels.seven import Seven
from notifications.channels.twilio import Twilio
from notifications.models import Channel

_PROVIDERS: dict[str, Provider] = {
    Channel.Provider.SEVEN: Seven(),
    Channel.Provider.TWILIO: Twilio(),
}


def provider_of(channel: Channel) -> Provider:
    return provider_named(channel.provider)


def provider_named(name: str) -> Provider:
    return _PROVIDERS[name]
