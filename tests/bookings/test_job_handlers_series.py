"""One confirmation mail for a series, with all dates that are still to be told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from icalendar import Calendar

from bookings.models import Booking
from notifications.handlers import NotNeeded
from notifications.models import Job
from tests.cast.factories import make_alice, make_client
from tests.cast.letters import (
    END,
    NOW,
    START,
    compose,
    furnish,
    make_booking,
    make_job,
    mark_sent,
    note_sent,
    said,
    told,
)

pytestmark = pytest.mark.django_db

WEEK = timedelta(days=7)


@pytest.fixture(autouse=True)
def _salon():
    furnish()


def make_series(count: int = 3) -> list[Booking]:
    alice = make_alice()
    return [
        make_booking(client=alice, start_at=START + number * WEEK, end_at=END + number * WEEK)
        for number in range(count)
    ]


def series_job(bookings: list[Booking]) -> Job:
    return make_job("booking.created", bookings[0], payload={"booking_ids": [each.pk for each in bookings]})


def beliefs() -> list[tuple[str, datetime | None]]:
    return list(Booking.objects.order_by("pk").values_list("announced_as", "announced_start_at"))


def test_all_dates_stand_in_one_mail():
    bookings = make_series()
    mail = compose(series_job(bookings), now=NOW)
    assert mail.subject == "Your 3 appointments from Monday 23 November at 10:00 are confirmed"
    assert said(mail) == (
        "Hello Alice,\n\n"
        "Your appointments are confirmed. We look forward to seeing you.\n\n"
        "1: Monday 23 November 2026, 10:00 to 10:45\n"
        "2: Monday 30 November 2026, 10:00 to 10:45\n"
        "3: Monday 7 December 2026, 10:00 to 10:45\n"
        "Time zone: Europe/Amsterdam\n"
        "Service: Haircut\n"
        "With: Bea Bakker\n"
        "Where: Salon Zonne, Zonnelaan 1, Utrecht\n"
        "Price: €40.00\n\n"
        "See, move or cancel: Monday 23 November at 10:00:\nhttp://127.0.0.1:8000/v/PAGE\n\n"
        "See, move or cancel: Monday 30 November at 10:00:\nhttp://127.0.0.1:8000/v/PAGE\n\n"
        "See, move or cancel: Monday 7 December at 10:00:\nhttp://127.0.0.1:8000/v/PAGE\n\n"
        "The attached file puts the appointments in your calendar.\n\n"
        "Can you not make it? Please let us know in good time. "
        "Simply reply to this mail or call us on 030 123 45 67.\n\n"
        "--\nSalon Zonne\nZonnelaan 1, Utrecht\n030 123 45 67\nhello@zonne.example\n"
    )
    calendar = Calendar.from_ical(mail.ics)
    assert (mail.ics_method, str(calendar["METHOD"])) == ("PUBLISH", "PUBLISH")
    assert [str(event["UID"]) for event in calendar.events] == [f"{each.key}@bookings" for each in bookings]


def test_what_is_no_news_is_left_out():
    bookings = make_series(5)
    Booking.objects.filter(pk=bookings[0].pk).update(status="cancelled")
    Booking.objects.filter(pk=bookings[2].pk).update(**told(start_at=START + 2 * WEEK, end_at=END + 2 * WEEK))
    Booking.objects.filter(pk=bookings[3].pk).update(client=make_client("Zed"))
    mail = compose(series_job(bookings), now=NOW)
    assert mail.subject == "Your 2 appointments from Monday 30 November at 10:00 are confirmed"
    assert set(mail.facts["announces_each"]) == {str(bookings[1].pk), str(bookings[4].pk)}


def test_what_was_sent_is_what_the_client_believes_of_each():
    bookings = make_series()
    job = series_job(bookings)
    message = mark_sent(job, facts=compose(job, now=NOW).facts)
    Booking.objects.filter(pk=bookings[1].pk).update(client=make_client("Zed"))
    note_sent(job, message, now=NOW)
    assert beliefs() == [("scheduled", START), ("", None), ("scheduled", START + 2 * WEEK)]


def test_the_only_one_left_gets_a_mail_of_its_own():
    bookings = make_series(2)
    Booking.objects.filter(pk=bookings[0].pk).update(status="cancelled")
    job = series_job(bookings)
    mail = compose(job, now=NOW)
    assert mail.subject == "Your appointment on Monday 30 November at 10:00 is confirmed"
    assert mail.ics_method == "REQUEST"
    note_sent(job, mark_sent(job, facts=mail.facts), now=NOW)
    assert beliefs() == [("", None), ("scheduled", START + WEEK)]


def test_a_series_that_is_no_news_at_all_is_not_mailed():
    bookings = make_series(2)
    Booking.objects.update(status="cancelled")
    with pytest.raises(NotNeeded, match="cancelled_meanwhile"):
        compose(series_job(bookings), now=NOW)
    job = make_job("booking.created", bookings[0], payload={"booking_ids": []})
    with pytest.raises(NotNeeded, match="gone"):
        compose(job, now=NOW)


def test_a_series_over_a_change_of_the_clocks_keeps_its_wall_clock_time():
    alice = make_alice()
    first = datetime(2026, 10, 19, 8, 0, tzinfo=UTC)
    bookings = [
        make_booking(client=alice, start_at=start, end_at=start + timedelta(minutes=30))
        for start in (first, first + WEEK + timedelta(hours=1))
    ]
    mail = compose(series_job(bookings), now=first - WEEK)
    assert (
        "1: Monday 19 October 2026, 10:00 to 10:30\n2: Monday 26 October 2026, 10:00 to 10:30\n" in mail.text
    )


def test_a_long_series_costs_as_few_statements_as_a_short_one(django_assert_num_queries):
    job = series_job(make_series(52))
    with django_assert_num_queries(6):
        compose(job, now=NOW)
