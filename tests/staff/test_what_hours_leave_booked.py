"""Which bookings a write of hours names, and what a holiday takes with it (contract §6a, opening)."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client as DjangoClient

from bookings.models import Booking
from clients.models import Client
from staff.models import Holiday, OpeningException, Staff, WorkingHours
from tests.cast.factories import (
    Caller,
    caller,
    make_ada,
    make_alice,
    make_bea,
    make_booking,
    make_cora,
    make_hours,
    make_location,
    make_salon,
    make_service,
)

MONDAY = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
pytestmark = [pytest.mark.django_db, pytest.mark.clock_at(MONDAY)]


@pytest.fixture
def ada() -> Caller:
    make_salon(slot_step_minutes=60)
    return caller(make_ada())


@pytest.fixture
def alice() -> Client:
    return make_alice()


@pytest.fixture
def bea() -> Staff:
    """Monday to Friday, nine to five, in the Centre."""
    bea = make_bea(services=[make_service()], location=make_location())
    make_hours(bea)
    return bea


@pytest.fixture
def cora(bea: Staff) -> Staff:
    cora = make_cora(services=list(bea.services.all()))
    make_hours(cora)
    return cora


def admin_of(ada: Caller) -> DjangoClient:
    page = DjangoClient()
    page.force_login(Staff.objects.get(role=Staff.Role.ADMIN))
    return page


def booked(alice: Client, person: Staff, when: str, minutes: int = 60) -> Booking:
    start_at = datetime.fromisoformat(when).replace(tzinfo=ZoneInfo("Europe/Amsterdam"))
    return make_booking(
        client=alice,
        staff=person,
        service=person.services.get(),
        start_at=start_at,
        end_at=start_at + timedelta(minutes=minutes),
    )


def named(answer: Any) -> list[int]:
    assert answer.status_code in (200, 201), answer.json()
    return [each["booking_id"] for each in answer.json()["affected_bookings"]]


def test_an_exception_names_bookings_of_its_people_on_its_days_alone(
    ada: Caller, alice: Client, bea: Staff, cora: Staff
) -> None:
    tuesday, evening = booked(alice, bea, "2026-11-24 10:00"), booked(alice, bea, "2026-11-25 20:00")
    coras = booked(alice, cora, "2026-11-24 20:00")
    next_year = booked(alice, bea, "2027-11-24 10:00")
    closed = {"date_from": "2026-11-24", "hours": []}
    path = "/api/opening-exceptions"
    own = ada.post(path, {**closed, "staff_ids": [bea.pk]})
    assert named(own) == [tuesday.pk]
    there = ada.put(f"{path}/{own.json()['id']}", {"staff_ids": [cora.pk]})
    assert named(there) == [coras.pk], "what Bea has on Tuesday lies in her hours again"
    assert named(ada.delete(f"{path}/{own.json()['id']}")) == [coras.pk]
    assert named(ada.post(path, {**closed, "location_id": bea.location_id})) == [tuesday.pk]
    yearly = ada.post(path, {"date_from": "2025-11-24", "hours": [], "every_year": True})
    assert named(yearly) == [tuesday.pk, coras.pk, next_year.pk]
    assert evening.pk not in named(yearly)


def test_an_exception_closes_the_night_that_opens_on_its_day(ada: Caller, alice: Client, bea: Staff) -> None:
    WorkingHours.objects.create(staff=bea, weekday=4, opens=time(20), closes=time(2))
    night = booked(alice, bea, "2026-11-28 00:30")
    booked(alice, bea, "2026-11-28 15:00")
    closed = ada.post("/api/opening-exceptions", {"date_from": "2026-11-27", "hours": []})
    assert named(closed) == [night.pk]


def test_hours_name_bookings_on_the_days_on_which_they_differ(
    ada: Caller, alice: Client, bea: Staff, cora: Staff
) -> None:
    monday, tuesday = booked(alice, bea, "2026-11-30 15:00"), booked(alice, bea, "2026-12-01 15:00")
    saturday = booked(alice, bea, "2026-11-28 15:00")
    booked(alice, cora, "2026-11-30 20:00")
    row = WorkingHours.objects.get(staff=bea, weekday=0)
    path = f"/api/working-hours/{row.pk}"
    assert named(ada.put(path, {"closes": "12:00"})) == [monday.pk]
    assert named(ada.put(path, {"closes": "12:00"})) == []
    late = {"weekday": 1, "opens": "18:00", "closes": "20:00", "staff_id": bea.pk, "valid_from": "2026-12-08"}
    assert named(ada.post("/api/working-hours", late)) == []
    assert named(ada.delete(path)) == [monday.pk]
    week = [{"weekday": day, "opens": "09:00", "closes": "12:00"} for day in (1, 2)]
    answer = ada.put(f"/api/working-hours?staff_id={bea.pk}", {"hours": week})
    assert named(answer) == [tuesday.pk]
    assert saturday.pk not in named(answer)


def test_the_first_hours_of_a_person_bind_all_days(ada: Caller, alice: Client, bea: Staff) -> None:
    WorkingHours.objects.all().delete()
    tuesday = booked(alice, bea, "2026-11-24 10:00")
    first = {"staff_id": bea.pk, "weekday": 0, "opens": "09:00", "closes": "17:00"}
    assert named(ada.post("/api/working-hours", first)) == [tuesday.pk]
    assert named(ada.post("/api/working-hours", {**first, "weekday": 2})) == []


def test_a_holiday_takes_the_night_with_it_that_would_begin_on_it(
    ada: Caller, alice: Client, bea: Staff
) -> None:
    WorkingHours.objects.all().delete()
    WorkingHours.objects.create(staff=bea, weekday=5, opens=time(22), closes=time(2))
    query = {"service_id": bea.services.get().pk, "date_from": "2026-11-29", "date_to": "2026-11-29"}

    def starts() -> list[str]:
        [day] = ada.get("/api/availability", query).json()["days"]
        return [at[11:16] for each in day["staff"] for at in each["starts"]]

    def warned() -> list[str]:
        body = {
            "client_id": alice.pk,
            "staff_id": bea.pk,
            "service_id": bea.services.get().pk,
            "start_at": "2026-11-29 00:00",
            "end_at": "2026-11-29 01:00",
        }
        made = ada.post("/api/bookings", body).json()
        ada.delete(f"/api/bookings/{made['id']}")
        return [each["code"] for each in made["warnings"]]

    def held() -> int:
        body = {"service_id": query["service_id"], "start_at": "2026-11-29 00:00"}
        answer = ada.post("/api/holds", body)
        if answer.status_code == 201:
            ada.delete(f"/api/holds/{answer.json()['hold_token']}")
        return answer.status_code

    assert (starts(), warned(), held()) == (["00:00", "01:00"], [], 201)
    Holiday.objects.create(date=date(2026, 11, 28), name="Feast")
    assert (starts(), warned(), held()) == ([], ["outside_working_hours"], 409)
    explained = ada.get("/api/availability", {**query, "explain": 1}).json()["days"][0]["staff"][0]["blocked"]
    assert [each["code"] for each in explained] == ["outside_working_hours"]


def test_a_night_is_over_when_it_is_over(ada: Caller, alice: Client, bea: Staff, cora: Staff) -> None:
    WorkingHours.objects.filter(staff=bea).delete()
    night = WorkingHours.objects.create(staff=bea, weekday=4, opens=time(22), closes=time(8))
    morning = booked(alice, bea, "2026-11-28 06:30")
    booked(alice, bea, "2026-11-28 08:00")
    booked(alice, cora, "2026-11-28 00:30")
    path = f"/api/working-hours/{night.pk}"
    assert named(ada.put(path, {"closes": "02:00"})) == [morning.pk]
    assert named(ada.put(path, {"closes": "08:00"})) == []
    closed = {"date_from": "2026-11-27", "hours": []}
    assert named(ada.post("/api/opening-exceptions", {**closed, "staff_ids": [bea.pk]})) == [morning.pk]
    assert named(ada.post("/api/opening-exceptions", {**closed, "staff_ids": [cora.pk]})) == []
    late = {**closed, "staff_ids": [cora.pk], "hours": [{"opens": "20:00", "closes": "01:30"}]}
    assert named(ada.post("/api/opening-exceptions", late)) == []
    coras = Booking.objects.get(staff=cora)
    assert named(ada.post("/api/opening-exceptions", {**closed, "staff_ids": [cora.pk]})) == [coras.pk]
    assert named(ada.post("/api/holidays", {"date": "2026-11-27"})) == [coras.pk, morning.pk]


def test_a_holiday_names_what_stands_in_its_night(
    ada: Caller, alice: Client, bea: Staff, cora: Staff
) -> None:
    WorkingHours.objects.create(staff=bea, weekday=4, opens=time(20), closes=time(2))
    noon, night = booked(alice, bea, "2026-11-27 12:00"), booked(alice, bea, "2026-11-28 00:30")
    WorkingHours.objects.create(staff=cora, weekday=5, opens=time(0), closes=time(4))
    booked(alice, cora, "2026-11-28 00:30")
    booked(alice, bea, "2026-11-28 15:00")
    made = ada.post("/api/holidays", {"date": "2026-11-27"})
    assert named(made) == [noon.pk, night.pk], "Cora's morning is Saturday's own"
    page = admin_of(ada).post(
        f"/admin/staff/holiday/{made.json()['id']}/change/", {"date": "2026-11-27"}, follow=True
    )
    assert f"#{night.pk} 2026-11-28 00:30" in page.content.decode()


@pytest.mark.parametrize(
    ("scope", "field"), [("salon", "people"), ("salon", "location"), ("location", "people")]
)
def test_admin_takes_no_people_or_location_that_the_scope_does_not_use(
    ada: Caller, bea: Staff, scope: str, field: str
) -> None:
    page = admin_of(ada)
    body = {
        "name": "Course",
        "date_from": "2026-11-24",
        "hours": "",
        "scope": scope,
        "people": [bea.pk] if field == "people" else [],
        "location": bea.location_id if "location" in (field, scope) else "",
    }
    answer = page.post("/admin/staff/openingexception/add/", body)
    assert answer.status_code == 200
    assert list(answer.context["adminform"].form.errors) == [field]
    assert not OpeningException.objects.exists()


def test_admin_refuses_hours_that_overlap(ada: Caller, bea: Staff) -> None:
    page = admin_of(ada)
    body = {"date_from": "2026-11-24", "hours": "09:00-12:00, 11:00-13:00", "scope": "salon"}
    answer = page.post("/admin/staff/openingexception/add/", body)
    assert list(answer.context["adminform"].form.errors) == ["hours"]
    assert page.post("/admin/staff/openingexception/add/", {**body, "hours": "nine"}).status_code == 200
    assert not OpeningException.objects.exists()
