"""Odd values in every parameter of Amelia's lists: never a 5xx (contract §0).

Odd bodies are those of tests/wire/test_odd_bodies.py.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.cast.amelia import Desk, make_class, order
from tests.cast.bookings import MORNING, Salon

pytestmark = [pytest.mark.django_db, pytest.mark.clock_at(MORNING)]

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
    desk.made(order(salon))
    for path in ("/appointments", "/users/customers", "/slots"):
        for value in ODD:
            answer = desk.get(path, **{name: value, f"{name}[]": value, "page": 1})
            assert answer.status_code in (200, 400, 404), (path, value, answer.content)
