"""/api/working-hours, /api/time-off, /api/holidays (contract §1.5)."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest

from bookings.models import Booking
from staff.models import Holiday, TimeOff, WorkingHours
from tests.cast.factories import (
    caller,
    make_ada,
    make_alice,
    make_bea,
    make_booking,
    make_cora,
    make_holiday,
    make_hours,
    make_key,
    make_salon,
    make_service,
    make_time_off,
)

pytestmark = pytest.mark.django_db

NEXT_YEAR = datetime.now(UTC).year + 1
MARCH_1 = date(NEXT_YEAR, 3, 1)
NINE = datetime(NEXT_YEAR, 3, 1, 8, 0, tzinfo=UTC)
"""Nine o'clock in Amsterdam on March 1."""
NOT_YOURS = {"error": "You may change your own hours only; ask an administrator.", "code": "not_yours"}


@pytest.fixture
def ada():
    make_salon()
    return caller(make_ada())


def test_working_hours_are_added_changed_and_removed(ada):
    bea = make_bea()
    body = {"staff_id": bea.pk, "weekday": 0, "opens": "09:00", "closes": "12:30"}
    answer = ada.post("/api/working-hours", body)
    row = WorkingHours.objects.get()
    made = {"id": row.pk, **body, "valid_from": None, "valid_until": None}
    assert (answer.status_code, answer.json()) == (201, {**made, "affected_bookings": []})
    path = f"/api/working-hours/{row.pk}"
    assert ada.get(path).json() == made
    changed = {**made, "closes": "00:00", "affected_bookings": []}
    assert ada.put(path, {"closes": "00:00", "id": 9}).json() == changed
    assert ada.patch(path, {"weekday": 6}).json()["weekday"] == 6
    gone = ada.delete(path)
    assert (gone.status_code, gone.json()) == (200, {**changed, "weekday": 6})
    assert ada.get(path).json() == {"error": "Working hours not found", "code": "not_found"}
    assert ada.delete(path).status_code == 404


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"staff_id": 900000999}, "staff_id"),
        ({"staff_id": None}, "staff_id"),
        ({"weekday": 7}, "weekday"),
        ({"weekday": -1}, "weekday"),
        ({"weekday": "0"}, "weekday"),
        ({"opens": "9:00"}, "opens"),
        ({"opens": "24:00"}, "opens"),
        ({"closes": "17:00:00"}, "closes"),
        ({"closes": "09:00"}, "closes"),
        ({"valid_from": "2026-02-30"}, "valid_from"),
        ({"valid_from": "2026-12-02", "valid_until": "2026-12-01"}, "valid_until"),
        ({"opens": 900}, "opens"),
    ],
)
def test_malformed_working_hours_are_refused(ada, change, field):
    bea = make_bea()
    good = {"staff_id": bea.pk, "weekday": 0, "opens": "09:00", "closes": "17:00"}
    answer = ada.post("/api/working-hours", {**good, **change})
    assert (answer.status_code, set(answer.json()["details"])) == (400, {field})
    assert WorkingHours.objects.count() == 0
    make_hours(bea, weekdays=range(1))
    row = WorkingHours.objects.get()
    assert ada.put(f"/api/working-hours/{row.pk}", change).status_code == 400
    row.refresh_from_db()
    assert (row.weekday, row.opens, row.closes, row.staff_id) == (0, time(9), time(17), bea.pk)


