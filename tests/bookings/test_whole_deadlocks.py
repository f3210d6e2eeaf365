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
from bookings.models import Booking, BusyTime, WaitlistEntry, WaitlistOffer
from bookings.personal_data.erasure import erase_client
from notifications.models import Job, Message
from staff.access.actor import SYSTEM
from staff.models import SalonSettings, Service, Staff
from staff.wire.times import local_date
from tests.cast.bookings import Salon, make_cast
from tests.cast.factories import make_client, make_service
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


def test_two_series_cancelled_at_once_never_block_each_other_over_who_waits(
    salon: Salon, noon: datetime
) -> None:
    other_service = make_service("Colour")
    for attempt in range(ROUNDS):
        day = noon + timedelta(days=attempt)
        ours = make_series(salon, salon.bea, (day, salon.service), (day + 2 * HOUR, other_service))
        theirs = make_series(salon, salon.cora, (day, other_service), (day + 2 * HOUR, salon.service))
        entries = [
            waits(make_client(f"W{attempt}{service.pk}").pk, service, day)
            for service in (salon.service, other_service)
        ]
        both(cancel(ours[0]), cancel(theirs[0]))
        offered = WaitlistOffer.objects.filter(entry__in=entries, state="live")
        assert sorted(offered.values_list("entry_id", flat=True)) == [each.pk for each in entries]


def test_two_series_that_come_to_a_day_for_which_their_client_waits_never_block_each_other(
    salon: Salon, noon: datetime
) -> None:
    other_service = make_service("Colour")
    for attempt in range(ROUNDS):
        day, wanted = noon + timedelta(days=60 + attempt), noon + timedelta(days=attempt)
        ours = make_series(salon, salon.bea, (day, salon.service), (day + 2 * HOUR, other_service))
        theirs = make_series(salon, salon.cora, (day, other_service), (day + 2 * HOUR, salon.service))
        entries = [waits(salon.alice.pk, service, wanted) for service in (salon.service, other_service)]
        both(move(ours[0], wanted, "all"), move(theirs[0], wanted, "all"))
        found = WaitlistEntry.objects.filter(pk__in=[each.pk for each in entries])
        assert set(found.values_list("status", flat=True)) == {"booked"}


def test_two_series_booked_over_the_days_for_which_their_client_waits_never_block_each_other(
    salon: Salon, noon: datetime
) -> None:
    for attempt in range(ROUNDS):
        days = [noon + timedelta(days=7 * attempt + number) for number in (0, 1)]
        # The later day was asked for first.
        entries = [waits(salon.alice.pk, salon.service, day) for day in reversed(days)]
        order = Order(
            client_id=salon.alice.pk,
            staff_id=salon.bea.pk,
            service_id=salon.service.pk,
            start_at=days[0],
            end_at=days[0] + HOUR,
        )
        one_day = partial(lifecycle.book_series, actor=SYSTEM, order=order, starts=[*days])
        cora = Order(
            client_id=salon.alice.pk,
            staff_id=salon.cora.pk,
            service_id=salon.service.pk,
            start_at=days[1] + 2 * HOUR,
            end_at=days[1] + 3 * HOUR,
        )
        back = partial(
            lifecycle.book_series,
            actor=SYSTEM,
            order=cora,
            starts=[days[1] + 2 * HOUR, days[0] + 2 * HOUR],
        )
        both(one_day, back)
        found = WaitlistEntry.objects.filter(pk__in=[each.pk for each in entries])
        assert set(found.values_list("status", flat=True)) == {"booked"}


def test_two_clients_erased_at_once_never_block_each_other(salon: Salon, noon: datetime) -> None:
    other_service = make_service("Colour")
    for attempt in range(ROUNDS):
        day = noon + timedelta(days=attempt)
        for service in (salon.service, other_service):
            waits(make_client(f"W{attempt}{service.pk}").pk, service, day)
        leaving = []
        for number, people in enumerate([(salon.bea, salon.cora), (salon.cora, salon.bea)]):
            client = make_client(f"Gone{attempt}{number}")
            services = (salon.service, other_service) if number == 0 else (other_service, salon.service)
            for person, service, hour in zip(people, services, (0, 2), strict=True):
                start_at = day + hour * HOUR
                lifecycle.book(
                    actor=SYSTEM,
                    order=Order(
                        client_id=client.pk,
                        staff_id=person.pk,
                        service_id=service.pk,
                        start_at=start_at,
                        end_at=start_at + HOUR,
                    ),
                )
            leaving.append(
                partial(
                    erase_client,
                    client_id=client.pk,
                    cancel_upcoming=True,
                    actor=SYSTEM,
                    now=timezone.now(),
                )
            )
        both(*leaving)
    assert not BusyTime.objects.exists()
    assert Booking.objects.filter(client=None).count() == 4 * ROUNDS
