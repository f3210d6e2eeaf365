"""What stands in the calendar of somebody who opens every file that is mailed to them (RFC 5546)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from icalendar import Calendar

from notifications.models import Message

TAKES_OUT = "CANCELLED"


@dataclass
class ClientCalendar:
    """Events by UID: start, end, and whether it is confirmed. A lower SEQUENCE than known is refused."""

    events: dict[str, tuple[datetime, datetime]] = field(default_factory=dict)
    sequences: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, messages: Iterable[Message]) -> ClientCalendar:
        """After all of these, in the order in which they left."""
        calendar = cls()
        for message in messages:
            if message.ics:
                calendar.open(message.ics)
        return calendar

    def open(self, ics: str) -> None:
        for event in Calendar.from_ical(ics).walk("VEVENT"):
            uid, sequence = str(event["uid"]), int(event["sequence"])
            assert sequence >= self.sequences.get(uid, 0), f"{uid} falls back to {sequence}"
            self.sequences[uid] = sequence
            self.events.pop(uid, None)
            if str(event["status"]) != TAKES_OUT:
                self.events[uid] = (event.decoded("dtstart"), event.decoded("dtend"))
