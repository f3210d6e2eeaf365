"""Many around one gap, in real threads: never two parties at one instant, no other error (contract §7)."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
from django.utils import timezone

from bookings import lifecycle
from bookings.lifecycle import How
from bookings.lifecycle.book import Order
from bookings.models import Booking, BusyTime
from bookings.slots import holds
from bookings.slots.stretches import stretches_of
from staff.access.actor import SYSTEM
from staff.models import SalonSettings, Service
from tests.cast.bookings import Salon, make_cast
from tests.cast.factories import make_service
from tests.cast.parts import gap, make_colour, work
from tests.cast.races import answered, at_once

pytestmark = pytest.mark.django_db(transaction=True)

MINUTE = timedelta(minutes=1)


@pytest.fixture
def salon() -> Salon:
    return make_cast()


def order(salon: Salon, service: Service, offset: int, **more: Any) -> Order:
    """So many minutes after a whole hour in a week."""
    hour = timezone.now().replace(minute=0, second=0, microsecond=0) + timedelta(days=7)
    start_at = hour + offset * MINUTE
    asked = {"client_id": salon.alice.pk, "staff_id": salon.bea.pk, "service_id": service.pk, **more}
    return Order(start_at=start_at, end_at=start_at + service.duration_minutes * MINUTE, **asked)


def book(salon: Salon, service: Service, offset: int, **more: Any) -> Booking:
    return lifecycle.book(actor=SYSTEM, order=order(salon, service, offset, **more)).booking


def hold(salon: Salon, service: Service, offset: int) -> None:
    wanted = order(salon, service, offset)
    holds.keep(
        actor=SYSTEM,
        service_id=service.pk,
        staff_id=salon.bea.pk,
        start_at=wanted.start_at,
        salon=SalonSettings.load(),
        now=timezone.now(),
    )


def check_calendar() -> None:
    """Who stands occupies each part of theirs, and no two parties meet."""
    rows = list(BusyTime.objects.order_by("starts_at"))
    assert all(one.ends_at <= other.starts_at for one, other in pairwise(rows))
    for booking in Booking.objects.occupying():
        own = [(row.starts_at, row.ends_at) for row in rows if row.booking_id == booking.pk]
        assert own == [tuple(each) for each in stretches_of(booking)]


def test_colours_cuts_and_holds_around_each_other(salon: Salon) -> None:
    colour, cut = make_colour(salon), make_service("Cut", duration_minutes=20)
    for each in (colour, cut):
        salon.bea.services.add(each)
    calls = [answered(partial(book, salon, colour, by)) for by in range(0, 120, 15)]
    calls += [answered(partial(book, salon, cut, by)) for by in range(0, 120, 10)]
    calls += [answered(partial(hold, salon, colour, by)) for by in range(5, 125, 15)]
    words = Counter(at_once(*calls))
    assert set(words) == {"done", "slot_taken"}
    check_calendar()
    assert words["done"] >= 2


def test_sixty_four_into_one_gap(salon: Salon) -> None:
    colour, cut = make_colour(salon), make_service("Cut", duration_minutes=45)
    book(salon, colour, 0)
    words = Counter(at_once(*[answered(partial(book, salon, cut, 30))] * 32))
    words += Counter(at_once(*[answered(partial(book, salon, cut, 29))] * 32))
    assert words == {"done": 1, "slot_taken": 63}
    check_calendar()


def test_parts_are_stretched_while_others_come_into_the_gap(salon: Salon) -> None:
    colour, cut = make_colour(salon), make_service("Cut", duration_minutes=15)
    booking = book(salon, colour, 0)

    def stretch(minutes: int) -> None:
        parts = [work(30 + minutes), gap(45 - minutes), work(30)]
        lifecycle.change(actor=SYSTEM, booking_id=booking.pk, changes={"parts": parts}, how=How())

    def move(offset: int) -> None:
        wanted = order(salon, colour, offset)
        changes = {"start_at": wanted.start_at, "end_at": wanted.end_at}
        lifecycle.change(actor=SYSTEM, booking_id=booking.pk, changes=changes, how=How())

    calls = [answered(partial(stretch, by)) for by in range(0, 40, 5)]
    calls += [answered(partial(book, salon, cut, by)) for by in range(30, 75, 5)]
    calls += [answered(partial(move, by)) for by in range(-60, 60, 15)]
    words = Counter(at_once(*calls))
    assert set(words) <= {"done", "slot_taken"}
    check_calendar()
