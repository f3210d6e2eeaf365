"""The page of a seat in a class: its own client's, and of nobody else in it (contract §8 "what it does")."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from bookings.models import Booking, BookingEvent, BusyTime, Visit
from notifications.execution import run_due
from notifications.models import Job, Message
from tests.cast.factories import make_client, make_hours
from tests.cast.pages import NOW, START, Cast, browser, everything, make_cast, text_of
from tests.cast.visit_page import get_json, page_of, post_json, post_page, twin_of

pytestmark = [pytest.mark.django_db, pytest.mark.clock_at(NOW)]

Post = Callable[..., Any]


@pytest.fixture
def seats() -> tuple[Cast, Booking, Booking]:
    """Alice's class, which Bob has joined; both were told."""
    cast = make_cast()
    make_hours(cast.bea)
    cast.service.max_capacity = 3
    cast.service.save()
    founder = cast.booked(notes="Mat")
    joined = cast.booked(client_id=make_client("Bob", "Brown").pk, session_of=founder.pk)
    run_due(at_most=10)
    return cast, founder, joined


def of(booking: Booking) -> list[Any]:
    """All that is stored of a seat and its visit."""
    tables = (Booking.objects.filter(pk=booking.pk), Visit.objects.filter(pk=booking.visit_id))
    of_it = (each.objects.filter(booking_id=booking.pk) for each in (BookingEvent, BusyTime, Job, Message))
    return [list(each.order_by("pk").values()) for each in (*tables, *of_it)]


@pytest.mark.parametrize("post", [post_page, post_json])
@pytest.mark.parametrize("who", ["who joined", "who founded it"])
def test_a_seat_is_confirmed_noted_and_cancelled_by_itself(
    seats: tuple[Cast, Booking, Booking], post: Post, who: str
) -> None:
    _cast, founder, joined = seats
    mine, other = (joined, founder) if who == "who joined" else (founder, joined)
    page_of(other)
    before = of(other)
    assert post(mine, "confirm").status_code == 200
    assert post(mine, "note", notes="Tea").status_code == 200
    mine.refresh_from_db()
    visit = Visit.objects.get(pk=mine.visit_id)
    assert (mine.notes, visit.client_confirmed_at, mine.status) == ("Tea", NOW, "scheduled")
    assert post(mine, "cancel", reason="ill").status_code == 200
    mine.refresh_from_db()
    assert (mine.status, mine.status_detail) == ("cancelled", "client")
    assert of(other) == before
    run_due(at_most=10)
    told = Message.objects.filter(type="booking.cancelled").values_list("client_id", flat=True)
    assert list(told) == [mine.client_id]
    assert "This appointment has been cancelled." in text_of(browser().get(page_of(mine)))
    assert "Your appointment is confirmed." in text_of(browser().get(page_of(other)))


def test_a_seat_is_not_moved_by_its_client(seats: tuple[Cast, Booking, Booking]) -> None:
    cast, founder, joined = seats
    later = START + timedelta(days=1)
    for seat in (joined, founder):
        assert get_json(twin_of(seat))["moving"]["allowed"] is False
        before = everything()
        start = f"{later.isoformat()} {cast.bea.pk}"
        assert post_page(seat, "move", start=start).status_code == 409
        refused = post_json(seat, "reschedule", start_at=later.isoformat())
        assert (refused.status_code, refused.json()["code"]) == (409, "not_allowed")
        looked = browser().get(twin_of(seat, "availability?date_from=2026-11-25&date_to=2026-11-25"))
        assert (looked.status_code, looked.json()["code"]) == (409, "not_allowed")
        assert everything() == before
