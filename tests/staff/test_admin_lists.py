"""Admin's lists and its first page: the time, then the status; what an owner uses before the technical."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import pytest
from django.contrib import admin
from django.db import models
from django.test import Client as Browser

from bookings.models import Feedback
from staff.admin_site import TECHNICAL
from staff.models import Holiday, OpeningException, WorkingHours
from tests.cast.factories import (
    make_ada,
    make_alice,
    make_bea,
    make_booking,
    make_client,
    make_location,
    make_salon,
    make_service,
    make_staff,
    make_time_off,
)

pytestmark = pytest.mark.django_db

STATUSES = {"status", "state", "is_active", "is_read", "to_status"}
TIMES = (models.DateTimeField, models.DateField)


@pytest.fixture
def browser() -> Browser:
    make_salon()
    browser = Browser()
    browser.force_login(make_ada(), backend="django.contrib.auth.backends.ModelBackend")
    return browser


@pytest.mark.parametrize(
    "listed", admin.site._registry.values(), ids=lambda listed: listed.opts.label_lower.replace(".", "-")
)
def test_the_status_stands_first_after_the_time_or_the_name(listed: admin.ModelAdmin) -> None:
    columns = [str(each) for each in listed.list_display]
    status = next((name for name in columns if name in STATUSES), None)
    if status is not None and listed.opts.app_label != "axes":
        assert columns.index(status) == 1, columns
    fields = {field.name: field for field in listed.opts.get_fields()}
    if status in ("status", "state", "to_status"):
        assert isinstance(fields[columns[0]], TIMES), columns


def test_the_first_page_ends_with_what_is_technical(browser: Browser) -> None:
    groups = browser.get("/admin/").context["app_list"]
    assert [group["name"] for group in groups] == [
        "Bookings",
        "Clients",
        "Opening hours",
        "The salon",
        "Messages",
        TECHNICAL,
    ]
    shown = [table["object_name"] for group in groups for table in group["models"]]
    assert sorted(shown) == sorted(str(model._meta.object_name) for model in admin.site._registry)
    assert shown[0] == "Booking"
    technical = {table["object_name"] for table in groups[-1]["models"]}
    assert {"BusyTime", "Hold", "BookingEvent", "AuthToken", "AccessAttempt", "Job", "ApiKey"} <= technical
    daily = {"Booking", "Client", "Staff", "Service", "WorkingHours", "Message", "SalonSettings"}
    assert not daily & technical


def test_the_page_of_one_app_still_opens(browser: Browser) -> None:
    for app in ("bookings", "clients", "staff", "notifications", "knox", "axes"):
        assert browser.get(f"/admin/{app}/").status_code == 200


@pytest.mark.parametrize(
    ("language", "written"),
    [
        ("en-US", "1 Mar 2027, 15:05"),
        ("nl", "1 mrt 2027, 15:05"),
        ("de", "1. Mär 2027, 15:05"),
        ("fr", "1 mar 2027, 15:05"),
        ("es", "1 mar 2027, 15:05"),
    ],
)
def test_dates_are_short_and_days_have_twenty_four_hours(
    browser: Browser, language: str, written: str
) -> None:
    noon = datetime(2027, 3, 1, 14, 5, tzinfo=UTC)
    make_booking(client=make_alice(), staff=make_bea(), service=make_service(), start_at=noon)
    page = browser.get("/admin/bookings/booking/", headers={"accept-language": language}).content.decode()
    assert written in page
    assert 'href="/static/staff/admin.css"' in page
    assert browser.get("/static/staff/admin.css").status_code == 200


@pytest.mark.parametrize(
    ("address", "typed"),
    [
        ("staff/staff", "zoe"),
        ("staff/service", "cafe"),
        ("staff/location", "strasse"),
        ("staff/holiday", "paques"),
        ("staff/openingexception", "paques"),
        ("staff/timeoff", "conge"),
        ("staff/workinghours", "ozturk"),
        ("bookings/feedback", "tres lukasz"),
    ],
)
def test_the_box_of_a_small_list_folds_as_the_api_does(browser: Browser, address: str, typed: str) -> None:
    zoe = make_staff("Zoë Öztürk", services=[make_service("Café")])
    make_location("Straße", "strasse")
    now = datetime(2027, 3, 1, 14, 5, tzinfo=UTC)
    Holiday.objects.create(date=date(2027, 4, 5), name="Pâques")
    OpeningException.objects.create(date_from=now.date(), date_to=now.date(), name="Pâques")
    make_time_off(zoe, now, reason="Congé")
    WorkingHours.objects.create(staff=zoe, weekday=1, opens=time(9), closes=time(17))
    visit = make_booking(
        client=make_client("Łukasz", "Kos"), staff=zoe, service=zoe.services.get(), start_at=now
    )
    Feedback.objects.create(booking=visit, rating=5, comment="Très bien", created_at=now)
    found = browser.get(f"/admin/{address}/", {"q": typed}).context["cl"]
    assert found.result_count == 1
    assert browser.get(f"/admin/{address}/", {"q": f"{typed} nowhere"}).context["cl"].result_count == 0
