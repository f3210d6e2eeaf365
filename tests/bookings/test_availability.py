"""GET /api/availability (contract §1.5; docs/adr/0020)."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bookings.models import BusyTime
from bookings.slots.availability.agenda import busy_of
from staff.models import Service, Staff
from tests.cast.availability import MONDAY_NOON, at, booked, held
from tests.cast.factories import (
    caller,
    make_ada,
    make_alice,
    make_bea,
    make_cora,
    make_holiday,
    make_hours,
    make_key,
    make_salon,
    make_service,
    make_time_off,
)
from tests.cast.plans import plans_of

pytestmark = [pytest.mark.django_db, pytest.mark.clock_at(MONDAY_NOON)]
TUESDAY = "2026-11-24"
WEDNESDAY = "2026-11-25"


@pytest.fixture
def haircut() -> Service:
    make_salon(slot_step_minutes=60)
    return make_service()


@pytest.fixture
def bea(haircut: Service) -> Staff:
    """Works Monday to Friday from 09:00 to 12:00."""
    person = make_bea(services=[haircut])
    make_hours(person, closes="12:00")
    return person


def ask(
    who: Staff | str, service: Service, first: str = TUESDAY, last: str | None = None, **more: Any
) -> Any:
    query = {"service_id": service.pk, "date_from": first, "date_to": last or first, **more}
    return caller(who).get("/api/availability", query)


def starts(answer: Any, staff: Staff, day: str = TUESDAY) -> list[str]:
    """The free starts of one person on one day, without date and seconds."""
    assert answer.status_code == 200, answer.content
    (found,) = [each for each in answer.json()["days"] if each["date"] == day]
    (one,) = [each for each in found["staff"] if each["staff_id"] == staff.pk]
    return [start[11:16] for start in one["starts"]]


def blocked(answer: Any, day: str = TUESDAY) -> list[tuple[str, str, str, int | None]]:
    (found,) = [each for each in answer.json()["days"] if each["date"] == day]
    return [
        (each["start_at"][11:16], each["end_at"][11:16], each["code"], each["booking_id"])
        for each in found["staff"][0]["blocked"]
    ]


def test_the_answer_is_the_contracts(haircut: Service, bea: Staff) -> None:
    answer = ask(bea, haircut, TUESDAY, WEDNESDAY)
    assert answer.json() == {
        "service_id": haircut.pk,
        "timezone": "Europe/Amsterdam",
        "step_minutes": 60,
        "days": [
            {
                "date": day,
                "staff": [
                    {
                        "staff_id": bea.pk,
                        "duration_minutes": 60,
                        "parts": [{"kind": "work", "minutes": 60}],
                        "starts": [f"{day} {hour}:00:00" for hour in ("09", "10", "11")],
                    }
                ],
            }
            for day in (TUESDAY, WEDNESDAY)
        ],
    }


def test_explain_names_the_rule_and_the_booking_for_every_refused_start(haircut: Service, bea: Staff) -> None:
    make_holiday(date(2026, 11, 25), "Feast")
    booking = booked(bea, haircut, at("2026-11-24 10:00"))
    answer = ask(bea, haircut, TUESDAY, WEDNESDAY, explain="1")
    off = "This staff member does not work at that time."
    taken = "That time is already taken for this staff member; choose another time."
    assert answer.json()["days"][0] == {
        "date": TUESDAY,
        "staff": [
            {
                "staff_id": bea.pk,
                "duration_minutes": 60,
                "parts": [{"kind": "work", "minutes": 60}],
                "starts": ["2026-11-24 09:00:00", "2026-11-24 11:00:00"],
                "blocked": [
                    {
                        "start_at": "2026-11-24 00:00:00",
                        "end_at": "2026-11-24 09:00:00",
                        "code": "outside_working_hours",
                        "message": off,
                        "booking_id": None,
                    },
                    {
                        "start_at": "2026-11-24 10:00:00",
                        "end_at": "2026-11-24 11:00:00",
                        "code": "slot_taken",
                        "message": taken,
                        "booking_id": booking.pk,
                    },
                    {
                        "start_at": "2026-11-24 12:00:00",
                        "end_at": "2026-11-25 00:00:00",
                        "code": "outside_working_hours",
                        "message": off,
                        "booking_id": None,
                    },
                ],
            }
        ],
    }
    assert answer.json()["days"][1]["staff"][0]["blocked"] == [
        {
            "start_at": "2026-11-25 00:00:00",
            "end_at": "2026-11-26 00:00:00",
            "code": "holiday",
            "message": "The salon is closed on 2026-11-25 (Feast); choose another date.",
            "booking_id": None,
        }
    ]


def test_breaks_time_off_and_busy_times_take_starts_away(haircut: Service, bea: Staff) -> None:
    make_hours(bea, weekdays=range(1, 2), opens="13:00", closes="18:00")
    make_time_off(bea, at("2026-11-24 14:30"), hours=1)
    booked(bea, haircut, at("2026-11-24 09:00"))
    assert starts(ask(bea, haircut), bea) == ["10:00", "11:00", "13:00", "16:00", "17:00"]


def test_the_buffers_of_the_wanted_service_and_of_the_bookings_are_kept_free(bea: Staff) -> None:
    make_salon(slot_step_minutes=15)
    colour = make_service("Colour", duration_minutes=30, buffer_before_minutes=15, buffer_after_minutes=10)
    cut = make_service("Cut", duration_minutes=30, buffer_after_minutes=5)
    bea.services.add(colour)
    booked(bea, cut, at("2026-11-24 10:00"))
    answer = ask(bea, colour, explain="1")
    assert starts(answer, bea) == ["09:00", "09:15", "11:00", "11:15", "11:30"]
    assert ("09:30", "11:00", "slot_taken") in [row[:3] for row in blocked(answer)]


def test_an_expired_hold_blocks_nothing_and_a_live_one_blocks_without_a_booking(
    haircut: Service, bea: Staff
) -> None:
    held(bea, haircut, at("2026-11-24 09:00"), at("2026-11-24 10:00"), expires_at=MONDAY_NOON)
    soon = MONDAY_NOON + timedelta(seconds=1)
    held(bea, haircut, at("2026-11-24 10:00"), at("2026-11-24 11:00"), expires_at=soon)
    answer = ask(bea, haircut, explain="1")
    assert starts(answer, bea) == ["09:00", "11:00"]
    assert ("10:00", "11:00", "slot_taken", None) in blocked(answer)


def test_the_grid_counts_from_the_opening_of_each_window(haircut: Service, bea: Staff) -> None:
    make_salon(slot_step_minutes=45)
    make_hours(bea, weekdays=range(1, 2), opens="13:10", closes="15:30")
    assert starts(ask(bea, haircut), bea) == ["09:00", "09:45", "10:30", "13:10", "13:55"]


def test_minimum_notice_and_horizon_bound_the_starts(haircut: Service, bea: Staff) -> None:
    make_salon(slot_step_minutes=60, min_notice_minutes=22 * 60, booking_horizon_days=1)
    answer = ask(bea, haircut, "2026-11-23", WEDNESDAY, explain="1")
    assert starts(answer, bea, "2026-11-23") == []
    assert starts(answer, bea, TUESDAY) == ["10:00", "11:00"]
    assert starts(answer, bea, WEDNESDAY) == []
    assert blocked(answer, "2026-11-23") == [
        ("00:00", "12:00", "in_the_past", None),
        ("12:00", "00:00", "min_notice", None),
    ]
    assert blocked(answer, TUESDAY)[0] == ("00:00", "10:00", "min_notice", None)
    assert blocked(answer, WEDNESDAY) == [("00:00", "00:00", "beyond_horizon", None)]


def test_anyone_means_who_offers_the_service_and_takes_bookings(haircut: Service, bea: Staff) -> None:
    cora = make_cora(services=[haircut])
    make_hours(cora, opens="11:00", closes="13:00")
    for name, fields in {"Dan": {"is_active": False}, "Eva": {"bookable": False}}.items():
        make_hours(make_bea(email=f"{name}@salon.example".lower(), services=[haircut], **fields))
    make_hours(make_bea(email="fay@salon.example"))
    answer = ask(bea, haircut)
    assert [one["staff_id"] for one in answer.json()["days"][0]["staff"]] == [bea.pk, cora.pk]
    assert (starts(answer, bea), starts(answer, cora)) == (["09:00", "10:00", "11:00"], ["11:00", "12:00"])


def test_one_staff_member_who_does_not_offer_the_service_is_never_free(haircut: Service, bea: Staff) -> None:
    bea.services.clear()
    answer = ask(bea, haircut, staff_id=bea.pk, explain="1")
    assert starts(answer, bea) == []
    assert blocked(answer) == [("00:00", "00:00", "staff_does_not_offer_service", None)]


def test_a_staff_member_without_working_hours_is_never_free(haircut: Service) -> None:
    cora = make_cora(services=[haircut])
    answer = ask(cora, haircut, explain="1")
    assert starts(answer, cora) == []
    assert blocked(answer) == [("00:00", "00:00", "outside_working_hours", None)]


def test_work_past_midnight_takes_a_booking_that_goes_on_past_it(haircut: Service) -> None:
    cora = make_cora(services=[haircut])
    make_hours(cora, weekdays=range(1, 2), opens="22:00", closes="00:00")
    make_hours(cora, weekdays=range(2, 3), opens="00:00", closes="01:30")
    make_salon(slot_step_minutes=30)
    answer = ask(cora, haircut, TUESDAY, WEDNESDAY)
    assert starts(answer, cora, TUESDAY) == ["22:00", "22:30", "23:00", "23:30"]
    assert starts(answer, cora, WEDNESDAY) == ["00:00", "00:30"]
    make_holiday(date(2026, 11, 25))
    assert starts(ask(cora, haircut, TUESDAY), cora) == ["22:00", "22:30", "23:00"]


def test_a_start_in_a_night_that_runs_into_the_next_days_hours_is_offered_once_in_its_place(
    haircut: Service,
) -> None:
    cora = make_cora(services=[haircut])
    make_hours(cora, weekdays=range(1, 2), opens="22:00", closes="02:00")
    make_hours(cora, weekdays=range(2, 3), opens="01:00", closes="03:00")
    make_salon(slot_step_minutes=60)
    answer = ask(cora, haircut, WEDNESDAY)
    assert starts(answer, cora, WEDNESDAY) == ["00:00", "01:00", "02:00"]


def test_busy_times_are_found_by_their_index_however_many_there_are(haircut: Service, bea: Staff) -> None:
    other = make_cora(services=[haircut])
    noon, then = MONDAY_NOON - timedelta(days=400), MONDAY_NOON + timedelta(days=500)
    hold = held(bea, haircut, then, then + timedelta(hours=1), expires_at=then)
    BusyTime.objects.bulk_create(
        BusyTime(
            staff=person,
            party=uuid.uuid4(),
            starts_at=noon + number * timedelta(hours=3),
            ends_at=noon + number * timedelta(hours=3) + timedelta(minutes=30),
            expires_at=then,
            hold=hold,
        )
        for person in (bea, other)
        for number in range(3200)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    begins, ends = MONDAY_NOON, MONDAY_NOON + timedelta(days=1)
    plans = plans_of(lambda: busy_of([bea.pk], begins, ends, now=MONDAY_NOON, viewer=None))
    (plan,) = [each for each in plans if "bookings_busytime" in each or "INDEX" in each]
    assert "Seq Scan on bookings_busytime" not in plan
    assert "SCAN bookings_busytime" not in plan


@time_machine.travel(datetime(2026, 10, 20, 12, tzinfo=UTC), tick=False)
def test_the_hour_that_comes_twice_is_offered_once_and_means_its_first_occurrence() -> None:
    make_salon(slot_step_minutes=30)
    wash = make_service("Wash", duration_minutes=30)
    cora = make_cora(services=[wash])
    make_hours(cora, weekdays=range(6, 7), opens="01:30", closes="04:00")
    answer = ask(cora, wash, "2026-10-25", explain="1")
    assert starts(answer, cora, "2026-10-25") == ["01:30", "02:00", "02:30", "03:00", "03:30"]
    assert ("02:00", "03:00", "doubled_hour", None) in blocked(answer, "2026-10-25")


@time_machine.travel(datetime(2026, 3, 20, 12, tzinfo=UTC), tick=False)
def test_the_hour_that_is_skipped_is_not_offered() -> None:
    make_salon(slot_step_minutes=30)
    wash = make_service("Wash", duration_minutes=30)
    cora = make_cora(services=[wash])
    make_hours(cora, weekdays=range(6, 7), opens="01:30", closes="04:00")
    assert starts(ask(cora, wash, "2026-03-29"), cora, "2026-03-29") == ["01:30", "03:00", "03:30"]


def test_the_personal_agenda_hides_the_bookings_of_others_but_not_that_they_are_taken(
    haircut: Service, bea: Staff
) -> None:
    make_salon(slot_step_minutes=60, staff_personal_agenda_enabled=True)
    booking = booked(bea, haircut, at("2026-11-24 10:00"))
    who = {
        "own": (bea, booking.pk),
        "colleague": (make_cora(), None),
        "front desk": (make_bea(email="desk@salon.example", sees_all_bookings=True), booking.pk),
        "admin": (make_ada(), booking.pk),
        "key": (make_key()[1], booking.pk),
    }
    for person, seen in who.values():
        answer = ask(person, haircut, staff_id=bea.pk, explain="1")
        assert starts(answer, bea) == ["09:00", "11:00"]
        assert ("10:00", "11:00", "slot_taken", seen) in blocked(answer)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"service_id": None}, "service_id"),
        ({"date_from": None}, "date_from"),
        ({"date_to": None}, "date_to"),
        ({"service_id": "900000999"}, "service_id"),
        ({"service_id": "1.5"}, "service_id"),
        ({"service_id": "９"}, "service_id"),
        ({"service_id": "9223372036854775808"}, "service_id"),
        ({"staff_id": "900000999"}, "staff_id"),
        ({"staff_id": ""}, "staff_id"),
        ({"date_from": "2026-11-31"}, "date_from"),
        ({"date_from": "24.11.2026"}, "date_from"),
        ({"date_to": "2026-11-23"}, "date_to"),
        ({"date_to": "2027-01-25"}, "date_to"),
        ({"explain": "yes"}, "explain"),
    ],
)
def test_a_malformed_question_is_refused(
    haircut: Service, bea: Staff, query: dict[str, str | None], field: str
) -> None:
    asked = {"service_id": haircut.pk, "date_from": TUESDAY, "date_to": TUESDAY, **query}
    answer = caller(bea).get(
        "/api/availability", {key: value for key, value in asked.items() if value is not None}
    )
    assert answer.status_code == 400
    assert list(answer.json()["details"]) == [field]


def test_sixty_two_days_are_answered(haircut: Service, bea: Staff) -> None:
    answer = ask(bea, haircut, TUESDAY, "2027-01-24")
    assert len(answer.json()["days"]) == 62


def test_an_archived_service_and_an_inactive_person_are_refused_as_a_booking_is(
    haircut: Service, bea: Staff
) -> None:
    cora = make_cora(is_active=False)
    archived = make_service("Perm", is_active=False)
    assert ask(bea, archived).json()["details"] == {
        "service_id": [f"There is no service {archived.pk}, or it is no longer offered."]
    }
    assert ask(bea, haircut, staff_id=cora.pk).json()["details"] == {
        "staff_id": [f"There is no staff member {cora.pk} who takes bookings."]
    }


def test_who_is_not_logged_in_learns_nothing(haircut: Service) -> None:
    answer = caller().get(
        "/api/availability", {"service_id": haircut.pk, "date_from": TUESDAY, "date_to": TUESDAY}
    )
    assert answer.status_code == 401


def test_a_month_for_ten_people_costs_as_many_statements_as_a_day_for_one(
    haircut: Service, bea: Staff
) -> None:
    query = {"service_id": haircut.pk, "date_from": TUESDAY, "date_to": TUESDAY, "staff_id": bea.pk}
    client, alice = caller(bea), make_alice()
    with CaptureQueriesContext(connection) as for_a_day:
        assert client.get("/api/availability", query).status_code == 200
    for number in range(9):
        person = make_bea(email=f"p{number}@salon.example", services=[haircut])
        make_hours(person)
        for day in range(20):
            booked(person, haircut, at("2026-11-24 10:00") + timedelta(days=day), client=alice)
    month = {"service_id": haircut.pk, "date_from": TUESDAY, "date_to": "2026-12-24", "explain": "1"}
    with CaptureQueriesContext(connection) as for_a_month:
        answer = client.get("/api/availability", month)
    assert len(for_a_month) == len(for_a_day) == 4
    assert {len(day["staff"]) for day in answer.json()["days"]} == {10}
    make_holiday(date(2026, 12, 25))
    make_time_off(bea, at("2026-12-01 09:00"), hours=1)
    with CaptureQueriesContext(connection) as with_what_is_seldom:
        client.get("/api/availability", month)
    assert len(with_what_is_seldom) == 7
