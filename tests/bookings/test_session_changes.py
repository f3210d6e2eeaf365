"""A whole session changed at once (contract §3 "group", §6)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bookings import lifecycle
from bookings.errors import SessionFull
from bookings.models import Booking, BusyTime
from staff.access.actor import SYSTEM
from tests.cast.bookings import MORNING, Salon, make_cast, stored
from tests.cast.factories import make_service

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.clock_at(MORNING)]


@pytest.fixture
def salon() -> Salon:
    return make_cast()


def make_session(salon: Salon) -> tuple[dict[str, Any], dict[str, Any]]:
    salon.service.max_capacity = 3
    salon.service.save()
    first = salon.book()
    return first, salon.book(client_id=salon.bob.pk, session_of=first["id"])


def test_the_same_times_again_keep_the_slot(salon: Salon) -> None:
    first, _ = make_session(salon)
    row = Booking.objects.get(pk=first["id"])
    before = stored()
    outcomes = lifecycle.change_session(
        actor=SYSTEM, session_id=row.pk, changes={"start_at": row.start_at, "end_at": row.end_at}
    )
    assert [outcome.changed for outcome in outcomes] == [False, False]
    assert stored() == before


def test_a_move_takes_all_of_them_the_closed_ones_too(salon: Salon) -> None:
    first, second = make_session(salon)
    salon.delete(second)
    row = Booking.objects.get(pk=first["id"])
    later = {"start_at": row.start_at + timedelta(days=1), "end_at": row.end_at + timedelta(days=1)}
    lifecycle.change_session(actor=SYSTEM, session_id=row.pk, changes=later)
    assert set(Booking.objects.values_list("start_at", flat=True)) == {later["start_at"]}
    assert [busy.starts_at for busy in BusyTime.objects.all()] == [later["start_at"]]
    assert salon.put(second, {"status": "scheduled"}).status_code == 200
    assert BusyTime.objects.values("party").distinct().count() == 1


def test_another_service_must_have_room_for_all(salon: Salon) -> None:
    first, _ = make_session(salon)
    massage = make_service("Massage")
    before = stored()
    with pytest.raises(SessionFull):
        lifecycle.change_session(actor=SYSTEM, session_id=first["id"], changes={"service_id": massage.pk})
    assert stored() == before
