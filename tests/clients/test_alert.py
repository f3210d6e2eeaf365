"""A client's `alert` (contract §6a) is for staff. Pages and dialects: tests/whole/test_access_matrix.py."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from bookings import waitlist
from bookings.models import BookingEvent
from clients.models import Client
from notifications.execution import run_due
from notifications.models import FollowupSequence, FollowupStep, Message
from staff.models import SalonSettings
from tests.cast.access import ALERT
from tests.cast.bookings import Salon, make_cast
from tests.cast.factories import caller, make_alice, make_client, make_key
from tests.cast.webhooks import listening_app

MONDAY = "2026-03-23 09:00:00"

pytestmark = [pytest.mark.django_db, pytest.mark.clock_at(MONDAY)]


@pytest.fixture
def salon() -> Salon:
    from_cast = make_cast(noshow_enabled=True, noshow_fee_value=10)
    Client.objects.filter(pk=from_cast.alice.pk).update(alert=ALERT, marketing_consent=True)
    return from_cast


def test_staff_and_native_keys_write_and_read_it(salon: Salon) -> None:
    for who in (salon.bea, salon.ada, make_key()[1]):
        made = caller(who).post("/api/clients", {"first_name": "Zoë", "alert": "Owes 20.00"}).json()
        address = f"/api/clients/{made['id']}"
        assert list(made)[8:10] == ["notes", "alert"]
        assert caller(who).put(address, {"notes": "x"}).json()["alert"] == "Owes 20.00"
        assert caller(who).put(address, {"alert": None}).json()["alert"] == ""
        assert caller(who).put(address, {"alert": "a" * 200}).json()["alert"] == "a" * 200
        assert caller(who).put(address, {"alert": "a" * 201}).status_code == 400
        assert caller(who).get(address).json()["alert"] == "a" * 200


def test_no_mail_no_history_and_no_webhook_has_it(clock, settings) -> None:
    settings.STRIPE_SECRET_KEY = ""
    with listening_app(settings, clock) as app:
        salon = app.salon
        Client.objects.filter(pk=salon.alice.pk).update(alert=ALERT, marketing_consent=True)
        _live_through(salon)
        while run_due(at_most=100):
            clock.shift(timedelta(days=1))
        mailed = Message.objects.filter(client_id=salon.alice.pk)
        assert {
            "booking.created",
            "booking.updated",
            "booking.cancelled",
            "booking.provisional",
            "waitlist.confirmed",
            "review.request",
            "followup.step",
        } <= set(mailed.exclude(text="").values_list("type", flat=True))
        assert app.hooks.got
        assert [got for got in app.hooks.got if ALERT.encode() in got.body] == []
        written = [*Message.objects.values(), *BookingEvent.objects.values()]
        assert ALERT not in json.dumps(written, default=str)


def _live_through(salon: Salon) -> None:
    sequence = FollowupSequence.objects.create(name="After care", stop_on_rebook=False)
    FollowupStep.objects.create(sequence=sequence, delay_days=1, subject="How is it?", body="Well?")
    been = salon.book(start_at="2026-03-20 10:00:00", end_at="2026-03-20 11:00:00")
    salon.put(been, {"status": "completed"})
    salon.book(start_at="2026-03-25 10:00:00", end_at="2026-03-25 11:00:00", provisional=True)
    moved = salon.book()
    run_due(at_most=100)
    salon.put(moved, {"start_at": "2026-03-24 12:00:00", "end_at": "2026-03-24 13:00:00"})
    entry = waitlist.add(
        client_id=salon.alice.pk,
        service_id=salon.service.pk,
        date=timezone.now().date() + timedelta(days=3),
        salon=SalonSettings.load(),
        now=timezone.now(),
    )
    salon.book(start_at="2026-03-26 10:00:00", end_at="2026-03-26 11:00:00", waitlist_id=entry.pk)
    gone = salon.book(start_at="2026-03-27 10:00:00", end_at="2026-03-27 11:00:00")
    run_due(at_most=100)
    salon.delete(gone)


@pytest.mark.parametrize(
    ("stays", "goes", "alert", "notes"),
    [
        ("", "allergic", "allergic", "tea\nmilk"),
        ("owes 20", "", "owes 20", "tea\nmilk"),
        ("owes 20", "owes 20", "owes 20", "tea\nmilk"),
        ("wears glasses", "ass", "wears glasses; ass", "tea\nmilk"),
        ("owes 20; deaf", "deaf; allergic", "owes 20; deaf; allergic", "tea\nmilk"),
        ("owes 20", "allergic", "owes 20; allergic", "tea\nmilk"),
        ("o" * 150, "a" * 48, f"{'o' * 150}; {'a' * 48}", "tea\nmilk"),
        ("o" * 150, "a" * 49, "o" * 150, f"{'a' * 49}\ntea\nmilk"),
    ],
)
def test_a_merge_loses_no_alert(salon: Salon, stays: str, goes: str, alert: str, notes: str) -> None:
    kept, merged = make_client("A", alert=stays, notes="tea"), make_client("B", alert=goes, notes="milk")
    answer = caller(salon.ada).post(f"/api/clients/{merged.pk}/merge", {"into": kept.pk}).json()
    assert (answer["alert"], answer["notes"]) == (alert, notes)


def test_admin_keeps_it_on_one_line(client, salon: Salon) -> None:
    client.force_login(salon.ada)
    made = make_alice(alert="old")
    page = reverse("admin:clients_client_change", args=[made.pk])
    form = {"first_name": "Alice", "alert": " Owes\u200b 20 ", "_save": "1"}
    assert client.post(page, form).status_code == 302
    made.refresh_from_db()
    assert made.alert == "Owes 20"
    assert client.post(page, form | {"alert": "a" * 201}).status_code == 200
