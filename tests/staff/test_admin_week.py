"""A person's week in admin: seven lines, replaced at once; what has dates stays (contract §6a)."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client as Browser
from django.urls import reverse

from staff.models import Staff, WorkingHours
from tests.cast.factories import (
    make_ada,
    make_alice,
    make_bea,
    make_booking,
    make_hours,
    make_salon,
    make_service,
    make_staff,
)

pytestmark = pytest.mark.django_db

NEXT_YEAR = datetime.now(UTC).year + 1
MONDAY = datetime(NEXT_YEAR, 3, 1, tzinfo=UTC)
WEEK = {
    "day_0": "09:00-12:30, 13:00-17:00",
    "day_1": "9:00–12:00",
    "day_4": "22:00-02:00",
}


@pytest.fixture
def bea() -> Staff:
    make_salon()
    return make_bea()


@pytest.fixture
def browser(bea: Staff) -> Browser:
    browser = Browser()
    browser.force_login(make_ada(), backend="django.contrib.auth.backends.ModelBackend")
    return browser


def page_of(person: Staff) -> str:
    return reverse("admin:staff_staff_week", args=[person.pk])


def hours_of(person: Staff) -> list[str]:
    return [str(row) for row in WorkingHours.objects.filter(staff=person)]


def lines(page: Any) -> dict[str, str]:
    """What stands in the seven lines, by their labels."""
    text = page.content.decode()
    labels = dict(re.findall(r'<label for="id_(day_\d)">(\w+):?</label>', text))
    values = {
        name: value
        for tag in re.findall(r"<input[^>]*>", text)
        for name in re.findall(r'name="(day_\d)"', tag)
        for value in re.findall(r'value="([^"]*)"', tag) or [""]
    }
    return {label: values[name] for name, label in labels.items()}


def test_seven_lines_show_the_week(browser: Browser, bea: Staff) -> None:
    for opens, closes in ((time(13), time(17)), (time(9), time(12, 30))):
        WorkingHours.objects.create(staff=bea, weekday=0, opens=opens, closes=closes)
    assert lines(browser.get(page_of(bea))) == {
        "Monday": "09:00-12:30, 13:00-17:00",
        "Tuesday": "",
        "Wednesday": "",
        "Thursday": "",
        "Friday": "",
        "Saturday": "",
        "Sunday": "",
    }


def test_the_lines_replace_the_week_at_once(browser: Browser, bea: Staff) -> None:
    make_hours(bea, weekdays=range(7))
    make_hours(make_staff("Cora Claes"))
    answer = browser.post(page_of(bea), WEEK)
    assert (answer.status_code, answer.url) == (302, page_of(bea))
    assert hours_of(bea) == [
        "Monday 09:00-12:30",
        "Monday 13:00-17:00",
        "Tuesday 09:00-12:00",
        "Friday 22:00-02:00",
    ]
    assert WorkingHours.objects.exclude(staff=bea).count() == 5
    shown = browser.get(page_of(bea))
    assert "The week of Bea Bakker is saved." in shown.content.decode()
    assert lines(shown)["Tuesday"] == "09:00-12:00"
    assert LogEntry.objects.get().object_id == str(bea.pk)


def test_rows_with_dates_are_shown_and_kept(browser: Browser, bea: Staff) -> None:
    dated = {"valid_from": date(NEXT_YEAR, 7, 1), "valid_until": date(NEXT_YEAR, 8, 31)}
    WorkingHours.objects.create(staff=bea, weekday=0, opens=time(7), closes=time(11), **dated)
    WorkingHours.objects.create(staff=bea, weekday=0, opens=time(9), closes=time(17))
    page = browser.get(page_of(bea))
    assert lines(page)["Monday"] == "09:00-17:00"
    said = f"Kept as well: 07:00-11:00 from 1 Jul {NEXT_YEAR} until 31 Aug {NEXT_YEAR}."
    assert said in page.content.decode()
    assert browser.post(page_of(bea), {"day_1": "10:00-12:00"}).status_code == 302
    assert hours_of(bea) == ["Monday 07:00-11:00", "Tuesday 10:00-12:00"]
    kept = WorkingHours.objects.get(staff=bea, weekday=0)
    assert (kept.valid_from, kept.valid_until) == (dated["valid_from"], dated["valid_until"])


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("nine to five", "nine to five: write it as 09:00-17:00."),
        ("09:00-17:00, 18:00", "18:00: write it as 09:00-17:00."),
        ("09:00-25:00", "09:00-25:00: write it as 09:00-17:00."),
        ("09:00-09:00", "09:00-09:00: it must close at another time."),
        ("<b>", "&lt;b&gt;: write it as 09:00-17:00."),
    ],
)
def test_an_error_stands_on_its_line_and_nothing_is_saved(
    browser: Browser, bea: Staff, typed: str, said: str
) -> None:
    make_hours(bea)
    before = hours_of(bea)
    answer = browser.post(page_of(bea), WEEK | {"day_2": typed})
    page = answer.content.decode()
    assert answer.status_code == 200
    assert list(answer.context["form"].errors) == ["day_2"]
    assert re.search(rf'<ul class="errorlist" id="id_day_2_error"><li>{re.escape(said)}', page), page
    assert 'aria-invalid="true"' in page
    assert lines(answer)["Friday"] == "22:00-02:00"
    assert hours_of(bea) == before


def test_what_still_stands_outside_is_said(browser: Browser, bea: Staff) -> None:
    make_hours(bea)
    noon = MONDAY.replace(hour=12)
    booking = make_booking(client=make_alice(), staff=bea, service=make_service(), start_at=noon)
    day = f"day_{noon.weekday()}"
    said = f"Still booked: #{booking.pk} {NEXT_YEAR}-03-01 13:00 Alice Adams."
    assert said in browser.post(page_of(bea), {day: "09:00-12:00"}, follow=True).content.decode()
    assert said not in browser.post(page_of(bea), {day: "09:00-17:00"}, follow=True).content.decode()


def test_a_week_of_nothing_is_saved_and_said(browser: Browser, bea: Staff) -> None:
    make_hours(bea)
    page = browser.post(page_of(bea), {}, follow=True).content.decode()
    assert "Bea Bakker has no hours at all now, so nothing is offered." in page
    assert hours_of(bea) == []


def test_the_staff_page_and_both_lists_lead_there(browser: Browser, bea: Staff) -> None:
    make_hours(bea)
    for name, args in (("staff_change", [bea.pk]), ("staff_changelist", []), ("workinghours_changelist", [])):
        page = browser.get(reverse(f"admin:staff_{name}", args=args)).content.decode()
        assert f'href="{page_of(bea)}"' in page, name
    assert browser.get("/admin/staff/staff/900000999/week/").status_code == 404


def test_it_needs_no_script_and_no_style_of_its_own(browser: Browser, bea: Staff) -> None:
    answer = browser.get(page_of(bea))
    own = answer.content.decode().partition('<div id="content-main">')[2].partition("</form>")[0]
    assert "<script" not in own
    assert "style=" not in own
    assert "'unsafe-inline'" not in answer.headers["Content-Security-Policy"]
