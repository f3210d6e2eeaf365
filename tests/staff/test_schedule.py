"""staff/salon/schedule.py: local dates, working windows, holidays, time off."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from staff.salon.schedule import (
    Hours,
    Stretch,
    dates_between,
    holiday_names,
    holidays_touched,
    hours_of,
    instant_on,
    local_dates,
    outside_working_hours,
    time_off_of,
    windows_between,
    windows_on,
)
from tests.cast.factories import make_bea, make_cora, make_holiday, make_hours, make_time_off

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
NEW_YORK = ZoneInfo("America/New_York")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
BEIRUT = ZoneInfo("Asia/Beirut")
EVERY_DAY = range(7)
MINUTE = timedelta(minutes=1)

CLOCK_CHANGES = [
    (AMSTERDAM, date(2026, 3, 29)),
    (AMSTERDAM, date(2026, 10, 25)),
    (NEW_YORK, date(2026, 3, 8)),
    (NEW_YORK, date(2026, 11, 1)),
    (LORD_HOWE, date(2026, 4, 5)),
    (LORD_HOWE, date(2026, 10, 4)),
    (BEIRUT, date(2026, 3, 29)),
]


def at(text: str, zone: ZoneInfo = AMSTERDAM) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


def all_day(opens: str, closes: str) -> list[Hours]:
    return [Hours(day, time.fromisoformat(opens), time.fromisoformat(closes)) for day in EVERY_DAY]


@pytest.mark.parametrize(
    ("start", "end", "dates"),
    [
        ("2026-12-24 10:00", "2026-12-24 11:00", ["2026-12-24"]),
        ("2026-12-24 23:00", "2026-12-25 00:00", ["2026-12-24"]),
        ("2026-12-24 23:00", "2026-12-25 00:01", ["2026-12-24", "2026-12-25"]),
        ("2026-12-25 00:00", "2026-12-26 00:00", ["2026-12-25"]),
        ("2026-12-24 12:00", "2026-12-24 12:00", ["2026-12-24"]),
        ("2026-12-24 12:00", "2026-12-26 12:00", ["2026-12-24", "2026-12-25", "2026-12-26"]),
    ],
)
def test_a_stretch_touches_the_local_dates_it_lies_on(start: str, end: str, dates: list[str]) -> None:
    assert local_dates(at(start), at(end), zone=AMSTERDAM) == [date.fromisoformat(day) for day in dates]


def test_the_touched_dates_are_those_of_the_salon_not_of_utc() -> None:
    assert local_dates(at("2026-06-02 00:30"), at("2026-06-02 01:00"), zone=AMSTERDAM) == [date(2026, 6, 2)]


def test_ending_where_a_day_without_midnight_begins_does_not_touch_it() -> None:
    jump = datetime(2026, 3, 28, 22, 0, tzinfo=UTC)
    assert jump.astimezone(BEIRUT).hour == 1
    assert local_dates(jump - timedelta(hours=1), jump, zone=BEIRUT) == [date(2026, 3, 28)]
    assert local_dates(jump, jump + MINUTE, zone=BEIRUT) == [date(2026, 3, 29)]


def test_several_rows_make_breaks_and_rows_that_touch_are_one_window() -> None:
    hours = [
        Hours(0, time(13), time(17)),
        Hours(0, time(9), time(11)),
        Hours(0, time(11), time(12)),
        Hours(1, time(9), time(10)),
    ]
    assert windows_on(date(2026, 11, 23), hours, zone=AMSTERDAM) == [
        Stretch(at("2026-11-23 09:00"), at("2026-11-23 12:00")),
        Stretch(at("2026-11-23 13:00"), at("2026-11-23 17:00")),
    ]


def test_closing_at_midnight_is_the_end_of_the_day_and_work_may_go_on_past_it() -> None:
    hours = [Hours(4, time(20), time(0)), Hours(5, time(0), time(2))]
    assert windows_on(date(2026, 11, 20), hours, zone=AMSTERDAM) == [
        Stretch(at("2026-11-20 20:00"), at("2026-11-21 00:00"))
    ]
    assert windows_between(date(2026, 11, 20), date(2026, 11, 21), hours, zone=AMSTERDAM) == [
        Stretch(at("2026-11-20 20:00"), at("2026-11-21 02:00"))
    ]
    late = {"start_at": at("2026-11-20 23:30"), "hours": hours, "zone": AMSTERDAM}
    assert not outside_working_hours(end_at=at("2026-11-21 00:30"), **late)
    assert outside_working_hours(end_at=at("2026-11-21 02:30"), **late)


@pytest.mark.parametrize(("zone", "day"), CLOCK_CHANGES)
def test_working_hours_are_wall_clock_on_days_on_which_the_clocks_change(zone: ZoneInfo, day: date) -> None:
    (window,) = windows_on(day, all_day("09:00", "17:00"), zone=zone)
    assert [edge.astimezone(zone).isoformat(" ")[:16] for edge in window] == [f"{day} 09:00", f"{day} 17:00"]


def test_an_edge_that_the_clocks_skip_is_where_they_jump() -> None:
    assert instant_on(date(2026, 3, 29), time(2, 30), zone=AMSTERDAM) == at("2026-03-29 03:00")
    assert windows_on(date(2026, 3, 29), all_day("02:10", "02:50"), zone=AMSTERDAM) == []
    (night,) = windows_on(date(2026, 3, 29), all_day("00:00", "02:00"), zone=BEIRUT)
    assert night.end_at - night.start_at == timedelta(hours=1)


def test_an_edge_that_comes_twice_is_its_first_occurrence() -> None:
    assert instant_on(date(2026, 10, 25), time(2, 30), zone=AMSTERDAM) == datetime(
        2026, 10, 25, 0, 30, tzinfo=UTC
    )
    (window,) = windows_on(date(2026, 10, 25), all_day("02:30", "03:00"), zone=AMSTERDAM)
    assert window.end_at - window.start_at == timedelta(minutes=90)


@settings(max_examples=60, deadline=None)
@given(change=st.sampled_from(CLOCK_CHANGES), minute=st.integers(0, 24 * 60 - 1), shift=st.integers(-1, 1))
def test_an_edge_is_the_first_minute_of_the_day_that_shows_it_or_later(
    change: tuple[ZoneInfo, date], minute: int, shift: int
) -> None:
    zone, day = change[0], change[1] + timedelta(days=shift)
    moment = time(*divmod(minute, 60))
    look = datetime.combine(day, time(), tzinfo=UTC) - timedelta(hours=15)
    while (look.astimezone(zone).date(), look.astimezone(zone).time()) < (day, moment):
        look += MINUTE
    assert instant_on(day, moment, zone=zone) == look


@pytest.mark.django_db
def test_holidays_are_found_by_the_dates_touched() -> None:
    make_holiday(date(2026, 12, 25), "Christmas")
    make_holiday(date(2026, 12, 26))
    until_midnight = holidays_touched(at("2026-12-24 23:00"), at("2026-12-25 00:00"), zone=AMSTERDAM)
    past_midnight = holidays_touched(at("2026-12-24 23:00"), at("2026-12-25 00:30"), zone=AMSTERDAM)
    assert until_midnight == []
    assert [holiday.name for holiday in past_midnight] == ["Christmas"]
    assert holiday_names(date(2026, 12, 1), date(2026, 12, 31)) == {
        date(2026, 12, 25): "Christmas",
        date(2026, 12, 26): "",
    }


@pytest.mark.django_db
def test_hours_and_time_off_are_read_for_everybody_asked_in_one_statement(
    django_assert_num_queries: Any,
) -> None:
    bea, cora = make_bea(), make_cora()
    make_hours(bea, weekdays=range(1))
    make_time_off(bea, at("2026-11-23 12:00"), hours=2)
    make_time_off(bea, at("2026-11-23 13:00"), hours=3)
    make_time_off(cora, at("2026-11-25 00:00"))
    with django_assert_num_queries(1):
        hours = hours_of([bea.pk, cora.pk])
    with django_assert_num_queries(1):
        away = time_off_of([bea.pk, cora.pk], start_at=at("2026-11-23 00:00"), end_at=at("2026-11-24 00:00"))
    assert hours == {bea.pk: [Hours(0, time(9), time(17))], cora.pk: []}
    assert away == {bea.pk: [Stretch(at("2026-11-23 12:00"), at("2026-11-23 16:00"))], cora.pk: []}


def test_dates_between_are_inclusive() -> None:
    assert dates_between(date(2026, 2, 28), date(2026, 3, 1)) == [date(2026, 2, 28), date(2026, 3, 1)]
    assert dates_between(date(2026, 3, 1), date(2026, 2, 28)) == []
