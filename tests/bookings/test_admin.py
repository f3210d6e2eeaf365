"""Bookings in Django admin: through the door, the same refusals as form errors, the same mails."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin import site
from django.test import Client as Browser

from bookings.models import Booking, BookingEvent
from notifications.models import Job
from staff.models import SalonSettings
from tests.cast.bookings import MORNING, Salon, jobs, make_cast, stored, told

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.clock_at(MORNING)]

OUR_APPS = {"staff", "clients", "notifications", "bookings"}


@pytest.fixture
def salon() -> Salon:
    return make_cast()


@pytest.fixture
def browser(salon: Salon) -> Browser:
    browser = Browser()
    browser.force_login(salon.ada)
    return browser


def form(salon: Salon, **changes: Any) -> dict[str, Any]:
    return {
        "client": salon.alice.pk,
        "staff": salon.bea.pk,
        "service": salon.service.pk,
        "location": "",
        "start_at_0": "2026-03-24",
        "start_at_1": "10:00",
        "end_at_0": "",
        "end_at_1": "",
        "status": "scheduled",
        "persons": 1,
        "notes": "",
        "internal_notes": "",
        "reason": "",
        "events-TOTAL_FORMS": 0,
        "events-INITIAL_FORMS": 0,
        **changes,
    }


def test_a_booking_made_in_admin_goes_through_the_door(salon: Salon, browser: Browser) -> None:
    answer = browser.post("/admin/bookings/booking/add/", form(salon))
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    booking = Booking.objects.get()
    assert (booking.start_at.isoformat(), booking.end_at.isoformat()) == (
        "2026-03-24T09:00:00+00:00",
        "2026-03-24T10:00:00+00:00",
    )
    assert jobs() == [("booking.created", "pending")]
    event = BookingEvent.objects.get()
    assert (event.door, event.actor_id) == ("admin", salon.ada.pk)


def test_a_taken_slot_is_a_form_error_that_names_who_is_there(salon: Salon, browser: Browser) -> None:
    taken = salon.book()
    before = stored()
    answer = browser.post("/admin/bookings/booking/add/", form(salon))
    assert answer.status_code == 200
    assert f"#{taken['id']} 2026-03-24 10:00:00 - 11:00" in answer.content.decode()
    assert stored() == before


def test_moving_and_closing_in_admin_sets_the_same_in_motion(salon: Salon, browser: Browser) -> None:
    booking = salon.book()
    told(booking)
    page = f"/admin/bookings/booking/{booking['id']}/change/"
    assert "10:00:00" in browser.get(page).content.decode()
    moved = form(salon, start_at_1="12:00", end_at_0="2026-03-24", end_at_1="13:00", seen_version=1)
    assert browser.post(page, moved).status_code == 302
    assert Job.objects.get(type="booking.updated").state == "pending"
    stale = browser.post(page, form(salon, seen_version=1))
    assert stale.status_code == 200
    assert "changed meanwhile" in stale.content.decode()
    cancelled = moved | {"status": "cancelled", "seen_version": 2, "reason": "client called"}
    assert browser.post(page, cancelled).status_code == 302
    assert jobs(booking)[1:] == [("booking.updated", "cancelled"), ("booking.cancelled", "pending")]
    assert BookingEvent.objects.latest("id").reason == "client called"


def test_nothing_is_deleted_in_bulk_or_alone(salon: Salon, browser: Browser) -> None:
    booking = salon.book()
    assert (
        browser.post(f"/admin/bookings/booking/{booking['id']}/delete/", {"post": "yes"}).status_code == 403
    )
    assert "delete_selected" not in browser.get("/admin/bookings/booking/").content.decode()


def test_staff_may_not_enter_admin(salon: Salon) -> None:
    browser = Browser()
    browser.force_login(salon.bea)
    assert browser.get("/admin/bookings/booking/").status_code == 302


def test_every_model_of_ours_has_a_page_in_admin_that_opens(salon: Salon, browser: Browser) -> None:
    salon.book()
    ours = [model for model in site._registry if model._meta.app_label in OUR_APPS]
    assert ours
    for model in ours:
        name = f"{model._meta.app_label}/{model._meta.model_name}"
        status = 302 if model is SalonSettings else 200
        assert browser.get(f"/admin/{name}/").status_code == status, name
        assert browser.get(f"/admin/{name}/?q=alice").status_code == status, name


def test_the_list_takes_the_same_statements_for_one_and_for_many(
    salon: Salon, browser: Browser, django_assert_max_num_queries: Any
) -> None:
    for hour in range(9, 15):
        salon.book(start_at=f"2026-03-24 {hour:02}:00", end_at=f"2026-03-24 {hour:02}:30")
    with django_assert_max_num_queries(16):
        browser.get("/admin/bookings/booking/")
