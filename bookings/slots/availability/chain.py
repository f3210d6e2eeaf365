"""The items of a visit on an axis of instants, and what may be possible: asked of every start at once.

Items that begin at one instant (`same_start`) are a group; the next group begins once all of it has ended.
What is said here forgets the buffers between items and that one person cannot do two items of a group: it
finds too much, never too little, and costs a few operations on numbers. `chain_search` finds exactly.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from bookings.slots.availability.fits import Fit
from bookings.slots.availability.instants import spread

Team = frozenset[int]
"""The ids of the people who do a visit between them."""


@dataclass(frozen=True, slots=True)
class Item:
    """`fits` by staff id. `fixed` is the only place at which it may begin, however long the wait is then."""

    fits: Mapping[int, Fit]
    with_previous: bool = False
    fixed: int | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """In ticks: between groups at most `waits` times `step`, from first start to last end `longest`."""

    waits: int
    step: int
    longest: int


class Chain:
    """`everything`: every place of the axis."""

    def __init__(self, items: Sequence[Item], *, limits: Limits, everything: int) -> None:
        self.limits = limits
        self.everything = everything
        self.fits = [_by_id(item) for item in items]
        self.groups: list[list[int]] = []
        self.group_of: list[int] = []
        for number, item in enumerate(items):
            if item.with_previous and self.groups:
                self.groups[-1].append(number)
            else:
                self.groups.append([number])
            self.group_of.append(len(self.groups) - 1)
        fixed = [[items[each].fixed for each in group] for group in self.groups]
        self.fixed = [next((each for each in one if each is not None), None) for one in fixed]
        """For each group, the only place at which it may begin."""
        self._outer = [
            {who: self._with_outer_buffers(item, fit) for who, fit in fits.items()}
            for item, fits in enumerate(self.fits)
        ]
        self.everybody: Team = frozenset().union(*self.fits)
        self.anybody = self.possible(self.everybody)
        lengths = (max((fit.length for fit in fits.values()), default=0) for fits in self.fits)
        waits = (len(self.groups) - 1) * limits.waits * limits.step
        self.may_last_too_long = sum(lengths) + waits > limits.longest

    def __len__(self) -> int:
        return len(self.fits)

    def possible(self, people: Team, *, until: int | None = None) -> list[int]:
        """The starts of the first group, then for each later group the ends before it, from which the rest
        may be possible with these people; at last, where all may end (`until`: at the latest)."""
        ahead = [self.everything if until is None else (1 << until + 1) - 1]
        for number in reversed(range(len(self.groups))):
            starts = self._group_starts(number, people, ahead[0])
            ahead.insert(0, self._ends_before(number, starts) if number else starts)
        return ahead

    def teams(self, starts: int, number: int) -> Iterator[Team]:
        """Who may do everything from one of `starts`, `number` people each; some may hold people too many."""
        useful = self._useful(starts)
        needed = frozenset().union(*(who for who in useful if len(who) == 1))
        others = sorted(frozenset().union(*useful) - needed)
        if not all(useful) or number < max(len(needed), *map(len, self.groups)):
            return
        teams = (needed.union(more) for more in combinations(others, number - len(needed)))
        yield from (team for team in teams if all(team & who for who in useful))

    def _useful(self, starts: int) -> list[Team]:
        """For each item, who fits anywhere it may be on the way from one of `starts` to the end."""
        useful: list[Team] = []
        begins = starts
        for number, group in enumerate(self.groups):
            begins &= self._group_starts(number, self.everybody, self.anybody[number + 1])
            ends = 0
            for item in group:
                fitting = [who for who, outer in self._outer[item].items() if outer & begins]
                useful.append(frozenset(fitting))
                for length in {self.fits[item][who].length for who in fitting}:
                    ends |= begins << length
            if number + 1 < len(self.groups):
                begins = self._starts_after(number + 1, ends)
        return useful

    def _group_starts(self, group: int, people: Team, ends: int) -> int:
        """Where a group may begin so that it ends at one of `ends`."""
        options = [
            [
                (self.fits[item][who].length, outer)
                for who, outer in self._outer[item].items()
                if who in people
            ]
            for item in self.groups[group]
        ]
        found = 0
        if len(options) == 1:
            for length, outer in options[0]:
                found |= outer & ends >> length
            return found
        for longest in {length for each in options for length, _ in each}:
            begins = ends >> longest
            for each in options:
                fitting = 0
                for length, outer in each:
                    if length <= longest:
                        fitting |= outer
                begins &= fitting
            found |= begins
        return found

    def _with_outer_buffers(self, item: int, fit: Fit) -> int:
        """The starts of an item; the buffers before and after the visit are certain."""
        starts = fit.starts
        if self.group_of[item] == 0:
            starts &= fit.before_free
        if self.group_of[item] == len(self.groups) - 1:
            starts &= fit.after_free >> fit.length
        return starts

    def _starts_after(self, group: int, ends: int) -> int:
        fixed = self.fixed[group]
        if fixed is not None:
            return 1 << fixed
        return spread(ends, times=self.limits.waits, step=self.limits.step)

    def _ends_before(self, group: int, starts: int) -> int:
        fixed = self.fixed[group]
        if fixed is not None:
            return (1 << fixed + 1) - 1 if starts >> fixed & 1 else 0
        return spread(starts, times=self.limits.waits, step=-self.limits.step)


def longest_buffers(fits: Iterable[Mapping[int, Fit]]) -> list[dict[int, int]]:
    """For each item, and for the end of the visit: the longest buffer before that each person who may do it,
    or a later one, has from there on."""
    longest: list[dict[int, int]] = [{}]
    for each in reversed(list(fits)):
        later = longest[0]
        longest.insert(0, later | {who: max(fit.before, later.get(who, 0)) for who, fit in each.items()})
    return longest


def _by_id(item: Item) -> dict[int, Fit]:
    """Its fits, the lowest id first, at its only place if it has one."""
    fits = dict(sorted(item.fits.items()))
    if item.fixed is None:
        return fits
    return {who: fit._replace(starts=fit.starts & 1 << item.fixed) for who, fit in fits.items()}
