"""Where a provider sends receipts and replies: their secret is part of the address, and in no log."""

from __future__ import annotations

import secrets

from notifications.models import Channel
from staff.salon.base_urls import public_url

SECRET_BYTES = 16


def new_secret() -> str:
    """128 random bits."""
    return secrets.token_urlsafe(SECRET_BYTES)


def receipts_url(channel: Channel) -> str:
    return public_url("", f"/api/channels/{channel.pk}/receipts/{channel.secret}")


def inbound_url(channel: Channel) -> str:
    return public_url("", f"/api/channels/{channel.pk}/inbound/{channel.secret}")
