"""Somebody walks into the demo salon: today, as near to now as a person is free (contract §11 "create")."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from bookings import lifecycle
from bookings.demo.diary import STEP, Item
from bookings.models import Booking
from bookings.slots.busy import is_free
from clients.models import Client
from clients.walk_in import walk_in
from staff.access.actor import Actor
from staff.models import SalonSettings, Service, Staff
from staff.salon.timetable import timetables_of
from staff.wire.times import local_date

ROUNDED_TO = 300
"""Seconds: a walk-in begins on the five minutes."""


def somebody_walks_in(
    people: Sequence[Staff],
    offered: Mapping[int, Sequence[Service]],
    *,
    actor: Actor,
    salon: SalonSettings,
    now: datetime,
) -> None:
    """One booking of the walk-in; none where nobody works today, or nobody has time."""
    begins = datetime.fromtimestamp(now.timestamp() // ROUNDED_TO * ROUNDED_TO, tz=now.tzinfo)
    places = sorted(
        _places(people, offered, begins=begins, salon=salon, now=now),
        key=lambda item: (abs(item.start_at - begins), item.staff.pk),
    )
    chosen = next((each for each in places if _is_free(each, now=now)), None)
    if chosen is None:
        return
    client = walk_in(salon)
    Client.objects.filter(pk=client.pk).update(is_demo=True)
    order = lifecycle.Order(
        client_id=client.pk,
        staff_id=chosen.staff.pk,
        service_id=chosen.service.pk,
        start_at=chosen.start_at,
        end_at=chosen.end_at,
        source="demo",
    )
    made = lifecycle.book(actor=actor, order=order, salon=salon, now=now).booking
    if chosen.end_at <= now:
        changes = {"status": Booking.Status.COMPLETED}
        lifecycle.change(actor=actor, booking_id=made.pk, changes=changes, salon=salon, now=now)


def _places(
    people: Sequence[Staff],
    offered: Mapping[int, Sequence[Service]],
    *,
    begins: datetime,
    salon: SalonSettings,
    now: datetime,
) -> Iterator[Item]:
    """Now, and every quarter of an hour of today's windows, with what each person does quickest."""
    today = local_date(now, zone=salon.zone)
    timetables = timetables_of([person.pk for person in people], first=today, last=today)
    for person in people:
        alone = [each for each in offered[person.pk] if each.max_capacity == 1]
        if not alone:
            continue
        service = min(alone, key=lambda each: (each.duration_minutes, each.pk))
        for window in timetables[person.pk].windows_on(today, zone=salon.zone):
            steps = (window.end_at - window.start_at) // STEP
            for start_at in (begins, *(window.start_at + number * STEP for number in range(steps))):
                item = Item(person, service, start_at)
                if window.start_at <= start_at and item.ends_by(window.end_at):
                    yield item


def _is_free(item: Item, *, now: datetime) -> bool:
    """Nor was anybody there who has gone by now."""
    there = Booking.objects.filter(
        staff_id=item.staff.pk, start_at__lt=item.end_at, end_at__gt=item.start_at
    ).exclude(status=Booking.Status.CANCELLED)
    return is_free(item.staff.pk, item.busy, now=now) and not there.exists()
