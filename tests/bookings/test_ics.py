"""The calendar file: stable UID, right instants on every day, and nothing a name could add to it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar, Event

from bookings.mails import ics

NOW = datetime(2026, 11, 20, 9, 0, 7, 123456, tzinfo=UTC)
APPOINTMENT = ics.Appointment(
    key="91130737-f66f-4ad0-a87d-e09098af9b7a",
    sequence=3,
    start_at=datetime(2026, 11, 23, 9, 0, tzinfo=UTC),
    end_at=datetime(2026, 11, 23, 9, 45, tzinfo=UTC),
    zone=ZoneInfo("Europe/Amsterdam"),
    summary="Haircut - Salon Zonne",
    location="Centre, Dam 2, Amsterdam",
    description="With: Bea\nCall us.",
    organizer="Salon Zonne <bookings@zonne.example>",
    organizer_name="Salon Zonne",
    attendee="alice@example.com",
    attendee_name="Alice Adams",
)


def parsed(text: str) -> tuple[Calendar, Event]:
    """The one event, read back strictly: line ends, folding, required properties."""
    assert "\n" not in text.replace("\r\n", "")
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    calendar = Calendar.from_ical(text)
    calendar.validate()
    (event,) = calendar.events
    assert calendar.get_missing_tzids() == set()
    assert [error for part in calendar.walk() for error in part.errors] == []
    return calendar, event


def test_an_invitation_is_one_event_with_everything_a_calendar_needs():
    calendar, event = parsed(ics.invitation(APPOINTMENT, status=ics.CONFIRMED, now=NOW))
    assert {name: str(calendar[name]) for name in ("VERSION", "METHOD", "CALSCALE")} == {
        "VERSION": "2.0",
        "METHOD": "REQUEST",
        "CALSCALE": "GREGORIAN",
    }
    assert [str(zone["TZID"]) for zone in calendar.timezones] == ["Europe/Amsterdam"]
    assert event["DTSTART"].to_ical() == b"20261123T100000"
    assert event["DTSTART"].params["TZID"] == "Europe/Amsterdam"
    assert (event.start, event.end) == (APPOINTMENT.start_at, APPOINTMENT.end_at)
    assert event["DTSTAMP"].dt == datetime(2026, 11, 20, 9, 0, 7, tzinfo=UTC)
    assert {name: str(event[name]) for name in event if name not in ("DTSTART", "DTEND", "DTSTAMP")} == {
        "UID": "91130737-f66f-4ad0-a87d-e09098af9b7a@bookings",
        "SEQUENCE": "3",
        "SUMMARY": "Haircut - Salon Zonne",
        "LOCATION": "Centre, Dam 2, Amsterdam",
        "DESCRIPTION": "With: Bea\nCall us.",
        "STATUS": "CONFIRMED",
        "TRANSP": "OPAQUE",
        "ORGANIZER": "mailto:bookings@zonne.example",
        "ATTENDEE": "mailto:alice@example.com",
    }
    assert event["ORGANIZER"].params["CN"] == "Salon Zonne"
    assert event["ATTENDEE"].params["CN"] == "Alice Adams"


def test_a_cancellation_takes_out_the_same_event():
    calendar, event = parsed(ics.cancellation(replace(APPOINTMENT, sequence=4), now=NOW))
    assert (str(calendar["METHOD"]), str(event["STATUS"])) == ("CANCEL", "CANCELLED")
    assert (str(event["UID"]), event["SEQUENCE"]) == ("91130737-f66f-4ad0-a87d-e09098af9b7a@bookings", 4)


def test_a_request_is_tentative():
    calendar, event = parsed(ics.invitation(APPOINTMENT, status=ics.TENTATIVE, now=NOW))
    assert (str(calendar["METHOD"]), str(event["STATUS"])) == ("REQUEST", "TENTATIVE")


def test_several_appointments_share_one_file():
    later = replace(
        APPOINTMENT,
        key="5f5a2a3e-0000-4000-8000-000000000000",
        start_at=APPOINTMENT.start_at + timedelta(days=365),
        end_at=APPOINTMENT.end_at + timedelta(days=365),
    )
    calendar = Calendar.from_ical(ics.publication(APPOINTMENT, later, now=NOW))
    assert str(calendar["METHOD"]) == "PUBLISH"
    assert ["ATTENDEE" in event for event in calendar.events] == [False, False]
    assert [event.start for event in calendar.events] == [APPOINTMENT.start_at, later.start_at]
    assert len(calendar.timezones) == 1


@pytest.mark.parametrize(
    "zone", ["UTC", "Asia/Tokyo", "Asia/Kathmandu", "America/New_York", "Pacific/Chatham"]
)
def test_instants_survive_in_every_zone(zone):
    _, event = parsed(
        ics.invitation(replace(APPOINTMENT, zone=ZoneInfo(zone)), status=ics.CONFIRMED, now=NOW)
    )
    assert (event.start, event.end) == (APPOINTMENT.start_at, APPOINTMENT.end_at)


@pytest.mark.parametrize(
    "start",
    [
        datetime(2026, 3, 29, 0, 30, tzinfo=UTC),
        datetime(2026, 3, 29, 1, 30, tzinfo=UTC),
        datetime(2026, 3, 29, 12, 0, tzinfo=UTC),
        datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
        datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
        datetime(2026, 10, 25, 12, 0, tzinfo=UTC),
    ],
)
def test_around_a_change_of_the_clocks_times_stand_in_utc(start):
    """A doubled wall-clock time cannot be said otherwise."""
    moved = replace(APPOINTMENT, start_at=start, end_at=start + timedelta(minutes=45))
    _, event = parsed(ics.invitation(moved, status=ics.CONFIRMED, now=NOW))
    assert event["DTSTART"].to_ical() == start.strftime("%Y%m%dT%H%M%SZ").encode()
    assert (event.start, event.end) == (moved.start_at, moved.end_at)


NASTY = [
    "a\r\nATTENDEE:mailto:evil@example.com",
    "a\nEND:VEVENT\nBEGIN:VEVENT",
    "a;b,c\\n:d",
    'Bob "the" Builder',
    "a^nb",
    "\x00\x07\x85\u2028\u2029x",
    "\u202egnp.exe",
    "日本語" * 40,
    "=cmd()",
    "<b>&amp;</b>",
]


@pytest.mark.parametrize("text", NASTY)
def test_no_text_adds_a_line_or_a_property(text):
    nasty = replace(
        APPOINTMENT,
        summary=text,
        location=text,
        description=text,
        organizer_name=text,
        attendee_name=text,
        attendee=f"x{text}@example.com",
    )
    clean = ics.invitation(APPOINTMENT, status=ics.CONFIRMED, now=NOW)
    found = ics.invitation(nasty, status=ics.CONFIRMED, now=NOW)
    assert _names(found) == _names(clean)
    _, event = parsed(found)
    assert "\n" not in str(event["SUMMARY"]) + str(event["LOCATION"]) + str(event["ATTENDEE"].params["CN"])


@given(st.text(max_size=80))
def test_any_summary_survives_the_round_trip_on_one_line(text):
    found = ics.invitation(replace(APPOINTMENT, summary=text), status=ics.CONFIRMED, now=NOW)
    _, event = parsed(found)
    assert _names(found) == _names(ics.invitation(APPOINTMENT, status=ics.CONFIRMED, now=NOW))
    assert event["UID"] == "91130737-f66f-4ad0-a87d-e09098af9b7a@bookings"


def _names(text: str) -> list[str]:
    """The property names in order, unfolded."""
    unfolded = text.replace("\r\n ", "").split("\r\n")
    return [line.partition(":")[0].partition(";")[0] for line in unfolded]
