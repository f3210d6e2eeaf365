"""Days on which other hours hold, nights, dated hours, and what they leave booked (contract §6a, opening)."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any

import pytest

from bookings.models import Booking
from staff.models import OpeningException, Staff, WorkingHours
from tests.cast.factories import (
    Caller,
    caller,
    make_ada,
    make_alice,
    make_bea,
    make_booking,
    make_cora,
    make_holiday,
    make_hours,
    make_location,
    make_salon,
    make_service,
)

MONDAY = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
pytestmark = [pytest.mark.django_db, pytest.mark.clock_at(MONDAY)]

CLOSED: dict[str, Any] = {
    "staff_ids": None,
    "location_id": None,
    "date_from": "2026-12-25",
    "date_to": "2026-12-25",
    "hours": [],
    "every_year": False,
    "name": "",
}


@pytest.fixture
def ada() -> Caller:
    make_salon(slot_step_minutes=60)
    return caller(make_ada())


@pytest.fixture
def bea(ada: Caller) -> Staff:
    """Monday to Friday, nine to five."""
    bea = make_bea(services=[make_service()])
    make_hours(bea)
    return bea


def starts(ada: Caller, day: str, staff: Staff | None = None) -> list[str]:
    """The free starts of one day, as `HH:MM`."""
    query = {"service_id": make_service_id(), "date_from": day, "date_to": day}
    answer = ada.get("/api/availability", query | ({"staff_id": staff.pk} if staff else {}))
    assert answer.status_code == 200, answer.json()
    return [at[11:16] for each in answer.json()["days"][0]["staff"] for at in each["starts"]]


def make_service_id() -> int:
    return Staff.objects.filter(services__isnull=False).values_list("services", flat=True)[0]


def book(ada: Caller, bea: Staff, start_at: str, end_at: str) -> Any:
    body = {
        "client_id": make_alice().pk,
        "staff_id": bea.pk,
        "service_id": make_service_id(),
        "start_at": start_at,
        "end_at": end_at,
    }
    return ada.post("/api/bookings", body).json()


def test_an_exception_is_added_changed_and_removed(ada: Caller) -> None:
    answer = ada.post("/api/opening-exceptions", {"date_from": "2026-12-25", "hours": []})
    row = OpeningException.objects.get()
    made = {"id": row.pk, **CLOSED}
    assert (answer.status_code, answer.json()) == (201, {**made, "affected_bookings": []})
    path = f"/api/opening-exceptions/{row.pk}"
    assert list(ada.get(path).json().items()) == list(made.items())
    assert ada.get("/api/opening-exceptions").json() == [made]
    place, bea, cora = make_location(), make_bea(), make_cora()
    changed = ada.put(path, {"location_id": place.pk, "name": " Christmas ", "every_year": True}).json()
    assert changed == {
        **made,
        "location_id": place.pk,
        "name": "Christmas",
        "every_year": True,
        "affected_bookings": [],
    }
    assert ada.put(path, {"staff_ids": [bea.pk]}).status_code == 400
    assert ada.put(path, {"hours": [{"opens": "10:00"}]}).status_code == 400
    hours = [{"opens": "22:00", "closes": "02:00"}]
    own = ada.put(path, {"location_id": None, "staff_ids": [cora.pk, bea.pk], "hours": hours}).json()
    assert (own["location_id"], own["staff_ids"], own["hours"]) == (None, [bea.pk, cora.pk], hours)
    assert ada.put(path, {"staff_ids": None}).json()["staff_ids"] is None
    later = ada.put(path, {"date_from": "2026-12-28"}).json()
    assert (later["date_from"], later["date_to"]) == ("2026-12-28", "2026-12-28")
    gone = ada.delete(path)
    assert (gone.status_code, gone.json()["id"]) == (200, row.pk)
    assert (ada.get(path).status_code, ada.delete(path).status_code) == (404, 404)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"date_from": "2026-13-01"}, "date_from"),
        ({"date_to": "2026-12-24"}, "date_to"),
        ({"date_to": "2027-12-26"}, "date_to"),
        ({"hours": [{"opens": "09:00", "closes": "09:00"}]}, "hours"),
        ({"hours": [{"opens": "9", "closes": "10:00"}]}, "hours.0.opens"),
        (
            {"hours": [{"opens": "11:00", "closes": "13:00"}, {"opens": "09:00", "closes": "12:00"}]},
            "hours",
        ),
        ({"hours": [{"opens": "22:00", "closes": "02:00"}, {"opens": "23:00", "closes": "23:30"}]}, "hours"),
        ({"hours": None}, "hours"),
        ({"hours": "closed"}, "hours"),
        ({"staff_ids": []}, "staff_ids"),
        ({"staff_ids": [900000999]}, "staff_ids"),
        ({"location_id": 900000999}, "location_id"),
        ({"every_year": 1}, "every_year"),
    ],
)
def test_a_malformed_exception_is_refused(ada: Caller, change: dict[str, Any], field: str) -> None:
    answer = ada.post("/api/opening-exceptions", {"date_from": "2026-12-25", "hours": [], **change})
    assert (answer.status_code, set(answer.json()["details"])) == (400, {field})
    assert not OpeningException.objects.exists()


def test_staff_write_exceptions_of_their_own_only(bea: Staff) -> None:
    cora, here = make_cora(), caller(bea)
    own = {"date_from": "2026-11-29", "hours": [{"opens": "12:00", "closes": "15:00"}]}
    assert here.post("/api/opening-exceptions", own).status_code == 403
    assert here.post("/api/opening-exceptions", {**own, "staff_ids": [bea.pk, cora.pk]}).status_code == 403
    made = here.post("/api/opening-exceptions", {**own, "staff_ids": [bea.pk]})
    assert made.status_code == 201
    path = f"/api/opening-exceptions/{made.json()['id']}"
    assert here.put(path, {"staff_ids": None}).status_code == 403
    assert here.put(path, {"staff_ids": [cora.pk]}).status_code == 403
    assert caller(cora).get(path).status_code == 200
    assert caller(cora).delete(path).status_code == 403
    assert here.delete(path).status_code == 200


def test_a_one_off_sunday_opens_one_person(ada: Caller, bea: Staff) -> None:
    sunday = {"date_from": "2026-11-29", "hours": [{"opens": "12:00", "closes": "15:00"}]}
    ada.post("/api/opening-exceptions", sunday)
    assert starts(ada, "2026-11-29") == []
    ada.post("/api/opening-exceptions", {**sunday, "staff_ids": [bea.pk]})
    assert starts(ada, "2026-11-29") == ["12:00", "13:00", "14:00"]
    assert book(ada, bea, "2026-11-29 13:00", "2026-11-29 14:00")["warnings"] == []


def test_christmas_eve_ends_at_two_and_the_message_names_it(ada: Caller, bea: Staff) -> None:
    ada.post(
        "/api/opening-exceptions",
        {
            "date_from": "2026-12-24",
            "name": "Christmas Eve",
            "hours": [{"opens": "08:00", "closes": "14:00"}],
        },
    )
    assert starts(ada, "2026-12-24") == ["09:00", "10:00", "11:00", "12:00", "13:00"]
    warnings = book(ada, bea, "2026-12-24 14:00", "2026-12-24 15:00")["warnings"]
    assert warnings == [
        {
            "code": "outside_working_hours",
            "message": "This staff member does not work at that time: "
            "other hours hold that day (Christmas Eve).",
        }
    ]
    explained = ada.get(
        "/api/availability",
        {"service_id": make_service_id(), "date_from": "2026-12-24", "date_to": "2026-12-24", "explain": 1},
    ).json()["days"][0]["staff"][0]["blocked"]
    assert (explained[-1]["code"], explained[-1]["end_at"]) == (
        "outside_working_hours",
        "2026-12-25 00:00:00",
    )
    assert "Christmas Eve" in explained[-1]["message"]


def test_every_christmas_is_closed_and_a_week_of_renovation(ada: Caller, bea: Staff) -> None:
    ada.post("/api/opening-exceptions", {"date_from": "2025-12-25", "hours": [], "every_year": True})
    ada.post("/api/opening-exceptions", {"date_from": "2027-03-01", "date_to": "2027-03-05", "hours": []})
    assert starts(ada, "2026-12-25") == starts(ada, "2027-03-01") == starts(ada, "2027-03-05") == []
    assert len(starts(ada, "2026-12-24")) == len(starts(ada, "2027-03-08")) == 8


def test_whose_exception_counts(ada: Caller) -> None:
    """Holiday, then person, location, salon; dated before every year; the later one."""
    here, there = make_location(), make_location("South", "south")
    service = make_service()
    bea, cora = make_bea(services=[service], location=here), make_cora(services=[service], location=there)
    make_hours(bea)
    make_hours(cora)

    def until(closes: str, **about: Any) -> None:
        body = {"date_from": "2026-12-24", "hours": [{"opens": "09:00", "closes": closes}], **about}
        assert ada.post("/api/opening-exceptions", body).status_code == 201

    def ends() -> tuple[int, int]:
        return len(starts(ada, "2026-12-24", bea)), len(starts(ada, "2026-12-24", cora))

    until("16:00", every_year=True)
    assert ends() == (7, 7)
    until("15:00")
    assert ends() == (6, 6)
    until("16:00", every_year=True)
    assert ends() == (6, 6)
    until("14:00")
    assert ends() == (5, 5)
    until("17:00", location_id=here.pk, every_year=True)
    assert ends() == (8, 5)
    until("12:00", location_id=here.pk)
    assert ends() == (3, 5)
    until("19:00", staff_ids=[bea.pk])
    assert ends() == (10, 5)
    make_holiday(datetime(2026, 12, 24).date())
    assert ends() == (0, 0)


def test_a_night_is_offered_on_the_days_on_which_it_is(ada: Caller) -> None:
    bea = make_bea(services=[make_service()])
    WorkingHours.objects.create(staff=bea, weekday=4, opens=time(22), closes=time(2))
    assert starts(ada, "2026-11-27") == ["22:00", "23:00"]
    assert starts(ada, "2026-11-28") == ["00:00", "01:00"]
    assert starts(ada, "2026-11-29") == []
    assert book(ada, bea, "2026-11-28 00:30", "2026-11-28 01:30")["warnings"] == []
    late = book(ada, bea, "2026-11-28 01:30", "2026-11-28 02:30")["warnings"]
    assert [each["code"] for each in late] == ["outside_working_hours"]
    ada.post("/api/opening-exceptions", {"date_from": "2026-11-28", "hours": []})
    assert starts(ada, "2026-11-28")[:1] == [], "taken, but Saturday's exception is not Friday's night"
    assert [each["code"] for each in book(ada, bea, "2026-11-27 22:00", "2026-11-27 23:00")["warnings"]] == []


def test_hours_hold_from_a_date(ada: Caller) -> None:
    bea = make_bea(services=[make_service()])
    body = {"staff_id": bea.pk, "weekday": 0, "opens": "09:00", "closes": "11:00", "valid_from": "2026-12-07"}
    made = ada.post("/api/working-hours", {**body, "valid_until": "2026-12-14"})
    assert (made.json()["valid_from"], made.json()["valid_until"]) == ("2026-12-07", "2026-12-14")
    offered = {day: len(starts(ada, day)) for day in ("2026-11-30", "2026-12-07", "2026-12-14", "2026-12-21")}
    assert offered == {"2026-11-30": 0, "2026-12-07": 2, "2026-12-14": 2, "2026-12-21": 0}


def test_a_week_is_replaced_at_once_or_not_at_all(ada: Caller, bea: Staff) -> None:
    cora = make_cora()
    make_hours(cora, weekdays=range(1))
    path = f"/api/working-hours?staff_id={bea.pk}"
    good = {"weekday": 1, "opens": "10:00", "closes": "14:00"}
    refused = ada.put(path, {"hours": [good, {**good, "closes": "10:00"}]})
    assert (refused.status_code, set(refused.json()["details"])) == (400, {"closes"})
    assert WorkingHours.objects.filter(staff=bea).count() == 5
    for missing in ("/api/working-hours", "/api/working-hours?staff_id=x"):
        assert ada.put(missing, {"hours": []}).status_code == 400
    assert ada.put("/api/working-hours?staff_id=900000999", {"hours": []}).status_code == 404
    twice = ada.put(f"{path}&staff_id={cora.pk}", {"hours": []})
    assert (twice.status_code, twice.json()["details"]) == (400, {"staff_id": ["Send this parameter once."]})
    assert WorkingHours.objects.filter(staff=cora).count() == 1
    assert caller(cora).put(path, {"hours": []}).status_code == 403
    answer = ada.put(path, {"hours": [good]}).json()
    row = WorkingHours.objects.get(staff=bea)
    whole = {"id": row.pk, "staff_id": bea.pk, **good, "valid_from": None, "valid_until": None}
    assert answer == {"hours": [whole], "affected_bookings": []}
    assert WorkingHours.objects.filter(staff=cora).count() == 1


def test_what_still_stands_outside_is_answered(ada: Caller, bea: Staff) -> None:
    service, alice = bea.services.get(), make_alice()

    def booked(day: int, hour: int) -> Booking:
        start_at = datetime(2026, 11, day, hour - 1, tzinfo=UTC)
        return make_booking(client=alice, staff=bea, service=service, start_at=start_at)

    morning, afternoon, other_day = booked(24, 9), booked(24, 15), booked(25, 15)
    week = [{"weekday": day, "opens": "09:00", "closes": "12:00"} for day in range(5)]
    answer = ada.put(f"/api/working-hours?staff_id={bea.pk}", {"hours": week}).json()
    assert [each["booking_id"] for each in answer["affected_bookings"]] == [afternoon.pk, other_day.pk]
    closed = ada.post("/api/opening-exceptions", {"date_from": "2026-11-24", "hours": []}).json()
    assert [each["booking_id"] for each in closed["affected_bookings"]] == [morning.pk, afternoon.pk]
    opened = ada.put(
        f"/api/opening-exceptions/{closed['id']}",
        {"staff_ids": [bea.pk], "hours": [{"opens": "09:00", "closes": "17:00"}]},
    ).json()
    assert opened["affected_bookings"] == []
    gone = ada.delete(f"/api/opening-exceptions/{closed['id']}").json()
    assert [each["booking_id"] for each in gone["affected_bookings"]] == [afternoon.pk]
    row = WorkingHours.objects.get(staff=bea, weekday=1)
    gone = ada.delete(f"/api/working-hours/{row.pk}").json()
    assert [each["booking_id"] for each in gone["affected_bookings"]] == [
        morning.pk,
        afternoon.pk,
    ]
    zone = ada.put("/api/settings", {"timezone": "Europe/London"}).json()
    assert [(each["booking_id"], each["start_at"]) for each in zone["affected_bookings"]] == [
        (morning.pk, "2026-11-24 08:00:00"),
        (afternoon.pk, "2026-11-24 14:00:00"),
        (other_day.pk, "2026-11-25 14:00:00"),
    ]
    assert "affected_bookings" not in ada.put("/api/settings", {"timezone": "Europe/London"}).json()
    archived = ada.delete(f"/api/clients/{alice.pk}").json()
    assert len(archived["affected_bookings"]) == 3


def test_a_person_without_hours_is_bound_by_exceptions_alone(ada: Caller) -> None:
    bea = make_bea(services=[make_service()])
    ada.post("/api/opening-exceptions", {"date_from": "2026-11-24", "hours": []})
    assert book(ada, bea, "2026-11-25 03:00", "2026-11-25 04:00")["warnings"] == []
    assert [each["code"] for each in book(ada, bea, "2026-11-24 10:00", "2026-11-24 11:00")["warnings"]] == [
        "outside_working_hours"
    ]
    assert starts(ada, "2026-11-25") == []
