"""Calendars that staff subscribe to (contract §11 "Feeds"): whose, what of it, and to whom it is shut."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from icalendar import Calendar, Event

from bookings.models import Booking, CalendarFeed
from staff.models import Staff
from tests.cast.factories import (
    caller,
    make_ada,
    make_alice,
    make_bea,
    make_booking,
    make_client,
    make_cora,
    make_location,
    make_salon,
    make_service,
)

pytestmark = pytest.mark.django_db

NOW = datetime(2027, 3, 1, 9, 0, 7, 123456, tzinfo=UTC)
TOMORROW = NOW.replace(minute=0, second=0, microsecond=0) + timedelta(days=1)
PATH = "/api/calendar-feeds"


@pytest.fixture(autouse=True)
def today(monkeypatch: pytest.MonkeyPatch) -> None:
    make_salon()
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)


def made(person: Staff, **body: Any) -> dict[str, Any]:
    answer = caller(person).post(PATH, body)
    assert answer.status_code == 201, answer.content
    return dict(answer.json())


def fetch(feed: dict[str, Any], **headers: str) -> Any:
    answer: Any = Browser().get(feed["address"].removeprefix(settings.PUBLIC_URL), headers=headers)
    answer.body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return answer


def events(feed: dict[str, Any]) -> list[Event]:
    answer = fetch(feed)
    assert answer.status_code == 200
    calendar = Calendar.from_ical(answer.body)
    if calendar.events:
        calendar.validate()
    assert [error for part in calendar.walk() for error in part.errors] == []
    return list(calendar.events)


def summaries(feed: dict[str, Any]) -> list[str]:
    return [str(event["SUMMARY"]) for event in events(feed)]


def test_a_feed_is_made_and_its_address_shown_once() -> None:
    bea = make_bea()
    feed = made(bea, detail="full")
    address = feed.pop("address")
    assert feed == {
        "id": feed["id"],
        "staff_id": bea.pk,
        "scope": "own",
        "detail": "full",
        "created_at": "2027-03-01 10:00:07",
        "last_fetched_at": None,
        "last_fetched_by": "",
    }
    assert caller(bea).get(PATH).json() == [feed]
    token = address.rpartition("/")[2].removesuffix(".ics")
    assert token not in str(CalendarFeed.objects.values())
    assert CalendarFeed.objects.get().token_hash not in address


@pytest.mark.parametrize(
    ("body", "field"),
    [({"scope": "mine"}, "scope"), ({"detail": "all"}, "detail"), ({"scope": "location"}, "scope")],
)
def test_what_is_wrong_is_named_and_nothing_made(body: dict[str, str], field: str) -> None:
    answer = caller(make_bea()).post(PATH, body)
    assert answer.status_code == 400
    assert list(answer.json()["details"]) == [field]
    assert not CalendarFeed.objects.exists()


def test_an_event_has_all_that_a_calendar_needs() -> None:
    bea, alice = make_bea(), make_alice(alert="Bites", mobile="+31612345678")
    booking = make_booking(
        client=alice,
        staff=bea,
        service=make_service(),
        start_at=TOMORROW,
        now=NOW,
        location_id=make_location(address="Dam 2").pk,
        notes="Tea, please",
        internal_notes="Pays late",
    )
    full = made(bea, detail="full")
    body = fetch(full).body.decode()
    stamp = booking.updated_at.strftime("%Y%m%dT%H%M%SZ")
    assert body == "\r\n".join(
        [
            "BEGIN:VCALENDAR",
            "VERSION:2.0",
            "PRODID:-//Bookings//Bookings backend//EN",
            "CALSCALE:GREGORIAN",
            "METHOD:PUBLISH",
            "NAME:Salon Zonne - Bea Bakker",
            "X-WR-CALNAME:Salon Zonne - Bea Bakker",
            "REFRESH-INTERVAL;VALUE=DURATION:PT1H",
            "X-PUBLISHED-TTL:PT1H",
            "BEGIN:VEVENT",
            "SUMMARY:Haircut - Alice Adams",
            "DTSTART:20270302T090000Z",
            "DTEND:20270302T100000Z",
            f"DTSTAMP:{stamp}",
            f"UID:{booking.key}-staff@bookings",
            f"SEQUENCE:{booking.version}",
            "DESCRIPTION:+31612345678\\nTea\\, please",
            f"LAST-MODIFIED:{stamp}",
            "LOCATION:Centre\\, Dam 2",
            "STATUS:CONFIRMED",
            "TRANSP:OPAQUE",
            "END:VEVENT",
            "END:VCALENDAR",
            "",
        ]
    )
    [initials] = events(made(bea))
    assert str(initials["SUMMARY"]) == "Haircut - A.A."
    assert "DESCRIPTION" not in initials


def test_busy_says_no_name_and_leaves_the_gaps_free() -> None:
    bea = make_bea()
    parts = [{"kind": "work", "minutes": 30}, {"kind": "gap", "minutes": 45}, {"kind": "work", "minutes": 30}]
    colour = make_service("Colour", duration_minutes=105, parts=parts)
    booking = make_booking(client=make_alice(), staff=bea, service=colour, start_at=TOMORROW, now=NOW)
    feed = made(bea, detail="busy")
    assert [(str(each["UID"]), each.start, each.end) for each in events(feed)] == [
        (f"{booking.key}-staff@bookings", TOMORROW, TOMORROW + timedelta(minutes=30)),
        (
            f"{booking.key}-staff-3@bookings",
            TOMORROW + timedelta(minutes=75),
            TOMORROW + timedelta(minutes=105),
        ),
    ]
    body = fetch(feed).body.decode()
    assert not [word for word in ("Alice", "A.A.", "Colour") if word in body]
    make_salon(locale="nl")
    assert summaries(feed) == ["Bezet", "Bezet"]


def test_it_reaches_from_thirty_days_back_to_a_year_ahead_and_keeps_what_was_cancelled_for_two_weeks() -> (
    None
):
    bea, alice, cut = make_bea(), make_alice(), make_service()
    days = (-31, -29, 1, 2, 364, 366)
    rows = [
        make_booking(client=alice, staff=bea, service=cut, start_at=TOMORROW + timedelta(days=day), now=NOW)
        for day in days
    ]
    Booking.objects.filter(pk=rows[2].pk).update(status="cancelled", updated_at=NOW - timedelta(days=13))
    Booking.objects.filter(pk=rows[3].pk).update(status="provisional")
    feed = made(bea)
    assert [(each.start, str(each["STATUS"])) for each in events(feed)] == [
        (TOMORROW + timedelta(days=-29), "CONFIRMED"),
        (TOMORROW + timedelta(days=1), "CANCELLED"),
        (TOMORROW + timedelta(days=2), "TENTATIVE"),
        (TOMORROW + timedelta(days=364), "CONFIRMED"),
    ]
    Booking.objects.filter(pk=rows[2].pk).update(updated_at=NOW - timedelta(days=15))
    assert len(events(feed)) == 3


def test_whose_bookings_it_shows_is_asked_at_every_fetch() -> None:
    centre, north = make_location(), make_location("North", "north")
    bea, cora, cut = make_bea(location=centre), make_cora(), make_service()
    booked = ((bea, "Alice", north.pk), (cora, "Bob", centre.pk), (cora, "Carol", north.pk))
    for hour, (person, name, place) in enumerate(booked):
        client, start = make_client(name, "X"), TOMORROW + timedelta(hours=hour)
        make_booking(client=client, staff=person, service=cut, start_at=start, location_id=place, now=NOW)
    feeds = {scope: made(bea, scope=scope) for scope in ("own", "location", "all")}
    assert summaries(feeds["own"]) == ["Haircut - A.X."]
    assert summaries(feeds["location"]) == ["Haircut - B.X. - Cora Claes"]
    assert len(summaries(feeds["all"])) == 3
    make_salon(staff_personal_agenda_enabled=True)
    assert summaries(feeds["location"]) == []
    assert summaries(feeds["all"]) == ["Haircut - A.X. - Bea Bakker"]
    Staff.objects.filter(pk=bea.pk).update(location=None)
    assert summaries(feeds["location"]) == ["Haircut - A.X. - Bea Bakker"]
    Staff.objects.filter(pk=bea.pk).update(is_active=False)
    assert {fetch(feed).status_code for feed in feeds.values()} == {404}


def test_rotated_and_revoked_addresses_open_nothing() -> None:
    bea, cora, ada = make_bea(), make_cora(), make_ada()
    feed = made(bea)
    fetch(feed)
    assert caller(cora).post(f"{PATH}/{feed['id']}/rotate").status_code == 404
    assert caller(cora).delete(f"{PATH}/{feed['id']}").status_code == 404
    assert fetch(feed).status_code == 200
    rotated = caller(bea).post(f"{PATH}/{feed['id']}/rotate").json()
    assert rotated["last_fetched_at"] is None
    assert (fetch(feed).status_code, fetch(rotated).status_code) == (404, 200)
    assert caller(cora).get(PATH, {"all": "1"}).json() == []
    assert caller(ada).get(PATH).json() == []
    assert [each["id"] for each in caller(ada).get(PATH, {"all": "1"}).json()] == [feed["id"]]
    assert caller(ada).delete(f"{PATH}/{feed['id']}").status_code == 204
    assert fetch(rotated).status_code == 404
    assert caller().get("/calendar/nothing.ics").status_code == 404


def test_its_tag_is_of_its_bytes_and_spares_the_next_fetch() -> None:
    bea = make_bea()
    feed = made(bea)
    first = fetch(feed)
    assert first["Content-Type"] == "text/calendar; charset=utf-8"
    assert first["Content-Length"] == str(len(first.body))
    assert not first.cookies
    again = fetch(feed, **{"if-none-match": first["ETag"]})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    make_booking(client=make_alice(), staff=bea, service=make_service(), start_at=TOMORROW, now=NOW)
    changed = fetch(feed, **{"if-none-match": first["ETag"]})
    assert changed.status_code == 200
    assert changed["ETag"] != first["ETag"]
    assert fetch(feed)["ETag"] == changed["ETag"]


def test_who_fetched_last_is_noted_once_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    bea = make_bea()
    feed = made(bea)
    for minutes, program, noted in (
        (0, "iOS/20.0 dataaccessd\n" + "x" * 300, "2027-03-01 10:00:07"),
        (59, "Google-Calendar-Importer", "2027-03-01 10:00:07"),
        (60, "Google-Calendar-Importer", "2027-03-01 11:00:07"),
    ):
        now = NOW + timedelta(minutes=minutes)
        monkeypatch.setattr("django.utils.timezone.now", lambda now=now: now)
        fetch(feed, **{"user-agent": program})
        [shown] = caller(bea).get(PATH).json()
        assert shown["last_fetched_at"] == noted
    assert shown["last_fetched_by"] == "Google-Calendar-Importer"


def test_a_fetch_takes_as_many_statements_however_long_it_is() -> None:
    bea, alice, cut = make_bea(), make_alice(), make_service()
    feed = made(bea, detail="full")
    fetch(feed)
    for day in range(1, 7):
        start = TOMORROW + timedelta(days=day)
        make_booking(client=alice, staff=bea, service=cut, start_at=start, now=NOW)
        with CaptureQueriesContext(
            connection,
        ) as asked:
            assert len(events(feed)) == day
        told = [
            each["sql"] for each in asked if "cache_entries" not in each["sql"] and " FROM " in each["sql"]
        ]
        assert len(told) == 3, told
