"""The search for visits against brute force: every person and every minute of every item is tried.

What is known of the people is made up here; `test_chains_daylight` stores rows, and reads them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from bookings.slots.availability.agenda import Agenda, Busy, Terms
from bookings.slots.availability.chains import Placed, Plan
from bookings.slots.availability.fits import CLIENTS, DESK
from bookings.slots.availability.visit_agendas import VisitAgendas
from bookings.slots.availability.wishes import Wish
from staff.models import Service
from staff.salon.parts import Duration, PartJson
from staff.salon.schedule import Stretch
from staff.salon.timetable import Hours, Timetable
from tests.cast.visit_model import Person, Span, Visits, Wanted

MINUTE = timedelta(minutes=1)
BEGINS = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)


def spans(most: int, *, until: int, longest: int) -> st.SearchStrategy[list[Span]]:
    one = st.tuples(st.integers(-30, until), st.integers(1, longest))
    return st.lists(one.map(lambda pair: (pair[0], pair[0] + pair[1])), max_size=most)


@st.composite
def worlds(draw: st.DrawFn, *, fixed: bool = False) -> Visits:
    number_of_people = draw(st.integers(1, 3))
    number_of_items = draw(st.integers(1, 4))
    waits = draw(st.sampled_from([0, 1, 2, 4] if number_of_items > 2 else [0, 1, 3, 9, 20]))
    people = {
        who: Person(
            hours=draw(st.sampled_from([[(-60, 300)], [(0, 240)], [(0, 45), (55, 120)], [(10, 100)]])),
            away=draw(spans(1, until=120, longest=15)),
            busy=draw(spans(4, until=150, longest=25)),
            load=draw(st.integers(0, 2)),
            keeps_hours=draw(st.booleans()),
        )
        for who in range(1, number_of_people + 1)
    }
    shapes = st.sampled_from([[2], [5], [10], [30], [4, 6, 3], [10, 9, 5], [3, 5, 2, 7, 4], [2, 20, 2]])
    items = []
    for number in range(number_of_items):
        shape = draw(shapes)
        who_may = draw(st.sets(st.sampled_from(sorted(people)), min_size=1))
        items.append(
            Wanted(
                parts={who: draw(st.sampled_from([shape, shape, draw(shapes)])) for who in sorted(who_may)},
                before=draw(st.sampled_from([0, 0, 3, 10, 15])),
                after=draw(st.sampled_from([0, 0, 2, 8, 15])),
                anybody=draw(st.booleans()),
                with_previous=number > 0 and draw(st.sampled_from([False, False, True])),
                fixed=draw(st.sampled_from([None, None, 20, 41])) if fixed and number else None,
            )
        )
    return Visits(people, items, waits, draw(st.sampled_from([CLIENTS, CLIENTS, DESK])))


def plan_of(world: Visits, until: int) -> Plan:
    """The rows of the world, as they would have been read."""
    terms = [
        Terms(
            before=wanted.before * MINUTE,
            after=wanted.after * MINUTE,
            zone=ZoneInfo("UTC"),
            now=BEGINS - timedelta(days=9),
            notice=timedelta(),
            horizon_days=365,
            soonest=BEGINS - timedelta(days=9),
            too_far=BEGINS + timedelta(days=365),
            holidays={},
        )
        for wanted in world.items
    ]
    wishes = [
        Wish(
            Service(pk=number),
            tuple(wanted.parts),
            wanted.anybody,
            wanted.with_previous,
            None if wanted.fixed is None else at(wanted.fixed),
        )
        for number, wanted in enumerate(world.items, start=1)
    ]
    known = VisitAgendas(
        wishes=wishes,
        terms=terms,
        agendas=[
            {who: agenda_of(world.people[who], who, parts) for who, parts in wanted.parts.items()}
            for wanted in world.items
        ],
        loads={date(2026, 11, 24): {who: person.load for who, person in world.people.items()}},
        margin=15 * MINUTE,
    )
    return Plan(known, at(0), at(until), tick=MINUTE, waits=world.waits, binding=world.binding)


def agenda_of(person: Person, who: int, minutes: list[int]) -> Agenda:
    parts: list[PartJson] = [
        {"kind": "gap" if number % 2 else "work", "minutes": each} for number, each in enumerate(minutes)
    ]
    return Agenda(
        staff_id=who,
        offers_service=True,
        duration=Duration(sum(minutes), parts if len(parts) > 1 else []),
        timetable=Timetable([Hours(0, time(), time())] if person.keeps_hours else []),
        windows=[Stretch(at(begin), at(end)) for begin, end in person.hours],
        away=[Stretch(at(begin), at(end)) for begin, end in sorted(person.away)],
        busy=[Busy(at(begin), at(end), None) for begin, end in person.busy],
    )


def at(minute: int) -> datetime:
    return BEGINS + minute * MINUTE


def placed(world: Visits, assignment: Sequence[tuple[int, int]]) -> list[tuple[int, datetime, datetime]]:
    return [
        (who, at(begins), at(begins + wanted.length(who)))
        for wanted, (who, begins) in zip(world.items, assignment, strict=True)
    ]


def shown(found: Sequence[Placed]) -> list[tuple[int, datetime, datetime]]:
    return [(each.staff_id, each.start_at, each.end_at) for each in found]


@settings(max_examples=150, deadline=None)
@given(world=worlds())
def test_a_visit_is_offered_exactly_where_brute_force_finds_one_and_done_by_the_same(world: Visits) -> None:
    until = 90
    plan = plan_of(world, until)
    starts = range(0, until, 3)
    found = plan.for_starts(at(0), at(until)).best([at(start) for start in starts])
    best = {start: world.best(start) for start in starts}
    assert {start: shown(each) for start, each in found.items()} == {
        at(start): placed(world, each) for start, each in best.items() if each is not None
    }
    for start in starts:
        misfit = plan.for_starts(at(start), at(start + 1)).explain(at(start))
        assert (misfit is None) == (best[start] is not None)
        if misfit is not None:
            one_less = Visits(world.people, world.items[: misfit.item - 1], world.waits, world.binding)
            assert misfit.item == 1 or one_less.best(start) is not None
            up_to_it = Visits(world.people, world.items[: misfit.item], world.waits, world.binding)
            assert up_to_it.best(start) is None


@settings(max_examples=100, deadline=None)
@given(world=worlds(fixed=True), start=st.integers(0, 20))
def test_items_at_instants_of_their_own_are_found_like_brute_force_finds_them(
    world: Visits, start: int
) -> None:
    together: int | None = None
    for number, item in enumerate(world.items):
        together = item.fixed if not item.with_previous else together
        if item.with_previous:
            item.fixed = together if number else None
    expected = world.best(start)
    plan = plan_of(world, start + 1)
    found = plan.assign(at(start))
    assert (None if found is None else shown(found)) == (
        None if expected is None else placed(world, expected)
    )