def test_staff_write_their_own_working_hours_and_read_everybodys():
    bea, cora = make_bea(), make_cora()
    make_hours(cora, weekdays=range(1))
    others = WorkingHours.objects.get()
    here = caller(bea)
    body = {"weekday": 1, "opens": "09:00", "closes": "17:00"}
    assert here.get(f"/api/working-hours/{others.pk}").status_code == 200
    for answer in (
        here.post("/api/working-hours", {**body, "staff_id": cora.pk}),
        here.put(f"/api/working-hours/{others.pk}", {"closes": "18:00"}),
        here.delete(f"/api/working-hours/{others.pk}"),
    ):
        assert (answer.status_code, answer.json()) == (403, NOT_YOURS)
    mine = here.post("/api/working-hours", {**body, "staff_id": bea.pk})
    assert mine.status_code == 201
    path = f"/api/working-hours/{mine.json()['id']}"
    assert here.put(path, {"staff_id": cora.pk}).status_code == 403
    assert here.put(path, {"closes": "18:00"}).json()["closes"] == "18:00"
    assert len(here.get("/api/working-hours").json()) == 2
    assert here.delete(path).status_code == 200
    others.refresh_from_db()
    assert (others.closes, WorkingHours.objects.count()) == (time(17), 1)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", [(0, "bea"), (0, "cora"), (1, "bea"), (1, "cora")]),
        ("order=staff", [(0, "bea"), (1, "bea"), (0, "cora"), (1, "cora")]),
        ("staff_id={bea}", [(0, "bea"), (1, "bea")]),
        ("weekday=1", [(1, "bea"), (1, "cora")]),
    ],
)
def test_working_hours_are_ordered_and_filtered(ada, query, found):
    bea, cora = make_bea(), make_cora()
    make_hours(bea, weekdays=range(2), opens="08:00")
    make_hours(cora, weekdays=range(2))
    names = {bea.pk: "bea", cora.pk: "cora"}
    rows = ada.get("/api/working-hours?" + query.format(bea=bea.pk)).json()
    assert [(each["weekday"], names[each["staff_id"]]) for each in rows] == found
    assert ada.get("/api/working-hours?weekday=7").status_code == 400


def test_time_off_is_kept_in_utc_shown_on_the_wall_and_names_what_stands_in_it(ada):
    bea, cora, alice, cut = make_bea(), make_cora(), make_alice(), make_service()
    inside = make_booking(client=alice, staff=bea, service=cut, start_at=NINE + timedelta(hours=1))
    make_booking(client=alice, staff=bea, service=cut, start_at=NINE + timedelta(hours=4))
    make_booking(client=alice, staff=cora, service=cut, start_at=NINE + timedelta(hours=1))
    answer = ada.post(
        "/api/time-off",
        {
            "staff_id": bea.pk,
            "start_at": f"{MARCH_1} 09:00",
            "end_at": f"{MARCH_1}T12:00:00+00:00",
            "reason": "dentist",
        },
    )
    away = TimeOff.objects.get()
    assert answer.status_code == 201
    row = {
        "id": away.pk,
        "staff_id": bea.pk,
        "start_at": f"{MARCH_1} 09:00:00",
        "end_at": f"{MARCH_1} 13:00:00",
        "reason": "dentist",
    }
    stands = {
        "booking_id": inside.pk,
        "start_at": f"{MARCH_1} 10:00:00",
        "end_at": f"{MARCH_1} 11:00:00",
        "status": "scheduled",
        "client_id": alice.pk,
        "client_name": "Alice Adams",
        "staff_id": bea.pk,
        "service_id": cut.pk,
    }
    assert answer.json() == {**row, "affected_bookings": [stands]}
    assert (away.start_at, away.end_at) == (NINE, NINE + timedelta(hours=4))
    assert ada.get(f"/api/time-off/{away.pk}").json() == row
    assert ada.get("/api/time-off").json() == [row]
    moved = ada.put(f"/api/time-off/{away.pk}", {"start_at": f"{MARCH_1} 11:00:00"})
    assert moved.json() == {**row, "start_at": f"{MARCH_1} 11:00:00", "affected_bookings": []}
    assert Booking.objects.filter(status="scheduled").count() == 3
    assert ada.delete(f"/api/time-off/{away.pk}").status_code == 204
    assert TimeOff.objects.count() == 0


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"staff_id": 900000999}, "staff_id"),
        ({"start_at": f"{MARCH_1}"}, "start_at"),
        ({"start_at": None}, "start_at"),
        ({"end_at": f"{MARCH_1} 09:00"}, "end_at"),
        ({"end_at": f"{MARCH_1} 08:59"}, "end_at"),
        ({"end_at": "2099-01-01 00:00"}, "end_at"),
        ({"reason": "r" * 501}, "reason"),
        ({"start_at": "2026-03-29 02:30"}, "start_at"),
    ],
)
def test_malformed_time_off_is_refused(ada, change, field):
    bea = make_bea()
    good = {"staff_id": bea.pk, "start_at": f"{MARCH_1} 09:00", "end_at": f"{MARCH_1} 17:00"}
    answer = ada.post("/api/time-off", {**good, **change})
    assert (answer.status_code, set(answer.json()["details"])) == (400, {field})
    assert TimeOff.objects.count() == 0
    away = make_time_off(bea, NINE, hours=8)
    assert ada.put(f"/api/time-off/{away.pk}", change).status_code == 400
    away.refresh_from_db()
    assert (away.start_at, away.end_at) == (NINE, NINE + timedelta(hours=8))


