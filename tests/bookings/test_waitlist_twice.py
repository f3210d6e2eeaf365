"""Nobody waits twice for the same, nor for a day on which the salon is closed (contract §6a "waitlist")."""

from __future__ import annotations

from datetime import date
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.test import Client as Browser

from bookings.models import ONE_OPEN_ENTRY, WaitlistEntry
from tests.cast.availability import MONDAY_NOON
from tests.cast.bookings import Salon, make_cast
from tests.cast.factories import caller, make_client, make_holiday
from tests.cast.waitlist import TUESDAY, booked, cancelled, status, sweep, waits

pytestmark = [pytest.mark.django_db, pytest.mark.clock_at(MONDAY_NOON)]


@pytest.fixture
def salon() -> Salon:
    return make_cast()


def post(salon: Salon, *, headers: dict[str, str] | None = None, **changes: Any) -> Any:
    body = {"client_id": salon.alice.pk, "service_id": salon.service.pk, "date": "2026-11-24", **changes}
    return caller(salon.bea).post("/api/waitlist", body, format="json", headers=headers or {})


def put(salon: Salon, entry: WaitlistEntry, **changes: Any) -> Any:
    return caller(salon.bea).put(f"/api/waitlist/{entry.pk}", changes, format="json")


@pytest.mark.parametrize("open_status", ["waiting", "notified"])
def test_a_second_entry_alike_is_refused(salon: Salon, open_status: str) -> None:
    waits(salon, status=open_status)
    waits(salon, staff=salon.bea, status=open_status)
    for staff_id in (None, salon.bea.pk):
        answer = post(salon, staff_id=staff_id)
        assert (answer.status_code, answer.json()["code"]) == (409, "already_waiting")
        assert list(answer.json()["details"]) == ["client_id"]
    for other in ({"staff_id": salon.cora.pk}, {"date": "2026-11-25"}, {"client_id": salon.bob.pk}):
        assert post(salon, **other).status_code == 201


@pytest.mark.parametrize("over", ["booked", "cancelled", "expired"])
def test_an_entry_that_is_over_is_no_hindrance_until_it_waits_again(salon: Salon, over: str) -> None:
    first = waits(salon, status=over)
    assert post(salon).status_code == 201
    answer = put(salon, first, status="waiting")
    assert (answer.status_code, answer.json()["code"], status(first)) == (409, "already_waiting", over)


def test_nor_does_a_change_make_two_alike(salon: Salon) -> None:
    waits(salon)
    other = waits(salon, date=date(2026, 11, 25))
    answer = put(salon, other, date="2026-11-24")
    assert (answer.status_code, answer.json()["code"]) == (409, "already_waiting")
    other.refresh_from_db()
    assert other.date == date(2026, 11, 25)
    assert put(salon, other, notes="mornings").status_code == 200


def test_the_same_key_gets_the_same_answer(salon: Salon) -> None:
    headers = {"Idempotency-Key": "phone-1"}
    first, again = (post(salon, headers=headers) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert post(salon).status_code == 409


def test_a_holiday_cannot_be_waited_for(salon: Salon) -> None:
    entry = waits(salon, date=date(2026, 11, 26))
    make_holiday(TUESDAY, "Market day")
    for answer in (post(salon), put(salon, entry, date="2026-11-24")):
        assert (answer.status_code, answer.json()["code"]) == (400, "holiday")
        assert "Market day" in answer.json()["details"]["date"][0]
    make_holiday(entry.date)
    assert put(salon, entry, notes="mornings").status_code == 200


def test_admin_says_it_at_the_field(salon: Salon) -> None:
    waits(salon)
    form = {
        "client": salon.alice.pk,
        "service": salon.service.pk,
        "date": "2026-11-24",
        "staff": "",
        "notes": "",
    }
    offers = {f"offers-{name}_FORMS": 0 for name in ("TOTAL", "INITIAL", "MIN_NUM", "MAX_NUM")}
    browser = Browser()
    browser.force_login(salon.ada)
    page = browser.post("/admin/bookings/waitlistentry/add/", form | offers)
    assert page.status_code == 200
    assert list(page.context["adminform"].form.errors) == ["client"]
    assert WaitlistEntry.objects.count() == 1


@pytest.mark.parametrize(("goes", "stays"), [(0, 1), (1, 0)])
def test_a_merge_keeps_the_older_and_a_notified_one_before_it(salon: Salon, goes: int, stays: int) -> None:
    people = [salon.alice, make_client("Alicia")]
    older, newer = waits(salon, people[0]), waits(salon, people[1])
    waiting, notified = (waits(salon, person, staff=salon.bea) for person in people)
    WaitlistEntry.objects.exclude(pk=notified.pk).update(last_offered_at=MONDAY_NOON)
    cancelled(booked(salon))
    assert [status(entry) for entry in (waiting, notified)] == ["waiting", "notified"]
    path = f"/api/clients/{people[goes].pk}/merge"
    assert caller(salon.ada).post(path, {"into": people[stays].pk}).status_code == 200
    assert [status(entry) for entry in (older, newer)] == ["waiting", "cancelled"]
    assert [status(entry) for entry in (waiting, notified)] == ["cancelled", "notified"]
    assert set(WaitlistEntry.objects.values_list("client_id", flat=True)) == {people[stays].pk}
    assert sweep() == 0


def test_the_migration_keeps_the_older_and_a_notified_one_before_it(salon: Salon) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX {ONE_OPEN_ENTRY}")
    first, second = waits(salon), waits(salon)
    with_bea = [
        waits(salon, staff=salon.bea, status=each)
        for each in ("waiting", "notified", "notified", "booked", "booked")
    ]
    import_module("bookings.migrations.0006_one_open_waitlist_entry").keep_one(apps, None)
    assert [status(entry) for entry in (first, second)] == ["waiting", "cancelled"]
    assert [status(entry) for entry in with_bea] == [
        "cancelled",
        "notified",
        "cancelled",
        "booked",
        "booked",
    ]
