"""The demo salon's diary: who comes when, drawn by lot from a fixed seed, and how it went."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from bookings.demo.cast import CLASS
from bookings.models import Booking
from clients.models import Client
from staff.models import SalonSettings, Service, Staff
from staff.salon.schedule import dates_between, holiday_names
from staff.salon.timetable import Timetable, timetables_of

DAYS_BACK, DAYS_AHEAD = 7, 7
SEED = 12
CHANCE_OF_A_BOOKING = 0.35
STEP = timedelta(minutes=15)
IDLE = timedelta(minutes=45)
CLASS_SIZE = 4


@dataclass(frozen=True, slots=True)
class Visit:
    """One visit to be booked; times are UTC. A class has several clients, everything else one."""

    clients: Sequence[Client]
    staff: Staff
    service: Service
    start_at: datetime
    end_at: datetime


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
        return sorted(found, key=lambda visit: (visit.start_at, visit.staff.pk))

    def _on(self, day: date, timetables: dict[int, Timetable]) -> Iterator[Visit]:
        """Everybody comes at most once a day."""
        free = list(self.clients)
        self.lot.shuffle(free)
        for person in self.people:
            for window in timetables[person.pk].windows_on(day, zone=self.salon.zone):
                yield from self._within(person, window.start_at, window.end_at, free)

    def _within(
        self, person: Staff, opens_at: datetime, closes_at: datetime, free: list[Client]
    ) -> Iterator[Visit]:
        start_at = opens_at
        while free:
            service = self.lot.choice(self.offered[person.pk])
            end_at = start_at + timedelta(minutes=service.duration_minutes)
            free_again = end_at + timedelta(minutes=service.buffer_after_minutes)
            if free_again > closes_at:
                return
            if service.name != CLASS and self.lot.random() > CHANCE_OF_A_BOOKING:
                start_at += IDLE
                continue
            size = min(len(free), CLASS_SIZE if service.name == CLASS else 1)
            yield Visit([free.pop() for _ in range(size)], person, service, start_at, end_at)
            start_at = free_again + (STEP if self.lot.random() < 0.3 else timedelta(0))
            if service.name == CLASS:
                return


def past(visits: Sequence[Visit], *, now: datetime) -> list[Visit]:
    return [visit for visit in visits if visit.end_at <= now]


def ahead(visits: Sequence[Visit], *, now: datetime) -> list[Visit]:
    return [visit for visit in visits if visit.end_at > now]


def standing(bookings: Sequence[Booking], *, after: datetime) -> list[Booking]:
    """Those for one client that start after that time and nothing has happened to."""
    return [
        booking
        for booking in bookings
        if booking.start_at > after
        and booking.status == Booking.Status.SCHEDULED
        and booking.service.max_capacity == 1
    ]
