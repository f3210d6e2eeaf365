"""Who does the items of a visit, and when, exactly. Knows nothing of rows, hours or clocks.

Times are places on an axis of ticks, sets of them are numbers (`instants`). The walk is not greedy: it goes
from group to group with **all** ends that the items so far can have, so a start that only fits where somebody
waits two minutes is found. What else matters of an assignment so far is whose last item ended so lately that
their next one may be its neighbour, with no buffers between them (`bookings.slots.neighbours`).

Assignments are preferred in a total order (docs/adr/0084): fewest people, then the fewest bookings that these
people have that day together, then the ids of the items' people one after the other, then the items' starts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, groupby, islice, pairwise
from operator import itemgetter
from typing import NamedTuple

from bookings.slots.availability.chain import Chain, Team, longest_buffers
from bookings.slots.availability.instants import places_of, spread
from bookings.slots.neighbours import least_apart

MOST_AT_ONCE = 50
"""Where more teams than this come into question, each start is tried by itself."""


class Chosen(NamedTuple):
    """An assignment: each item's person and start."""

    people: tuple[int, ...]
    starts: tuple[int, ...]


class Nearest(NamedTuple):
    """Where an item would begin after those before it. `neighbours` need no buffer before it, `engaged` have
    an item of this visit that begins then."""

    place: int
    neighbours: frozenset[int]
    engaged: frozenset[int]


class Unsettled(NamedTuple):
    """Somebody's last item so far, `age` ticks after its end: their next one may yet be its neighbour."""

    staff_id: int
    item: int
    age: int


States = dict[tuple[Unsettled, ...], int]
"""The ends that a group can have, by what is unsettled then."""


