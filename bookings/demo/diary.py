"""The demo salon's diary: who comes when, drawn by lot from a fixed seed, and how it went."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from bookings.demo.cast import CLASS, SEVERAL, Wish
from bookings.models import Booking
from bookings.slots.stretches import busy_stretches
from clients.models import Client
from staff.models import SalonSettings, Service, Staff
from staff.salon.parts import Duration
from staff.salon.schedule import Stretch, dates_between, holiday_names
from staff.salon.timetable import Timetable, timetables_of

DAYS_BACK, DAYS_AHEAD = 7, 7
SEED = 12
CHANCE_OF_A_BOOKING = 0.35
CHANCE_IN_A_GAP = 0.6
STEP = timedelta(minutes=15)
IDLE = timedelta(minutes=45)
CLASS_SIZE = 4


class Item(NamedTuple):
    """One service with one person; times are UTC."""

    staff: Staff
    service: Service
    start_at: datetime
    together: bool = False

    @property
    def end_at(self) -> datetime:
        """Nobody in the demo has minutes of their own."""
        return self.start_at + Duration.of(self.service).length

    @property
    def busy(self) -> list[Stretch]:
        return busy_stretches(
            self.start_at,
            self.end_at,
            parts=Duration.of(self.service).parts,
            before=timedelta(minutes=self.service.buffer_before_minutes),
            after=timedelta(minutes=self.service.buffer_after_minutes),
        )

    @property
    def gaps(self) -> Iterator[Stretch]:
        return (Stretch(before.end_at, after.start_at) for before, after in pairwise(self.busy))

    def ends_by(self, closes_at: datetime) -> bool:
        return self.busy[-1].end_at <= closes_at


@dataclass(frozen=True, slots=True)
class Visit:
    """One visit to be booked; times are UTC. A class has several clients, everything else one."""

    clients: Sequence[Client]
    items: Sequence[Item]

    @property
    def start_at(self) -> datetime:
        return self.items[0].start_at

    @property
    def end_at(self) -> datetime:
        return max(each.end_at for each in self.items)


@dataclass(slots=True)
class Diary:
    """Draws the visits of the days around `today`, the salon's date; none on a holiday."""

    salon: SalonSettings
    today: date
    people: Sequence[Staff]
    offered: dict[int, list[Service]]
    clients: Sequence[Client]
    lot: random.Random = field(default_factory=lambda: random.Random(SEED))

    def visits(self) -> list[Visit]:
        first = self.today - timedelta(days=DAYS_BACK)
        last = self.today + timedelta(days=DAYS_AHEAD)
        closed = holiday_names(first, last)
        timetables = timetables_of([person.pk for person in self.people], first=first, last=last)
        found: list[Visit] = []
        for day in dates_between(first, last):
            if day not in closed:
                found += self._on(day, timetables)
        return sorted(found, key=lambda visit: (visit.start_at, visit.items[0].staff.pk))

    def _on(self, day: date, timetables: dict[int, Timetable]) -> Iterator[Visit]:
        """Everybody comes at most once a day."""
        free = list(self.clients)
        self.lot.shuffle(free)
        windows = {
            person.pk: timetables[person.pk].windows_on(day, zone=self.salon.zone) for person in self.people
        }
        several = self._of_several(SEVERAL.get(day.weekday(), ()), windows)
        if several:
            yield Visit([free.pop()], several)
        for item in several:
            yield from self._in_gaps(item, free)
        for person in self.people:
            done = [each.busy[-1].end_at for each in several if each.staff == person]
            for window in windows[person.pk]:
                yield from self._within(person, max([window.start_at, *done]), window.end_at, free)

    def _of_several(self, wishes: Sequence[Wish], windows: dict[int, list[Stretch]]) -> list[Item]:
        """Once all who are wished for are there; nothing where one of them is away, or goes too early."""
        by_name = {person.name: person for person in self.people}
        first = {wish.person: windows[by_name[wish.person].pk][:1] for wish in wishes}
        there = {name: found[0] for name, found in first.items() if found}
        if not wishes or len(there) < len(first):
            return []
        start_at = max(each.start_at for each in there.values())
        items: list[Item] = []
        for person, offer, together in wishes:
            staff = by_name[person]
            service = next(each for each in self.offered[staff.pk] if each.name == offer)
            items.append(Item(staff, service, items[-1].start_at if together else start_at, together))
            start_at = max(start_at, items[-1].end_at)
        return items if all(each.ends_by(there[each.staff.name].end_at) for each in items) else []

    def _within(
        self, person: Staff, opens_at: datetime, closes_at: datetime, free: list[Client]
    ) -> Iterator[Visit]:
        start_at = opens_at
        while free:
            item = Item(person, self.lot.choice(self.offered[person.pk]), start_at)
            if not item.ends_by(closes_at):
                return
            is_class = item.service.name == CLASS
            if not is_class and self.lot.random() > CHANCE_OF_A_BOOKING:
                start_at += IDLE
                continue
            size = min(len(free), CLASS_SIZE if is_class else 1)
            yield Visit([free.pop() for _ in range(size)], [item])
            if self.lot.random() < CHANCE_IN_A_GAP:
                yield from self._in_gaps(item, free)
            start_at = item.busy[-1].end_at + (STEP if self.lot.random() < 0.3 else timedelta(0))
            if is_class:
                return

    def _in_gaps(self, item: Item, free: list[Client]) -> Iterator[Visit]:
        """Somebody else is served while a colour develops."""
        for gap in item.gaps:
            offered = [Item(item.staff, each, gap.start_at) for each in self.offered[item.staff.pk]]
            fitting = [each for each in offered if each.ends_by(gap.end_at)]
            if free and fitting:
                yield Visit([free.pop()], [self.lot.choice(fitting)])


def past(visits: Sequence[Visit], *, now: datetime) -> list[Visit]:
    return [visit for visit in visits if visit.end_at <= now]


def ahead(visits: Sequence[Visit], *, now: datetime) -> list[Visit]:
    return [visit for visit in visits if visit.end_at > now]


def standing(bookings: Sequence[Booking], *, after: datetime) -> list[Booking]:
    """Those for one client and one service that start after that time and nothing has happened to."""
    return [
        booking
        for booking in bookings
        if booking.start_at > after
        and booking.status == Booking.Status.SCHEDULED
        and booking.service.max_capacity == 1
        and booking.visit is not None
        and len(booking.visit.items) == 1
    ]
