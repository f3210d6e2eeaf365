"""Brute force over visits: every person and every minute of every item is tried (contract §7; docs/adr/0084).

The model knows no intervals, numbers of bits or states: it marks minutes, tries all assignments that the
rules allow, and takes the first in the order of preference.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache

from bookings.slots.availability.fits import CLIENTS, DESK

LONGEST = 12 * 60

Span = tuple[int, int]
Assignment = tuple[tuple[int, int], ...]
"""The person and the start of each item."""


@dataclass
class Person:
    """Spans are minutes. `load`: how many bookings they have that day."""

    hours: list[Span]
    away: list[Span]
    busy: list[Span]
    load: int
    keeps_hours: bool


@dataclass
class Wanted:
    """`parts` by person: minutes of work, gap, work, ... in turn."""

    parts: dict[int, list[int]]
    before: int
    after: int
    anybody: bool = False
    with_previous: bool = False
    fixed: int | None = None

    def length(self, who: int) -> int:
        return sum(self.parts[who])

    def work(self, who: int, start: int) -> Iterator[int]:
        """The minutes of its parts that are work."""
        for number, minutes in enumerate(self.parts[who]):
            if number % 2 == 0:
                yield from range(start, start + minutes)
            start += minutes


@dataclass
class Visits:
    people: dict[int, Person]
    items: list[Wanted]
    waits: int
    binding: frozenset[str] = field(default=CLIENTS)

    def __post_init__(self) -> None:
        self.is_busy = cache(self.busy)
        self.does_fit = cache(self.fits)

    def busy(self, who: int, minute: int) -> bool:
        return _inside(minute, self.people[who].busy)

    def load(self, who: int, start: int) -> int:
        return self.people[who].load

    def fits(self, item: int, who: int, start: int) -> bool:
        """Buffers aside."""
        person, wanted = self.people[who], self.items[item]
        if any(self.is_busy(who, minute) for minute in wanted.work(who, start)):
            return False
        bound = self.binding == CLIENTS or person.keeps_hours
        return (self.binding == DESK and not wanted.anybody) or all(
            (_inside(minute, person.hours) or not bound) and not _inside(minute, person.away)
            for minute in wanted.work(who, start)
        )

    def assignments(self, start: int, chosen: Assignment = ()) -> Iterator[Assignment]:
        """All (person, start) of the items after `chosen` that keep everything but buffers."""
        number = len(chosen)
        if number == len(self.items):
            yield chosen
            return
        wanted = self.items[number]
        for begins in self._begins(start, chosen):
            for who in wanted.parts:
                ends = begins + wanted.length(who)
                if ends > start + LONGEST or not self.does_fit(number, who, begins):
                    continue
                if any(
                    other == who and begins < earlier + self.items[place].length(who) and earlier < ends
                    for place, (other, earlier) in enumerate(chosen)
                ):
                    continue
                yield from self.assignments(start, (*chosen, (who, begins)))

    def _begins(self, start: int, chosen: Assignment) -> Sequence[int]:
        wanted = self.items[len(chosen)]
        if not chosen:
            begins: Sequence[int] = [start]
        elif wanted.with_previous:
            begins = [chosen[-1][1]]
        else:
            ended = max(begun + self.items[place].length(who) for place, (who, begun) in enumerate(chosen))
            if wanted.fixed is not None:
                return [wanted.fixed] if wanted.fixed >= ended else []
            begins = range(ended, ended + self.waits + 1)
        return [each for each in begins if wanted.fixed in (None, each)]

    def keeps_buffers(self, assignment: Assignment) -> bool:
        for number, (who, begins) in enumerate(assignment):
            wanted = self.items[number]
            ends = begins + wanted.length(who)
            mine = sorted(
                (begun, begun + self.items[place].length(who), place)
                for place, (other, begun) in enumerate(assignment)
                if other == who
            )
            place = mine.index((begins, ends, number))
            before, after = wanted.before, wanted.after
            if place > 0 and begins - mine[place - 1][1] < self.items[mine[place - 1][2]].after + before:
                before = 0
            following = mine[place + 1 : place + 2]
            if any(begun - ends < after + self.items[later].before for begun, _, later in following):
                after = 0
            minutes = [*range(begins - before, begins), *range(ends, ends + after)]
            if any(self.is_busy(who, minute) for minute in minutes):
                return False
        return True

    def best(self, start: int) -> Assignment | None:
        return min(
            (each for each in self.assignments(start) if self.keeps_buffers(each)),
            key=lambda each: (
                len({who for who, _ in each}),
                sum(self.load(who, start) for who in {who for who, _ in each}),
                [who for who, _ in each],
                [begins for _, begins in each],
            ),
            default=None,
        )


def _inside(minute: int, spans: Sequence[Span]) -> bool:
    return any(begin <= minute < end for begin, end in spans)
