"""Visits from rows against brute force, over nights on which the clocks change.

Hours, absences, holidays, notice and horizon are those of the model of one booking, minute by minute.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bookings.models import Booking
from bookings.slots.availability.chains import chain_starts
from bookings.slots.availability.wishes import AskedItem, wishes_for
from staff.access.actor import SYSTEM
from staff.models import SalonSettings, Service, ServiceDuration, Staff
from staff.salon.parts import PartJson
from staff.wire.times import local_date
from tests.bookings.test_availability_model import Minutes, World, stored, worlds
from tests.cast.passes import examples
from tests.cast.visit_model import Person, Visits, Wanted

SHAPES = [[15], [40], [90], [240], [480], [20, 30, 10], [5, 45, 5, 10, 30]]


@dataclass
class Salon:
    """The first of `people` decides what the salon has in common."""

    people: list[World]
    items: list[Wanted]
    waits: int

    @property
    def common(self) -> World:
        return self.people[0]


@st.composite
def salons(draw: st.DrawFn) -> Salon:
    first = draw(worlds())
    others = [draw(worlds()) for _ in range(draw(st.integers(0, 1)))]
    people = [
        replace(each, zone=first.zone, day=first.day, now_minute=first.now_minute, step=max(first.step, 60))
        for each in (first, *others)
    ]
    shapes = st.sampled_from(SHAPES)
    items = []
    for number in range(draw(st.integers(1, 3))):
        usual = draw(shapes)
        items.append(
            Wanted(
                parts={who: draw(st.sampled_from([usual, draw(shapes)])) for who in range(len(people))},
                before=draw(st.sampled_from([0, 10])),
                after=draw(st.sampled_from([0, 0, 5, 30])),
                anybody=draw(st.booleans()),
                with_previous=number > 0 and draw(st.sampled_from([False, False, True])),
            )
        )
        if not items[-1].anybody:
            who = draw(st.integers(0, len(people) - 1))
            items[-1].parts = {who: items[-1].parts[who]}
    return Salon(people, items, draw(st.sampled_from([0, 2, 5])))


class OverTheNight(Visits):
    """Fits as the minutes of each person say, and as many bookings as they have on the date of the start."""

    def __init__(self, salon: Salon) -> None:
        self.salon = salon
        self.minutes = {who: Minutes(world) for who, world in enumerate(salon.people)}
        nothing = [Person(hours=[], away=[], busy=[], load=0, keeps_hours=True) for _ in salon.people]
        super().__init__(dict(enumerate(nothing)), salon.items, salon.waits)

    def busy(self, who: int, minute: int) -> bool:
        return self.minutes[who].busy[minute]

    def load(self, who: int, start: int) -> int:
        dates = self.minutes[who].walls.dates
        return sum(dates[begin] == dates[start] for begin, _ in self.salon.people[who].busy)

    def fits(self, item: int, who: int, start: int) -> bool:
        minutes, wanted = self.minutes[who], self.items[item]
        walls = minutes.walls
        whole = range(start, start + wanted.length(who))
        return (
            minutes.world.offers
            and not walls.seen_before(start)
            and self.salon.common.holiday not in {walls.dates[each] for each in whole}
            and all(
                minutes.worked[each] and not minutes.away[each] and not minutes.busy[each]
                for each in wanted.work(who, start)
            )
        )

    def may_begin(self, start: int) -> bool:
        common, dates = self.salon.common, self.minutes[0].walls.dates
        ahead = (dates[start] - local_date(common.now, zone=common.zone)).days
        return start - common.now_minute >= common.notice and ahead <= common.horizon


def rows_of(salon: Salon) -> tuple[list[Staff], list[Service], SalonSettings]:
    people = []
    for number, world in enumerate(salon.people):
        person, _, _ = stored(replace(world, own=False, holiday=world.holiday if number == 0 else None))
        people.append(person)
    services = []
    for number, wanted in enumerate(salon.items):
        service = Service.objects.create(
            name=f"Item {number}",
            duration_minutes=1,
            buffer_before_minutes=wanted.before,
            buffer_after_minutes=wanted.after,
        )
        for who, minutes in wanted.parts.items():
            if salon.people[who].offers:
                people[who].services.add(service)
            ServiceDuration.objects.create(
                service=service, staff=people[who], duration_minutes=sum(minutes), parts=kept(minutes)
            )
        services.append(service)
    common = salon.common
    return (
        people,
        services,
        SalonSettings(
            timezone=common.zone.key,
            slot_step_minutes=common.step,
            min_notice_minutes=common.notice,
            booking_horizon_days=common.horizon,
            visit_max_wait_minutes=salon.waits,
        ),
    )


def kept(minutes: list[int]) -> list[PartJson]:
    parts: list[PartJson] = [
        {"kind": "gap" if number % 2 else "work", "minutes": each} for number, each in enumerate(minutes)
    ]
    return parts if len(parts) > 1 else []


@pytest.mark.django_db
@settings(
    max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(salon=salons())
def test_visits_are_offered_as_every_minute_says_over_nights_that_change_the_clocks(salon: Salon) -> None:
    with transaction.atomic():
        people, services, settings_row = rows_of(salon)
        asked = [
            AskedItem(
                service.pk,
                None if wanted.anybody else people[next(iter(wanted.parts))].pk,
                with_previous=wanted.with_previous,
            )
            for service, wanted in zip(services, salon.items, strict=True)
        ]
        together = [each.staff_id for each in asked if each.staff_id is not None]
        if any(each.with_previous for each in asked) and len(set(together)) < len(together):
            transaction.set_rollback(True)
            return
        day = salon.common.day
        days = chain_starts(
            wishes_for(asked),
            first=day,
            last=day + timedelta(days=1),
            salon=settings_row,
            now=salon.common.now,
            explain_to=SYSTEM,
        )
        assert Booking.objects.exists() == any(world.busy for world in salon.people)
        model = OverTheNight(salon)
        first = salon.items[0]
        for shown in days:
            grid = sorted(
                {
                    number
                    for who in first.parts
                    if salon.people[who].offers or not first.anybody
                    for number in model.minutes[who].grid(shown.date)
                }
            )
            expected = {start: model.best(start) if model.may_begin(start) else None for start in grid}
            assert [[(each.staff_id, each.start_at) for each in placed] for placed in shown.starts] == [
                [(people[who].pk, salon.common.minute(begins)) for who, begins in best]
                for best in expected.values()
                if best is not None
            ]
            refused = [salon.common.minute(start) for start, best in expected.items() if best is None]
            for start_at in refused:
                assert sum(each.start_at <= start_at < each.end_at for each in shown.blocked) == 1
        transaction.set_rollback(True)
