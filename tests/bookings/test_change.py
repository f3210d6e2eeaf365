"""PUT and DELETE /api/bookings/:id: merging, refusals, effects (contract §1.2-1.4)."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
import time_machine

from bookings.models import Booking, BookingEvent, BusyTime, Visit
from notifications.execution import run_due
from notifications.models import Job, Message, Notification
from tests.cast.bookings import MORNING, Salon, jobs, make_cast, stored, told
from tests.cast.factories import caller, make_holiday, make_salon, make_service

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.clock_at(MORNING)]


@pytest.fixture
def salon() -> Salon:
    return make_cast()


def test_absent_keys_keep_their_value_and_the_rest_is_ignored(salon: Salon) -> None:
    booking = salon.book(notes="hello", internal_notes="secret")
    body = {
        "id": 900000999,
        "client_name": "Mallory",
        "total_price": "0.01",
        "series_id": 7,
        "provisional": True,
        "provisional_token": "x",
        "feedback_token": "y",
        "waitlist_id": 5,
        "created_at": "2020-01-01 00:00:00",
        "version": 77,
        "colour": "red",
        "notes": None,
    }
    answer = salon.put(booking, body)
    assert answer.status_code == 200
    expected = {**booking, "notes": "", "version": 2}
    assert answer.json() == expected
    assert salon.get(booking).json() == {key: value for key, value in expected.items() if key != "warnings"}


def test_an_empty_object_changes_nothing_and_an_empty_body_is_400(salon: Salon) -> None:
    booking = salon.book()
    before = stored()
    assert salon.put(booking, {}).status_code == 200
    assert salon.put(booking, None).status_code == 400
    assert stored() == before


def test_a_move_asks_the_client_once_after_the_dust_has_settled(salon: Salon) -> None:
    booking = salon.book()
    told(booking)
    salon.put(booking, {"start_at": "2026-03-24 12:00", "end_at": "2026-03-24 13:00"})
    with time_machine.travel("2026-03-20T08:10:00Z", tick=False):
        answer = salon.put(booking, {"start_at": "2026-03-24 14:00:00", "end_at": "2026-03-24 15:00:00"})
    assert answer.status_code == 200
    pending = Job.objects.get(type="booking.updated")
    assert (pending.state, pending.run_at.isoformat()) == ("pending", "2026-03-20T08:40:00+00:00")
    busy = BusyTime.objects.get()
    assert busy.starts_at.isoformat() == "2026-03-24T13:00:00+00:00"


def test_a_move_to_within_the_hour_is_told_in_two_minutes(salon: Salon) -> None:
    booking = salon.book()
    told(booking)
    salon.put(booking, {"start_at": "2026-03-20 09:30", "end_at": "2026-03-20 10:30"})
    assert Job.objects.get(type="booking.updated").run_at.isoformat() == "2026-03-20T08:02:00+00:00"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"start_at": "2026-03-24 11:00:00"}, 400),
        ({"end_at": "2026-03-25 10:30:00"}, 400),
        ({"start_at": "tomorrow"}, 400),
        ({"staff_id": 900000999}, 400),
        ({"client_id": None}, 400),
        ({"client_id": 900000999}, 400),
        ({"service_id": 900000999}, 400),
        ({"location_id": 900000999}, 400),
        ({"status": "done"}, 400),
        ({"persons": 2}, 400),
        ({"reason": "x" * 501}, 400),
        ({"start_at": "2026-03-26 10:00", "end_at": "2026-03-26 11:00"}, 400),
        ({"start_at": "2026-03-25 10:30", "end_at": "2026-03-25 11:30"}, 409),
    ],
)
def test_a_refused_change_stores_nothing(salon: Salon, body: dict[str, Any], status: int) -> None:
    make_holiday(date(2026, 3, 26))
    booking = salon.book()
    salon.book(start_at="2026-03-25 10:00", end_at="2026-03-25 11:00")
    before = stored()
    answer = salon.put(booking, body)
    assert answer.status_code == status, answer.content
    assert stored() == before


def test_nobody_is_restored_to_a_day_that_has_become_a_holiday(salon: Salon) -> None:
    booking = salon.book()
    salon.delete(booking)
    make_holiday(date(2026, 3, 24))
    before = stored()
    answer = salon.put(booking, {"status": "scheduled"})
    assert (answer.status_code, answer.json()["code"]) == (400, "holiday")
    assert stored() == before


def test_a_booking_sent_back_as_it_was_read_changes_nothing_though_its_client_was_erased(
    salon: Salon,
) -> None:
    booking = salon.book()
    Booking.objects.update(client=None)
    before, read = stored(), salon.get(booking).json()
    answer = salon.put(booking, read)
    assert (answer.status_code, answer.json()) == (200, read | {"warnings": []})
    assert stored() == before
    assert salon.put(booking, read | {"notes": "late"}).json()["notes"] == "late"


def test_a_stale_version_is_412(salon: Salon) -> None:
    booking = salon.book()
    assert salon.get(booking).headers["ETag"] == '"1"'
    assert salon.put(booking, {"notes": "a"}, **{"If-Match": '"1"'}).status_code == 200
    before = stored()
    stale = salon.put(booking, {"notes": "b"}, **{"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "stale_version")
    assert salon.delete(booking, **{"If-Match": '"1"'}).status_code == 412
    assert stored() == before


def test_cancelling_frees_the_slot_and_tells_the_client_once(salon: Salon) -> None:
    booking = salon.book()
    told(booking)
    answer = salon.delete(booking)
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    assert not BusyTime.objects.exists()
    assert jobs(booking) == [("booking.created", "done"), ("booking.cancelled", "pending")]
    before = stored()
    assert salon.delete(booking).status_code == 200
    assert stored() == before


def test_a_cancellation_before_anything_was_sent_takes_the_confirmation_with_it(salon: Salon) -> None:
    booking = salon.book()
    salon.delete(booking)
    assert ("booking.created", "cancelled") in jobs(booking)
    created = Message.objects.get(type="booking.created")
    assert (created.state, created.reason) == ("not_sent", "cancelled_meanwhile")


def test_restoring_drops_an_unsent_cancellation_and_tells_nobody(salon: Salon) -> None:
    booking = salon.book()
    told(booking)
    salon.delete(booking)
    assert salon.put(booking, {"status": "scheduled"}).status_code == 200
    assert jobs(booking) == [("booking.created", "done"), ("booking.cancelled", "cancelled")]
    assert BusyTime.objects.count() == 1


def test_restoring_after_the_cancellation_was_sent_confirms_anew(salon: Salon) -> None:
    booking = salon.book()
    told(booking)
    salon.delete(booking)
    told(booking, status="")
    sequence = Visit.objects.get().version
    salon.put(booking, {"status": "scheduled"})
    assert jobs(booking)[-1] == ("booking.created", "pending")
    assert Visit.objects.get().version > sequence


def test_restoring_asks_the_database_again(salon: Salon) -> None:
    booking = salon.book()
    salon.delete(booking)
    salon.book()
    before = stored()
    answer = salon.put(booking, {"status": "scheduled"})
    assert (answer.status_code, answer.json()["code"]) == (409, "slot_taken")
    assert stored() == before


def test_another_client_the_old_one_hears_of_it_and_the_new_one_is_confirmed(salon: Salon) -> None:
    booking = salon.book()
    told(booking)
    answer = salon.put(booking, {"client_id": salon.bob.pk})
    assert answer.json()["client_name"] == "Bob Brown"
    new = Job.objects.filter(state="pending").order_by("type").values_list("type", "recipient")
    assert list(new) == [
        ("booking.cancelled", f"client:{salon.alice.pk}"),
        ("booking.created", f"client:{salon.bob.pk}"),
    ]


def test_another_staff_member_is_told_and_the_client_is_not(salon: Salon) -> None:
    booking = salon.book()
    told(booking)
    Notification.objects.all().delete()
    before = len(jobs())
    assert salon.put(booking, {"staff_id": salon.cora.pk}).status_code == 200
    assert len(jobs()) == before
    assert list(Notification.objects.values_list("staff__name", "type")) == [("Cora Claes", "booking.new")]
    assert BusyTime.objects.get().staff_id == salon.cora.pk


def test_another_service_freezes_buffers_and_price_anew(salon: Salon) -> None:
    booking = salon.book()
    colour = make_service("Colour", price="75.50", buffer_after_minutes=15)
    answer = salon.put(booking, {"service_id": colour.pk}).json()
    assert (answer["price"], answer["end_at"]) == ("75.50", "2026-03-24 11:00:00")
    assert BusyTime.objects.get().ends_at.isoformat() == "2026-03-24T10:15:00+00:00"


def test_completing_earns_a_feedback_token_and_a_review_request_and_undoing_takes_it_back(
    salon: Salon,
) -> None:
    booking = salon.book()
    told(booking)
    token = salon.put(booking, {"status": "completed"}).json()["feedback_token"]
    assert token
    request = Job.objects.get(type="review.request")
    assert request.run_at.isoformat() == "2026-03-24T12:00:00+00:00"
    salon.put(booking, {"status": "scheduled"})
    assert jobs(booking)[1:] == [("review.request", "cancelled")]
    again = salon.put(booking, {"status": "completed"}).json()
    assert again["feedback_token"] == token
    assert jobs(booking)[1:] == [("review.request", "cancelled"), ("review.request", "pending")]


def test_a_no_show_is_counted_and_uncounted(salon: Salon) -> None:
    booking = salon.book()
    salon.put(booking, {"status": "no-show"})
    salon.alice.refresh_from_db()
    assert salon.alice.no_show_count == 1
    salon.put(booking, {"status": "completed"})
    salon.alice.refresh_from_db()
    assert salon.alice.no_show_count == 0


def test_the_audit_trail_names_who_what_and_why(salon: Salon) -> None:
    booking = salon.book()
    salon.put(booking, {"start_at": "2026-03-24 10:15:00", "reason": "running late"}, who=salon.bea)
    answer = caller(salon.ada).get(f"/api/bookings/{booking['id']}/events").json()
    assert [event["from"] for event in answer] == [None, "scheduled"]
    assert answer[1] == {
        "id": BookingEvent.objects.latest("id").pk,
        "at": "2026-03-20 09:00:00",
        "door": "api",
        "actor": {"type": "staff", "id": salon.bea.pk, "name": "Bea Bakker"},
        "from": "scheduled",
        "to": "scheduled",
        "changes": {"start_at": ["2026-03-24 10:00:00", "2026-03-24 10:15:00"]},
        "reason": "running late",
    }


def test_with_the_personal_agenda_others_bookings_do_not_exist(salon: Salon) -> None:
    booking = salon.book()
    make_salon(staff_personal_agenda_enabled=True)
    before = stored()
    assert salon.get(booking, who=salon.cora).status_code == 404
    assert salon.put(booking, {"notes": "x"}, who=salon.cora).status_code == 404
    assert salon.delete(booking, who=salon.cora).status_code == 404
    assert salon.put(booking, {"staff_id": salon.cora.pk}, who=salon.bea).status_code == 403
    assert stored() == before
    salon.cora.sees_all_bookings = True
    salon.cora.save()
    assert salon.get(booking, who=salon.cora).status_code == 200


def test_a_doubled_hour_printed_by_us_stays_where_it_is(salon: Salon) -> None:
    booking = salon.book(start_at="2026-10-25T01:30:00Z", end_at="2026-10-25T02:30:00Z")
    assert booking["start_at"] == "2026-10-25 02:30:00"
    before = stored()
    assert salon.put(booking, {"start_at": "2026-10-25 02:30:00"}).status_code == 200
    assert stored() == before
    moved = salon.put(booking, {"start_at": "2026-10-25 02:30"}).json()
    assert moved["version"] == 2
    assert Booking.objects.get().start_at.isoformat() == "2026-10-25T00:30:00+00:00"


def test_a_move_takes_one_booking_out_of_its_session(salon: Salon) -> None:
    salon.service.max_capacity = 3
    salon.service.save()
    first = salon.book()
    second = salon.book(client_id=salon.bob.pk, session_of=first["id"])
    moved = salon.put(second, {"start_at": "2026-03-24 14:00", "end_at": "2026-03-24 15:00"}).json()
    assert moved["session_id"] == second["id"]
    assert BusyTime.objects.values("party").distinct().count() == 2


def test_when_the_first_of_a_session_leaves_the_rest_keep_together(salon: Salon) -> None:
    salon.service.max_capacity = 3
    salon.service.save()
    first = salon.book()
    second = salon.book(client_id=salon.bob.pk, session_of=first["id"])
    salon.put(first, {"start_at": "2026-03-24 14:00", "end_at": "2026-03-24 15:00"})
    assert salon.get(first).json()["session_id"] == first["id"]
    assert salon.get(second).json()["session_id"] == second["id"]


def test_to_provisional_asks_the_client_anew(salon: Salon) -> None:
    booking = salon.book()
    told(booking)
    asked = salon.put(booking, {"status": "provisional"}).json()
    assert asked["provisional_token"]
    assert jobs(booking)[1:] == [("booking.provisional", "pending")]
    confirmed = salon.put(booking, {"status": "scheduled"}).json()
    assert confirmed["provisional_token"] is None
    assert jobs(booking)[1:] == [("booking.provisional", "cancelled"), ("booking.created", "pending")]


def test_a_client_who_gets_a_cancelled_booking_back_hears_that_it_is_cancelled(salon: Salon) -> None:
    booking = salon.book()
    run_due(at_most=10)
    for change in (
        {"status": "completed"},
        {"client_id": salon.bob.pk},
        {"status": "cancelled"},
        {"client_id": salon.alice.pk},
    ):
        assert salon.put(booking, change).status_code == 200
    pending = Job.objects.filter(type="booking.cancelled", state="pending").values_list(
        "recipient", flat=True
    )
    assert f"client:{salon.alice.pk}" in pending
    run_due(at_most=10)
    assert Booking.objects.get().announced_as == ""
