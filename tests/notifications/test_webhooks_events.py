"""Which change is which event, written with the change (docs/adr/0053)."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bookings import lifecycle
from bookings.models import Booking
from notifications.models import Job, WebhookDelivery
from staff.access.actor import SYSTEM
from tests.cast.bookings import MORNING, Salon, make_cast, stored
from tests.cast.factories import caller
from tests.cast.webhooks import add_endpoint, events, webhook_jobs

pytestmark = [pytest.mark.django_db, pytest.mark.clock_at(MORNING)]

URL = "http://127.0.0.1:9/hooks"


@pytest.fixture
def salon(settings: Any) -> Salon:
    settings.WEBHOOK_ALLOW_PRIVATE = True
    return make_cast()


def test_a_new_booking_is_one_event_for_every_active_endpoint_that_wants_it(salon: Salon) -> None:
    everything = add_endpoint(salon, URL)
    wants = add_endpoint(salon, URL, events=["booking.created", "booking.cancelled"])
    add_endpoint(salon, URL, events=["booking.updated"])
    add_endpoint(salon, URL, is_active=False)
    booking = salon.book()
    assert events() == [("booking.created", booking["id"])] * 2
    jobs = webhook_jobs()
    assert [(job.booking_id, job.recipient, job.state) for job in jobs] == [
        (booking["id"], f"webhook:{everything['id']}", "pending"),
        (booking["id"], f"webhook:{wants['id']}", "pending"),
    ]
    assert [job.payload for job in jobs] == [{}, {}]
    assert not hasattr(jobs[0], "message")
    ids = set(WebhookDelivery.objects.values_list("message_id", flat=True))
    assert len(ids) == 2
    assert set(WebhookDelivery.objects.values_list("body", flat=True)) == {""}


@pytest.mark.parametrize(
    ("changes", "event"),
    [
        ({"notes": "By the window"}, "booking.updated"),
        ({"start_at": "2026-03-24 12:00", "end_at": "2026-03-24 13:00"}, "booking.updated"),
        ({"persons": 1, "internal_notes": "x"}, "booking.updated"),
        ({"status": "completed"}, "booking.status_changed"),
        ({"status": "no-show", "notes": "rang twice"}, "booking.status_changed"),
        ({"status": "provisional"}, "booking.status_changed"),
        ({"status": "cancelled"}, "booking.cancelled"),
        ({"status": "cancelled", "notes": "ill"}, "booking.cancelled"),
    ],
)
def test_a_change_is_exactly_one_event(salon: Salon, changes: dict[str, Any], event: str) -> None:
    booking = salon.book()
    add_endpoint(salon, URL)
    assert salon.put(booking, changes).status_code == 200
    assert events() == [(event, booking["id"])]


def test_another_client_staff_member_or_service_is_an_update(salon: Salon) -> None:
    booking = salon.book()
    add_endpoint(salon, URL)
    salon.put(booking, {"client_id": salon.bob.pk})
    salon.put(booking, {"staff_id": salon.cora.pk})
    assert events() == [("booking.updated", booking["id"])] * 2


def test_deleting_cancels_and_restoring_is_a_change_of_status(salon: Salon) -> None:
    booking = salon.book()
    add_endpoint(salon, URL)
    salon.delete(booking)
    salon.delete(booking)
    salon.put(booking, {"status": "scheduled"})
    assert [event for event, _ in events()] == ["booking.cancelled", "booking.status_changed"]


@pytest.mark.parametrize("changes", [{}, {"notes": ""}, {"status": "scheduled"}, {"unknown": 1}])
def test_what_changes_nothing_is_no_event(salon: Salon, changes: dict[str, Any]) -> None:
    booking = salon.book()
    add_endpoint(salon, URL)
    assert salon.put(booking, changes).status_code == 200
    assert events() == []


def test_a_refusal_is_no_event(salon: Salon) -> None:
    booking = salon.book()
    add_endpoint(salon, URL)
    before = stored()
    refused = [
        caller(salon.ada).post("/api/bookings", salon.order(), format="json").status_code,
        caller(salon.ada).post("/api/bookings", salon.order(client_id=900000999), format="json").status_code,
        salon.put(booking, {"start_at": "2026-03-24 12:00"}).status_code,
        salon.put(booking, {"notes": "x"}, **{"if-match": '"7"'}).status_code,
    ]
    assert refused == [409, 400, 400, 412]
    assert (stored(), WebhookDelivery.objects.count()) == (before, 0)


def test_the_client_who_accepts_or_declines_changes_the_status_or_cancels(salon: Salon) -> None:
    first = salon.book(provisional=True)
    second = salon.book(provisional=True, start_at="2026-03-25 10:00", end_at="2026-03-25 11:00")
    add_endpoint(salon, URL)
    lifecycle.accept(token=first["provisional_token"])
    lifecycle.decline(token=second["provisional_token"])
    assert events() == [("booking.status_changed", first["id"]), ("booking.cancelled", second["id"])]


def test_a_request_that_lapses_is_cancelled(salon: Salon) -> None:
    booking = salon.book(provisional=True)
    add_endpoint(salon, URL)
    expires_at = Booking.objects.get(pk=booking["id"]).provisional_expires_at
    assert lifecycle.lapse_due(now=expires_at) == 1
    assert events() == [("booking.cancelled", booking["id"])]


def test_every_occurrence_of_a_series_is_created(salon: Salon) -> None:
    add_endpoint(salon, URL)
    booking = salon.book(recurrence="FREQ=WEEKLY;COUNT=3")
    ids = [each["id"] for each in booking["occurrences"]]
    assert events() == [("booking.created", each) for each in ids]


def test_a_session_that_moves_is_an_event_for_each_of_its_bookings(salon: Salon) -> None:
    salon.service.max_capacity = 4
    salon.service.save()
    first = salon.book()
    second = salon.book(client_id=salon.bob.pk, session_of=first["id"])
    add_endpoint(salon, URL)
    lifecycle.change_session(actor=SYSTEM, session_id=first["id"], changes={"notes": "bring towels"})
    assert events() == [("booking.updated", first["id"]), ("booking.updated", second["id"])]


def test_a_merge_of_clients_is_an_update_of_each_booking_that_moves(salon: Salon) -> None:
    booking = salon.book()
    add_endpoint(salon, URL)
    answer = caller(salon.ada).post(
        f"/api/clients/{salon.alice.pk}/merge", {"into": salon.bob.pk}, format="json"
    )
    assert answer.status_code == 200
    assert events() == [("booking.updated", booking["id"])]


def test_that_the_client_comes_is_an_update_once(salon: Salon) -> None:
    booking = salon.book()
    add_endpoint(salon, URL)
    for says in (True, True, False):
        answer = caller(salon.ada).put(
            f"/api/visits/{booking['visit_id']}", {"client_confirmed": says}, format="json"
        )
        assert answer.status_code == 200
    assert events() == [("booking.updated", booking["id"])] * 2


def test_with_nobody_to_tell_it_costs_one_statement(salon: Salon) -> None:
    who, booking = caller(salon.ada), salon.book()
    add_endpoint(salon, URL, events=["booking.cancelled"])
    add_endpoint(salon, URL, is_active=False)
    with CaptureQueriesContext(connection) as seen:
        who.put(f"/api/bookings/{booking['id']}", {"notes": "x"}, format="json")
    about = [query["sql"] for query in seen if "webhook" in query["sql"]]
    assert (len(about), events(), webhook_jobs()) == (1, [], [])


@pytest.mark.parametrize("endpoints", [1, 4])
def test_telling_costs_the_same_however_many_are_told(salon: Salon, endpoints: int) -> None:
    booking = salon.book()
    for _ in range(endpoints):
        add_endpoint(salon, URL)
    who = caller(salon.ada)
    with CaptureQueriesContext(connection) as seen:
        who.put(f"/api/bookings/{booking['id']}", {"notes": "x"}, format="json")
    about = [query["sql"] for query in seen if "webhook" in query["sql"]]
    assert (len(about), len(events())) == (4, endpoints)
    assert Job.objects.filter(type="webhook.deliver").count() == endpoints
