"""Sets of instants, each the bits of one number: what is asked of every minute is asked of all at once.

Bit N of a set is the instant N ticks after the axis begins, and stands for the stretch up to the next tick.
Shifting and masking one number answers for two weeks what a loop would ask twenty thousand times.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from staff.salon.schedule import Stretch

ONE_SECOND = timedelta(seconds=1)
DAY_SECONDS = 24 * 60 * 60
_PIECE = 1024


@dataclass(frozen=True, slots=True)
class Axis:
    """`size` instants from `origin` (UTC) on, `tick` apart: a number of whole seconds."""

    origin: datetime
    tick: timedelta
    size: int

    @property
    def all(self) -> int:
        return (1 << self.size) - 1

    def at(self, place: int) -> datetime:
        return self.origin + place * self.tick

    def place(self, instant: datetime) -> int:
        """The tick that has begun by `instant`; it may lie outside the axis."""
        return (instant - self.origin) // self.tick

    def place_after(self, instant: datetime) -> int:
        """The first tick that begins at `instant` or later."""
        return -((self.origin - instant) // self.tick)

    def touched(self, stretches: Iterable[tuple[datetime, datetime]]) -> int:
        """The ticks that have something in common with a stretch."""
        return self._joined(self._runs(stretches))

    def _runs(self, stretches: Iterable[tuple[datetime, datetime]]) -> Iterator[tuple[int, int]]:
        """As `place` and `place_after` say, in whole seconds, which are quicker divided than timedeltas:
        somebody's busy times are hundreds."""
        origin, tick = self.origin, self.tick // ONE_SECOND
        for begin, end in stretches:
            since, until = begin - origin, origin - end
            yield (
                (since.days * DAY_SECONDS + since.seconds) // tick,
                -((until.days * DAY_SECONDS + until.seconds) // tick),
            )

    def covered(self, stretches: Iterable[Stretch]) -> int:
        """The ticks that lie inside a stretch as a whole."""
        return self._joined((self.place_after(begin), self.place(end)) for begin, end in stretches)

    def _joined(self, runs: Iterable[tuple[int, int]]) -> int:
        # In pieces, put together at the end: a run added to a number costs as much as the number is long.
        size, pieces = self.size, defaultdict[int, int](int)
        for begin, end in runs:
            if begin < 0:
                begin = 0
            if end > size:
                end = size
            if begin < end:
                pieces[begin // _PIECE] |= ((1 << (end - begin)) - 1) << begin % _PIECE
        found = 0
        for piece, places in pieces.items():
            found |= places << piece * _PIECE
        return found


def lasting(places: int, length: int) -> int:
    """The places from which on `length` ticks (at least one) are all among `places`."""
    known = 1
    while known < length:
        more = min(known, length - known)
        places &= places >> more
        known += more
    return places


def spread(places: int, *, times: int, step: int) -> int:
    """Each place, and those 1 to `times` steps of `step` ticks after it (before it, of a step below 0)."""
    reached = 0
    while reached < times:
        more = min(reached + 1, times - reached)
        places |= places << more * step if step > 0 else places >> more * -step
        reached += more
    return places


def places_of(places: int) -> Iterator[int]:
    """The places of a set, the earliest first."""
    while places:
        lowest = places & -places
        yield lowest.bit_length() - 1
        places ^= lowest
