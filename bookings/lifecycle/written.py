"""A booking that is made or changed, and has not set anything in motion yet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from bookings.lifecycle.outcome import Change, Outcome
from bookings.lifecycle.warnings import warnings_about
from bookings.slots.availability import Objection
from bookings.slots.warn_or_refuse import CLIENT_BUSY, client_is_busy
from notifications.outbox import Due


@dataclass(frozen=True, slots=True)
class Written:
    """What was saved and audited, with what speaks against its time."""

    made: Change
    objections: list[Objection]

    def where_it_stands(self) -> Written:
        """Once all of several are written: without a warning of another of them that had not left its place
        when this one was."""
        if CLIENT_BUSY not in self.objections or client_is_busy(self.made.booking):
            return self
        return replace(self, objections=[each for each in self.objections if each != CLIENT_BUSY])

    def outcome(self, *, dues: Iterable[Due]) -> Outcome:
        """`dues`: what the change owes. Of who walks in nothing is said: they are there."""
        if self.made.booking.client is not None and self.made.booking.client.is_walk_in:
            return Outcome(booking=self.made.booking)
        warnings = warnings_about(self.made, objections=self.objections, dues=dues)
        return Outcome(booking=self.made.booking, warnings=warnings)
