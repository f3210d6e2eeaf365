"""Times in and out on the wire (contract §0)."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

import pytest
import time_machine
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from staff.wire.refusals import BadRequest
from staff.wire.times import (
    BadTime,
    day_start,
    local_date,
    parse_clock,
    parse_date,
    parse_when,
    print_clock,
    print_date,
    print_when,
)

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
NOW = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
ZONES = [
    ZoneInfo(name)
    for name in sorted(available_timezones())
    if name not in ("Factory", "localtime") and not name.startswith(("Etc/", "right/", "posix/"))
]


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-03-24 10:00", utc(2026, 3, 24, 9)),
        ("2026-03-24 10:00:30", utc(2026, 3, 24, 9, 0, 30)),
        ("2026-03-24T10:00", utc(2026, 3, 24, 9)),
        ("2026-03-24T10:00:00", utc(2026, 3, 24, 9)),
        ("2026-07-24 10:00:00", utc(2026, 7, 24, 8)),
        ("2026-03-24T10:00:00Z", utc(2026, 3, 24, 10)),
        ("2026-03-24T10:00Z", utc(2026, 3, 24, 10)),
        ("2026-03-24 10:00:00Z", utc(2026, 3, 24, 10)),
        ("2026-03-24T10:00:00.000Z", utc(2026, 3, 24, 10)),
        ("2026-03-24T10:00:00.999999999Z", utc(2026, 3, 24, 10)),
        ("2026-03-24T10:00:00+02:00", utc(2026, 3, 24, 8)),
        ("2026-03-24T10:00:00-0530", utc(2026, 3, 24, 15, 30)),
        ("2026-03-24T10:00:00+05", utc(2026, 3, 24, 5)),
        ("2026-03-24T10:00:00+14:00", utc(2026, 3, 23, 20)),
        ("2026-03-24T10:00:00-14:00", utc(2026, 3, 25, 0)),
        ("2026-03-24T10:00:00-00:00", utc(2026, 3, 24, 10)),
        ("2028-02-29 00:00:00", utc(2028, 2, 28, 23)),
        ("2000-01-01 00:00:00", utc(1999, 12, 31, 23)),
        ("2031-12-31 23:59:59", utc(2031, 12, 31, 22, 59, 59)),
    ],
)
def test_accepted_forms(text: str, instant: datetime) -> None:
    parsed = parse_when(text, zone=AMSTERDAM, now=NOW)
    assert parsed == instant
    assert parsed.utcoffset() == timedelta(0)
    assert parsed.microsecond == 0


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("2026-03-24", "The time of day is missing."),
        ("2026-W13-2", "This is not a time we can read."),
        ("2026-W13-2T10:00", "This is not a time we can read."),
        ("2026-083T10:00", "This is not a time we can read."),
        ("20260324T100000", "This is not a time we can read."),
        ("2026-03-24T10", "This is not a time we can read."),
        ("2026-03-24t10:00", "This is not a time we can read."),
        ("2026-03-24T10:00z", "This is not a time we can read."),
        ("2026-03-24T10:00:00,5Z", "This is not a time we can read."),
        ("2026-03-24T10:00:00.Z", "This is not a time we can read."),
        ("2026-03-24T10:00:00.1234567890Z", "This is not a time we can read."),
        ("2026-03-24  10:00", "This is not a time we can read."),
        (" 2026-03-24 10:00", "This is not a time we can read."),
        ("2026-03-24 10:00\n", "This is not a time we can read."),
        ("２０２６-03-24 10:00", "This is not a time we can read."),
        ("2026-03-24 1０:00", "This is not a time we can read."),
        ("٢٠٢٦-03-24 10:00", "This is not a time we can read."),
        ("24-03-2026 10:00", "This is not a time we can read."),
        ("03/24/2026 10:00 AM", "This is not a time we can read."),
        ("+002026-03-24 10:00", "This is not a time we can read."),
        ("2026-03-24T10:00:00 Europe/Amsterdam", "This is not a time we can read."),
        ("2026-03-24T10:00:00+02:00[Europe/Amsterdam]", "This is not a time we can read."),
        ("tomorrow", "This is not a time we can read."),
        ("1774342800", "This is not a time we can read."),
        ("", "This is not a time we can read."),
        ("2026-02-29 10:00", "2026-02-29 is not in the calendar."),
        ("2026-13-01 10:00", "2026-13-01 is not in the calendar."),
        ("2026-00-10 10:00", "2026-00-10 is not in the calendar."),
        ("2026-04-31 10:00", "2026-04-31 is not in the calendar."),
        ("0000-01-01 10:00", "0000-01-01 is not in the calendar."),
        ("2026-03-24 24:00", "The time of day goes from 00:00:00 to 23:59:59."),
        ("2026-03-24 24:00:00", "The time of day goes from 00:00:00 to 23:59:59."),
        ("2026-03-24 10:60", "The time of day goes from 00:00:00 to 23:59:59."),
        ("2026-06-30 23:59:60Z", "The time of day goes from 00:00:00 to 23:59:59."),
        ("2026-03-24T10:00+14:01", "An offset from UTC goes from -14:00 to +14:00."),
        ("2026-03-24T10:00-15:00", "An offset from UTC goes from -14:00 to +14:00."),
        ("2026-03-24T10:00+99:99", "An offset from UTC goes from -14:00 to +14:00."),
        ("2026-03-24T10:00+05:60", "An offset from UTC goes from -14:00 to +14:00."),
        ("1999-12-31 23:59:59", "The year must be from 2000 to 2031."),
        ("2032-01-01 00:00", "The year must be from 2000 to 2031."),
        ("0001-01-01T00:00+14:00", "The year must be from 2000 to 2031."),
        ("9999-12-31T23:59-14:00", "The year must be from 2000 to 2031."),
        ("2031-12-31T23:30:00Z", "The year must be from 2000 to 2031."),
        ("2026-03-29 02:00", "2026-03-29 02:00 does not exist in Europe/Amsterdam: the clocks skip it."),
        ("2026-03-29 02:59:59", "2026-03-29 02:59 does not exist in Europe/Amsterdam: the clocks skip it."),
    ],
)
def test_refused_forms_and_what_is_said(text: str, sentence: str) -> None:
    with pytest.raises(BadTime) as refused:
        parse_when(text, zone=AMSTERDAM, now=NOW)
    assert refused.value.message.startswith(sentence)
    assert (refused.value.http_status, refused.value.code) == (400, "invalid_time")
    assert isinstance(refused.value, BadRequest)
    assert isinstance(refused.value, ValueError)


@pytest.mark.parametrize("value", [None, 1774342800, 1.5, True, ["2026-03-24 10:00"], {"date": "2026"}])
def test_only_a_string_is_a_time(value: object) -> None:
    with pytest.raises(BadTime, match=r"^A time must be a string\."):
        parse_when(value, zone=AMSTERDAM, now=NOW)


def test_the_last_year_follows_the_salons_clock() -> None:
    with time_machine.travel(utc(2026, 12, 31, 23, 30), tick=False):
        assert parse_when("2032-06-01 10:00", zone=AMSTERDAM) == utc(2032, 6, 1, 8)
        with pytest.raises(BadTime):
            parse_when("2032-06-01 10:00", zone=ZoneInfo("America/New_York"))


def test_a_doubled_time_is_its_first_occurrence() -> None:
    assert parse_when("2026-10-25 02:30:00", zone=AMSTERDAM, now=NOW) == utc(2026, 10, 25, 0, 30)


def test_the_string_we_print_for_the_stored_value_changes_nothing() -> None:
    second = utc(2026, 10, 25, 1, 30)
    printed = print_when(second, zone=AMSTERDAM)
    assert printed == "2026-10-25 02:30:00"
    assert parse_when(printed, zone=AMSTERDAM, stored=second, now=NOW) == second
    assert parse_when("2026-10-25 02:30", zone=AMSTERDAM, stored=second, now=NOW) == utc(2026, 10, 25, 0, 30)
    assert parse_when("2026-10-25 02:31:00", zone=AMSTERDAM, stored=second, now=NOW) == utc(
        2026, 10, 25, 0, 31
    )
    assert parse_when("2026-10-25T02:30:00+01:00", zone=AMSTERDAM, now=NOW) == second


def test_what_was_stored_out_of_todays_bounds_can_still_be_echoed() -> None:
    old = utc(1999, 5, 1, 8)
    assert parse_when("1999-05-01 10:00:00", zone=AMSTERDAM, stored=old, now=NOW) == old


def test_stored_microseconds_survive_an_echo_and_are_not_printed() -> None:
    stored = utc(2026, 3, 24, 9, 0, 59).replace(microsecond=999_999)
    printed = print_when(stored, zone=AMSTERDAM)
    assert printed == "2026-03-24 10:00:59"
    assert parse_when(printed, zone=AMSTERDAM, stored=stored, now=NOW) == stored


def test_half_an_hour_of_daylight_saving() -> None:
    with pytest.raises(BadTime, match="does not exist in Australia/Lord_Howe"):
        parse_when("2026-10-04 02:15", zone=LORD_HOWE, now=NOW)
    assert parse_when("2026-10-04 02:30", zone=LORD_HOWE, now=NOW) == utc(2026, 10, 3, 15, 30)
    assert parse_when("2026-04-05 01:45", zone=LORD_HOWE, now=NOW) == utc(2026, 4, 4, 14, 45)
    assert print_when(utc(2026, 4, 4, 15, 15), zone=LORD_HOWE) == "2026-04-05 01:45:00"


def test_a_skipped_day_is_skipped() -> None:
    apia = ZoneInfo("Pacific/Apia")
    with pytest.raises(BadTime, match="does not exist in Pacific/Apia"):
        parse_when("2011-12-30 10:00", zone=apia, now=NOW)
    assert day_start(date(2011, 12, 30), zone=apia) == day_start(date(2011, 12, 31), zone=apia)


def test_a_naive_time_is_never_printed() -> None:
    with pytest.raises(ValueError, match="aware"):
        print_when(datetime(2026, 3, 24, 10), zone=AMSTERDAM)


instants = st.integers(0, 32 * 365 * 86400).map(lambda seconds: utc(2000, 1, 2) + timedelta(seconds=seconds))


@cache
def transitions(zone: ZoneInfo) -> list[datetime]:
    """The hours in which the offset of `zone` changes, 2024 to 2031."""
    found = []
    day = utc(2024, 1, 1)
    while day < utc(2031, 12, 1):
        if day.astimezone(zone).utcoffset() != (day + timedelta(days=1)).astimezone(zone).utcoffset():
            found.append(day)
        day += timedelta(days=1)
    return found


seconds_around_a_day = st.integers(-7200, 93600)
near_transitions = (
    st.sampled_from([AMSTERDAM, LORD_HOWE, *map(ZoneInfo, ("America/Havana", "Africa/Cairo", "Asia/Beirut",
        "America/Santiago", "Africa/Casablanca", "America/New_York", "Antarctica/Troll"))])
    .flatmap(lambda zone: st.tuples(st.just(zone), st.sampled_from(transitions(zone)), seconds_around_a_day))
    .map(lambda each: (each[0], each[1] + timedelta(seconds=each[2])))
)  # fmt: skip
anywhere = st.tuples(st.sampled_from(ZONES), instants) | near_transitions


@settings(max_examples=300)
@given(anywhere)
@example((AMSTERDAM, utc(2026, 10, 25, 1, 30)))
def test_what_we_print_reads_back_as_the_same_instant_or_its_first_occurrence(
    drawn: tuple[ZoneInfo, datetime],
) -> None:
    zone, instant = drawn
    printed = print_when(instant, zone=zone)
    assume(2000 <= int(printed[:4]) <= 2031)
    assert parse_when(printed, zone=zone, stored=instant, now=NOW) == instant
    reread = parse_when(printed, zone=zone, now=NOW)
    assert print_when(reread, zone=zone) == printed
    assert reread <= instant
    if reread != instant:
        assert instant.astimezone(zone).fold == 1


@settings(max_examples=300)
@given(
    anywhere,
    st.sampled_from([timedelta(0), timedelta(minutes=15), timedelta(minutes=30), timedelta(hours=1)]),
)
def test_a_wall_time_is_refused_exactly_when_no_instant_shows_it(
    drawn: tuple[ZoneInfo, datetime], step: timedelta
) -> None:
    zone, instant = drawn
    wall = (instant.astimezone(zone) + step).replace(tzinfo=None)
    assume(2000 <= wall.year <= 2031)
    around = wall.replace(tzinfo=UTC)
    shown = [
        each
        for hours in range(-16, 17)
        for minutes in range(0, 60, 5)
        if print_when(each := around + timedelta(hours=hours, minutes=minutes), zone=zone) == str(wall)
    ]
    try:
        parsed = parse_when(str(wall), zone=zone, now=NOW)
    except BadTime:
        assert shown == []
    else:
        assert print_when(parsed, zone=zone) == str(wall)
        if shown:
            assert parsed == min(shown)


@given(anywhere, st.integers(-14 * 60, 14 * 60))
def test_an_offset_always_names_its_instant(drawn: tuple[ZoneInfo, datetime], offset: int) -> None:
    zone, instant = drawn
    assume(2001 <= instant.year <= 2030)
    shifted = instant + timedelta(minutes=offset)
    sign = "-" if offset < 0 else "+"
    text = f"{shifted:%Y-%m-%dT%H:%M:%S}{sign}{abs(offset) // 60:02}:{abs(offset) % 60:02}"
    assert parse_when(text, zone=zone, now=NOW) == instant


@settings(max_examples=400)
@given(
    st.text("0123456789０٣-:.TZ +,eW\n", max_size=30)
    | st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:?[0-9]{2})?")
)
def test_any_text_is_an_instant_of_the_allowed_years_or_a_refusal(text: str) -> None:
    try:
        parsed = parse_when(text, zone=AMSTERDAM, now=NOW)
    except BadTime as refused:
        assert refused.message.endswith(".")
    else:
        assert 2000 <= parsed.astimezone(AMSTERDAM).year <= 2031


def test_dates() -> None:
    assert parse_date("2026-03-24") == date(2026, 3, 24)
    assert parse_date("1950-02-28") == date(1950, 2, 28)
    assert print_date(date(2026, 3, 4)) == "2026-03-04"


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("2026-02-30", "2026-02-30 is not in the calendar."),
        ("1899-12-31", "The date must be from 1900-01-01 to 2199-12-31."),
        ("9999-12-31", "The date must be from 1900-01-01 to 2199-12-31."),
        ("0000-01-01", "0000-01-01 is not in the calendar."),
        ("2026-3-4", "Send a date as 'YYYY-MM-DD'"),
        ("2026-03-24 10:00", "Send a date as 'YYYY-MM-DD'"),
        ("２０２６-03-24", "Send a date as 'YYYY-MM-DD'"),
        ("2026-03-24\n", "Send a date as 'YYYY-MM-DD'"),
        ("20260324", "Send a date as 'YYYY-MM-DD'"),
        ("2026-W13-2", "Send a date as 'YYYY-MM-DD'"),
        ("", "Send a date as 'YYYY-MM-DD'"),
        (20260324, "Send a date as 'YYYY-MM-DD'"),
        (None, "Send a date as 'YYYY-MM-DD'"),
    ],
)
def test_refused_dates(value: object, sentence: str) -> None:
    with pytest.raises(BadTime) as refused:
        parse_date(value)
    assert refused.value.message.startswith(sentence)
    assert refused.value.code == "invalid_date"


def test_times_of_day() -> None:
    assert parse_clock("09:05") == time(9, 5)
    assert parse_clock("00:00") == time(0, 0)
    assert parse_clock("23:59") == time(23, 59)
    assert print_clock(time(9, 5, 59)) == "09:05"


@pytest.mark.parametrize(
    "value", ["24:00", "9:05", "09:60", "09:05:00", "０9:05", " 09:05", "09:05\n", "", 905, None]
)
def test_refused_times_of_day(value: object) -> None:
    with pytest.raises(BadTime) as refused:
        parse_clock(value)
    assert refused.value.message == "Send a time of day as 'HH:MM', from '00:00' to '23:59'."
    assert refused.value.code == "invalid_time_of_day"


def test_a_day_begins_at_midnight_or_where_midnight_is_skipped() -> None:
    assert day_start(date(2026, 3, 29), zone=AMSTERDAM) == utc(2026, 3, 28, 23)
    assert day_start(date(2026, 4, 24), zone=ZoneInfo("Africa/Cairo")) == utc(2026, 4, 23, 22)
    assert print_when(utc(2026, 4, 23, 22), zone=ZoneInfo("Africa/Cairo")) == "2026-04-24 01:00:00"
    assert day_start(date(2026, 11, 1), zone=ZoneInfo("America/Havana")) == utc(2026, 11, 1, 4)


@settings(max_examples=300)
@given(anywhere)
def test_a_day_is_the_instants_from_its_start_to_the_next(drawn: tuple[ZoneInfo, datetime]) -> None:
    """Since 2011 no zone turns its clocks back over midnight, so a day is one stretch of time."""
    zone, instant = drawn
    assume(instant.year >= 2011)
    day = local_date(instant, zone=zone)
    start = day_start(day, zone=zone)
    assert start <= instant < day_start(day + timedelta(days=1), zone=zone)
    assert local_date(start, zone=zone) == day
    assert local_date(start - timedelta(seconds=1), zone=zone) < day
