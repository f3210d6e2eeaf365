"""Availability against a model that looks at every minute, over days on which the clocks change.

The model knows nothing of intervals: it marks each minute as worked, away, busy, closed, and asks of each
start whether every minute it needs is fit: those of its work, of its buffers, and no minute of its gaps.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bookings.models import Booking, BusyTime
from bookings.slots.availability import availability
from bookings.slots.warn_or_refuse import refusals_for
from staff.access.actor import SYSTEM
from staff.models import Holiday, SalonSettings, Service, ServiceDuration, Staff, TimeOff, WorkingHours
from staff.salon.parts import PartJson
from staff.wire.times import parse_when, print_when
from tests.cast.availability import held
from tests.cast.passes import examples

MINUTE = timedelta(minutes=1)

CLOCK_CHANGES = [
    ("Europe/Amsterdam", date(2026, 3, 29)),
    ("Europe/Amsterdam", date(2026, 10, 25)),
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),
]


@dataclass
class World:
    """One salon with one staff member; minutes are counted from `origin` (UTC)."""

    zone: ZoneInfo
    day: date
    hours: list[tuple[int, time, time]]
    away: list[tuple[int, int]]
    busy: list[tuple[int, int]]
    expired: list[tuple[int, int]]
    holiday: date | None
    work: list[tuple[int, int]]
    before: int
    after: int
    step: int
    notice: int
    horizon: int
    now_minute: int
    offers: bool
    own: bool

    @property
    def duration(self) -> int:
        return self.work[-1][1]

    @property
    def parts(self) -> list[PartJson]:
        """What lies between two stretches of work is a gap; none where there is one."""
        parts: list[PartJson] = []
        reached = 0
        for begin, end in self.work:
            if begin > reached:
                parts.append({"kind": "gap", "minutes": begin - reached})
            parts.append({"kind": "work", "minutes": end - begin})
            reached = end
        return parts if len(parts) > 1 else []

    @property
    def origin(self) -> datetime:
        return datetime.combine(self.day - timedelta(days=2), time(), tzinfo=UTC)

    @property
    def now(self) -> datetime:
        return self.minute(self.now_minute)

    def minute(self, number: int) -> datetime:
        return self.origin + number * MINUTE


def spans(least: int, most: int, longest: int, many: int = 4) -> st.SearchStrategy[list[tuple[int, int]]]:
    one = st.tuples(st.integers(least, most), st.integers(1, longest))
    return st.lists(one.map(lambda pair: (pair[0], pair[0] + pair[1])), max_size=many)


@st.composite
def works(draw: st.DrawFn) -> list[tuple[int, int]]:
    """The minutes of a service in which its person works: one stretch, or up to three with gaps between."""
    if draw(st.integers(0, 2)) == 0:
        return [(0, draw(st.sampled_from([15, 15, 30, 30, 45, 90, 90, 480, 1440])))]
    found: list[tuple[int, int]] = []
    begin = 0
    for _ in range(draw(st.integers(2, 3))):
        end = begin + draw(st.sampled_from([1, 5, 15, 30]))
        found.append((begin, end))
        begin = end + draw(st.sampled_from([0, 5, 45, 90, 90, 480]))
    return found


@st.composite
def worlds(draw: st.DrawFn) -> World:
    name, change = draw(st.sampled_from(CLOCK_CHANGES))
    day = change + timedelta(days=draw(st.integers(-1, 0)))
    quarter = st.integers(0, 95).map(lambda number: time(*divmod(number * 15, 60)))
    hours = []
    for weekday in ((day + timedelta(days=offset)).weekday() for offset in (-1, 0, 1, 2)):
        for _ in range(draw(st.integers(1, 3))):
            opens, closes = sorted([draw(quarter), draw(quarter)])
            closes = draw(st.sampled_from([closes, closes, time()]))
            if closes > opens or closes == time():
                hours.append((weekday, opens, closes))
    work = draw(works())
    # Short ones go into a gap.
    longest, many = (draw(st.sampled_from([10, 30])), 10) if len(work) > 1 else (300, 4)
    busy: list[tuple[int, int]] = []
    for span in sorted(draw(spans(1440, 4 * 1440, longest, many))):
        if not busy or span[0] >= busy[-1][1]:
            busy.append(span)
    return World(
        zone=ZoneInfo(name),
        day=day,
        hours=hours,
        away=draw(spans(1440, 5 * 1440, longest, many))[: many // 2],
        busy=busy[: len(busy) // 2 + 1],
        expired=busy[len(busy) // 2 + 1 :],
        holiday=draw(st.sampled_from([*[None] * 6, day, day + timedelta(days=1), day + timedelta(days=2)])),
        work=work,
        before=draw(st.sampled_from([0, 0, 10, 45])),
        after=draw(st.sampled_from([0, 0, 5, 60])),
        step=draw(st.sampled_from([5, 15, 20, 60, 90])),
        notice=draw(st.sampled_from([0, 0, 30, 1500])),
        horizon=draw(st.sampled_from([365, 365, 365, 2, 1])),
        now_minute=draw(st.sampled_from([0, 0, 1440])) + draw(st.integers(0, 3 * 1440)),
        offers=draw(st.sampled_from([*[True] * 15, False])),
        own=draw(st.booleans()),
    )


def stored(world: World) -> tuple[Staff, Service, SalonSettings]:
    salon = SalonSettings(
        timezone=world.zone.key,
        slot_step_minutes=world.step,
        min_notice_minutes=world.notice,
        booking_horizon_days=world.horizon,
    )
    minutes: dict[str, Any] = {"duration_minutes": world.duration, "parts": world.parts}
    usual = {"duration_minutes": 50, "parts": []} if world.own else minutes
    service = Service.objects.create(
        name="Cut",
        **usual,
        buffer_before_minutes=world.before,
        buffer_after_minutes=world.after,
    )
    person = Staff.objects.create_user(None, None, name="Bea")
    if world.own:
        ServiceDuration.objects.create(service=service, staff=person, **minutes)
    if world.offers:
        person.services.add(service)
    for weekday, opens, closes in world.hours:
        WorkingHours.objects.create(staff=person, weekday=weekday, opens=opens, closes=closes)
    for begin, end in world.away:
        TimeOff.objects.create(staff=person, start_at=world.minute(begin), end_at=world.minute(end))
    for begin, end in world.busy:
        booking = Booking.objects.create(
            staff=person,
            service=service,
            start_at=world.minute(begin),
            end_at=world.minute(end),
            created_at=world.now,
            updated_at=world.now,
        )
        BusyTime.objects.create(
            staff=person,
            party=uuid.uuid4(),
            starts_at=world.minute(begin),
            ends_at=world.minute(end),
            booking=booking,
        )
    for begin, end in world.expired:
        held(person, service, world.minute(begin), world.minute(end), expires_at=world.now)
    if world.holiday is not None:
        Holiday.objects.create(date=world.holiday)
    return person, service, salon


@dataclass(frozen=True)
class Walls:
    """What the clock on the wall shows at every minute of a week: `faces` is without which of two it is."""

    dates: list[date]
    times: list[time]
    faces: list[datetime]

    def seen_before(self, number: int) -> bool:
        """Whether the clock, having been put back, has shown this within two hours."""
        return self.faces[number] in self.faces[number - 120 : number]


@cache
def walls_of(zone: ZoneInfo, origin: datetime) -> Walls:
    """There are no more than two of them for each change of clocks."""
    shown = [(origin + number * MINUTE).astimezone(zone) for number in range(7 * 1440)]
    return Walls(
        dates=[each.date() for each in shown],
        times=[each.time() for each in shown],
        faces=[each.replace(tzinfo=None, fold=0) for each in shown],
    )


class Minutes:
    """The model: what every minute is."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.walls = walls_of(world.zone, world.origin)
        self.worked = [False] * len(self.walls.dates)
        self.opening = [False] * len(self.worked)
        for day, numbers in groupby(range(len(self.worked)), self.walls.dates.__getitem__):
            self._mark(day, list(numbers))
        self.away = self._covered(world.away)
        self.busy = self._covered(world.busy)

    def _mark(self, day: date, numbers: list[int]) -> None:
        for weekday, opens, closes in self.world.hours:
            if weekday != day.weekday():
                continue
            begin = self._first(numbers, opens)
            end = self._first(numbers, closes) if closes != time() else numbers[-1] + 1
            for number in range(begin, end):
                self.worked[number] = True
        before_worked = False
        for number in numbers:
            self.opening[number] = self.worked[number] and not before_worked
            before_worked = self.worked[number]

    def _first(self, numbers: list[int], moment: time) -> int:
        return next((number for number in numbers if self.walls.times[number] >= moment), numbers[-1] + 1)

    def _covered(self, spans: list[tuple[int, int]]) -> list[bool]:
        covered = {number for begin, end in spans for number in range(begin, end)}
        return [number in covered for number in range(len(self.worked))]

    def free(self, number: int) -> bool:
        world = self.world
        whole = range(number, number + world.duration)
        working = [number + each for begin, end in world.work for each in range(begin, end)]
        before = range(number - world.before, number)
        after = range(number + world.duration, number + world.duration + world.after)
        today = world.now.astimezone(world.zone).date()
        return (
            world.offers
            and not self.walls.seen_before(number)
            and number - world.now_minute >= world.notice
            and (self.walls.dates[number] - today).days <= world.horizon
            and all(self.worked[each] and not self.away[each] for each in working)
            and not any(self.busy[each] for each in (*before, *working, *after))
            and world.holiday not in {self.walls.dates[each] for each in whole}
        )

    def grid(self, day: date) -> Iterator[int]:
        """The looked-at starts of a day, counted from each opening while work goes on."""
        since = 0
        for number, its_date in enumerate(self.walls.dates):
            if its_date != day or not self.worked[number]:
                continue
            since = 0 if self.opening[number] else since + 1
            if since % self.world.step == 0:
                yield number


