"""Bookings in Django admin: through the door, the same refusals as form errors, the same mails."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.admin import site
from django.test import Client as Browser
from django.utils.translation import override

from bookings.models import Booking, BookingEvent
from clients.models import Client
from notifications.models import Job
from staff.models import SalonSettings
from tests.cast.bookings import MORNING, Salon, jobs, make_cast, stored, told
from tests.cast.factories import make_service

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


def test_a_client_who_has_been_told_is_not_mailed(salon: Salon, browser: Browser) -> None:
    ticked = form(salon, told_in_person="on")
    before = stored()
    answer = browser.post("/admin/bookings/booking/add/", ticked)
    assert set(answer.context["adminform"].form.errors) == {"reason"}
    assert stored() == before
    assert browser.post("/admin/bookings/booking/add/", ticked | {"reason": "rang her"}).status_code == 302
    booking, event = Booking.objects.get(), BookingEvent.objects.get()
    assert (jobs(), booking.announced_start_at) == ([], booking.start_at)
    assert (event.changes, event.reason) == ({"told_in_person": [None, True]}, "rang her")
    moved = ticked | {"start_at_1": "11:00", "end_at_0": "2026-03-24", "end_at_1": "12:00", "reason": "asked"}
    page = f"/admin/bookings/booking/{booking.pk}/change/"
    assert browser.post(page, moved | {"seen_version": 1}).status_code == 302
    booking.refresh_from_db()
    assert (jobs(), booking.announced_start_at.isoformat()) == ([], "2026-03-24T10:00:00+00:00")


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


@pytest.mark.parametrize("price", ["-5", "10.005", "x"])
def test_a_price_that_nobody_can_pay_is_an_error_of_its_field(
    salon: Salon, browser: Browser, price: str
) -> None:
    booking = salon.book()
    before = stored()
    later = {"start_at_0": "2026-03-25", "price": price}
    shown = browser.get("/admin/bookings/booking/add/").context["adminform"].form
    assert 'min="0"' in str(shown["price"])
    for page in ("add", f"{booking['id']}/change"):
        answer = browser.post(f"/admin/bookings/booking/{page}/", form(salon, **later, seen_version=1))
        assert answer.status_code == 200
        assert list(answer.context["adminform"].form.errors) == ["price"]
    assert stored() == before


def test_a_booking_shows_the_clients_alert_and_what_all_pay(salon: Salon, browser: Browser) -> None:
    yoga = make_service("Class", price="15.00", max_capacity=5)
    page = f"/admin/bookings/booking/{salon.book(service_id=yoga.pk, persons=3)['id']}/change/"
    shown = browser.get(page)
    assert "client_alert" not in str(shown.context["adminform"].fieldsets)
    assert '<div class="readonly">45.00</div>' in shown.content.decode()
    Client.objects.filter(pk=salon.alice.pk).update(alert="Allergic to <latex>")
    shown = browser.get(page)
    assert shown.context["adminform"].fieldsets[0] == (None, {"fields": ("client_alert",)})
    assert '<div class="readonly">Allergic to &lt;latex&gt;</div>' in shown.content.decode()


def test_a_booking_is_named_in_utc_in_whatever_zone_it_was_typed(salon: Salon) -> None:
    booking = Booking.objects.get(pk=salon.book()["id"])
    booking.start_at = booking.start_at.astimezone(ZoneInfo("Europe/Amsterdam"))
    assert str(booking) == f"#{booking.pk} 24 Mar 2026, 09:00 UTC, scheduled"
    with override("de"):
        assert str(booking) == f"#{booking.pk} 24. Mär 2026, 09:00 UTC, geplant"


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
