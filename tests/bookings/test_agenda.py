"""GET /api/agenda: all that a screen shows of some days, in one call (contract §11 "one call")."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from time_machine import Traveller

from bookings.models import Booking, BusyTime, Hold, NoShowFee, Visit
from clients.models import Client
from staff.models import ApiKey, OpeningException, SalonSettings, Staff, WorkingHours
from tests.cast.bookings import MORNING, Salon, make_cast
from tests.cast.factories import (
    caller,
    make_client,
    make_holiday,
    make_key,
    make_location,
    make_service,
    make_staff,
    make_time_off,
)
from tests.cast.plans import plans_of

pytestmark = [pytest.mark.django_db, pytest.mark.clock_at(MORNING)]

TUESDAY = "date=2026-03-24"
NINE = datetime(2026, 3, 24, 8, tzinfo=UTC)


@pytest.fixture
def salon() -> Salon:
    return make_cast()


def agenda(who: Staff, query: str = TUESDAY, **headers: str) -> Any:
    return caller(who).get(f"/api/agenda?{query}", headers=headers)


def shown(who: Staff, query: str = TUESDAY) -> Any:
    answer = agenda(who, query)
    assert answer.status_code == 200, answer.content
    return answer.json()


def block(who: Staff, booking: dict[str, Any], query: str = TUESDAY) -> Any:
    [found] = [each for each in shown(who, query)["bookings"] if each["id"] == booking["id"]]
    return found


def test_an_empty_day_says_who_works_when(salon: Salon) -> None:
    body = shown(salon.ada, f"{TUESDAY}&days=2")
    nine_to_five = [
        {
            "date": f"2026-03-{day}",
            "hours": [{"start_at": f"2026-03-{day} 09:00:00", "end_at": f"2026-03-{day} 17:00:00"}],
            "exception": None,
        }
        for day in (24, 25)
    ]
    column = {
        "color": "",
        "location_id": None,
        "role": "staff",
        "takes_bookings": True,
        "service_ids": [salon.service.pk],
        "keeps_hours": True,
        "days": nine_to_five,
    }
    cursor = body.pop("cursor")
    assert body == {
        "salon": {
            "name": "Salon Zonne",
            "timezone": "Europe/Amsterdam",
            "currency": "EUR",
            "agenda_step_minutes": 15,
            "walk_in_client_id": None,
            "double_booking": "reject",
        },
        "caller": {"staff_id": salon.ada.pk, "is_admin": True, "own_agenda_only": False},
        "days": [{"date": "2026-03-24", "holiday": None}, {"date": "2026-03-25", "holiday": None}],
        "staff": [
            {"id": salon.bea.pk, "name": "Bea Bakker", "initials": "BB", **column},
            {"id": salon.cora.pk, "name": "Cora Claes", "initials": "CC", **column},
        ],
        "time_off": [],
        "holds": [],
        "bookings": [],
        "now": "2026-03-20 09:00:00",
    }
    assert caller(salon.ada).get(f"/api/bookings/changes?cursor={cursor}").json()["items"] == []


def test_a_block_is_its_booking_with_all_that_it_shows(salon: Salon) -> None:
    Client.objects.filter(pk=salon.alice.pk).update(alert="Allergic to ammonia", notes="Likes tea")
    booked = salon.book(staff_requested=True)
    body = block(salon.bea, booked)
    assert body == {
        **salon.get(booked).json(),
        "client": {
            "id": salon.alice.pk,
            "name": "Alice Adams",
            "phone": "+31201234567",
            "alert": "Allergic to ammonia",
            "has_notes": True,
            "has_email": True,
            "is_walk_in": False,
            "no_show_count": 0,
        },
        "visit": {
            "id": booked["visit_id"],
            "version": 1,
            "status": "scheduled",
            "client_confirmed_at": None,
            "late": False,
            "booking_ids": [booked["id"]],
        },
        "stretches": [{"kind": "work", "start_at": "2026-03-24 10:00:00", "end_at": "2026-03-24 11:00:00"}],
        "request": None,
        "fee": None,
        "marks": {
            "requested": True,
            "asked": False,
            "confirmed": False,
            "first_visit": True,
            "alert": True,
            "fee": None,
            "series": False,
            "request": None,
            "walk_in": False,
        },
    }


def test_cancelled_ones_are_left_out_and_a_night_belongs_to_both_days(salon: Salon) -> None:
    gone = salon.book()
    salon.delete(gone)
    night = salon.book(start_at="2026-03-24 23:30:00", end_at="2026-03-25 00:30:00")
    assert [each["id"] for each in shown(salon.ada)["bookings"]] == [night["id"]]
    assert [each["id"] for each in shown(salon.ada, "date=2026-03-25")["bookings"]] == [night["id"]]
    assert shown(salon.ada, "date=2026-03-26&days=8")["bookings"] == []


def test_gaps_and_the_buffers_that_are_kept(salon: Salon) -> None:
    parts = [
        {"kind": "work", "minutes": 30},
        {"kind": "gap", "minutes": 45},
        {"kind": "work", "minutes": 30},
    ]
    colour = make_service(
        "Colour", duration_minutes=105, parts=parts, buffer_before_minutes=5, buffer_after_minutes=10
    )
    colour.staff.add(salon.bea)
    booked = salon.book(service_id=colour.pk, end_at="2026-03-24 11:45:00")
    pieces = [
        ("buffer", "09:55", "10:00"),
        ("work", "10:00", "10:30"),
        ("gap", "10:30", "11:15"),
        ("work", "11:15", "11:45"),
        ("buffer", "11:45", "11:55"),
    ]
    assert _pieces(block(salon.ada, booked)) == pieces
    busy = BusyTime.objects.filter(booking_id=booked["id"]).order_by("starts_at")
    widest = [(each.starts_at.strftime("%H:%M"), each.ends_at.strftime("%H:%M")) for each in busy]
    assert widest == [("08:55", "09:30"), ("10:15", "10:55")]
    salon.put(booked, {"status": "completed"})
    assert _pieces(block(salon.ada, booked)) == pieces[1:-1]


def test_between_neighbours_of_a_visit_no_buffer_is_kept(salon: Salon) -> None:
    wash = make_service("Wash", duration_minutes=30, buffer_before_minutes=5, buffer_after_minutes=5)
    wash.staff.add(salon.bea)
    items = [{"service_id": wash.pk, "staff_id": salon.bea.pk}] * 2
    order = {"client_id": salon.alice.pk, "items": items, "start_at": "2026-03-24 23:30:00"}
    visit = caller(salon.ada).post("/api/visits", order, format="json").json()["visit"]
    first, second = visit["booking_ids"]
    blocks = {each["id"]: each for each in shown(salon.ada)["bookings"]}
    assert list(blocks) == [first], "the other one is on the next day"
    assert _pieces(blocks[first]) == [("buffer", "23:25", "23:30"), ("work", "23:30", "00:00")]
    assert blocks[first]["visit"]["booking_ids"] == [first, second]


def _pieces(body: Any) -> list[tuple[str, str, str]]:
    return [(each["kind"], each["start_at"][11:16], each["end_at"][11:16]) for each in body["stretches"]]


def test_marks_of_requests_series_fees_and_confirmation(salon: Salon) -> None:
    SalonSettings.objects.update(noshow_enabled=True, noshow_fee_value=25)
    mailed = salon.book(provisional=True)
    asked = block(salon.ada, mailed)
    assert asked["request"] == {"state": "mailed", "expires_at": "2026-03-23 09:00:00"}
    assert asked["marks"]["request"] == "mailed"
    Booking.objects.filter(pk=mailed["id"]).update(
        provisional_token=None, provisional_expires_at=None, source="online"
    )
    assert block(salon.ada, mailed)["request"] == {"state": "waiting", "expires_at": None}

    missed = salon.book(start_at="2026-03-19 10:00:00", end_at="2026-03-19 11:00:00")
    salon.put(missed, {"status": "no-show"})
    fee = NoShowFee.objects.get()
    of_fee = block(salon.ada, missed, "date=2026-03-19")
    assert of_fee["fee"] == {"id": fee.pk, "state": "due", "amount": "25.00", "currency": "EUR"}
    assert (of_fee["marks"]["fee"], of_fee["client"]["no_show_count"]) == ("due", 1)
    NoShowFee.objects.update(state="waived")
    waived = block(salon.ada, missed, "date=2026-03-19")
    assert (waived["fee"]["state"], waived["marks"]["fee"]) == ("waived", None)

    weekly = salon.book(
        client_id=salon.bob.pk, start_at="2026-03-24 14:00", end_at="2026-03-24 15:00",
        recurrence="FREQ=WEEKLY;COUNT=2",
    )  # fmt: skip
    confirm = {"client_confirmed": True}
    caller(salon.ada).put(f"/api/visits/{weekly['visit_id']}", confirm, format="json")
    of_series = block(salon.ada, weekly)
    assert (of_series["marks"]["series"], of_series["marks"]["confirmed"]) == (True, True)
    assert of_series["visit"]["client_confirmed_at"] == "2026-03-20 09:00:00"


def test_the_first_visit_of_somebody_new_is_marked(salon: Salon) -> None:
    gone = salon.book(start_at="2026-03-21 10:00", end_at="2026-03-21 11:00")
    missed = salon.book(start_at="2026-03-19 10:00", end_at="2026-03-19 11:00")
    salon.delete(gone)
    salon.put(missed, {"status": "no-show"})
    first = salon.book(staff_id=salon.cora.pk)
    second = salon.book(start_at="2026-03-24 15:00", end_at="2026-03-24 16:00")
    marks = {each["id"]: each["marks"]["first_visit"] for each in shown(salon.ada)["bookings"]}
    assert marks == {first["id"]: True, second["id"]: False}


def test_own_agenda_only(salon: Salon) -> None:
    SalonSettings.objects.update(staff_personal_agenda_enabled=True)
    theirs, others = salon.book(), salon.book(staff_id=salon.cora.pk, client_id=salon.bob.pk)
    make_time_off(salon.cora, NINE, 1)
    body = shown(salon.bea)
    assert body["caller"] == {"staff_id": salon.bea.pk, "is_admin": False, "own_agenda_only": True}
    assert [each["id"] for each in body["staff"]] == [salon.bea.pk]
    assert [each["id"] for each in body["bookings"]] == [theirs["id"]]
    assert body["time_off"] == []
    assert "Bob" not in agenda(salon.bea).content.decode()
    assert len(shown(salon.ada)["bookings"]) == 2, others


def test_of_a_visit_with_others_only_what_the_caller_sees(salon: Salon) -> None:
    SalonSettings.objects.update(staff_personal_agenda_enabled=True)
    items = [{"service_id": salon.service.pk, "staff_id": each.pk} for each in (salon.bea, salon.cora)]
    order = {"client_id": salon.alice.pk, "items": items, "start_at": "2026-03-24 10:00:00"}
    first, second = caller(salon.ada).post("/api/visits", order, format="json").json()["visit"]["booking_ids"]
    [own] = shown(salon.bea)["bookings"]
    assert own["visit"]["booking_ids"] == [first]
    assert shown(salon.ada)["bookings"][0]["visit"]["booking_ids"] == [first, second]


def test_reasons_of_absence_are_for_who_may_read_them(salon: Salon) -> None:
    leave = make_time_off(salon.bea, NINE, 3, "Dentist")
    told = {
        "id": leave.pk,
        "staff_id": salon.bea.pk,
        "start_at": "2026-03-24 09:00:00",
        "end_at": "2026-03-24 12:00:00",
        "reason": "Dentist",
    }
    assert shown(salon.ada)["time_off"] == [told]
    assert shown(salon.bea)["time_off"] == [told]
    assert shown(salon.cora)["time_off"] == [{**told, "id": None, "reason": None}]
    Staff.objects.filter(pk=salon.cora.pk).update(sees_all_bookings=True)
    assert shown(salon.cora)["time_off"] == [told]


def test_hours_with_breaks_nights_exceptions_and_holidays(salon: Salon) -> None:
    salon.cora.working_hours.all().delete()
    WorkingHours.objects.filter(staff=salon.bea, weekday=1).delete()
    for opens, closes in ((time(9), time(12)), (time(13), time(17)), (time(22), time(2))):
        WorkingHours.objects.create(staff=salon.bea, weekday=1, opens=opens, closes=closes)
    make_holiday(date(2026, 3, 26), "Spring")
    OpeningException.objects.create(
        scope="salon", date_from="2026-03-27", date_to="2026-03-27", name="Early", hours=[["09:00", "12:00"]]
    )
    body = shown(salon.ada, f"{TUESDAY}&days=4")
    assert body["days"][2] == {"date": "2026-03-26", "holiday": {"name": "Spring"}}
    bea, cora = ([_hours(day) for day in each["days"]] for each in body["staff"])
    assert bea == [
        ["09:00-12:00", "13:00-17:00", "22:00-00:00"],
        ["00:00-02:00", "09:00-17:00"],
        [],
        ["09:00-12:00"],
    ]
    assert cora == [["00:00-00:00"], ["00:00-00:00"], [], ["09:00-12:00"]]
    assert [each["keeps_hours"] for each in body["staff"]] == [True, False]
    assert [day["exception"] for day in body["staff"][0]["days"]] == [None, None, None, {"name": "Early"}]


def _hours(day: Any) -> list[str]:
    return [f"{each['start_at'][11:16]}-{each['end_at'][11:16]}" for each in day["hours"]]


def test_holds_and_for_whom_they_are_kept(salon: Salon, clock: Traveller) -> None:
    SalonSettings.objects.update(waitlist_hold_minutes=60)
    who = caller(salon.ada)
    wanted = {"service_id": salon.service.pk, "staff_id": salon.bea.pk, "start_at": "2026-03-24 10:00:00"}
    assert who.post("/api/holds", wanted, format="json").status_code == 201
    waits = {"client_id": salon.bob.pk, "service_id": salon.service.pk, "date": "2026-03-24"}
    entry = who.post("/api/waitlist", waits, format="json").json()
    offered = {"staff_id": salon.bea.pk, "start_at": "2026-03-24 14:00:00"}
    assert who.post(f"/api/waitlist/{entry['id']}/offer", offered, format="json").status_code == 201
    form, offer = shown(salon.bea)["holds"]
    assert form == {
        "id": Hold.objects.order_by("pk")[0].pk,
        "staff_id": salon.bea.pk,
        "service_id": salon.service.pk,
        "service_name": "Haircut",
        "start_at": "2026-03-24 10:00:00",
        "end_at": "2026-03-24 11:00:00",
        "expires_at": "2026-03-20 09:05:00",
        "persons": 1,
        "offer": None,
    }
    assert offer["offer"] == {
        "waitlist_id": entry["id"],
        "client_id": salon.bob.pk,
        "client_name": "Bob Brown",
    }
    clock.shift(timedelta(minutes=6))
    assert [each["id"] for each in shown(salon.bea)["holds"]] == [offer["id"]]
    for hold in Hold.objects.all():
        assert hold.token not in agenda(salon.ada).content.decode()


def test_a_location_and_who_has_left(salon: Salon) -> None:
    centre = make_location()
    Staff.objects.filter(pk=salon.bea.pk).update(location=centre)
    Staff.objects.filter(pk=salon.cora.pk).update(location=make_location("Harbour", "harbour"))
    elsewhere = salon.book(staff_id=salon.cora.pk)
    salon.book(client_id=salon.bob.pk)
    at_centre = f"{TUESDAY}&location_id={centre.pk}"
    assert [each["id"] for each in shown(salon.ada, at_centre)["staff"]] == [salon.bea.pk]
    Booking.objects.filter(pk=elsewhere["id"]).update(location=centre)
    Staff.objects.filter(pk=salon.cora.pk).update(is_active=False)
    body = shown(salon.ada, at_centre)
    assert [(each["id"], each["takes_bookings"]) for each in body["staff"]] == [
        (salon.bea.pk, True),
        (salon.cora.pk, False),
    ]
    assert len(body["bookings"]) == 2
    assert [each["id"] for each in shown(salon.ada, "date=2026-03-25")["staff"]] == [salon.bea.pk]
    assert shown(salon.ada, f"{TUESDAY}&location_id=999")["staff"] == []


def test_without_a_date_today(salon: Salon) -> None:
    assert shown(salon.ada, "")["days"] == [{"date": "2026-03-20", "holiday": None}]


@pytest.mark.parametrize("query", ["date=2026-3-1", "days=0", "days=9", "location_id=x", "date=", "days="])
def test_a_bad_parameter_is_400(salon: Salon, query: str) -> None:
    answer = agenda(salon.ada, query)
    assert answer.status_code == 400
    assert list(answer.json()["details"]) == [query.partition("=")[0]]


def test_the_same_day_is_not_sent_twice(salon: Salon, clock: Traveller) -> None:
    booked = salon.book()
    first = agenda(salon.bea)
    tag = first["ETag"]
    assert first["Cache-Control"] == "no-cache"
    clock.shift(timedelta(seconds=90))
    again = agenda(salon.bea, **{"If-None-Match": tag})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", tag)
    assert agenda(salon.bea, **{"If-None-Match": f'W/{tag}, "x"'}).status_code == 304
    assert agenda(salon.bea)["ETag"] == tag

    def changes(act: Any) -> bool:
        nonlocal tag
        act()
        answer = agenda(salon.bea, **{"If-None-Match": tag})
        was, tag = tag, answer["ETag"]
        return answer.status_code == 200 and tag != was

    who = caller(salon.ada)
    assert changes(lambda: who.put(f"/api/clients/{salon.alice.pk}", {"alert": "!"}, format="json"))
    assert changes(lambda: who.put(f"/api/clients/{salon.alice.pk}", {"last_name": "B"}, format="json"))
    assert changes(lambda: salon.put(booked, {"status_detail": "arrived"}))
    assert changes(lambda: make_time_off(salon.cora, NINE, 3))
    assert changes(lambda: make_holiday(date(2026, 3, 24), "Spring"))
    assert changes(lambda: WorkingHours.objects.filter(staff=salon.cora).delete())
    assert changes(lambda: Staff.objects.filter(pk=salon.cora.pk).update(color="#333333"))
    hold = {"service_id": salon.service.pk, "staff_id": salon.cora.pk, "start_at": "2026-03-24 16:00:00"}
    assert changes(lambda: who.post("/api/holds", {**hold, "minutes": 1}, format="json")) is False, "holiday"
    assert changes(lambda: SalonSettings.objects.update(agenda_step_minutes=30))
    assert not changes(lambda: salon.book(start_at="2026-03-25 10:00", end_at="2026-03-25 11:00"))


def test_the_feed_goes_on_from_the_agenda(salon: Salon, clock: Traveller) -> None:
    salon.book()
    clock.shift(timedelta(minutes=1))
    cursor = shown(salon.bea)["cursor"]
    clock.shift(timedelta(seconds=1))
    later = salon.book(staff_id=salon.cora.pk)
    clock.shift(timedelta(seconds=6))
    items = caller(salon.bea).get(f"/api/bookings/changes?cursor={cursor}").json()["items"]
    assert [each["id"] for each in items] == [later["id"]]


def test_a_key_may_read_it(salon: Salon) -> None:
    _, secret = make_key(mode=ApiKey.Mode.READ)
    body = caller(secret).get(f"/api/agenda?{TUESDAY}").json()
    assert body["caller"] == {"staff_id": None, "is_admin": True, "own_agenda_only": False}


def test_the_statements_do_not_grow(salon: Salon) -> None:
    who, counts = caller(salon.ada), []
    who.get("/api/agenda")
    for people, each in ((0, 1), (13, 20)):
        _fill(salon, people=people, each=each)
        with CaptureQueriesContext(connection) as seen:
            answer = who.get(f"/api/agenda?{TUESDAY}&days=8")
        counts.append((len(answer.json()["bookings"]), len(seen)))
    most = 14 if connection.vendor == "postgresql" else 13
    assert counts == [(2, most), (302, most)], [query["sql"] for query in seen]


def _fill(salon: Salon, *, people: int, each: int) -> None:
    """Everybody booked `each` times on the Tuesday, with different clients."""
    staff = [salon.bea, salon.cora, *(make_staff(f"P{number} Q", password=None) for number in range(people))]
    clients = [make_client(f"C{number}") for number in range(each)]
    start = datetime(2026, 3, 24, 7, tzinfo=UTC)
    for person in staff:
        for number, client in enumerate(clients):
            start_at = start + timedelta(minutes=30 * number)
            times = {"start_at": start_at, "end_at": start_at + timedelta(minutes=30)}
            stamps = {"created_at": start, "updated_at": start}
            visit = Visit.objects.create(client=client, status="scheduled", **times, **stamps)
            Booking.objects.create(
                client=client, staff=person, service=salon.service, visit=visit, **times, **stamps
            )


def test_no_table_of_bookings_is_read_whole(salon: Salon) -> None:
    """At many bookings: PostgreSQL knows how many, SQLite goes by its indexes anyway."""
    _fill(salon, people=5, each=40)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE bookings_booking")
            cursor.execute("SET LOCAL enable_seqscan = off")
    plans = plans_of(lambda: agenda(salon.ada, "date=2026-03-27"))
    steps = [line for plan in plans for line in plan.splitlines()]
    whole = [line for line in steps if "Seq Scan on bookings_" in line or line.startswith("SCAN bookings_")]
    assert whole == []
