"""GET /api/bookings, one, /changes and /messages: shapes, order, filters, statements (contract §1.2)."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from bookings.models import Booking, Visit
from tests.cast.bookings import MORNING, Salon, make_cast, stored
from tests.cast.factories import caller, make_client, make_salon

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.clock_at(MORNING)]


@pytest.fixture
def salon() -> Salon:
    return make_cast()


def at(hour: int, day: int = 24) -> dict[str, str]:
    return {"start_at": f"2026-03-{day} {hour:02}:00:00", "end_at": f"2026-03-{day} {hour:02}:30:00"}


def starts(answer: Any) -> list[str]:
    return [each["start_at"] for each in answer.json()]


def test_without_page_a_bare_array_newest_start_first_without_cancelled(salon: Salon) -> None:
    early, late, cancelled = salon.book(**at(9)), salon.book(**at(12)), salon.book(**at(11))
    salon.delete(cancelled)
    answer = caller(salon.bea).get("/api/bookings?limit=1")
    expected = [{key: value for key, value in each.items() if key != "warnings"} for each in (late, early)]
    assert answer.json() == expected
    assert caller(salon.bea).get("/api/bookings/").status_code == 200


def test_the_same_start_is_ordered_by_id_descending(salon: Salon) -> None:
    first = salon.book(**at(9))
    second = salon.book(**at(9), staff_id=salon.cora.pk)
    assert [each["id"] for each in caller(salon.bea).get("/api/bookings").json()] == [
        second["id"],
        first["id"],
    ]


def test_with_page_a_page_object(salon: Salon) -> None:
    for hour in (9, 10, 11):
        salon.book(**at(hour))
    page = caller(salon.bea).get("/api/bookings?page=2&limit=2").json()
    assert {key: page[key] for key in ("total", "page", "limit", "pages")} == {
        "total": 3,
        "page": 2,
        "limit": 2,
        "pages": 2,
    }
    assert [each["start_at"] for each in page["items"]] == ["2026-03-24 09:00:00"]
    assert caller(salon.bea).get("/api/bookings?page=9").json()["items"] == []
    assert caller(salon.bea).get("/api/bookings?page=1&limit=900").json()["limit"] == 200


@pytest.mark.parametrize(
    "query",
    [
        "page=0",
        "page=-1",
        "page=1.5",
        "page=x",
        "page=",
        "limit=0",
        "page=1&limit=x",
        "page=１",
        "staff_id=abc",
        "staff_id=",
        "client_id=1.5",
        "service_id=0",
        "location_id=99999999999999999999999",
        "status=done",
        "date_from=2026-3-1",
        "date_to=2026-02-30",
        "order=down",
        "search=" + "x" * 201,
    ],
)
def test_a_bad_parameter_is_400(salon: Salon, query: str) -> None:
    answer = caller(salon.bea).get(f"/api/bookings?{query}")
    assert answer.status_code == 400
    assert query.rpartition("&")[2].partition("=")[0] in answer.json()["details"]


def test_filters_narrow_the_list(salon: Salon) -> None:
    salon.book(**at(9))
    salon.book(**at(9, day=25), staff_id=salon.cora.pk, client_id=salon.bob.pk)
    cancelled = salon.book(**at(15))
    salon.delete(cancelled)
    who = caller(salon.bea)
    nine, next_day, three = "2026-03-24 09:00:00", "2026-03-25 09:00:00", "2026-03-24 15:00:00"
    assert starts(who.get("/api/bookings?date_from=2026-03-25")) == [next_day]
    assert starts(who.get("/api/bookings?date_to=2026-03-24")) == [nine]
    assert starts(who.get("/api/bookings?date_from=2026-03-24&date_to=2026-03-25&order=asc")) == [
        nine,
        next_day,
    ]
    assert starts(who.get(f"/api/bookings?staff_id={salon.cora.pk}")) == [next_day]
    assert starts(who.get(f"/api/bookings?client_id={salon.alice.pk}")) == [nine]
    assert starts(who.get("/api/bookings?status=cancelled")) == [three]
    assert starts(who.get("/api/bookings?search=brown bob")) == [next_day]
    assert starts(who.get("/api/bookings?search=alice@")) == [nine]
    assert starts(who.get("/api/bookings?search=%2B3120")) == [nine]


@pytest.mark.parametrize("search", ["06 1234 5678", "0612345678", "+31612345678", "ÖZEN", "cleo özen"])
def test_search_finds_numbers_as_dialled_and_names_in_any_case(salon: Salon, search: str) -> None:
    cleo = make_client("Cleo", "Özen", mobile="+31612345678")
    salon.book(**at(9))
    salon.book(**at(12), client_id=cleo.pk)
    found = caller(salon.bea).get("/api/bookings", {"search": search})
    assert starts(found) == ["2026-03-24 12:00:00"]


def test_the_list_needs_a_login(salon: Salon) -> None:
    answer = caller().get("/api/bookings")
    assert answer.status_code == 401
    assert set(answer.json()) == {"error", "code"}


def test_the_personal_agenda_shows_ones_own_and_admins_all(salon: Salon) -> None:
    salon.book(**at(9))
    salon.book(**at(10), staff_id=salon.cora.pk)
    make_salon(staff_personal_agenda_enabled=True)
    assert starts(caller(salon.bea).get("/api/bookings")) == ["2026-03-24 09:00:00"]
    assert len(starts(caller(salon.ada).get("/api/bookings"))) == 2


def test_a_first_page_begins_as_the_whole_list_whoever_asks_for_whatever(salon: Salon) -> None:
    """Its statement is written once for the same filters: neither values nor callers may stay in it."""
    salon.delete(salon.book(**at(9)))
    for number, staff in enumerate([salon.bea, salon.cora, salon.cora, salon.bea, salon.bea]):
        salon.book(**at(10 + number, day=24 + number % 2), staff_id=staff.pk)
    salon.book(**at(16), provisional=True)
    make_salon(staff_personal_agenda_enabled=True)
    people: list[Any] = [salon.cora.pk, salon.bea.pk, 10**18]
    choices: dict[str, list[Any]] = {
        "staff_id": people,
        "client_id": [salon.alice.pk, 10**18],
        "service_id": [salon.service.pk, 10**18],
        "location_id": [1],
        "visit_id": [Visit.objects.latest("pk").pk],
        "date_from": ["2026-03-25", "2026-03-24"],
        "date_to": ["2026-03-24", "2026-03-25"],
        "status": ["cancelled", "scheduled", "provisional"],
        "requests_waiting": [1, 0],
        "search": ["alice", "nobody"],
        "order": ["asc", "desc"],
    }
    queries = [f"{name}={value}" for name, values in choices.items() for value in values]
    queries += [f"staff_id={each}&date_from=2026-03-{day}&order=asc" for each in people for day in (24, 25)]
    queries += [f"service_id={salon.service.pk}&status={each}" for each in choices["status"]]
    for query in ["", *queries]:
        for who in (salon.cora, salon.ada, salon.bea):
            everything = caller(who).get(f"/api/bookings?{query}").json()
            page = caller(who).get(f"/api/bookings?page=1&limit=3&{query}").json()
            assert (page["items"], page["total"]) == (everything[:3], len(everything)), query


def test_an_unknown_booking_is_404(salon: Salon) -> None:
    answer = caller(salon.bea).get("/api/bookings/900000999")
    assert (answer.status_code, answer.json()["error"]) == (404, "Booking not found")
    assert caller(salon.bea).get("/api/bookings/99999999999999999999").status_code == 404
    assert caller(salon.bea).get("/api/bookings/abc").status_code == 404


def test_an_archived_client_keeps_their_name_on_a_booking(salon: Salon) -> None:
    booking = salon.book(**at(9))
    salon.alice.archived_at = timezone.now()
    salon.alice.save()
    assert salon.get(booking).json()["client_name"] == "Alice Adams"


def test_changes_hold_back_what_is_younger_than_five_seconds(salon: Salon) -> None:
    first, second = salon.book(**at(9)), salon.book(**at(10))
    who = caller(salon.bea)
    young = who.get("/api/bookings/changes?cursor=").json()
    assert (young["items"], young["more"]) == ([], False)
    assert who.get("/api/bookings/changes").json() == young
    with time_machine.travel(timezone.now() + timedelta(seconds=6), tick=False):
        page = who.get(f"/api/bookings/changes?limit=1&cursor={young['cursor']}").json()
        assert ([each["id"] for each in page["items"]], page["more"]) == ([first["id"]], True)
        rest = who.get(f"/api/bookings/changes?cursor={page['cursor']}").json()
        assert ([each["id"] for each in rest["items"]], rest["more"]) == ([second["id"]], False)
        salon.delete(first)
    with time_machine.travel(timezone.now() + timedelta(seconds=20), tick=False):
        after = who.get(f"/api/bookings/changes?cursor={rest['cursor']}").json()
        assert [(each["id"], each["status"]) for each in after["items"]] == [(first["id"], "cancelled")]


@pytest.mark.parametrize("cursor", ["x", " ", "MTI", "é", "MToyOjM"])
def test_a_cursor_of_somebody_else_is_400(salon: Salon, cursor: str) -> None:
    answer = caller(salon.bea).get("/api/bookings/changes", {"cursor": cursor})
    assert (answer.status_code, list(answer.json()["details"])) == (400, ["cursor"])


def test_messages_say_what_to_whom_and_when(salon: Salon) -> None:
    booking = salon.book(**at(9))
    (message,) = caller(salon.bea).get(f"/api/bookings/{booking['id']}/messages").json()
    assert message == {
        "id": message["id"],
        "type": "booking.created",
        "to": "alice@example.com",
        "channel": "email",
        "state": "waiting",
        "reason": "",
        "subject": "",
        "html": "",
        "text": "",
        "message_id": message["message_id"],
        "created_at": "2026-03-20 09:00:00",
        "sent_at": None,
    }
    assert message["message_id"].startswith("<")


def test_writes_take_a_bounded_number_of_statements(salon: Salon) -> None:
    who = caller(salon.bea)
    body = salon.order()
    with CaptureQueriesContext(connection) as create:
        booking = who.post("/api/bookings", body, format="json").json()
    moved = {"start_at": "2026-03-24 12:00", "end_at": "2026-03-24 13:00"}
    with CaptureQueriesContext(connection) as update:
        assert who.put(f"/api/bookings/{booking['id']}", moved, format="json").status_code == 200
    with CaptureQueriesContext(connection) as delete:
        assert who.delete(f"/api/bookings/{booking['id']}").status_code == 200
    assert (len(create) <= 21, len(update) <= 23, len(delete) <= 20) == (True, True, True), (
        len(create),
        len(update),
        len(delete),
    )


def test_a_write_answers_what_is_then_stored(salon: Salon) -> None:
    """It prints the row that it has written; whoever reads afterwards finds the same."""
    who, service = caller(salon.bea), salon.service
    service.price, service.max_capacity = Decimal("12.345"), 4
    service.save()
    order = salon.order(
        notes=" ünder\u2028 ", internal_notes="\\ %s", persons=3, price="7.5", staff_requested=True
    )
    created = who.post("/api/bookings", order, format="json").json()
    path = f"/api/bookings/{created['id']}"
    seat = {**order, "client_id": salon.bob.pk, "persons": 1, "session_of": created["id"]}
    joined = who.post("/api/bookings", seat, format="json").json()
    assert_same(who, f"/api/bookings/{joined['id']}", joined)
    assert joined["session_id"] == created["id"]
    answers = [created]
    for changes in (
        {"start_at": "2026-03-24 12:07:00", "end_at": "2026-03-24 13:00:00"},
        {"status": "scheduled", "notes": "as it is"},
        {"price": None},
        {"status": "provisional"},
        {"status": "scheduled"},
        {"client_id": salon.bob.pk, "staff_id": salon.cora.pk},
        {"status": "completed"},
        {"status": "completed"},
    ):
        assert_same(who, path, answers[-1])
        answers.append(who.patch(path, changes, format="json").json())
    assert_same(who, path, answers[-1])
    assert_same(who, path, who.delete(path).json())


def assert_same(who: APIClient, path: str, answer: dict[str, Any]) -> None:
    answer.pop("warnings", None)
    assert who.get(path).json() == answer


def test_a_broken_request_never_breaks_the_list(salon: Salon) -> None:
    before = stored()
    for body in ('{"client_id": 1e999}', "[" * 1000, '{"notes": "\\ud800"}', '{"notes": "\\u0000"}'):
        answer = caller(salon.bea).generic("POST", "/api/bookings", body, content_type="application/json")
        assert answer.status_code == 400
    assert stored() == before
    assert caller(salon.bea).get("/api/bookings").status_code == 200
    assert not Booking.objects.exists()
