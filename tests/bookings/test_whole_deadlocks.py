"""Series that two people change at once: nothing is lost, nobody is blocked (contract §6a; reliability §2).

Each round is one the database would break off with a deadlock, or lose a date of, if what is shared (the
pending mail, the waitlist entries) were locked in the order in which it happens to be met.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.utils import timezone

from bookings import lifecycle
from bookings.lifecycle import How, Order, cancel_whole, change_whole
from bookings.models import Booking, WaitlistEntry
from notifications.models import Job, Message
from staff.access.actor import SYSTEM
from staff.models import SalonSettings, Service, Staff
from staff.wire.times import local_date
from tests.cast.bookings import Salon, make_cast
from tests.cast.races import answered, at_once

pytestmark = pytest.mark.django_db(transaction=True)

HOUR = timedelta(hours=1)
ROUNDS = 8


@pytest.fixture
def salon() -> Salon:
    return make_cast()


@pytest.fixture
def noon() -> datetime:
    """A week ahead, the same salon date for some hours around it."""
    return (timezone.now() + timedelta(days=7)).replace(hour=12, minute=0, second=0, microsecond=0)


def make_series(salon: Salon, staff: Staff, *slots: tuple[datetime, Service], **more: Any) -> list[Booking]:
    """Alice's, each hour with its own service."""
    order = Order(
        client_id=salon.alice.pk,
        staff_id=staff.pk,
        service_id=salon.service.pk,
        start_at=slots[0][0],
        end_at=slots[0][0] + HOUR,
        **more,
    )
    series = lifecycle.book_series(actor=SYSTEM, order=order, starts=[start_at for start_at, _ in slots])
    bookings = [outcome.booking for outcome in series.outcomes]
    for booking, (_, service) in zip(bookings, slots, strict=True):
        lifecycle.change(actor=SYSTEM, booking_id=booking.pk, changes={"service_id": service.pk})
    return bookings


def waits(client_id: int, service: Service, start_at: datetime) -> WaitlistEntry:
    day = local_date(start_at, zone=SalonSettings.load().zone)
    return WaitlistEntry.objects.create(client_id=client_id, service=service, date=day)


def move(booking: Booking, start_at: datetime, scope: str) -> Callable[[], Any]:
    times = {"start_at": start_at, "end_at": start_at + HOUR}
    return partial(change_whole, actor=SYSTEM, booking_id=booking.pk, scope=scope, changes=times, how=How())


def cancel(booking: Booking) -> Callable[[], Any]:
    return partial(cancel_whole, actor=SYSTEM, booking_id=booking.pk, scope="all", how=How())


def both(*calls: Callable[[], Any]) -> None:
    assert at_once(*(answered(call) for call in calls)) == ["done"] * len(calls)


def test_two_dates_of_a_series_moved_at_the_same_moment_are_told_in_one_mail(
    salon: Salon, noon: datetime
) -> None:
    for attempt in range(ROUNDS):
        weeks = timedelta(days=7 * attempt)
        one, other = make_series(
            salon, salon.bea, (noon + weeks, salon.service), (noon + weeks + 3 * HOUR, salon.service)
        )
        # With somebody else, so that they do not queue for one staff member.
        lifecycle.change(actor=SYSTEM, booking_id=other.pk, changes={"staff_id": salon.cora.pk})
        both(
            partial(
                lifecycle.change,
                actor=SYSTEM,
                booking_id=one.pk,
                changes={"start_at": one.start_at + HOUR, "end_at": one.end_at + HOUR},
            ),
            partial(
                lifecycle.change,
                actor=SYSTEM,
                booking_id=other.pk,
                changes={"start_at": other.start_at + HOUR, "end_at": other.end_at + HOUR},
            ),
        )
        job = Job.objects.get(dedupe_key__contains=f"series:{one.series_id}:")
        assert job.payload == {"booking_ids": sorted([one.pk, other.pk])}
        assert Message.objects.filter(job=job).count() == 1
    assert Job.objects.filter(type="booking.updated").count() == ROUNDS
