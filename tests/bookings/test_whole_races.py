"""Series and classes moved as wholes by many at once, in real threads (contract §6a; reliability §2)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
from django.utils import timezone

from bookings import lifecycle
from bookings.lifecycle import How, Order, cancel_whole, change_whole
from bookings.models import Booking, BusyTime, WaitlistEntry
from staff.access.actor import SYSTEM
from staff.models import SalonSettings
from staff.wire.times import local_date
from tests.cast.bookings import Salon, make_cast
from tests.cast.factories import make_client
from tests.cast.races import answered, at_once

pytestmark = pytest.mark.django_db(transaction=True)

HOUR = timedelta(hours=1)
DAYS = 4
REFUSALS = {
    "done",
    "slot_taken",
    "maximum_capacity_reached",
    "client_already_booked",
    "invalid",
    "booking_not_found",
}


@pytest.fixture
def salon() -> Salon:
    return make_cast()


def first_start() -> datetime:
    return timezone.now().replace(minute=0, second=0, microsecond=0) + timedelta(days=7)


def order(salon: Salon, start_at: datetime, **more: Any) -> Order:
    asked = {"client_id": salon.alice.pk, "staff_id": salon.bea.pk, "service_id": salon.service.pk, **more}
    return Order(start_at=start_at, end_at=start_at + HOUR, **asked)


def make_series(salon: Salon, start_at: datetime, **more: Any) -> list[Booking]:
    starts = [start_at + timedelta(days=day) for day in range(DAYS)]
    series = lifecycle.book_series(actor=SYSTEM, order=order(salon, start_at, **more), starts=starts)
    return [outcome.booking for outcome in series.outcomes]


def waits(salon: Salon, client_id: int, start_at: datetime) -> WaitlistEntry:
    day = local_date(start_at, zone=SalonSettings.load().zone)
    return WaitlistEntry.objects.create(client_id=client_id, service=salon.service, date=day)


def move(booking: Booking, start_at: datetime, scope: str, **changes: Any) -> Callable[[], Any]:
    times = {"start_at": start_at, "end_at": start_at + HOUR}
    return partial(
        change_whole,
        actor=SYSTEM,
        booking_id=booking.pk,
        scope=scope,
        changes={**times, **changes},
        how=How(),
    )


def check_calendar() -> None:
    """Who stands occupies their time and nobody else does; no two parties at one instant."""
    standing = {each.pk: each for each in Booking.objects.occupying()}
    busy = list(BusyTime.objects.order_by("staff_id", "starts_at"))
    assert sorted(row.booking_id or 0 for row in busy) == sorted(standing)
    for row in busy:
        booking = standing[row.booking_id or 0]
        assert (row.staff_id, row.starts_at, row.ends_at) == (
            booking.staff_id,
            booking.start_at,
            booking.end_at,
        )
        assert row.party == booking.party
    for one, other in pairwise(busy):
        apart = one.staff_id != other.staff_id or one.ends_at <= other.starts_at
        assert apart or one.party == other.party


def test_a_series_moved_from_everywhere_stays_one_and_overlaps_nobody(salon: Salon) -> None:
    start_at = first_start()
    mine = make_series(salon, start_at)
    other = make_series(salon, start_at + 2 * HOUR)
    calls: list[Callable[[], Any]] = []
    for number in range(4):
        calls.append(move(mine[number], start_at + timedelta(days=number) + (number + 1) * HOUR, "all"))
        calls.append(move(other[number], start_at + timedelta(days=number) + number * HOUR, "following"))
        calls.append(move(mine[3 - number], mine[3 - number].start_at, "all", staff_id=salon.cora.pk))
        slot = order(salon, start_at + timedelta(days=number) + HOUR, client_id=salon.bob.pk)
        calls.append(partial(lifecycle.book, actor=SYSTEM, order=slot))
    words = Counter(at_once(*(answered(call) for call in calls)))
    assert set(words) <= REFUSALS, words
    assert words["done"] >= 1
    check_calendar()
    clocks = {
        (each.start_at - start_at) % timedelta(days=1)
        for each in Booking.objects.filter(series_id=mine[0].pk)
    }
    assert len(clocks) == 1


def test_a_series_moved_and_cancelled_at_once(salon: Salon) -> None:
    start_at = first_start()
    mine = make_series(salon, start_at)
    cancels = [
        partial(cancel_whole, actor=SYSTEM, booking_id=each.pk, scope="all", how=How()) for each in mine
    ]
    singles = [partial(lifecycle.cancel, actor=SYSTEM, booking_id=each.pk) for each in mine]
    moves = [move(each, each.start_at + 3 * HOUR, "all") for each in mine]
    words = Counter(at_once(*(answered(call) for call in (*moves, *cancels, *singles))))
    assert set(words) == {"done"}, words
    assert not BusyTime.objects.exists()
    assert set(Booking.objects.values_list("status", flat=True)) == {"cancelled"}


def test_who_joins_a_class_while_it_moves_sits_with_the_others(salon: Salon) -> None:
    salon.service.max_capacity = 6
    salon.service.save()
    start_at = first_start()
    head = lifecycle.book(actor=SYSTEM, order=order(salon, start_at)).booking
    places = [start_at + number * HOUR for number in range(4)]
    joins = [
        partial(
            lifecycle.book,
            actor=SYSTEM,
            order=order(
                salon, places[number % 4], client_id=make_client(f"C{number}").pk, session_of=head.pk
            ),
        )
        for number in range(8)
    ]
    moves = [move(head, place, "session") for place in places]
    words = Counter(at_once(*(answered(call) for call in (*joins, *moves))))
    assert set(words) <= REFUSALS, words
    check_calendar()
    assert Booking.objects.values("session_id", "start_at", "party").distinct().count() == 1


def test_series_that_change_places_never_block_each_other_over_who_waits(salon: Salon) -> None:
    """Each frees a date the other's client waits for, and holds that of its own until all have moved."""
    start_at = first_start()
    weeks_on = timedelta(days=14)
    for attempt in range(4):
        early = start_at + attempt * HOUR
        ours = make_series(salon, early, staff_id=salon.bea.pk)
        theirs = make_series(salon, early + weeks_on, staff_id=salon.cora.pk, client_id=salon.bob.pk)
        entries = [
            waits(salon, salon.alice.pk, theirs[0].start_at),
            waits(salon, salon.bob.pk, ours[1].start_at),
        ]
        words = at_once(
            answered(move(ours[0], early + weeks_on, "all")), answered(move(theirs[0], early, "all"))
        )
        assert words == ["done", "done"]
        for entry in entries:
            entry.refresh_from_db()
            assert entry.status == "booked"
        for booking in (ours[0], theirs[0]):
            cancel_whole(actor=SYSTEM, booking_id=booking.pk, scope="all", how=How())
    assert not BusyTime.objects.exists()
