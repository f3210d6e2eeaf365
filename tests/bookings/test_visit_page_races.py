"""A client's click and the salon at one moment: one of them wins, whole (contract §8 "GET and HEAD")."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.cache import cache

from bookings import lifecycle
from bookings.models import Booking, BusyTime, Visit
from notifications.models import Job
from staff.access.actor import SYSTEM
from staff.wire.refusals import Refused
from tests.cast.factories import make_client, make_hours
from tests.cast.pages import NOW, START, Cast, browser, make_cast
from tests.cast.races import at_once
from tests.cast.visit_page import page_of, shown_at

pytestmark = pytest.mark.django_db(transaction=True)

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.fixture(autouse=True)
def _frozen() -> Iterator[Any]:
    cache.clear()
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


@pytest.fixture
def cast() -> Cast:
    cast = make_cast()
    make_hours(cast.bea)
    return cast


def clicked(page: str, **fields: str) -> Callable[[], str]:
    return lambda: "done" if browser().post(page, fields).status_code == 200 else "refused"


def by_salon(booking: Booking, **changes: Any) -> Callable[[], str]:
    def change() -> str:
        try:
            lifecycle.change(actor=SYSTEM, booking_id=booking.pk, changes=changes)
        except Refused:
            return "refused"
        return "done"

    return change


def calendar_is_true() -> None:
    """Who stands occupies exactly its time, and the visit says so."""
    for visit in Visit.objects.all():
        [booking] = visit.items
        assert (visit.start_at, visit.end_at, visit.status) == (
            booking.start_at,
            booking.end_at,
            booking.status,
        )
        rows = list(BusyTime.objects.filter(booking=booking).values_list("starts_at", "ends_at"))
        assert rows == ([(booking.start_at, booking.end_at)] if booking.stands else [])


@pytest.mark.parametrize("round_", range(3))
def test_cancel_move_and_the_salon_s_move_of_one_moment(cast: Cast, round_: int) -> None:
    """Who comes second to a change of what was shown is told so; the salon is never refused."""
    booking = cast.booked()
    shown, start = shown_at(page_of(booking)), f"{(START + DAY).isoformat()} {cast.bea.pk}"
    clicks = at_once(
        clicked(page_of(booking, "cancel"), shown=shown),
        clicked(page_of(booking, "move"), shown=shown, start=start),
        by_salon(booking, start_at=START + HOUR, end_at=START + 2 * HOUR),
        clicked(page_of(booking, "cancel"), shown=shown),
    )
    assert clicks[2] == "done"
    assert [clicks[0], clicks[1], clicks[3]].count("done") <= 1
    calendar_is_true()
    booking.refresh_from_db()
    visit = Visit.objects.get()
    moved, gone = clicks[1] == "done", "done" in (clicks[0], clicks[3])
    assert (booking.status == "cancelled") == gone
    assert visit.client_moves == int(moved)
    assert Job.objects.filter(type="booking.cancelled").count() == int(gone)


@pytest.mark.parametrize("round_", range(2))
def test_two_clients_who_want_one_time_get_it_once(cast: Cast, round_: int) -> None:
    bob = make_client("Bob", "Brown")
    first = cast.booked()
    second = cast.booked(client_id=bob.pk, start_at=START + 2 * HOUR, end_at=START + 3 * HOUR)
    start = f"{(START + DAY).isoformat()} {cast.bea.pk}"
    clicks = at_once(
        *(
            clicked(page_of(each, "move"), shown=shown_at(page_of(each)), start=start)
            for each in (first, second)
        )
    )
    assert sorted(clicks) == ["done", "refused"]
    calendar_is_true()


def test_a_click_against_another_client_is_never_for_the_new_one(cast: Cast) -> None:
    bob = make_client("Bob", "Brown")
    booking = cast.booked()
    shown, page = shown_at(page_of(booking)), page_of(booking, "cancel")
    clicks = at_once(clicked(page, shown=shown), by_salon(booking, client_id=bob.pk))
    booking.refresh_from_db()
    assert (booking.client_id, clicks[1]) == (bob.pk, "done")
    last = booking.events.filter(to_status="cancelled", actor_type="client").first()
    assert (last is not None) == (clicks[0] == "done")
    assert last is None or last.actor_id == cast.alice.pk
