"""A booking with changes merged in: what differs, and what follows from that (contract §1.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bookings.lifecycle.outcome import Before
from bookings.models import Booking

CHANGEABLE = frozenset(
    {
        "client_id",
        "staff_id",
        "service_id",
        "location_id",
        "staff_requested",
        "start_at",
        "end_at",
        "status",
        "status_detail",
        "notes",
        "internal_notes",
        "persons",
        "price",
        "parts",
        "foreign_data",
        "amelia_deleted",
    }
)
"""The fields `change` takes: everything else of a booking follows from these."""

SLOT = frozenset({"start_at", "end_at", "staff_id", "service_id", "parts"})
"""What decides where the booking's busy times are (a service brings its own buffers and parts)."""

UNAUDITED = frozenset({"status", "foreign_data", "amelia_deleted"})
"""The status has its own columns in the audit row; the others are a dialect's echo."""


@dataclass(slots=True)
class Edit:
    """A locked booking with the changes merged in, not saved yet."""

    booking: Booking
    before: Before
    stored: dict[str, Any]

    def touches(self, *names: str) -> bool:
        # All of CHANGEABLE is there: `merged` has read it.
        present = vars(self.booking)
        return any(present[name] != self.stored[name] for name in names)

    @property
    def differing(self) -> list[str]:
        return [name for name in sorted(CHANGEABLE) if self.touches(name)]

    @property
    def reopened(self) -> bool:
        return self.booking.stands and not self.before.stood

    @property
    def returns(self) -> bool:
        """It takes up the place that it had."""
        return self.reopened and not self.touches(*SLOT)

    @property
    def needs_slot(self) -> bool:
        """Busy times have to be written anew, and the database asked anew."""
        return self.booking.stands and (self.reopened or self.touches(*SLOT))


def merged(booking: Booking, changes: Mapping[str, Any]) -> Edit:
    """Assign the changes; another status resets the detail unless the change names one."""
    if unknown := set(changes) - CHANGEABLE:
        raise ValueError(f"not changeable: {sorted(unknown)}")
    edit = Edit(
        booking=booking,
        before=Before.of(booking),
        stored={name: getattr(booking, name) for name in CHANGEABLE},
    )
    for name, value in changes.items():
        setattr(booking, name, value)
    if edit.touches("status") and "status_detail" not in changes:
        booking.status_detail = ""
    return edit
