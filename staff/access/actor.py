"""Who does something, as the door and the audit trail see it."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Actor:
    """The one who acts, and through which channel.

    `type` is "staff", "api_key", "client" or "system"; `id` is the staff, key or client id.
    `agenda_of` is the staff id an actor is limited to when the personal agenda is on (contract
    §1.3 "who"), else None. `channel` is "api", "admin", "link", "page", "public", "job",
    "simplespa", "amelia", "eagenda" or "command".
    """

    type: str
    id: int | None
    name: str
    channel: str
    is_admin: bool = False
    agenda_of: int | None = None

    def through(self, channel: str) -> Actor:
        """The same one, coming through another channel."""
        return replace(self, channel=channel)


SYSTEM = Actor(type="system", id=None, name="Bookings", channel="job", is_admin=True)
"""Periodic jobs: sees everything."""
