"""POST /api/waitlist/:id/offer: the automatic step's offer, made by hand (contract §6a "waitlist")."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.utils import timezone

from bookings.models import Hold, WaitlistEntry, WaitlistOffer
from bookings.self_service.offer import take_offer
from clients.models import Client
from notifications.execution import run_due
from notifications.models import Job, Message, Notification
from staff.models import OpeningException, Service, Staff
from tests.cast.availability import MONDAY_NOON, at
from tests.cast.bookings import Salon, make_cast
from tests.cast.factories import (
    caller,
    make_client,
    make_holiday,
    make_hours,
    make_key,
    make_salon,
    make_time_off,
)
from tests.cast.waitlist import (
    AN_HOUR,
    TEN,
    TUESDAY,
    booked,
    cancelled,
    live,
    offer_jobs,
    status,
    sweep,
    waits,
)

pytestmark = [pytest.mark.django_db, pytest.mark.clock_at(MONDAY_NOON)]


@pytest.fixture
def salon() -> Salon:
    return make_cast()


def offer(salon: Salon, entry: WaitlistEntry, *, who: Any = None, **changes: Any) -> Any:
    body = {"staff_id": salon.bea.pk, "start_at": "2026-11-24 10:00:00", **changes}
    return caller(who or salon.bea).post(f"/api/waitlist/{entry.pk}/offer", body, format="json")


def test_the_client_is_mailed_the_time_and_can_take_it(salon: Salon) -> None:
    entry = waits(salon)
    answer = offer(salon, entry)
    made = WaitlistOffer.objects.get()
    assert (answer.status_code, answer.json()) == (
        201,
        {
            "id": made.pk,
            "waitlist_id": entry.pk,
            "staff_id": salon.bea.pk,
            "start_at": "2026-11-24 10:00:00",
            "end_at": "2026-11-24 11:00:00",
            "held": False,
            "expires_at": "2026-11-24 10:00:00",
            "warnings": [],
        },
    )
    assert (status(entry), live()) == ("notified", [(entry.pk, salon.bea.pk, TEN)])
    assert entry.last_offered_at == MONDAY_NOON
    assert set(Notification.objects.values_list("staff_id", "type")) == {
        (salon.bea.pk, "waitlist.offer"),
        (salon.ada.pk, "waitlist.offer"),
    }
    run_due(at_most=10)
    mail = Message.objects.get()
    assert (mail.to, mail.state) == (salon.alice.email, "kept")
    assert made.token in mail.text
    booking = take_offer(token=made.token)
    assert (booking.client_id, booking.waitlist_id, booking.start_at) == (salon.alice.pk, entry.pk, TEN)
    assert status(entry) == "booked"


def test_it_is_held_and_passed_on_as_the_salon_wants_it(salon: Salon, clock: Any) -> None:
    make_salon(waitlist_hold_minutes=30)
    make_hours(salon.bea)
    entry, second = waits(salon), waits(salon, make_client("Carl"))
    assert offer(salon, entry).json()["held"] is True
    assert Hold.objects.get().expires_at == MONDAY_NOON + timedelta(minutes=30)
    clock.shift(30 * 60)
    assert sweep() == 1
    assert (status(entry), status(second)) == ("waiting", "notified")
    assert live() == [(second.pk, salon.bea.pk, TEN)]
    assert [state for _, state in offer_jobs()] == ["cancelled", "pending"]


def test_the_desk_is_told_what_speaks_against_the_time(salon: Salon) -> None:
    make_hours(salon.cora)
    salon.cora.services.clear()
    closing = OpeningException.objects.create(date_from=TUESDAY, date_to=TUESDAY, name="Stocktaking")
    booked(salon, at("2026-11-24 20:00"), client=salon.alice)
    entry = waits(salon)
    answer = offer(salon, entry, staff_id=salon.cora.pk, start_at="2026-11-24 20:00:00")
    assert (answer.status_code, answer.json()["warnings"]) == (
        201,
        [
            {
                "code": "staff_does_not_offer_service",
                "message": "This staff member does not offer this service.",
            },
            {
                "code": "outside_working_hours",
                "message": "This staff member does not work at that time: other hours hold that day "
                "(Stocktaking).",
            },
            {"code": "client_busy", "message": "This client has another booking at that time."},
        ],
    )
    assert live() == [(entry.pk, salon.cora.pk, at("2026-11-24 20:00"))]
    closing.delete()
    other = offer(salon, waits(salon, salon.bob), staff_id=salon.bea.pk, start_at="2026-11-24 14:00:00")
    assert other.json()["warnings"] == []


@pytest.mark.parametrize(("start_at", "goes_on"), [("20:00", False), ("16:00", True)])
def test_it_goes_on_by_itself_only_where_a_client_could_book(
    salon: Salon, clock: Any, start_at: str, goes_on: bool
) -> None:
    make_salon(waitlist_hold_minutes=30)
    make_hours(salon.bea)
    entry, second = waits(salon), waits(salon, make_client("Carl"))
    assert offer(salon, entry, start_at=f"2026-11-24 {start_at}:00").status_code == 201
    clock.shift(30 * 60)
    assert sweep() == 1
    assert (status(entry), status(second)) == ("waiting", "notified" if goes_on else "waiting")
    assert live() == ([(second.pk, salon.bea.pk, at(f"2026-11-24 {start_at}"))] if goes_on else [])
    assert len(offer_jobs()) == (2 if goes_on else 1)


def test_a_freed_slot_outside_of_the_hours_goes_on_as_before(salon: Salon, clock: Any) -> None:
    make_salon(waitlist_hold_minutes=30)
    make_hours(salon.bea)
    entry, second = waits(salon), waits(salon, make_client("Carl"))
    cancelled(booked(salon, at("2026-11-24 20:00")))
    assert status(entry) == "notified"
    clock.shift(30 * 60)
    assert sweep() == 1
    assert status(second) == "notified"


def test_the_mail_of_another_offer_to_the_client_stays(salon: Salon) -> None:
    entry, later = waits(salon), waits(salon, date=date(2026, 11, 26))
    offer(salon, entry)
    offer(salon, later, start_at="2026-11-26 10:00:00")
    body = {"status": "cancelled"}
    assert caller(salon.bea).put(f"/api/waitlist/{entry.pk}", body, format="json").status_code == 200
    assert [state for _, state in offer_jobs()] == ["cancelled", "pending"]


def test_one_offer_is_out_at_a_time(salon: Salon) -> None:
    entry, second = waits(salon), waits(salon, salon.bob)
    assert offer(salon, entry).status_code == 201
    for other, changes in (
        (entry, {"start_at": "2026-11-24 14:00:00"}),
        (second, {}),
        (second, {"start_at": "2026-11-24 10:30:00"}),
    ):
        answer = offer(salon, other, **changes)
        assert (answer.status_code, answer.json()["code"]) == (409, "offer_out")
    assert Job.objects.filter(type="waitlist.offer").count() == 1
    assert offer(salon, second, start_at="2026-11-24 11:00:00").status_code == 201


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"start_at": None}, "start_at"),
        ({"start_at": "2026-11-23 11:59:00"}, "start_at"),
        ({"start_at": "2026-11-25 10:00:00"}, "start_at"),
        ({"staff_id": 900000999}, "staff_id"),
        ({"staff_id": None}, "staff_id"),
    ],
)
def test_what_was_not_waited_for_is_refused(salon: Salon, changes: dict[str, Any], field: str) -> None:
    answer = offer(salon, waits(salon), **changes)
    assert (answer.status_code, list(answer.json()["details"])) == (400, [field])
    assert (live(), offer_jobs()) == ([], [])


def test_what_the_automatic_step_leaves_out_is_refused(salon: Salon) -> None:
    entry = waits(salon)
    standing = booked(salon)
    taken = offer(salon, entry, start_at="2026-11-24 10:30:00")
    assert (taken.status_code, taken.json()["code"]) == (409, "slot_taken")
    assert [each["booking_id"] for each in taken.json()["conflicts"]] == [standing.pk]

    make_time_off(salon.cora, TEN, hours=1)
    away = offer(salon, entry, staff_id=salon.cora.pk)
    assert (away.status_code, away.json()["code"]) == (400, "time_off")

    hers = waits(salon, salon.bob, staff=salon.cora)
    assert list(offer(salon, hers, start_at="2026-11-24 14:00:00").json()["details"]) == ["staff_id"]

    holiday = make_holiday(date(2026, 11, 24))
    closed = offer(salon, entry, start_at="2026-11-24 14:00:00")
    assert (closed.status_code, closed.json()["code"]) == (400, "holiday")
    holiday.delete()

    Client.objects.filter(pk=salon.alice.pk).update(archived_at=timezone.now())
    gone = offer(salon, entry, start_at="2026-11-24 14:00:00")
    assert (gone.status_code, gone.json()["code"]) == (400, "client_archived")
    Client.objects.update(archived_at=None)

    Staff.objects.filter(pk=salon.cora.pk).update(is_active=False)
    answer = offer(salon, entry, staff_id=salon.cora.pk, start_at="2026-11-24 14:00:00")
    assert (answer.status_code, list(answer.json()["details"])) == (400, ["staff_id"])

    Service.objects.update(is_active=False)
    answer = offer(salon, entry, start_at="2026-11-24 14:00:00")
    assert (answer.status_code, list(answer.json()["details"])) == (400, ["service_id"])
    assert (live(), offer_jobs()) == ([], [])
    assert (status(entry), status(hers)) == ("waiting", "waiting")


@pytest.mark.parametrize("over", ["booked", "cancelled", "expired"])
def test_an_entry_that_is_over_is_offered_nothing(salon: Salon, over: str) -> None:
    answer = offer(salon, waits(salon, status=over))
    assert (answer.status_code, answer.json()["code"]) == (409, "waitlist_entry_closed")


def test_a_seat_in_a_class_is_offered_but_not_to_who_sits_in_it(salon: Salon) -> None:
    Service.objects.update(max_capacity=2)
    booked(salon)
    mine, his = waits(salon), waits(salon, salon.bob)
    answer = offer(salon, his)
    assert (answer.status_code, answer.json()["code"]) == (409, "client_already_booked")
    assert offer(salon, mine).status_code == 201
    taken = take_offer(token=WaitlistOffer.objects.get().token)
    assert (taken.start_at, taken.end_at - taken.start_at) == (TEN, AN_HOUR)


def test_staff_administrators_and_writing_keys_offer(salon: Salon) -> None:
    make_salon(staff_personal_agenda_enabled=True)
    entry = waits(salon)
    for who, code in (
        (make_key(mode=1)[1], 403),
        (make_key(dialect="amelia")[1], 401),
        (salon.cora, 403),
        (salon.bea, 201),
    ):
        assert offer(salon, entry, who=who).status_code == code
    for who in (salon.ada, make_key(mode=2)[1]):
        other = waits(salon, make_client("Somebody"), date=date(2026, 11, 26))
        hour = 10 + Job.objects.count()
        assert offer(salon, other, who=who, start_at=f"2026-11-26 {hour}:00:00").status_code == 201
    assert offer(salon, WaitlistEntry(pk=900000999)).json()["code"] == "waitlist_entry_not_found"
