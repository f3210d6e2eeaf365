"""What changes with a visit shows in its bookings, for who polls (contract §11 "live"), and is noted."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from time_machine import Traveller

from bookings.models import Booking, BookingEvent
from tests.cast.bookings import MORNING, Salon, make_cast
from tests.cast.factories import caller
from tests.cast.visit_page import post_json

pytestmark = [pytest.mark.django_db, pytest.mark.clock_at(MORNING)]


@pytest.fixture
def salon() -> Salon:
    return make_cast()


@pytest.fixture
def visit(salon: Salon) -> Any:
    """Of two bookings, with Bea and with Cora."""
    items = [{"service_id": salon.service.pk, "staff_id": each.pk} for each in (salon.bea, salon.cora)]
    order = {"client_id": salon.alice.pk, "items": items, "start_at": "2026-03-24 10:00:00"}
    return caller(salon.ada).post("/api/visits", order, format="json").json()["visit"]


class Feed:
    """An app that polls, and has read all until now."""

    def __init__(self, salon: Salon, clock: Traveller) -> None:
        self._who, self._clock = caller(salon.ada), clock
        clock.shift(timedelta(seconds=10))
        self._cursor = self._who.get("/api/agenda").json()["cursor"]
        clock.shift(timedelta(seconds=10))

    def changed(self) -> dict[int, int]:
        """Booking id to version of what has come since."""
        self._clock.shift(timedelta(seconds=6))
        answer = self._who.get(f"/api/bookings/changes?cursor={self._cursor}").json()
        self._cursor = answer["cursor"]
        return {each["id"]: each["version"] for each in answer["items"]}


def history(booking_id: int) -> list[tuple[str, str, Any, str]]:
    events = BookingEvent.objects.filter(booking_id=booking_id).exclude(changes={}).order_by("id")
    return list(events.values_list("door", "actor_type", "changes", "reason"))


def test_a_client_who_confirms_shows_in_every_booking(salon: Salon, visit: Any, clock: Traveller) -> None:
    first, second = visit["booking_ids"]
    feed = Feed(salon, clock)
    assert feed.changed() == {}
    assert post_json(Booking.objects.get(pk=first), "confirm").status_code == 200
    assert feed.changed() == {first: 2, second: 2}
    assert history(first) == [("public", "client", {"client_confirmed": [False, True]}, "")]
    assert history(second) == []
    assert post_json(Booking.objects.get(pk=first), "confirm").status_code == 200
    assert feed.changed() == {}, "a second time changes nothing"


def test_the_desk_that_confirms_leaves_a_row_too(salon: Salon, visit: Any, clock: Traveller) -> None:
    first, second = visit["booking_ids"]
    feed, path = Feed(salon, clock), f"/api/visits/{visit['id']}"
    put = caller(salon.bea).put
    body = {"client_confirmed": True, "reason": "By telephone"}
    assert put(path, body, format="json").json()["visit"]["version"] == 2
    assert feed.changed() == {first: 2, second: 2}
    put(path, body, format="json")
    assert feed.changed() == {}
    put(path, {"client_confirmed": False}, format="json")
    assert feed.changed() == {first: 3, second: 3}
    assert history(first) == [
        ("api", "staff", {"client_confirmed": [False, True]}, "By telephone"),
        ("api", "staff", {"client_confirmed": [True, False]}, ""),
    ]


def test_a_move_of_one_takes_the_confirmation_of_all_back(salon: Salon, visit: Any, clock: Traveller) -> None:
    first, second = visit["booking_ids"]
    caller(salon.ada).put(f"/api/visits/{visit['id']}", {"client_confirmed": True}, format="json")
    feed = Feed(salon, clock)
    salon.put({"id": second}, {"start_at": "2026-03-24 11:15", "end_at": "2026-03-24 12:15"})
    assert feed.changed() == {first: 3, second: 3}
    blocks = caller(salon.ada).get("/api/agenda?date=2026-03-24").json()["bookings"]
    assert [each["marks"]["confirmed"] for each in blocks] == [False, False]


def test_a_booking_that_was_confirmed_is_stale_for_who_read_it_before(salon: Salon, visit: Any) -> None:
    first = {"id": visit["booking_ids"][0]}
    caller(salon.ada).put(f"/api/visits/{visit['id']}", {"client_confirmed": True}, format="json")
    assert salon.put(first, {"notes": "x"}, **{"If-Match": '"1"'}).status_code == 412
    assert salon.put(first, {"notes": "x"}, **{"If-Match": '"2"'}).status_code == 200
