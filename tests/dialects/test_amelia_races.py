"""Many at one seat, in real threads, through Amelia's door (contract §3 "group"; reliability §2, F11)."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Any

import pytest
import time_machine

from bookings.models import Booking, BusyTime
from notifications.models import Job
from tests.cast.amelia import Desk, make_class, order, rows, seat
from tests.cast.bookings import MORNING, Salon
from tests.cast.factories import make_client
from tests.cast.races import at_once

pytestmark = pytest.mark.django_db(transaction=True)

THREADS = 16


@pytest.fixture
def salon() -> Salon:
    return make_class()


@pytest.fixture
def desk(salon: Salon) -> Desk:
    return Desk()


def word(answer: Any) -> str:
    """ "done", or the flag of the refusal; anything else is a failure of the test."""
    if answer.status_code == 200:
        return "done"
    assert answer.status_code == 409, answer.content
    (flag,) = answer.json()["data"]
    return str(flag)


def test_sixteen_at_the_last_seat_and_one_gets_it(salon: Salon, desk: Desk) -> None:
    with time_machine.travel(MORNING):
        made = desk.made(order(salon, bookings=[seat(salon.alice), seat(salon.bob)]))
        people = [make_client(f"C{number}") for number in range(THREADS)]
        answers = at_once(
            *(
                partial(desk.post, f"/appointments/{made['id']}", {"bookings": [seat(each)]})
                for each in people
            )
        )
    assert Counter(map(word, answers)) == {"done": 1, "maximumCapacityReached": THREADS - 1}
    assert Booking.objects.filter(session_id=made["id"]).count() == 3
    assert Job.objects.count() == 3


def test_sixteen_at_one_slot_and_one_gets_it(salon: Salon, desk: Desk) -> None:
    with time_machine.travel(MORNING):
        people = [make_client(f"C{number}") for number in range(THREADS)]
        answers = at_once(
            *(partial(desk.post, "/appointments", order(salon, bookings=[seat(each)])) for each in people)
        )
    assert Counter(map(word, answers)) == {"done": 1, "timeSlotUnavailable": THREADS - 1}
    assert (Booking.objects.count(), BusyTime.objects.count(), Job.objects.count()) == (1, 1, 1)


def test_the_same_customer_from_everywhere_gets_one_seat(salon: Salon, desk: Desk) -> None:
    with time_machine.travel(MORNING):
        made = desk.made(order(salon))
        join = {"bookings": [seat(salon.bob)]}
        answers = at_once(*[partial(desk.post, f"/appointments/{made['id']}", join)] * THREADS)
    assert Counter(map(word, answers)) == {"done": 1, "customerAlreadyBooked": THREADS - 1}


def test_moves_joins_and_statuses_at_once_leave_one_whole_session(salon: Salon, desk: Desk) -> None:
    with time_machine.travel(MORNING):
        made = desk.made(order(salon, bookings=[seat(salon.alice), seat(salon.bob)]))
        path = f"/appointments/{made['id']}"
        people = [make_client(f"C{number}") for number in range(4)]
        answers = at_once(
            *(
                partial(desk.post, path, {"bookingStart": f"2026-03-25 {hour}:00", "providerId": who})
                for hour, who in ((10, salon.cora.pk), (11, salon.bea.pk), (12, salon.cora.pk))
            ),
            *(partial(desk.post, path, {"bookings": [seat(each)]}) for each in people),
            *(
                partial(desk.post, f"/appointments/status/{made['id']}", {"status": each})
                for each in ("pending", "canceled", "approved")
            ),
            *(
                partial(desk.post, "/appointments", order(salon, bookingStart=start))
                for start in ("2026-03-25 10:00", "2026-03-25 11:00")
            ),
        )
    assert {each.status_code for each in answers} <= {200, 409}
    session = Booking.objects.filter(session_id=made["id"])
    assert session.values("start_at", "end_at", "staff_id").distinct().count() == 1
    live = session.filter(status__in=["scheduled", "provisional"])
    assert live.count() <= 3
    busy = BusyTime.objects.filter(booking__in=live)
    assert busy.count() == live.count()
    assert busy.values("party").distinct().count() <= 1


def test_a_delete_twice_at_once_happens_once(salon: Salon, desk: Desk) -> None:
    with time_machine.travel(MORNING):
        made = desk.made(order(salon))
        answers = at_once(*[partial(desk.post, f"/appointments/delete/{made['id']}")] * 4)
    assert Counter(each.status_code for each in answers) == {200: 1, 404: 3}
    assert rows() == [("cancelled", "rejected", True)]


def test_series_with_two_providers_in_both_orders_do_not_lock_each_other_out(
    salon: Salon, desk: Desk
) -> None:
    def series(number: int) -> Any:
        first, second = (salon.bea, salon.cora) if number % 2 else (salon.cora, salon.bea)
        body = order(
            salon,
            bookings=[seat(salon.alice if number % 2 else salon.bob)],
            bookingStart=f"2026-03-{10 + number} 10:00",
            providerId=first.pk,
            recurring=[
                {"bookingStart": f"2026-04-{10 + number} 10:00", "providerId": second.pk},
                {"bookingStart": f"2026-05-{10 + number} 10:00", "providerId": first.pk},
            ],
        )
        return desk.post("/appointments", body)

    with time_machine.travel("2026-03-01T08:00:00Z"):
        answers = at_once(*(partial(series, number) for number in range(THREADS)))
    assert {each.status_code for each in answers} == {200}, [each.content for each in answers]
    assert Booking.objects.count() == THREADS * 3
