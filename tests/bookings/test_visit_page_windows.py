"""Until when a client may cancel and move, to the second; grace, limit, lateness (contract §8 "windows")."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from time_machine import Traveller

from bookings import lifecycle
from bookings.mails.resent import Kind
from bookings.models import Booking, Visit
from bookings.send_again import send_again
from notifications.execution import run_due
from notifications.models import Message
from staff.access.actor import SYSTEM
from tests.cast.factories import make_client, make_hours, make_salon, make_service
from tests.cast.pages import NOW, START, Cast, browser, changed, everything, make_cast, text_of
from tests.cast.visit_page import page_of, post_page, shown_at

pytestmark = [pytest.mark.django_db, pytest.mark.clock_at(NOW)]

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
TOO_LATE = "It is too late to change this appointment here. Please call us on +31 20 123 4567."


@pytest.fixture
def cast() -> Cast:
    cast = make_cast()
    make_hours(cast.bea)
    return cast


def may_cancel(booking: Booking) -> bool:
    """By the page and by a click; nothing is kept of either."""
    offered = "Cancel the appointment" in text_of(browser().get(page_of(booking)))
    asked = browser().get(page_of(booking, "cancel")).status_code
    assert asked == (200 if offered else 409)
    return offered


def cancelled(booking: Booking) -> int:
    status: int = post_page(booking, "cancel").status_code
    return status


def moved(booking: Booking, start_at: datetime) -> int:
    choice = f"{start_at.isoformat()} {booking.staff_id}"
    status: int = post_page(booking, "move", start=choice).status_code
    return status


def test_cancelling_is_free_up_to_the_last_second_and_no_longer(cast: Cast, clock: Traveller) -> None:
    booking = cast.booked()
    deadline = START - timedelta(days=1)
    clock.move_to(deadline + SECOND)
    assert not may_cancel(booking)
    before = everything()
    answer = post_page(booking, "cancel")
    assert answer.status_code == 409
    assert TOO_LATE in text_of(answer)
    assert moved(booking, START + timedelta(days=1)) == 409
    assert everything() == before
    clock.move_to(deadline)
    assert may_cancel(booking)
    assert cancelled(booking) == 200
    assert not Visit.objects.get(pk=booking.visit_id).late


def test_the_window_is_elapsed_time_over_a_night_of_daylight_saving(cast: Cast, clock: Traveller) -> None:
    """The clocks are set back on Sunday 25 October 2026: a day before 10:00 is 11:00 on the wall."""
    start_at = datetime.fromisoformat("2026-10-25T10:00:00+01:00")
    clock.move_to(start_at - timedelta(days=3))
    booking = cast.booked(start_at=start_at, end_at=start_at + HOUR)
    assert "until Saturday 24 October at 11:00." in text_of(browser().get(page_of(booking)))
    clock.move_to(start_at - timedelta(days=1) + SECOND)
    assert not may_cancel(booking)


def test_each_window_is_its_own_and_the_service_s_comes_before_the_salon_s(
    cast: Cast, clock: Traveller
) -> None:
    cast.service.client_cancel_minutes, cast.service.client_reschedule_minutes = 120, 60
    cast.service.save()
    booking = cast.booked()
    said = (
        "You can move it free of charge until Tuesday 24 November at 09:00, and cancel it until Tuesday 24 "
    )
    assert f"{said}November at 08:00." in text_of(browser().get(page_of(booking)))
    clock.move_to(START - timedelta(minutes=90))
    page = text_of(browser().get(page_of(booking)))
    assert "You can move it free of charge until Tuesday 24 November at 09:00." in page
    assert TOO_LATE in page
    assert cancelled(booking) == 409
    assert moved(booking, START + 2 * HOUR) == 200


def test_windows_are_frozen_and_the_largest_of_what_stands_counts(cast: Cast, clock: Traveller) -> None:
    cut = make_service("Cut", duration_minutes=30, client_cancel_minutes=2880)
    cast.bea.services.add(cut)
    items = [lifecycle.ItemOrder(cast.service.pk, cast.bea.pk), lifecycle.ItemOrder(cut.pk, cast.bea.pk)]
    order = lifecycle.VisitOrder(client_id=cast.alice.pk, items=items, start_at=START)
    visit = lifecycle.book_visit(actor=SYSTEM, order=order).visit
    first, second = visit.items
    make_salon(client_cancel_minutes=0, grace_minutes=0)
    cut.client_cancel_minutes = 0
    cut.save()
    clock.move_to(START - timedelta(days=2) + SECOND)
    assert not may_cancel(first)
    lifecycle.cancel(actor=SYSTEM, booking_id=second.pk)
    assert may_cancel(first)
    clock.move_to(START - timedelta(days=1) + SECOND)
    assert not may_cancel(first)
    changed(first, service_id=cut.pk)
    assert may_cancel(first)


def test_what_an_older_release_wrote_has_the_windows_of_now(cast: Cast, clock: Traveller) -> None:
    booking = cast.booked()
    Booking.objects.update(client_cancel_minutes=None, client_reschedule_minutes=None)
    make_salon(client_cancel_minutes=60, grace_minutes=0)
    clock.move_to(START - HOUR)
    assert may_cancel(booking)
    clock.move_to(START - HOUR + SECOND)
    assert not may_cancel(booking)


def test_half_an_hour_after_booking_it_can_be_taken_back(cast: Cast, clock: Traveller) -> None:
    made = START - 2 * HOUR
    clock.move_to(made)
    booking = cast.booked()
    clock.move_to(made + 30 * MINUTE)
    assert may_cancel(booking)
    clock.move_to(made + 30 * MINUTE + SECOND)
    assert not may_cancel(booking)


def test_grace_ends_with_the_start(cast: Cast, clock: Traveller) -> None:
    clock.move_to(START - 10 * MINUTE)
    booking = cast.booked()
    clock.move_to(START - SECOND)
    assert may_cancel(booking)
    clock.move_to(START)
    assert not may_cancel(booking)


@pytest.mark.parametrize("by_salon", [True, False])
def test_a_mail_about_the_salon_s_change_gives_time_to_think_again(
    cast: Cast, clock: Traveller, by_salon: bool
) -> None:
    booking = cast.booked()
    run_due(at_most=10)
    new_start = START + HOUR + timedelta(days=1)
    clock.move_to(START - timedelta(days=1) - MINUTE)
    if by_salon:
        changed(booking, start_at=START + HOUR, end_at=START + 2 * HOUR)
    else:
        assert moved(booking, new_start) == 200
        changed(booking, notes="tea")
    booking.refresh_from_db()
    left = booking.start_at - timedelta(hours=3)
    clock.move_to(left)
    run_due(at_most=10)
    assert Message.objects.get(type="booking.updated").state == "kept"
    assert Visit.objects.get(pk=booking.visit_id).grace_from == (left if by_salon else None)
    clock.move_to(left + 30 * MINUTE)
    assert may_cancel(booking) == by_salon
    clock.move_to(left + 30 * MINUTE + SECOND)
    assert not may_cancel(booking)


@pytest.mark.clock_at(NOW, tick=True)
@pytest.mark.parametrize("dates", [1, 3])
def test_neither_the_first_confirmation_nor_one_sent_again_gives_it(
    cast: Cast, clock: Traveller, dates: int
) -> None:
    starts = [START + timedelta(days=7 * week) for week in range(dates)]
    if dates == 1:
        cast.booked()
    else:
        lifecycle.book_series(actor=SYSTEM, order=cast.order(), starts=starts)
    booking = Booking.objects.earliest("start_at")
    clock.move_to(START - 2 * HOUR)
    run_due(at_most=10)
    send_again(actor=SYSTEM, booking_id=booking.pk, kind=Kind.CONFIRMATION)
    run_due(at_most=10)
    assert sorted(Message.objects.values_list("type", "state")) == [
        ("booking.created", "kept"),
        ("booking.resent", "kept"),
    ]
    assert not Visit.objects.exclude(grace_from=None).exists()
    assert not may_cancel(booking)


def test_where_late_is_allowed_it_is_done_and_noted_but_not_after_the_start(
    cast: Cast, clock: Traveller
) -> None:
    make_salon(late_cancel="allow")
    booking, other = cast.booked(), cast.booked(start_at=START + HOUR, end_at=START + 2 * HOUR)
    clock.move_to(START - HOUR)
    assert "It is late to move it." in text_of(browser().get(page_of(booking, "move")))
    assert moved(booking, START + timedelta(days=7)) == 200
    assert Visit.objects.get(pk=booking.visit_id).late
    assert "It is late to cancel." in text_of(browser().get(page_of(other, "cancel")))
    clock.move_to(START + HOUR)
    before = everything()
    assert cancelled(other) == 409
    assert everything() == before
    clock.move_to(START + HOUR - SECOND)
    assert cancelled(other) == 200
    assert Visit.objects.get(pk=other.visit_id).late


def test_an_item_that_is_done_already_has_begun(cast: Cast) -> None:
    cut = make_service("Cut", duration_minutes=30)
    cast.bea.services.add(cut)
    items = [lifecycle.ItemOrder(cast.service.pk, cast.bea.pk), lifecycle.ItemOrder(cut.pk, cast.bea.pk)]
    order = lifecycle.VisitOrder(client_id=cast.alice.pk, items=items, start_at=START)
    first, second = lifecycle.book_visit(actor=SYSTEM, order=order).visit.items
    changed(first, status="completed")
    assert "This appointment has begun." in text_of(browser().get(page_of(second)))
    assert cancelled(second) == 409


@pytest.mark.parametrize("limit", [0, 2, None])
def test_the_limit_counts_the_client_s_own_moves(cast: Cast, limit: int | None) -> None:
    make_salon(reschedule_limit=limit)
    booking = cast.booked()
    changed(booking, start_at=START + HOUR, end_at=START + 2 * HOUR)
    answers = [moved(booking, START + timedelta(days=day)) for day in (1, 2, 3)]
    assert answers == {0: [409] * 3, 2: [200, 200, 409], None: [200] * 3}[limit]
    assert Visit.objects.get().client_moves == answers.count(200)
    if limit is not None:
        assert "I will come Cancel the appointment You can cancel it" in text_of(
            browser().get(page_of(booking))
        )
        answer = post_page(booking, "move", start=f"{START.isoformat()} {booking.staff_id}")
        assert "You have moved this appointment as often as you can here." in text_of(answer)


def test_another_client_begins_anew(cast: Cast) -> None:
    booking = cast.booked()
    Visit.objects.update(client_moves=3, late=True, grace_from=NOW, policy={"version": 1})
    shown_at(page_of(booking))
    changed(booking, client_id=make_client("Bob").pk)
    visit = Visit.objects.get()
    assert (visit.client_moves, visit.late, visit.grace_from, visit.policy) == (0, False, None, None)
