"""Many at one slot, in real threads: one winner, no overlap, no other error (reliability §2, F11)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
from django.utils import timezone

from bookings import lifecycle
from bookings.errors import SlotTaken
from bookings.lifecycle.book import Order
from bookings.models import Booking, BusyTime, Hold
from bookings.slots import holds
from staff.access.actor import SYSTEM
from staff.models import SalonSettings, Staff
from tests.cast.bookings import Salon, make_cast
from tests.cast.factories import make_bea
from tests.cast.races import answered, at_once

pytestmark = pytest.mark.django_db(transaction=True)

ATTEMPTS = 64
THREADS = 16


@pytest.fixture
def salon() -> Salon:
    return make_cast()


def outcomes(call: Callable[[], Any]) -> Counter[str]:
    """`ATTEMPTS` calls by `THREADS` threads."""

    def run() -> list[str]:
        return [answered(call)() for _ in range(ATTEMPTS // THREADS)]

    return Counter(word for words in at_once(*[run] * THREADS) for word in words)


def wish(salon: Salon, **more: Any) -> dict[str, Any]:
    start_at = timezone.now().replace(minute=0, second=0, microsecond=0) + timedelta(days=7)
    return {"service_id": salon.service.pk, "start_at": start_at, **more}


def keep(salon: Salon, **asked: Any) -> Hold:
    return holds.keep(actor=SYSTEM, salon=SalonSettings.load(), now=timezone.now(), **asked)


def test_sixty_four_at_one_slot_make_one_hold(salon: Salon) -> None:
    asked = wish(salon, staff_id=salon.bea.pk)
    assert outcomes(lambda: keep(salon, **asked)) == {"done": 1, SlotTaken.code: ATTEMPTS - 1}
    assert (Hold.objects.count(), BusyTime.objects.count()) == (1, 1)


def test_sixty_four_at_anyone_make_one_hold_for_each_who_is_free(salon: Salon) -> None:
    people = [make_bea(email=f"p{number}@salon.example", services=[salon.service]) for number in range(5)]
    Staff.objects.filter(pk__in=[salon.bea.pk, salon.cora.pk]).update(bookable=False)
    asked = wish(salon)
    assert outcomes(lambda: keep(salon, **asked)) == {"done": 5, SlotTaken.code: ATTEMPTS - 5}
    assert sorted(BusyTime.objects.values_list("staff_id", flat=True)) == [person.pk for person in people]


def test_an_expired_hold_is_won_by_one(salon: Salon) -> None:
    asked = wish(salon, staff_id=salon.bea.pk)
    now = timezone.now() - timedelta(minutes=10)
    expired = holds.keep(actor=SYSTEM, salon=SalonSettings.load(), now=now, **asked)
    assert outcomes(lambda: keep(salon, **asked)) == {"done": 1, SlotTaken.code: ATTEMPTS - 1}
    assert BusyTime.objects.get().hold_id != expired.pk


def test_holds_and_bookings_at_one_slot_and_around_it_never_overlap(salon: Salon) -> None:
    asked = wish(salon, staff_id=salon.bea.pk)
    begins = asked["start_at"]

    def book(offset: int) -> None:
        start_at = begins + timedelta(minutes=offset)
        lifecycle.book(
            actor=SYSTEM,
            order=Order(
                client_id=salon.alice.pk,
                staff_id=salon.bea.pk,
                service_id=salon.service.pk,
                start_at=start_at,
                end_at=start_at + timedelta(hours=1),
            ),
        )

    def hold(offset: int) -> None:
        keep(salon, **(asked | {"start_at": begins + timedelta(minutes=offset)}))

    calls = [answered(partial(one, by)) for one in (book, hold) for by in range(-45, 60, 15)]
    words = Counter(at_once(*calls))
    assert set(words) == {"done", SlotTaken.code}
    rows = list(BusyTime.objects.order_by("starts_at").values_list("starts_at", "ends_at"))
    assert len(rows) == words["done"] == Booking.objects.count() + Hold.objects.count()
    assert all(first[1] <= second[0] for first, second in pairwise(rows))


def test_two_bookings_with_one_hold_make_one_booking(salon: Salon) -> None:
    asked = wish(salon, staff_id=salon.bea.pk)
    token = keep(salon, **asked).token
    order = Order(
        client_id=salon.alice.pk,
        staff_id=salon.bea.pk,
        service_id=salon.service.pk,
        start_at=asked["start_at"],
        end_at=asked["start_at"] + timedelta(hours=1),
        hold_token=token,
    )
    words = Counter(at_once(*[answered(lambda: lifecycle.book(actor=SYSTEM, order=order))] * 8))
    assert words == {"done": 1, "invalid": 7}
    assert (Booking.objects.count(), Hold.objects.count(), BusyTime.objects.count()) == (1, 0, 1)
