"""staff/salon/schedule.py and timetable.py: local dates, working windows, holidays, time off, exceptions."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from staff.salon.schedule import (
    Stretch,
    dates_between,
    holiday_names,
    holidays_touched,
    instant_on,
    local_dates,
    time_off_of,
)
from staff.salon.timetable import ExceptionalHours, Hours, Timetable, timetables_of
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
    assert Timetable(hours).windows_on(date(2026, 11, 23), zone=AMSTERDAM) == [
        Stretch(at("2026-11-23 09:00"), at("2026-11-23 12:00")),
        Stretch(at("2026-11-23 13:00"), at("2026-11-23 17:00")),
    ]


def test_closing_at_midnight_is_the_end_of_the_day_and_work_may_go_on_past_it() -> None:
    hours = [Hours(4, time(20), time(0)), Hours(5, time(0), time(2))]
    assert Timetable(hours).windows_on(date(2026, 11, 20), zone=AMSTERDAM) == [
        Stretch(at("2026-11-20 20:00"), at("2026-11-21 00:00"))
    ]
    assert Timetable(hours).windows_between(date(2026, 11, 20), date(2026, 11, 21), zone=AMSTERDAM) == [
        Stretch(at("2026-11-20 20:00"), at("2026-11-21 02:00"))
    ]


@pytest.mark.parametrize(("zone", "day"), CLOCK_CHANGES)
def test_working_hours_are_wall_clock_on_days_on_which_the_clocks_change(zone: ZoneInfo, day: date) -> None:
    (window,) = Timetable(all_day("09:00", "17:00")).windows_on(day, zone=zone)
    assert [edge.astimezone(zone).isoformat(" ")[:16] for edge in window] == [f"{day} 09:00", f"{day} 17:00"]


def test_an_edge_that_the_clocks_skip_is_where_they_jump() -> None:
    assert instant_on(date(2026, 3, 29), time(2, 30), zone=AMSTERDAM) == at("2026-03-29 03:00")
    assert Timetable(all_day("02:10", "02:50")).windows_on(date(2026, 3, 29), zone=AMSTERDAM) == []
    (night,) = Timetable(all_day("00:00", "02:00")).windows_on(date(2026, 3, 29), zone=BEIRUT)
    assert night.end_at - night.start_at == timedelta(hours=1)


def test_an_edge_that_comes_twice_is_its_first_occurrence() -> None:
    assert instant_on(date(2026, 10, 25), time(2, 30), zone=AMSTERDAM) == datetime(
        2026, 10, 25, 0, 30, tzinfo=UTC
    )
    (window,) = Timetable(all_day("02:30", "03:00")).windows_on(date(2026, 10, 25), zone=AMSTERDAM)
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
def test_hours_and_time_off_are_read_for_everybody_asked_in_few_statements(
    django_assert_num_queries: Any,
) -> None:
    bea, cora = make_bea(), make_cora()
    make_hours(bea, weekdays=range(1))
    make_time_off(bea, at("2026-11-23 12:00"), hours=2)
    make_time_off(bea, at("2026-11-23 13:00"), hours=3)
    make_time_off(cora, at("2026-11-25 00:00"))
    day = date(2026, 11, 23)
    with django_assert_num_queries(3):
        timetables = timetables_of([bea.pk, cora.pk], first=day, last=day)
    with django_assert_num_queries(2):
        assert timetables_of([bea.pk, cora.pk], first=day, last=day, holidays=[]) == timetables
    with django_assert_num_queries(1):
        away = time_off_of([bea.pk, cora.pk], start_at=at("2026-11-23 00:00"), end_at=at("2026-11-24 00:00"))
    assert timetables == {bea.pk: Timetable([Hours(0, time(9), time(17))]), cora.pk: Timetable([])}
    assert away == {bea.pk: [Stretch(at("2026-11-23 12:00"), at("2026-11-23 16:00"))], cora.pk: []}


def test_dates_between_are_inclusive() -> None:
    assert dates_between(date(2026, 2, 28), date(2026, 3, 1)) == [date(2026, 2, 28), date(2026, 3, 1)]
    assert dates_between(date(2026, 3, 1), date(2026, 2, 28)) == []


def on(day: str) -> date:
    return date.fromisoformat(day)


def shown(windows: list[Stretch]) -> list[str]:
    """Each window on the wall, such as "Sat 22:00-Sun 02:00"."""
    local = [[edge.astimezone(AMSTERDAM) for edge in window] for window in windows]
    return [f"{first:%a %H:%M}-{last:%a %H:%M}" for first, last in local]


def exception(
    first: str, last: str = "", *hours: str, every_year: bool = False, replaces: bool = False, name: str = ""
) -> ExceptionalHours:
    pairs = [tuple(map(time.fromisoformat, each.split("-"))) for each in hours]
    return ExceptionalHours(on(first), on(last or first), every_year, tuple(pairs), replaces, name)


def test_a_night_belongs_to_the_day_on_which_it_opens() -> None:
    night = Timetable([Hours(5, time(22), time(2))])
    assert shown(night.windows_on(on("2026-11-21"), zone=AMSTERDAM)) == ["Sat 22:00-Sun 02:00"]
    assert night.windows_on(on("2026-11-22"), zone=AMSTERDAM) == []
    (spring,) = night.windows_on(on("2026-03-28"), zone=AMSTERDAM)
    (autumn,) = night.windows_on(on("2026-10-24"), zone=AMSTERDAM)
    assert [each.end_at - each.start_at for each in (spring, autumn)] == [timedelta(hours=4)] * 2
    (till_three,) = Timetable([Hours(5, time(22), time(3))]).windows_on(on("2026-10-24"), zone=AMSTERDAM)
    assert till_three.end_at - till_three.start_at == timedelta(hours=6)


def test_hours_hold_on_their_dates_both_included() -> None:
    winter = Timetable([Hours(0, time(10), time(16), on("2026-11-02"), on("2026-11-16"))])
    worked = [
        day
        for day in dates_between(on("2026-10-19"), on("2026-11-30"))
        if winter.windows_on(day, zone=AMSTERDAM)
    ]
    assert worked == [on("2026-11-02"), on("2026-11-09"), on("2026-11-16")]


def test_a_persons_exception_replaces_the_day_and_one_of_the_salon_only_cuts_it() -> None:
    week = [Hours(day, time(9), time(17)) for day in range(5)]
    sunday, eve = "2026-11-29", "2026-12-24"
    own = Timetable(week, [exception(sunday, "", "12:00-18:00", replaces=True)])
    assert shown(own.windows_on(on(sunday), zone=AMSTERDAM)) == ["Sun 12:00-Sun 18:00"]
    salon = Timetable(week, [exception(sunday, "", "12:00-18:00"), exception(eve, "", "08:00-14:00")])
    assert salon.windows_on(on(sunday), zone=AMSTERDAM) == []
    assert shown(salon.windows_on(on(eve), zone=AMSTERDAM)) == ["Thu 09:00-Thu 14:00"]
    broken = Timetable(week, [exception(eve, "", "08:00-10:00", "11:00-12:00", "16:30-22:00")])
    assert shown(broken.windows_on(on(eve), zone=AMSTERDAM)) == [
        "Thu 09:00-Thu 10:00",
        "Thu 11:00-Thu 12:00",
        "Thu 16:30-Thu 17:00",
    ]
    closed = Timetable(week, [exception("2026-08-03", "2026-08-07")])
    assert closed.windows_between(on("2026-08-01"), on("2026-08-09"), zone=AMSTERDAM) == []


def test_the_first_exception_alone_counts() -> None:
    week = [Hours(3, time(9), time(17))]
    both = [exception("2026-12-24", "", "09:00-18:00"), exception("2026-12-24", name="all shut")]
    assert shown(Timetable(week, both).windows_on(on("2026-12-24"), zone=AMSTERDAM)) == [
        "Thu 09:00-Thu 17:00"
    ]


def test_what_comes_every_year_begins_with_its_first_and_may_pass_new_year() -> None:
    christmas = exception("2024-12-24", "2025-01-02", every_year=True)
    held = [day for day in dates_between(on("2023-12-01"), on("2027-01-31")) if christmas.holds_on(day)]
    assert held == [
        day for year in (2024, 2025, 2026) for day in dates_between(date(year, 12, 24), date(year + 1, 1, 2))
    ]
    leap = exception("2024-02-29", every_year=True)
    assert [day for day in dates_between(on("2024-01-01"), on("2028-12-31")) if leap.holds_on(day)] == [
        on("2024-02-29"),
        on("2025-02-28"),
        on("2026-02-28"),
        on("2027-02-28"),
        on("2028-02-29"),
    ]


@pytest.mark.parametrize(
    ("first", "last"), [("2024-02-27", "2024-03-01"), ("2026-02-27", "2026-03-01")], ids=["leap", "common"]
)
def test_what_comes_every_year_ends_on_its_last_day_whatever_february_has(first: str, last: str) -> None:
    renovation = exception(first, last, every_year=True)
    for year in (2027, 2028, 2029):
        around = dates_between(date(year, 2, 20), date(year, 3, 10))
        held = dates_between(date(year, 2, 27), date(year, 3, 1))
        assert [day for day in around if renovation.holds_on(day)] == held