def test_a_doubled_hour_printed_by_us_is_left_alone(ada):
    second = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    away = make_time_off(make_bea(), second, hours=3)
    printed = ada.get(f"/api/time-off/{away.pk}").json()
    assert printed["start_at"] == "2026-10-25 02:30:00"
    assert ada.put(f"/api/time-off/{away.pk}", printed).status_code == 200
    away.refresh_from_db()
    assert away.start_at == second


def test_staff_see_and_write_their_own_time_off_only():
    make_salon()
    bea, cora = make_bea(), make_cora()
    mine, others = make_time_off(bea, NINE), make_time_off(cora, NINE, reason="private")
    here = caller(bea)
    assert [each["id"] for each in here.get("/api/time-off").json()] == [mine.pk]
    assert here.get(f"/api/time-off?staff_id={cora.pk}").json() == []
    for answer in (
        here.get(f"/api/time-off/{others.pk}"),
        here.put(f"/api/time-off/{others.pk}", {"reason": "x"}),
        here.delete(f"/api/time-off/{others.pk}"),
    ):
        assert (answer.status_code, answer.json()) == (
            404,
            {"error": "Time off not found", "code": "not_found"},
        )
    body = {"start_at": f"{MARCH_1} 09:00", "end_at": f"{MARCH_1} 17:00"}
    answer = here.post("/api/time-off", {**body, "staff_id": cora.pk})
    assert (answer.status_code, answer.json()) == (403, NOT_YOURS)
    assert here.put(f"/api/time-off/{mine.pk}", {"staff_id": cora.pk}).status_code == 403
    assert here.post("/api/time-off", {**body, "staff_id": bea.pk}).status_code == 201
    assert here.delete(f"/api/time-off/{mine.pk}").status_code == 204
    others.refresh_from_db()
    assert (others.reason, TimeOff.objects.filter(staff=cora).count()) == ("private", 1)


def test_the_front_desk_sees_everybodys_time_off_but_writes_its_own():
    make_salon()
    desk, others = caller(make_bea(sees_all_bookings=True)), make_time_off(make_cora(), NINE)
    assert [each["id"] for each in desk.get("/api/time-off").json()] == [others.pk]
    assert desk.put(f"/api/time-off/{others.pk}", {"reason": "x"}).json() == NOT_YOURS
    assert desk.delete(f"/api/time-off/{others.pk}").status_code == 403
    assert TimeOff.objects.get().reason == ""


def test_time_off_is_found_by_the_dates_it_touches(ada):
    bea = make_bea()
    early = make_time_off(bea, NINE, hours=15, reason="until midnight exactly")
    late = make_time_off(bea, NINE + timedelta(days=2), hours=1)

    def found(query):
        return [each["id"] for each in ada.get(f"/api/time-off?{query}").json()]

    assert found("order=-start_at") == [late.pk, early.pk]
    assert found(f"date_from={MARCH_1}&date_to={MARCH_1}") == [early.pk]
    assert found(f"date_from={MARCH_1 + timedelta(days=1)}") == [late.pk]
    assert found(f"date_to={MARCH_1 - timedelta(days=1)}") == []
    assert found("search=midnight") == [early.pk]
    assert ada.get("/api/time-off?date_from=tomorrow").status_code == 400


