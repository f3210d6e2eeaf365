"""By which channel a client is told: mail, or a text where they have no mail address (contract §10).

Names: Way, way_to, by_text.
"""

from __future__ import annotations

from typing import NamedTuple

from clients.models import Client
from clients.numbers import textable
from notifications.channels.active import any_active
from notifications.models import EMAIL, SMS
from staff.models import SalonSettings


class Way(NamedTuple):
    """`to`: a mail address or a number (E.164) as known now; "" where there is none."""

    channel: str
    to: str


def way_to(client: Client | None, *, salon: SalonSettings | None = None) -> Way:
    """By text where they have no mail address, the salon wants it so and has a channel for it."""
    if client is None:
        return Way(EMAIL, "")
    if client.email or not by_text(salon=salon):
        return Way(EMAIL, client.email)
    return Way(SMS, textable(client))


def by_text(*, salon: SalonSettings | None = None) -> bool:
    """Whether who has no mail address is told by a text. One statement at most, and none where it is off."""
    return (salon or SalonSettings.load()).sms_when_no_mail and any_active()
