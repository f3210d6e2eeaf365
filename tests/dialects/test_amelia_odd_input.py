"""Odd values in every field of every Amelia body: never a 5xx, and a refusal stores nothing (contract §0)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from bookings.dialects.amelia.parse import AppointmentSerializer, OccurrenceSerializer, SeatSerializer
from tests.cast.amelia import Desk, make_class, order, seat
from tests.cast.bookings import MORNING, Salon, stored
from tests.cast.factories import caller

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.clock_at(MORNING)]

ODD: list[Any] = [
    None,
    True,
    -1,
    1e300,
    2**63 - 1,
    "",
    "5",
    "9999-12-31 23:59",
    "\u202ecode\U0001f600",
    [None],
    [{}],
    {"id": 1},
]


@pytest.fixture
def salon() -> Salon:
    return make_class()


def bodies(salon: Salon, booking_id: int) -> Iterator[dict[str, Any]]:
    for name in AppointmentSerializer().fields:
        for value in ODD:
            yield order(salon, **{name: value})
    for name in SeatSerializer().fields:
        for value in ODD:
            yield order(salon, bookings=[seat(salon.alice, id=booking_id) | {name: value}])
    for name in OccurrenceSerializer().fields:
        for value in ODD:
            again = {"bookingStart": "2026-03-31 10:00", name: value}
            yield order(salon, recurring=[again], removedBookings=[value])


@pytest.mark.parametrize("path", ["/appointments", "/appointments/{}"])
def test_no_field_breaks_it(salon: Salon, path: str) -> None:
    desk = Desk()
    made = desk.made(order(salon))
    before = stored()
    for body in bodies(salon, made["id"]):
        answer = desk.post(path.format(made["id"]), body)
        assert answer.status_code in (200, 400, 404, 409), (body, answer.content)
        assert set(answer.json()) == {"message", "data"}
        after = stored()
        if answer.status_code == 200:
            assert desk.get(f"/appointments/{answer.json()['data']['appointment']['id']}").status_code in (
                200,
                404,
            )
        else:
            assert after == before, body
        before = after
    assert desk.get("/appointments").status_code == 200
    assert caller(salon.ada).get("/api/bookings").status_code == 200


@pytest.mark.parametrize("field", ["status", "packageCustomerId"])
def test_no_status_breaks_it(salon: Salon, field: str) -> None:
    desk = Desk()
    made = desk.made(order(salon))
    for value in ODD:
        answer = desk.post(f"/appointments/status/{made['id']}", {"status": "pending", field: value})
        assert answer.status_code in (200, 400), (value, answer.content)
    assert desk.get("/appointments").status_code == 200


@pytest.mark.parametrize(
    "name",
    [
        "dates",
        "page",
        "limit",
        "services",
        "customers",
        "status",
        "asArray",
        "skipServices",
        "search",
        "serviceId",
        "startDateTime",
        "providerIds",
    ],
)
def test_no_parameter_breaks_it(salon: Salon, name: str) -> None:
    desk = Desk()
    for path in ("/appointments", "/users/customers", "/slots"):
        for value in ODD:
            answer = desk.get(path, **{name: value, f"{name}[]": value, "page": 1})
            assert answer.status_code in (200, 400, 404), (path, value, answer.content)
