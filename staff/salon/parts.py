"""The parts of a service: what the person does, and gaps in which they are free for others (contract §7).

A list as it is **kept** (of a service, of a person's own minutes, of a booking) is empty where there is but
one part: work from its start to its end. On the wire there is always the list in full.

Names: PartJson, Parts, Duration; check_parts, as_kept, in_full, total_minutes, fitted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, TypedDict

from staff.models import Service, ServiceDuration
from staff.wire.answers import Number, one_of
from staff.wire.refusals import BadRequest

WORK, GAP = "work", "gap"
KINDS = (WORK, GAP)
MOST_PARTS = 5
SHORTEST_GAP, LONGEST_GAP = 5, 480
LONGEST_MINUTES = 1440
SHORTEST_LAST_PART = 5
"""Minutes that must be left for the last part of a booking that is shorter or longer than its parts."""

ONE_MINUTE = timedelta(minutes=1)


class PartJson(TypedDict):
    """What the person does (`work`), or a `gap` in which they are free for somebody else."""

    kind: Annotated[str, one_of(KINDS)]
    minutes: Number


Parts = Sequence[PartJson]


@dataclass(frozen=True, slots=True)
class Duration:
    """How long a service takes, at all or with one person: `minutes` is the sum of its `parts` as kept."""

    minutes: int
    parts: Parts = ()

    @classmethod
    def of(cls, row: Service | ServiceDuration) -> Duration:
        return cls(row.duration_minutes, row.parts)

    @property
    def length(self) -> timedelta:
        return timedelta(minutes=self.minutes)

    @property
    def in_full(self) -> list[PartJson]:
        return in_full(self.parts, minutes=self.minutes)


def check_parts(parts: Parts) -> None:
    """Raises BadRequest for a list in full that breaks a rule of contract §7."""
    if not 1 <= len(parts) <= MOST_PARTS:
        raise BadRequest.field("parts", f"send 1 to {MOST_PARTS} parts.")
    if parts[0]["kind"] != WORK or parts[-1]["kind"] != WORK:
        raise BadRequest.field("parts", "the first and the last part must be work.")
    if any(each["minutes"] < 1 for each in parts):
        raise BadRequest.field("parts", "a part takes at least 1 minute.")
    if any(each["kind"] == GAP and not SHORTEST_GAP <= each["minutes"] <= LONGEST_GAP for each in parts):
        raise BadRequest.field("parts", f"a gap takes {SHORTEST_GAP} to {LONGEST_GAP} minutes.")
    if total_minutes(parts) > LONGEST_MINUTES:
        raise BadRequest.field("parts", f"together the parts take at most {LONGEST_MINUTES} minutes.")


def total_minutes(parts: Parts) -> int:
    return sum(each["minutes"] for each in parts)


def as_kept(parts: Parts) -> list[PartJson]:
    """A list in full as it is kept: several parts as sent, one is none."""
    return [] if len(parts) == 1 else list(parts)


def in_full(parts: Parts, *, minutes: int) -> list[PartJson]:
    """Kept `parts` as the wire has them; `minutes` is what they take together."""
    return list(parts) or [{"kind": WORK, "minutes": minutes}]


def fitted(parts: Parts, length: timedelta) -> list[PartJson]:
    """Kept `parts` in a booking that lasts `length`: the last one takes the difference.

    Where that would leave too little of it, there is one part over the whole time (contract §7 "times against
    parts").
    """
    difference = length // ONE_MINUTE - total_minutes(parts)
    if not parts or not difference:
        return list(parts)
    last = parts[-1]["minutes"] + difference
    return [*parts[:-1], {"kind": WORK, "minutes": last}] if last >= SHORTEST_LAST_PART else []
