"""Reminders and unconfirmed visits at one moment with other things: once, and what is true (contract §10)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from bookings import lifecycle
from bookings.lifecycle.by_reply import confirm_by_reply
from bookings.lifecycle.unconfirmed import look_after_unconfirmed
from bookings.models import BookingEvent, Visit
from bookings.reminders.sweep import plan_ahead
from notifications.models import Job, Notification
from staff.access.actor import SYSTEM
from tests.bookings.test_unconfirmed import START, TWELVE_BEFORE, asked
from tests.cast.bookings import MORNING, Salon, make_cast
from tests.cast.races import at_once
from tests.cast.reminders import pending, two_days_before

HOUR = timedelta(hours=1)

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.clock_at(MORNING),
    pytest.mark.usefixtures("clock"),
]


@pytest.fixture
def salon() -> Salon:
    return make_cast(unconfirmed_action="release", policy_text={"en": "Confirm, or we give it away."})


def test_two_sweepers_release_once_and_a_reply_at_the_same_moment_wins_or_loses(
    salon: Salon, clock: Any
) -> None:
    salon.alice.mobile = "+31612345678"
    salon.alice.save()
    visit = asked(salon)
    clock.move_to(TWELVE_BEFORE)
    now = timezone.now()
    *swept, confirmed = at_once(
        lambda: look_after_unconfirmed(now=now),
        lambda: look_after_unconfirmed(now=now),
        lambda: confirm_by_reply(number="+31612345678", now=now),
    )
    found = Visit.objects.get(pk=visit.pk)
    released = found.status == "cancelled"
    assert (sum(swept), confirmed, found.client_confirmed_at is not None) == (
        released,
        not released,
        not released,
    )
    lines = Notification.objects.filter(type="visit.unconfirmed", staff__role="admin").count()
    cancellings = BookingEvent.objects.filter(to_status="cancelled").count()
    mails = Job.objects.filter(type="booking.cancelled").count()
    assert (lines, cancellings, mails) == (released, released, released)


def test_two_visits_on_one_date_booked_and_moved_at_once_have_one_reminder(salon: Salon) -> None:
    two_days_before()
    elsewhere = salon.book(start_at="2026-03-26 14:00:00", end_at="2026-03-26 15:00:00")

    def book(staff_id: int) -> Callable[[], Any]:
        order = lifecycle.Order(
            client_id=salon.alice.pk,
            staff_id=staff_id,
            service_id=salon.service.pk,
            start_at=START,
            end_at=START + HOUR,
        )
        return lambda: lifecycle.book(actor=SYSTEM, order=order)

    at_once(
        book(salon.bea.pk),
        book(salon.cora.pk),
        lambda: lifecycle.change(
            actor=SYSTEM,
            booking_id=elsewhere["id"],
            changes={"start_at": START + 3 * HOUR, "end_at": START + 4 * HOUR},
        ),
        lambda: plan_ahead(now=timezone.now()),
    )
    assert [when for _, when in pending()] == ["2026-03-22 18:00"]
    assert Visit.objects.filter(status="scheduled").count() == 3


@pytest.mark.postgres_only
def test_a_sweep_that_comes_second_goes_on(salon: Salon) -> None:
    """Somebody books a second visit on a date while the sweep plans the first: one reminder, and the sweep
    does the rest of its work. On SQLite one writes at a time."""
    salon.book()
    two_days_before()
    booked, swept = threading.Event(), threading.Event()

    def book() -> None:
        order = lifecycle.Order(
            client_id=salon.alice.pk,
            staff_id=salon.cora.pk,
            service_id=salon.service.pk,
            start_at=START,
            end_at=START + HOUR,
        )
        with transaction.atomic():
            lifecycle.book(actor=SYSTEM, order=order)
            booked.set()
            swept.wait(timeout=1)

    def sweep() -> int:
        booked.wait(timeout=30)
        try:
            return plan_ahead(now=timezone.now())
        finally:
            swept.set()

    assert at_once(book, sweep) == [None, 1]
    assert [when for _, when in pending()] == ["2026-03-22 18:00"]
    assert plan_ahead(now=timezone.now()) == 0
