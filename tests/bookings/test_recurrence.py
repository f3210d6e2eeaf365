"""Recurring bookings: a list of starts or an RRULE, all or nothing or what is free, one mail."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from bookings.models import Booking, BusyTime
from notifications.execution import run_due
from notifications.models import Job, Message, Notification
from tests.cast.bookings import MORNING, Salon, make_cast, stored
from tests.cast.factories import caller, make_holiday, make_time_off

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.clock_at(MORNING)]


@pytest.fixture
def salon() -> Salon:
    return make_cast()


def post(salon: Salon, **changes: Any) -> Any:
    return caller(salon.ada).post("/api/bookings", salon.order(**changes), format="json")


def starts(answer: Any) -> list[str]:
    return [each["start_at"] for each in answer.json()["occurrences"]]


def test_a_weekly_rule_keeps_the_wall_clock_over_daylight_saving(salon: Salon) -> None:
    answer = post(salon, recurrence="FREQ=WEEKLY;COUNT=3")
    assert answer.status_code == 200, answer.json()
    assert starts(answer) == ["2026-03-24 10:00:00", "2026-03-31 10:00:00", "2026-04-07 10:00:00"]
    assert answer.json()["id"] == answer.json()["occurrences"][0]["id"]
    assert answer.json()["skipped"] == []
    instants = [row.start_at.isoformat() for row in Booking.objects.order_by("start_at")]
    assert instants == [
        "2026-03-24T09:00:00+00:00",
        "2026-03-31T08:00:00+00:00",
        "2026-04-07T08:00:00+00:00",
    ]
    assert BusyTime.objects.count() == 3


def test_a_list_of_starts_adds_to_the_first(salon: Salon) -> None:
    answer = post(salon, recurrence=["2026-03-27 09:00", "2026-03-24 10:00", "2026-03-26 15:30:00"])
    assert starts(answer) == ["2026-03-24 10:00:00", "2026-03-26 15:30:00", "2026-03-27 09:00:00"]


def test_one_mail_with_all_dates_and_one_line_for_the_salon(salon: Salon) -> None:
    post(salon, recurrence="FREQ=WEEKLY;COUNT=3")
    assert list(Job.objects.values_list("type", flat=True)) == ["booking.created"]
    assert Notification.objects.values("booking_id").distinct().count() == 1
    run_due(at_most=10)
    message = Message.objects.get()
    assert message.state == "kept"
    for day in ("24", "31", "7"):
        assert day in message.text
    assert set(Booking.objects.values_list("announced_as", flat=True)) == {"scheduled"}


def test_cancelling_the_first_leaves_the_other_dates_their_mail(salon: Salon) -> None:
    first = post(salon, recurrence="FREQ=WEEKLY;COUNT=3").json()
    salon.delete(first)
    run_due(at_most=10)
    told = Message.objects.get(type="booking.created")
    assert told.state == "kept"
    assert list(Booking.objects.order_by("start_at").values_list("announced_as", flat=True)) == [
        "",
        "scheduled",
        "scheduled",
    ]


def test_one_taken_occurrence_refuses_all_and_is_named(salon: Salon) -> None:
    salon.book(start_at="2026-03-31 10:30", end_at="2026-03-31 11:30")
    before = stored()
    answer = post(salon, recurrence="FREQ=WEEKLY;COUNT=3")
    assert (answer.status_code, answer.json()["code"]) == (409, "slot_taken")
    assert answer.json()["error"].startswith("2026-03-31 10:00:00")
    assert len(answer.json()["conflicts"]) == 1
    assert stored() == before


def test_skipping_conflicts_books_the_rest_and_lists_them(salon: Salon) -> None:
    salon.book(start_at="2026-03-31 10:30", end_at="2026-03-31 11:30")
    make_holiday(date(2026, 4, 7))
    answer = post(salon, recurrence="FREQ=WEEKLY;COUNT=4", skip_conflicts=True)
    assert starts(answer) == ["2026-03-24 10:00:00", "2026-04-14 10:00:00"]
    assert [(each["start_at"], each["code"]) for each in answer.json()["skipped"]] == [
        ("2026-03-31 10:00:00", "slot_taken"),
        ("2026-04-07 10:00:00", "holiday"),
    ]


def test_when_everything_is_taken_nothing_is_booked(salon: Salon) -> None:
    salon.book()
    before = stored()
    assert post(salon, recurrence=[], skip_conflicts=True).status_code == 409
    assert stored() == before


@pytest.mark.parametrize(
    "recurrence",
    [
        "FREQ=HOURLY;COUNT=2",
        "FREQ=YEARLY;COUNT=2",
        "FREQ=WEEKLY",
        "FREQ=WEEKLY;COUNT=0",
        "FREQ=WEEKLY;COUNT=105",
        "FREQ=DAILY;UNTIL=20280101",
        "FREQ=DAILY;COUNT=2;COUNT=3",
        "FREQ=DAILY;COUNT=2;BYHOUR=3",
        "FREQ=MONTHLY;COUNT=2;BYMONTHDAY=99",
        "FREQ=WEEKLY;COUNT=2;BYDAY=XX",
        "FREQ=DAILY;UNTIL=soon",
        "FREQ=DAILY;COUNT=2;INTERVAL=0",
        "FREQ=MONTHLY;COUNT=2;INTERVAL=0;BYMONTHDAY=31;BYDAY=MO",
        "FREQ=DAILY;COUNT=2;INTERVAL=732",
        "FREQ=DAILY;COUNT=2;INTERVAL=-1",
        "FREQ=DAILY;COUNT=2;BYSETPOS=5",
        "FREQ=MONTHLY;COUNT=26",
        "FREQ=MONTHLY;UNTIL=20990101",
        "FREQ=WEEKLY;INTERVAL=2;COUNT=54",
        "every week",
        "",
        7,
        {},
        ["nonsense"],
        ["2026-03-23 10:00"],
        ["2028-03-25 10:00"],
        ["2026-03-29 02:30"],
        [f"2026-{month:02}-{day:02} 10:00" for month in (4, 5, 6, 7) for day in range(1, 29)],
    ],
)
def test_a_rule_that_is_none_is_400_and_stores_nothing(salon: Salon, recurrence: Any) -> None:
    before = stored()
    answer = post(salon, recurrence=recurrence)
    assert (answer.status_code, list(answer.json()["details"])) == (400, ["recurrence"])
    assert stored() == before


def test_a_series_may_reach_as_far_as_two_years(salon: Salon) -> None:
    answer = post(salon, recurrence="FREQ=MONTHLY;INTERVAL=12;COUNT=3")
    assert starts(answer) == ["2026-03-24 10:00:00", "2027-03-24 10:00:00", "2028-03-24 10:00:00"]


def test_a_series_is_not_a_request_nor_a_waitlist_booking(salon: Salon) -> None:
    assert post(salon, recurrence="FREQ=WEEKLY;COUNT=2", provisional=True).status_code == 400
    assert not Booking.objects.exists()


def test_a_monthly_rule_by_weekday(salon: Salon) -> None:
    answer = post(salon, recurrence="RRULE:FREQ=MONTHLY;BYDAY=2TU;UNTIL=20260630")
    assert starts(answer) == [
        "2026-03-24 10:00:00",
        "2026-04-14 10:00:00",
        "2026-05-12 10:00:00",
        "2026-06-09 10:00:00",
    ]


def test_every_booking_of_a_series_names_it_and_is_found_by_it(salon: Salon) -> None:
    alone = salon.book(start_at="2026-03-25 10:00", end_at="2026-03-25 11:00")
    first = post(salon, recurrence="FREQ=WEEKLY;COUNT=3").json()
    assert first["series_id"] == first["id"]
    assert [each["series_id"] for each in first["occurrences"]] == [first["id"]] * 3
    found = caller(salon.ada).get(f"/api/bookings?series_id={first['id']}&order=asc").json()
    assert [each["id"] for each in found] == [each["id"] for each in first["occurrences"]]
    assert salon.get(alone).json()["series_id"] is None
    assert caller(salon.ada).get("/api/bookings?series_id=x").status_code == 400


def test_skipping_also_skips_what_the_clocks_swallow(salon: Salon) -> None:
    night = {"start_at": "2026-03-28 02:30", "end_at": "2026-03-28 03:30", "recurrence": "FREQ=DAILY;COUNT=3"}
    assert post(salon, **night).status_code == 400
    answer = post(salon, **night, skip_conflicts=True)
    assert starts(answer) == ["2026-03-28 02:30:00", "2026-03-30 02:30:00"]
    assert [(each["start_at"], each["code"]) for each in answer.json()["skipped"]] == [
        ("2026-03-29 02:30:00", "no_such_time")
    ]


@pytest.mark.parametrize("rule", ["FREQ=DAILY;COUNT=3", ["2026-03-30 02:30", "2026-03-31 02:30"]])
@pytest.mark.parametrize(("end_at", "ends"), [(None, "03:30"), ("03:30", "03:30"), ("02:45", "02:45")])
def test_the_first_start_may_be_swallowed_like_any_other(
    salon: Salon, rule: Any, end_at: str | None, ends: str
) -> None:
    night = salon.order(start_at="2026-03-29 02:30", end_at=f"2026-03-29 {end_at}", recurrence=rule)
    if end_at is None:
        del night["end_at"]
    before = stored()
    refused = caller(salon.ada).post("/api/bookings", night, format="json")
    assert (refused.status_code, next(iter(refused.json()["details"]))) == (400, "start_at")
    assert stored() == before
    answer = caller(salon.ada).post("/api/bookings", night | {"skip_conflicts": True}, format="json")
    assert answer.status_code == 200, answer.json()
    assert starts(answer) == ["2026-03-30 02:30:00", "2026-03-31 02:30:00"]
    assert answer.json()["end_at"] == f"2026-03-30 {ends}:00"
    assert [(each["start_at"], each["code"]) for each in answer.json()["skipped"]] == [
        ("2026-03-29 02:30:00", "no_such_time")
    ]


def test_a_series_of_which_no_start_exists_is_refused(salon: Salon) -> None:
    before = stored()
    night = {"start_at": "2026-03-29 02:30", "end_at": "2026-03-29 03:30", "skip_conflicts": True}
    answer = post(salon, **night, recurrence="FREQ=DAILY;COUNT=1")
    assert (answer.status_code, list(answer.json()["details"])) == (400, ["start_at"])
    assert stored() == before
    alone = post(salon, **night)
    assert (alone.status_code, list(alone.json()["details"])) == (400, ["start_at"])


def test_skipping_also_skips_time_off(salon: Salon) -> None:
    make_time_off(salon.bea, datetime(2026, 3, 30, 22, 0, tzinfo=UTC))
    answer = post(salon, recurrence="FREQ=WEEKLY;COUNT=3", skip_conflicts=True)
    assert starts(answer) == ["2026-03-24 10:00:00", "2026-04-07 10:00:00"]
    assert [(each["start_at"], each["code"]) for each in answer.json()["skipped"]] == [
        ("2026-03-31 10:00:00", "time_off")
    ]
    assert Booking.objects.count() == BusyTime.objects.count() == 2
    warned = post(salon, staff_id=salon.bea.pk, start_at="2026-03-31 12:00", end_at="2026-03-31 13:00")
    assert [each["code"] for each in warned.json()["warnings"]] == ["time_off"]


def test_a_series_wholly_in_time_off_is_refused(salon: Salon) -> None:
    make_time_off(salon.bea, datetime(2026, 3, 23, 22, 0, tzinfo=UTC), hours=24 * 30)
    before = stored()
    answer = post(salon, recurrence="FREQ=WEEKLY;COUNT=3", skip_conflicts=True)
    assert (answer.status_code, answer.json()["code"]) == (400, "time_off")
    assert stored() == before
