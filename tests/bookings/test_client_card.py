"""GET /api/clients/:id/card: who a client is to the salon, at one glance (contract §11 "the desk")."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from time_machine import Traveller

from bookings.models import Visit
from clients.models import Client
from notifications.models import Message
from staff.models import SalonSettings, Staff
from tests.cast.bookings import MORNING, Salon, make_cast
from tests.cast.factories import caller

pytestmark = [pytest.mark.django_db, pytest.mark.clock_at(MORNING)]


@pytest.fixture
def salon() -> Salon:
    return make_cast()


def card(salon: Salon, who: Staff) -> Any:
    answer = caller(who).get(f"/api/clients/{salon.alice.pk}/card")
    assert answer.status_code == 200, answer.content
    return answer.json()


def day(number: int, hour: int = 10) -> dict[str, str]:
    return {
        "start_at": f"2026-03-{number:02} {hour:02}:00",
        "end_at": f"2026-03-{number:02} {hour + 1:02}:00",
    }


def test_somebody_new(salon: Salon) -> None:
    Client.objects.filter(pk=salon.alice.pk).update(alert="Allergic to ammonia")
    body = card(salon, salon.bea)
    assert body == {
        "client": caller(salon.bea).get(f"/api/clients/{salon.alice.pk}").json(),
        "counts": {"visits": 0, "no_shows": 0, "late_cancels": 0},
        "next": [],
        "last": [],
        "messages": [],
    }
    assert body["client"]["alert"] == "Allergic to ammonia"


def test_what_came_of_the_visits_what_is_next_and_what_was_said(salon: Salon) -> None:
    done = salon.book(**day(10))
    missed = salon.book(**day(11))
    gone = salon.book(**day(26))
    soon, running = salon.book(**day(24)), salon.book(**day(20, 9))
    open_still = salon.book(**day(12))
    salon.book(client_id=salon.bob.pk, **day(25))
    salon.put(done, {"status": "completed"})
    salon.put(missed, {"status": "no-show"})
    salon.delete(gone)
    Visit.objects.filter(pk=gone["visit_id"]).update(late=True)
    body = card(salon, salon.bea)
    assert body["counts"] == {"visits": 1, "no_shows": 1, "late_cancels": 1}
    assert [each["booking_ids"] for each in body["next"]] == [[running["id"]], [soon["id"]]]
    assert [each["booking_ids"] for each in body["last"]] == [
        [gone["id"]],
        [open_still["id"]],
        [missed["id"]],
        [done["id"]],
    ]
    assert body["next"][1] == caller(salon.bea).get(f"/api/visits/{soon['visit_id']}").json()
    newest = Message.objects.order_by("-id")[0]
    assert body["messages"][0] == {
        "id": newest.pk,
        "type": "booking.cancelled",
        "to": "alice@example.com",
        "channel": "email",
        "state": "waiting",
        "reason": "",
        "subject": "",
        "booking_id": gone["id"],
        "visit_id": gone["visit_id"],
        "created_at": "2026-03-20 09:00:00",
        "sent_at": None,
    }
    assert [each["id"] for each in body["messages"]] == list(
        Message.objects.filter(client_id=salon.alice.pk).order_by("-id").values_list("id", flat=True)
    )


def test_at_most_ten_visits_each_way_and_twenty_messages(salon: Salon, clock: Traveller) -> None:
    for number in range(12):
        salon.book(**day(4, 8 + number))
        salon.book(**day(26, 8 + number))
        clock.shift(timedelta(seconds=1))
    for number in range(12):
        salon.book(**day(27, 8 + number))
    who = caller(salon.bea)
    with CaptureQueriesContext(connection) as seen:
        body = who.get(f"/api/clients/{salon.alice.pk}/card").json()
    assert (len(body["next"]), len(body["last"]), len(body["messages"])) == (10, 10, 20)
    assert body["next"][0]["start_at"] == "2026-03-26 08:00:00"
    assert body["last"][0]["start_at"] == "2026-03-04 19:00:00"
    assert len(seen) == 7, [query["sql"] for query in seen]


def test_who_sees_their_own_agenda_sees_their_own_of_it(salon: Salon) -> None:
    SalonSettings.objects.update(staff_personal_agenda_enabled=True)
    own = salon.book(**day(24))
    others = salon.book(staff_id=salon.cora.pk, **day(25))
    salon.put(salon.book(staff_id=salon.cora.pk, **day(10)), {"status": "completed"})
    body = card(salon, salon.bea)
    assert body["counts"] == {"visits": 0, "no_shows": 0, "late_cancels": 0}
    assert [each["booking_ids"] for each in body["next"]] == [[own["id"]]]
    assert body["last"] == []
    assert {each["booking_id"] for each in body["messages"]} == {own["id"]}
    assert {each["booking_id"] for each in card(salon, salon.ada)["messages"]} >= {own["id"], others["id"]}


def test_there_is_no_card_of_nobody(salon: Salon) -> None:
    assert caller(salon.ada).get("/api/clients/999/card").status_code == 404
