"""The calendar file: stable UID, right instants on every day, and nothing a name could add to it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar, Event

from bookings.mails import ics
from staff.models import SalonSettings
from tests.cast.letters import compose, furnish, make_booking, make_job

NOW = datetime(2026, 11, 20, 9, 0, 7, 123456, tzinfo=UTC)
APPOINTMENT = ics.Appointment(
    key="91130737-f66f-4ad0-a87d-e09098af9b7a",
    sequence=3,
    start_at=datetime(2026, 11, 23, 9, 0, tzinfo=UTC),
    end_at=datetime(2026, 11, 23, 9, 45, tzinfo=UTC),
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
    assert list(calendar.timezones) == []
    assert [
        (name, event[name].params) for name in ("DTSTART", "DTEND", "DTSTAMP") if event[name].params
    ] == []
    assert [error for part in calendar.walk() for error in part.errors] == []
    return calendar, event


def test_an_invitation_is_one_event_with_everything_a_calendar_needs():
    calendar, event = parsed(ics.invitation(APPOINTMENT, status=ics.CONFIRMED, now=NOW))
    assert {name: str(calendar[name]) for name in ("VERSION", "METHOD", "CALSCALE")} == {
        "VERSION": "2.0",
        "METHOD": "REQUEST",
        "CALSCALE": "GREGORIAN",
    }
    assert event["DTSTART"].to_ical() == b"20261123T090000Z"
    assert event["DTEND"].to_ical() == b"20261123T094500Z"
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
    text = ics.publication(APPOINTMENT, later, now=NOW)
    calendar = Calendar.from_ical(text)
    assert str(calendar["METHOD"]) == "PUBLISH"
    assert ["ATTENDEE" in event for event in calendar.events] == [False, False]
    assert [event.start for event in calendar.events] == [APPOINTMENT.start_at, later.start_at]
    assert "VTIMEZONE" not in text and "TZID" not in text


NIGHTS = {
    "Europe/Amsterdam": [datetime(2026, 3, 29, 1, 0, tzinfo=UTC), datetime(2026, 10, 25, 1, 0, tzinfo=UTC)],
    "America/New_York": [datetime(2026, 3, 8, 7, 0, tzinfo=UTC), datetime(2026, 11, 1, 6, 0, tzinfo=UTC)],
}
"""When the clocks turn."""


@pytest.mark.parametrize(
    ("zone", "turn"), [(zone, turn) for zone, turns in NIGHTS.items() for turn in turns], ids=str
)
@pytest.mark.parametrize("hours", [-24, -1, -0.5, 0, 0.5, 1, 24])
@pytest.mark.django_db
def test_around_a_change_of_the_clocks_the_mail_s_file_says_the_instant(zone, turn, hours):
    """Also across it: half an hour before, an appointment ends after the clocks have turned."""
    furnish()
    SalonSettings.objects.update(timezone=zone)
    start_at = turn + timedelta(hours=hours)
    end_at = start_at + timedelta(minutes=45)
    booking = make_booking(start_at=start_at, end_at=end_at)
    _, event = parsed(compose(make_job("booking.created", booking), now=turn - timedelta(days=30)).ics)
    assert event["DTSTART"].to_ical() == start_at.strftime("%Y%m%dT%H%M%SZ").encode()
    assert (event.start, event.end) == (start_at, end_at)


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


@pytest.mark.parametrize(
    ("address", "written"),
    [
        ("o'brien+salon@example.com", "mailto:o'brien+salon@example.com"),
        ("a\\nb@example.com", "mailto:a%5Cnb@example.com"),
        ("50%&more@example.com", "mailto:50%25%26more@example.com"),
        ("zoë@example.com", "mailto:zo%C3%AB@example.com"),
    ],
)
def test_an_address_is_written_as_a_uri(address, written):
    found = ics.invitation(replace(APPOINTMENT, attendee=address), status=ics.CONFIRMED, now=NOW)
    _, event = parsed(found)
    assert str(event["ATTENDEE"]) == written


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
