"""Two clicks at the same moment, or a click and the salon: one of them wins, whole (contract §1.4)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.test import Client as Browser
from rest_framework.test import APIClient

from bookings import lifecycle
from bookings.models import Booking, BookingEvent, BusyTime, Feedback, SpentToken, WaitlistEntry
from notifications.models import Job
from staff.access.actor import SYSTEM
from staff.wire.refusals import Refused
from tests.cast.factories import make_client
from tests.cast.pages import END, NOW, START, Cast, make_cast
from tests.cast.races import at_once

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = 3


@pytest.fixture(autouse=True)
def _frozen() -> Iterator[Any]:
    cache.clear()
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


@pytest.fixture
def cast() -> Cast:
    return make_cast()


def clicked(address: str, data: dict[str, str] | None = None) -> Callable[[], int]:
    """A press of the page's button, or the twin's POST without a body."""
    if address.startswith("/api"):
        return lambda: APIClient().post(address).status_code
    return lambda: Browser().post(address, data).status_code


def statuses(results: list[int]) -> Counter[int]:
    return Counter(results)


def pending(booking: Booking) -> list[str]:
    found = Job.objects.filter(booking_id=booking.pk, state="pending")
    return sorted(found.values_list("type", flat=True))


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_accepting_twice_at_once_accepts_once(cast: Cast, round_: int) -> None:
    booking = cast.requested()
    accept = clicked(f"/provisional/{booking.provisional_token}/accept")
    assert statuses(at_once(*[accept] * 6)) == {200: 1, 410: 5}
    booking.refresh_from_db()
    assert booking.status == "scheduled"
    assert pending(booking) == ["booking.created"]
    assert BookingEvent.objects.filter(booking=booking).count() == 2
    assert SpentToken.objects.count() == 1


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_accept_and_decline_at_once_one_of_them_wins(cast: Cast, round_: int) -> None:
    booking = cast.requested()
    address = f"/provisional/{booking.provisional_token}"
    results = at_once(*[clicked(f"{address}/accept"), clicked(f"{address}/decline")] * 3)
    assert statuses(results) == {200: 1, 410: 5}
    booking.refresh_from_db()
    accepted = booking.status == "scheduled"
    assert (booking.status, booking.status_detail) in (("scheduled", ""), ("cancelled", "client"))
    assert pending(booking) == (["booking.created"] if accepted else [])
    assert BusyTime.objects.count() == int(accepted)
    assert BookingEvent.objects.filter(booking=booking).count() == 2


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_pages_and_twins_share_one_answer(cast: Cast, round_: int) -> None:
    booking = cast.requested()
    address = f"/provisional/{booking.provisional_token}/accept"
    assert statuses(at_once(*[clicked(address), clicked(f"/api/public{address}")] * 2)) == {200: 1, 410: 3}
    assert pending(booking) == ["booking.created"]


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_a_click_and_the_salon_s_move_at_once_leave_one_truth(cast: Cast, round_: int) -> None:
    booking = cast.requested()
    address = f"/provisional/{booking.provisional_token}/accept"
    page = Browser().get(address).content.decode()
    shown = page.partition('name="shown" value="')[2].partition('"')[0]
    later = START + timedelta(hours=3), END + timedelta(hours=3)

    def move() -> int:
        changes = {"start_at": later[0], "end_at": later[1]}
        lifecycle.change(actor=SYSTEM, booking_id=booking.pk, changes=changes)
        return 0

    click, moved = at_once(clicked(address, {"shown": shown}), move)
    booking.refresh_from_db()
    assert moved == 0
    assert (booking.start_at, booking.end_at) == later
    assert (click, booking.status) in ((200, "scheduled"), (409, "provisional"))
    assert list(BusyTime.objects.values_list("starts_at", "ends_at")) == [later]


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_a_click_and_the_salon_s_cancellation_at_once(cast: Cast, round_: int) -> None:
    booking = cast.requested()

    def cancel() -> int:
        lifecycle.cancel(actor=SYSTEM, booking_id=booking.pk)
        return 0

    click, cancelled = at_once(clicked(f"/provisional/{booking.provisional_token}/accept"), cancel)
    booking.refresh_from_db()
    assert cancelled == 0
    assert click in (200, 410)
    assert booking.status == "cancelled"
    assert BusyTime.objects.count() == 0


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_feedback_given_twice_at_once_is_one_row(cast: Cast, round_: int) -> None:
    visit = cast.completed()
    address = f"/feedback/{visit.feedback_token}"
    results = at_once(*[clicked(address, {"rating": str(rating)}) for rating in (1, 2, 3, 4, 5, 5)])
    assert statuses(results) == {200: 1, 410: 5}
    assert Feedback.objects.count() == 1


@pytest.mark.parametrize("hold_minutes", [0, 60])
@pytest.mark.parametrize("round_", range(ROUNDS))
def test_an_offer_taken_twice_at_once_is_one_booking(cast: Cast, round_: int, hold_minutes: int) -> None:
    cast.salon.waitlist_hold_minutes = hold_minutes
    cast.salon.save()
    offer = cast.offered()
    assert statuses(at_once(*[clicked(f"/waitlist/{offer.token}")] * 6)) == {200: 1, 410: 5}
    booking = Booking.objects.get(status="scheduled")
    assert booking.waitlist_id == offer.entry_id
    assert BusyTime.objects.count() == 1
    assert pending(booking) == ["waitlist.confirmed"]


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_an_offer_and_the_desk_want_the_same_slot(cast: Cast, round_: int) -> None:
    offer = cast.offered()
    carl = make_client("Carl", "Clark")

    def at_the_desk() -> int:
        try:
            cast.booked(client_id=carl.pk)
        except Refused as refused:
            return refused.http_status
        return 200

    click, desk = at_once(clicked(f"/waitlist/{offer.token}"), at_the_desk)
    assert sorted((click, desk)) == [200, 409]
    winner = Booking.objects.get(status="scheduled")
    assert winner.client_id == (cast.alice.pk if click == 200 else carl.pk)
    assert BusyTime.objects.count() == 1
    assert WaitlistEntry.objects.get().status == ("booked" if click == 200 else "notified")