@pytest.mark.django_db
@settings(
    max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(world=worlds())
def test_availability_is_what_every_minute_says(world: World) -> None:
    with transaction.atomic():
        person, service, salon = stored(world)
        days = availability(
            service=service,
            first=world.day,
            last=world.day + timedelta(days=1),
            salon=salon,
            now=world.now,
            staff_id=person.pk,
            explain_to=SYSTEM,
        )
        _compare(world, days, person=person, service=service, salon=salon)
        transaction.set_rollback(True)


def _compare(world: World, days: list[Any], *, person: Staff, service: Service, salon: SalonSettings) -> None:
    minutes = Minutes(world)
    for day in days:
        grid = list(minutes.grid(day.date))
        expected = [world.minute(number) for number in grid if minutes.free(number)]
        (shown,) = day.staff
        assert shown.starts == expected
        printed = [print_when(start_at, zone=world.zone) for start_at in shown.starts]
        assert [parse_when(text, zone=world.zone, now=world.now) for text in printed] == shown.starts
        for number in grid:
            start_at = world.minute(number)
            reasons = [
                blocked.objection
                for blocked in shown.blocked
                if blocked.start_at <= start_at < blocked.end_at
            ]
            assert len(reasons) == (start_at not in expected)
        for number in grid[:: max(1, len(grid) // 4)]:
            start_at = world.minute(number)
            refused = refusals_for(
                staff=person,
                service=service,
                start_at=start_at,
                end_at=start_at + timedelta(minutes=world.duration),
                salon=salon,
                now=world.now,
            )
            explained = [
                blocked.objection.code
                for blocked in shown.blocked
                if blocked.start_at <= start_at < blocked.end_at
            ]
            assert [reason.code for reason in refused[:1]] == [
                code for code in explained if code != "slot_taken"
            ]
