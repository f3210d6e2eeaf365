"""GET /appointments: dates, pages, filters, totals, what each item adds (contract §3)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bookings.dialects.amelia.views import LARGEST_PAGE_SIZE
from bookings.models import Booking
from tests.cast.amelia import Desk, make_class, order, seat
from tests.cast.bookings import MORNING, Salon
from tests.cast.factories import caller, make_client, make_location, make_service

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.clock_at(MORNING)]


@pytest.fixture
def salon() -> Salon:
    return make_class(reply_to="desk@salon.example")


@pytest.fixture
def desk(salon: Salon) -> Desk:
    return Desk()


def make_days(salon: Salon, desk: Desk, days: range, **changes: Any) -> list[int]:
    """One appointment at 10:00 on each of these days of March 2026; their ids."""
    return [desk.made(order(salon, bookingStart=f"2026-03-{day} 10:00", **changes))["id"] for day in days]


def test_without_a_page_everything_comes_by_start(salon: Salon, desk: Desk) -> None:
    late = make_days(salon, desk, range(26, 28))
    early = make_days(salon, desk, range(23, 26))
    assert desk.ids() == early + late
    assert desk.ids(limit=2) == early + late
    assert [list(each)[:1] for each in desk.listed()["appointments"].values()] == [["date"]] * 5


def test_a_page_has_twelve_or_as_many_as_the_limit(salon: Salon, desk: Desk) -> None:
    made = make_days(salon, desk, range(10, 24))
    assert desk.ids(page=1) == made[:12]
    assert desk.ids(page=2) == made[12:]
    assert desk.ids(page=3) == []
    assert desk.ids(page=2, limit=5) == made[5:10]
    assert desk.listed(page=99)["appointments"] == []
    assert desk.ids(page=1, limit=LARGEST_PAGE_SIZE + 1) == made


def test_totals_run_over_all_pages(salon: Salon, desk: Desk) -> None:
    make_days(salon, desk, range(23, 26))
    make_days(salon, desk, range(26, 28), bookings=[seat(salon.alice, status="pending")])
    make_days(salon, desk, range(28, 29), bookings=[seat(salon.alice, status="canceled")])
    data = desk.listed(page=2, limit=1)
    assert (data["total"], data["totalApproved"], data["totalPending"]) == (6, 3, 2)
    data = desk.listed(dates="2026-03-25,2026-03-26")
    assert (data["total"], data["totalApproved"], data["totalPending"]) == (2, 1, 1)


def test_dates_are_salon_days_both_included(salon: Salon, desk: Desk) -> None:
    first = desk.made(order(salon, bookingStart="2026-03-29 00:00"))["id"]
    last = desk.made(order(salon, bookingStart="2026-03-29 23:45"))["id"]
    next_day = desk.made(order(salon, bookingStart="2026-03-30 00:15"))["id"]
    assert desk.ids(dates="2026-03-29,2026-03-29") == [first, last]
    assert desk.ids(dates="2026-03-29") == [first, last]
    assert desk.ids(dates="2026-03-30,2026-03-31") == [next_day]
    assert desk.ids(dates="2026-03-20,2026-03-28") == []
    assert list(desk.listed()["appointments"]) == ["2026-03-29", "2026-03-30"]


def test_filters_name_ids_and_statuses(salon: Salon, desk: Desk) -> None:
    massage, centre = make_service("Massage"), make_location()
    south = make_location("South", "south")
    one = desk.made(order(salon, locationId=centre.pk))["id"]
    two = desk.made(
        order(
            salon,
            providerId=salon.cora.pk,
            serviceId=massage.pk,
            locationId=south.pk,
            bookings=[seat(salon.bob, status="pending")],
        )
    )["id"]
    both = desk.made(
        order(salon, bookingStart="2026-03-25 10:00", bookings=[seat(salon.alice), seat(salon.bob)])
    )["id"]
    assert desk.ids(services=massage.pk) == [two]
    assert desk.ids(services=f"{massage.pk},{salon.service.pk}") == [one, two, both]
    assert desk.ids(providers=salon.bea.pk) == [one, both]
    assert desk.ids(locations=south.pk) == [two]
    assert desk.ids(customers=salon.bob.pk) == [two, both]
    assert len(desk.listed(customers=salon.bob.pk, asArray=1)["appointments"][1]["bookings"]) == 2
    assert desk.ids(status="pending") == [two]
    assert desk.ids(status="pending,approved") == [one, two, both]
    assert desk.ids(status="canceled") == []
    assert desk.ids(services=900000999) == []
    answer = desk.get("/appointments", **{"providers[]": salon.cora.pk, "asArray": 1})
    assert [each["id"] for each in answer.json()["data"]["appointments"]] == [two]


def test_services_and_providers_stand_in_each_unless_skipped(salon: Salon, desk: Desk) -> None:
    make_days(salon, desk, range(24, 25))
    (shown,) = desk.listed(asArray=1)["appointments"]
    assert (shown["service"]["id"], shown["service"]["name"], shown["service"]["duration"]) == (
        salon.service.pk,
        "Haircut",
        1800,
    )
    assert (shown["provider"]["id"], shown["provider"]["firstName"], shown["provider"]["lastName"]) == (
        salon.bea.pk,
        "Bea",
        "Bakker",
    )
    assert shown["location"] is None
    (shown,) = desk.listed(asArray="true", skipServices="true", skipProviders=1)["appointments"]
    assert (shown["service"], shown["provider"]) == (None, None)


@pytest.mark.parametrize(
    ("status", "shift", "expected"),
    [
        ("approved", timedelta(0), (True, True, False)),
        ("pending", timedelta(0), (True, True, False)),
        ("canceled", timedelta(0), (False, False, False)),
        ("approved", timedelta(days=4, hours=1), (False, False, True)),
        ("canceled", timedelta(days=9), (False, False, True)),
    ],
)
def test_what_may_still_be_done_is_said(
    salon: Salon, desk: Desk, status: str, shift: timedelta, expected: tuple[bool, bool, bool]
) -> None:
    make_days(salon, desk, range(24, 25), bookings=[seat(salon.alice, status=status)])
    with time_machine.travel(MORNING, tick=False) as clock:
        clock.shift(shift)
        (shown,) = desk.listed(asArray=1)["appointments"]
    assert (shown["cancelable"], shown["reschedulable"], shown["past"]) == expected
    assert shown["isGroup"] is True


def test_who_asks_is_the_key(desk: Desk) -> None:
    who = desk.listed()["currentUser"]
    assert (who["id"], who["firstName"], who["lastName"], who["email"], who["type"]) == (
        None,
        "API",
        "Website",
        "desk@salon.example",
        "admin",
    )
    assert desk.listed()["appointments"] == []


@pytest.mark.parametrize("query", [{}, {"page": 1, "limit": 500}, {"dates": "2026-03-01,2026-03-31"}])
def test_it_takes_the_same_statements_for_one_and_for_many(
    salon: Salon, desk: Desk, query: dict[str, Any]
) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as captured:
            desk.listed(**query)
        return len(captured)

    make_days(salon, desk, range(10, 11))
    desk.listed()
    few = statements()
    for day in range(11, 29):
        people = [seat(make_client(f"C{day}-{number}")) for number in range(3)]
        desk.made(order(salon, bookingStart=f"2026-03-{day} 10:00", bookings=people))
    assert statements() == few
    assert few <= 5
    assert Booking.objects.count() == 55


def test_the_native_list_shows_the_same_bookings(salon: Salon, desk: Desk) -> None:
    make_days(salon, desk, range(23, 26), bookings=[seat(salon.alice), seat(salon.bob)])
    native = {each["id"]: each for each in caller(salon.ada).get("/api/bookings").json()}
    theirs = [booking for each in desk.listed(asArray=1)["appointments"] for booking in each["bookings"]]
    assert {each["id"] for each in theirs} == set(native)
    assert {native[each["id"]]["session_id"] for each in theirs} == {each["appointmentId"] for each in theirs}