class Search:
    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._fits = chain.fits
        self._buffers = longest_buffers(chain.fits)

    def best(self, starts: int, *, loads: Mapping[int, int]) -> dict[int, Chosen]:
        """For each of `starts` at which there is an assignment, the preferred one.

        `loads`: how many bookings each person has that day. All starts are tried at once while few teams come
        into question, then each by itself, if anybody could: fewer do for one.
        """
        found: dict[int, Chosen] = {}
        left, pieces = starts & self._chain.anybody[0], [starts]
        for number in range(1, len(self._chain) + 1):
            if len(pieces) == 1 and self._are_many(left, number):
                pieces = [1 << start for start in places_of(left) if self.any(start) is not None]
            for piece in pieces:
                found |= self._best_of(piece & left, number, loads)
            left &= ~sum(1 << start for start in found)
        return found

    def _are_many(self, starts: int, number: int) -> bool:
        if number <= max(2, *map(len, self._chain.groups)):
            return False
        return next(islice(self._chain.teams(starts, number), MOST_AT_ONCE, None), None) is not None

    def _best_of(self, starts: int, number: int, loads: Mapping[int, int]) -> dict[int, Chosen]:
        """The preferred assignments at `starts` by so many people, where fewer have been found not to do."""
        if number == 1:
            return self._best_of_one(starts, loads)
        found: dict[int, Chosen] = {}
        weighed = [
            (sum(loads.get(who, 0) for who in team), team)
            for team in (self._chain.teams(starts, number) if starts else ())
        ]
        weighed.sort(key=itemgetter(0))
        for _, same_rank in groupby(weighed, key=itemgetter(0)):
            hits: dict[int, list[Team]] = {}
            for _, team in same_rank:
                for start in places_of(self._chain.possible(team)[0] & starts):
                    hits.setdefault(start, []).append(team)
            together = frozenset().union(*(team for teams in hits.values() for team in teams))
            ahead = self._chain.possible(together) if hits else []
            for start, teams in hits.items():
                chosen = self._first(start, teams, ahead)
                if chosen is not None:
                    found[start] = chosen
                    starts &= ~(1 << start)
            if not starts:
                break
        return found

    def _best_of_one(self, starts: int, loads: Mapping[int, int]) -> dict[int, Chosen]:
        """As `_best_of`, where one person does everything."""
        found: dict[int, Chosen] = {}
        everybody = (min(team) for team in (self._chain.teams(starts, 1) if starts else ()))
        for who in sorted(everybody, key=lambda each: (loads.get(each, 0), each)):
            straight, offsets = self._without_a_wait(who)
            people = (who,) * len(offsets)
            for start in places_of(straight & starts):
                found[start] = Chosen(people, tuple([start + each for each in offsets]))
            starts &= ~straight
            team = frozenset({who})
            ahead = self._chain.possible(team) if starts else [0]
            for start in places_of(ahead[0] & starts):
                chosen = self._first(start, [team], ahead)
                if chosen is not None:
                    found[start] = chosen
                    starts &= ~(1 << start)
            if not starts:
                break
        return found

    def _without_a_wait(self, who: int) -> tuple[int, list[int]]:
        """The starts from which this person can do one item right after the other, and how long after such a
        start each of them begins. Nothing could begin earlier, so no search is needed: items of one person
        with no time between them are neighbours or have no buffers there; those around the visit are kept.
        """
        chain, fits = self._chain, [each[who] for each in self._fits]
        offsets = [0, *accumulate(fit.length for fit in fits)]
        starts = fits[0].before_free & fits[-1].after_free >> offsets.pop()
        for fit, offset in zip(fits, offsets, strict=True):
            starts &= fit.starts >> offset
        bound = chain.may_last_too_long or any(each is not None for each in chain.fixed)
        return 0 if bound else starts, offsets

    def any(self, start: int) -> Chosen | None:
        """An assignment, however many people it takes: the lowest ids that can."""
        ahead = self._chain.anybody
        return self._first(start, [self._chain.everybody], ahead) if ahead[0] >> start & 1 else None

    def nearest(self, before: Chosen) -> Nearest | None:
        """Where the last item would begin if those before it were done so; None where it is fixed earlier."""
        item = len(self._chain) - 1
        group = self._chain.group_of[item]
        ends = [
            start + self._fits[number][who].length
            for number, (who, start) in enumerate(zip(*before, strict=True))
        ]
        engaged = frozenset(before.people[each] for each in self._chain.groups[group] if each < item)
        place = before.starts[-1] if engaged else max(ends)
        fixed = self._chain.fixed[group]
        if fixed is not None:
            if fixed < place:
                return None
            place = fixed
        neighbours = frozenset(
            who
            for number, (who, end) in enumerate(zip(before.people, ends, strict=True))
            if end <= place and who in self._fits[item] and place - end < self._apart(number, item, who)
        )
        return Nearest(place, neighbours, engaged)

    def _apart(self, earlier: int, later: int, who: int) -> int:
        return least_apart(after=self._fits[earlier][who].after, before=self._fits[later][who].before)

    def _first(self, start: int, teams: Sequence[Team], ahead: Sequence[int]) -> Chosen | None:
        """The assignment at `start` with the lowest ids for which one of `teams` is enough."""
        if self._chain.may_last_too_long:
            until = start + self._chain.limits.longest
            ahead = self._chain.possible(frozenset().union(*teams), until=until)
            if not ahead[0] >> start & 1:
                return None
        begin: States = {(): 1 << start}
        if len(teams) == len(teams[0]) == 1 and len(self._chain.groups) == len(self._chain):
            people: tuple[int, ...] | None = tuple(teams[0]) * len(self._chain)
        else:
            people = self._people(0, begin, teams, ahead, failed=set())
        if people is None:
            return None
        if len(people) == 1:
            return Chosen(people, (start,))
        starts = self._starts(0, begin, people, ahead, failed=set())
        return None if starts is None else Chosen(people, starts)

    def _people(
        self,
        group: int,
        states: States,
        teams: Sequence[Team],
        ahead: Sequence[int],
        *,
        failed: set[tuple[int, object, object]],
    ) -> tuple[int, ...] | None:
        """The lowest ids for the items from `group` on; `failed` is not tried twice."""
        if group == len(self._chain.groups):
            return ()
        key = (group, frozenset(states.items()), tuple(teams))
        if key in failed:
            return None
        begins = self._begins(group, states)
        for crew, with_them in self._crews(self._chain.groups[group], begins, (), teams):
            after = self._done(group, states, crew, ahead)
            if after:
                rest = self._people(group + 1, after, with_them, ahead, failed=failed)
                if rest is not None:
                    return crew + rest
        failed.add(key)
        return None

    def _crews(
        self, items: Sequence[int], begins: int, crew: tuple[int, ...], teams: Sequence[Team]
    ) -> Iterator[tuple[tuple[int, ...], Sequence[Team]]]:
        """Who may do these items at one of `begins` beside `crew`, lowest ids first, and the teams they are
        all in."""
        if not items:
            yield crew, teams
            return
        for who, fit in self._fits[items[0]].items():
            if not begins & fit.starts or who in crew:
                continue
            with_them = [team for team in teams if who in team]
            if with_them:
                yield from self._crews(items[1:], begins & fit.starts, (*crew, who), with_them)

    def _starts(
        self,
        group: int,
        states: States,
        people: Sequence[int],
        ahead: Sequence[int],
        *,
        failed: set[tuple[int, object]],
    ) -> tuple[int, ...] | None:
        """The earliest starts of the items from `group` on, done by `people`; `failed` is not tried twice."""
        if group == len(self._chain.groups):
            return ()
        key = (group, frozenset(states.items()))
        if key in failed:
            return None
        items = self._chain.groups[group]
        crew = tuple(people[item] for item in items)
        begins = self._begins(group, states)
        for item in items:
            begins &= self._fits[item][people[item]].starts
        for place in places_of(begins):
            after = self._done(group, states, crew, ahead, at=place)
            rest = self._starts(group + 1, after, people, ahead, failed=failed) if after else None
            if rest is not None:
                return (place,) * len(items) + rest
        failed.add(key)
        return None

    def _begins(self, group: int, states: States) -> int:
        """Where `group` may begin after these ends; the first one begins at its only place."""
        ends = 0
        for places in states.values():
            ends |= places
        fixed = self._chain.fixed[group]
        if fixed is not None:
            return 1 << fixed
        limits = self._chain.limits
        return spread(ends, times=limits.waits, step=limits.step) if group else ends

    def _done(
        self,
        group: int,
        states: States,
        crew: tuple[int, ...],
        ahead: Sequence[int],
        *,
        at: int | None = None,
    ) -> States:
        """The ends of `group`, done by `crew` (begun `at` that place), that may lead to the last end."""
        items = self._chain.groups[group]
        lengths = [self._fits[item][who].length for who, item in zip(crew, items, strict=True)]
        longest = max(lengths)
        fitting, theirs = ahead[group + 1] >> longest, []
        for who, item, length in zip(crew, items, lengths, strict=True):
            fit, mine = self._fits[item][who], Unsettled(who, item, longest - length)
            fitting &= fit.starts
            if self._unsettled_for(mine, items[-1] + 1) > 0:
                theirs.append(mine)
            else:
                fitting &= fit.after_free >> length
        doing = dict(zip(crew, items, strict=True))
        ended: States = {}
        for unsettled, ends in states.items():
            for begins, kept in self._begun(group, unsettled, ends, doing, longest, at=at):
                if begins & fitting:
                    state = tuple(sorted((*kept, *theirs)))
                    ended[state] = ended.get(state, 0) | (begins & fitting) << longest
        return ended

    def _unsettled_for(self, last: Unsettled, item: int) -> int:
        """How many ticks longer an item that begins at `item` or later may be a neighbour of `last`."""
        before = self._buffers[item].get(last.staff_id)
        if before is None:
            return 0
        after = self._fits[last.item][last.staff_id].after
        return least_apart(after=after, before=before) - last.age

    def _begun(
        self,
        group: int,
        unsettled: Sequence[Unsettled],
        ends: int,
        doing: Mapping[int, int],
        longest: int,
        *,
        at: int | None,
    ) -> Iterator[tuple[int, list[Unsettled]]]:
        """Where a group may begin after `ends` as far as buffers go, with what is unsettled at its end.

        `doing`: who does which item of the group, whose longest item lasts `longest`.
        """
        fresh = self._chain.everything
        for who, item in doing.items():
            if all(each.staff_id != who for each in unsettled):
                fresh &= self._fits[item][who].before_free
        borders = [self._border(each, group, doing, longest) for each in unsettled]
        alone = [each.staff_id not in doing for each in unsettled]
        for some_ends, wait, longer in self._waits(group, ends, borders, alone, at=at):
            begins, kept = fresh, []
            for each, border in zip(unsettled, borders, strict=True):
                if wait >= border:
                    some_ends &= self._fits[each.item][each.staff_id].after_free << each.age
                    if each.staff_id in doing:
                        begins &= self._fits[doing[each.staff_id]][each.staff_id].before_free
                elif each.staff_id not in doing:
                    kept.append(each._replace(age=each.age + wait + longest))
            if some_ends:
                step = self._chain.limits.step
                yield spread(some_ends << wait, times=longer, step=step) & begins, kept

    def _border(self, last: Unsettled, group: int, doing: Mapping[int, int], longest: int) -> int:
        """With a wait shorter than this, somebody's last item needs no buffer after it (yet)."""
        if last.staff_id in doing:
            return self._apart(last.item, doing[last.staff_id], last.staff_id) - last.age
        return self._unsettled_for(last, self._chain.groups[group][-1] + 1) - longest

    def _waits(
        self, group: int, ends: int, borders: Sequence[int], alone: Sequence[bool], *, at: int | None
    ) -> Iterator[tuple[int, int, int]]:
        """The waits before a group, cut at the `borders`: some of the `ends`, the shortest wait after them,
        and how many steps longer it may be. Below the border of who is `alone`, not in the group, each wait
        by itself: it decides how old their last item is afterwards.
        """
        limits = self._chain.limits
        at = self._chain.fixed[group] if at is None else at
        if at is not None:
            yield from ((1 << end, at - end, 0) for end in places_of(ends & (1 << at + 1) - 1))
            return
        most = limits.waits + 1 if group else 1
        cuts = {0, most}
        for border, by_itself in zip(borders, alone, strict=True):
            cut = min(max(0, -(-border // limits.step)), most)
            cuts.update(range(cut + 1) if by_itself else (cut,))
        for shortest, end in pairwise(sorted(cuts)):
            yield ends, shortest * limits.step, end - shortest - 1
