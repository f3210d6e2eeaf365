"""Free starts of services with gaps, with each person's own minutes (contract §7 "occupation", "edges")."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from staff.models import Staff
from tests.cast.bookings import MORNING, Salon, make_cast
from tests.cast.factories import caller, make_hours, make_salon, make_service, make_time_off
from tests.cast.parts import COLOUR, TUESDAY, booked, gap, make_colour, own_minutes, post, work

pytestmark = [pytest.mark.django_db, pytest.mark.clock_at(MORNING)]


@pytest.fixture
def salon() -> Salon:
    salon = make_cast(slot_step_minutes=30)
    for person in (salon.bea, salon.cora):
        person.working_hours.all().delete()
        make_hours(person, opens="09:00", closes="12:30")
    return salon


def ask(salon: Salon, service: Any, **more: Any) -> Any:
    query = {"service_id": service.pk, "date_from": TUESDAY, "date_to": TUESDAY, **more}
    return caller(salon.ada).get("/api/availability", query).json()


def starts(salon: Salon, service: Any, person: Staff) -> list[str]:
    (day,) = ask(salon, service, staff_id=person.pk)["days"]
    return [each[11:16] for each in day["staff"][0]["starts"]]


def test_each_person_says_how_long_they_take(salon: Salon) -> None:
    colour = make_colour(salon)
    quick = [work(20), gap(30), work(10)]
    own_minutes(salon.cora, colour, *quick)
    assert ask(salon, colour) == {
        "service_id": colour.pk,
        "timezone": "Europe/Amsterdam",
        "step_minutes": 30,
        "days": [
            {
                "date": TUESDAY,
                "staff": [
                    {
                        "staff_id": salon.bea.pk,
                        "duration_minutes": 105,
                        "parts": COLOUR,
                        "starts": [f"{TUESDAY} {at}:00" for at in ("09:00", "09:30", "10:00", "10:30")],
                    },
                    {
                        "staff_id": salon.cora.pk,
                        "duration_minutes": 60,
                        "parts": quick,
                        "starts": [
                            f"{TUESDAY} {at}:00"
                            for at in ("09:00", "09:30", "10:00", "10:30", "11:00", "11:30")
                        ],
                    },
                ],
            }
        ],
    }


def test_a_gap_may_lie_over_somebody_a_lunch_and_an_absence(salon: Salon) -> None:
    colour, cut = make_colour(salon), make_service("Cut", duration_minutes=45)
    make_hours(salon.bea, opens="13:15", closes="15:00")
    make_time_off(salon.bea, datetime(2026, 3, 24, 8, 30, tzinfo=UTC), hours=0.5)
    booked(salon, cut, "11:00")
    assert starts(salon, colour, salon.bea) == ["09:00", "10:30", "12:00", "13:15"]
    assert starts(salon, colour, salon.cora) == ["09:00", "09:30", "10:00", "10:30"]


def test_the_gap_of_a_booking_is_offered_to_others(salon: Salon) -> None:
    make_salon(slot_step_minutes=15)
    cut = make_service("Cut", duration_minutes=45)
    salon.bea.services.add(cut)
    booked(salon, make_colour(salon), "10:00")
    assert starts(salon, cut, salon.bea) == ["09:00", "09:15", "10:30", "11:45"]


def test_explain_names_the_part_that_does_not_fit(salon: Salon) -> None:
    colour = make_colour(salon)
    make_time_off(salon.bea, datetime(2026, 3, 24, 8, 0, tzinfo=UTC), hours=0.5)
    first = booked(salon, make_service("Cut", duration_minutes=30), "10:30")
    (day,) = ask(salon, colour, staff_id=salon.bea.pk, explain=1)["days"]
    (one,) = day["staff"]
    assert one["starts"] == [f"{TUESDAY} 10:00:00"]
    named = {
        each["start_at"][11:16]: (each["code"], each["message"], each["booking_id"])
        for each in one["blocked"]
        if "09:00" <= each["start_at"][11:16] < "11:30"
    }
    away = "This staff member is away at that time (part 1 of the service)."
    taken = "That time is already taken for this staff member; choose another time (part {} of the service)."
    off = "This staff member does not work at that time (part 3 of the service)."
    assert named == {
        "09:00": ("time_off", away, None),
        "09:30": ("slot_taken", taken.format(3), first.pk),
        "10:30": ("slot_taken", taken.format(1), first.pk),
        "11:00": ("outside_working_hours", off, None),
    }


def test_what_is_offered_books_and_is_then_gone(salon: Salon) -> None:
    make_salon(slot_step_minutes=15)
    colour = make_colour(salon)
    for client in [salon.alice, salon.bob] * 10:
        free = starts(salon, colour, salon.bea)
        if not free:
            break
        answer = post(salon, colour, free[0], client_id=client.pk)
        assert answer.status_code == 200
        refused = {each["code"] for each in answer.json()["warnings"]}
        assert refused <= {"client_busy"}
    assert salon.bea.bookings.count() == 2


def test_parts_and_own_minutes_cost_no_statement(salon: Salon) -> None:
    def asked(service: Any) -> int:
        with CaptureQueriesContext(
            connection,
        ) as counted:
            ask(salon, service)
        return len(counted)

    def written(service: Any, time: str) -> int:
        with CaptureQueriesContext(connection) as counted:
            assert post(salon, service, time).status_code == 200
        return len(counted)

    plain, colour = salon.service, make_colour(salon)
    own_minutes(salon.bea, colour, *COLOUR)
    asked(plain)
    assert asked(plain) == asked(colour)
    written(plain, "13:00")
    assert written(plain, "15:00") == written(colour, "09:00")