def test_a_holiday_names_the_bookings_of_its_day(ada):
    bea, alice, cut = make_bea(), make_alice(), make_service()
    midnight = NINE - timedelta(hours=9)
    make_booking(client=alice, staff=bea, service=cut, start_at=midnight - timedelta(hours=1))
    first = make_booking(client=alice, staff=bea, service=cut, start_at=midnight)
    last = make_booking(client=alice, staff=bea, service=cut, start_at=midnight + timedelta(hours=23))
    make_booking(client=alice, staff=bea, service=cut, start_at=midnight + timedelta(hours=24))
    answer = ada.post("/api/holidays", {"date": f"{MARCH_1}", "name": "Carnival"})
    row = {"id": Holiday.objects.get().pk, "date": f"{MARCH_1}", "name": "Carnival"}
    assert answer.status_code == 201
    assert {name: answer.json()[name] for name in row} == row
    assert [each["booking_id"] for each in answer.json()["affected_bookings"]] == [first.pk, last.pk]
    path = f"/api/holidays/{row['id']}"
    assert ada.get(path).json() == row
    moved = ada.put(path, {"date": f"{MARCH_1 + timedelta(days=9)}"}).json()
    assert moved == {**row, "date": f"{MARCH_1 + timedelta(days=9)}", "affected_bookings": []}
    assert ada.delete(path).status_code == 204
    assert ada.get("/api/holidays").json() == []


def test_a_date_is_a_holiday_once(ada):
    make_holiday(MARCH_1)
    other = make_holiday(MARCH_1 + timedelta(days=1))
    for answer in (
        ada.post("/api/holidays", {"date": f"{MARCH_1}"}),
        ada.put(f"/api/holidays/{other.pk}", {"date": f"{MARCH_1}"}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "already_exists")
    assert Holiday.objects.count() == 2


@pytest.mark.parametrize(
    "day", ["2027-02-30", "27-03-01", "2027-3-1", "2027-W09", "", None, 20270301, "٢٠٢٧-٠٣-٠١"]
)
def test_a_malformed_holiday_is_refused(ada, day):
    answer = ada.post("/api/holidays", {"date": day})
    assert (answer.status_code, set(answer.json()["details"])) == (400, {"date"})
    assert Holiday.objects.count() == 0


def test_staff_read_holidays_but_do_not_write_them():
    day, here = make_holiday(MARCH_1), caller(make_bea())
    assert here.get("/api/holidays").json() == [{"id": day.pk, "date": f"{MARCH_1}", "name": ""}]
    assert here.post("/api/holidays", {"date": f"{NEXT_YEAR}-05-05"}).status_code == 403
    assert here.put(f"/api/holidays/{day.pk}", {"name": "x"}).status_code == 403
    assert here.delete(f"/api/holidays/{day.pk}").status_code == 403
    assert list(Holiday.objects.values_list("date", "name")) == [(MARCH_1, "")]


def test_holidays_are_ordered_and_filtered(ada):
    for month in (1, 3, 5):
        make_holiday(date(NEXT_YEAR, month, 1), f"Month {month}")

    def found(query):
        return [each["name"][-1] for each in ada.get(f"/api/holidays?{query}").json()]

    assert found("") == ["1", "3", "5"]
    assert found("order=-date") == ["5", "3", "1"]
    assert found(f"date_from={NEXT_YEAR}-02-01&date_to={NEXT_YEAR}-03-01") == ["3"]
    assert found("search=month%205") == ["5"]


def test_with_the_personal_agenda_only_ones_own_bookings_are_named():
    make_salon(staff_personal_agenda_enabled=True)
    bea, cora, alice, cut = make_bea(), make_cora(), make_alice(), make_service()
    mine = make_booking(client=alice, staff=bea, service=cut, start_at=NINE)
    make_booking(client=alice, staff=cora, service=cut, start_at=NINE)
    body = {"start_at": f"{MARCH_1} 00:00", "end_at": f"{MARCH_1} 23:00", "staff_id": bea.pk}
    answer = caller(bea).post("/api/time-off", body)
    assert [each["booking_id"] for each in answer.json()["affected_bookings"]] == [mine.pk]


def test_keys_read_hours_but_write_none():
    make_salon()
    bea = make_bea()
    make_time_off(bea, NINE)
    client = caller(make_key()[1])
    assert len(client.get("/api/time-off").json()) == 1
    assert client.get("/api/working-hours").json() == []
    assert client.get("/api/holidays").json() == []
    for answer in (
        client.post("/api/time-off", {}),
        client.post("/api/working-hours", {}),
        client.post("/api/holidays", {}),
        client.delete(f"/api/time-off/{TimeOff.objects.get().pk}"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "not_for_keys")
    assert TimeOff.objects.count() == 1
