"""The SimpleSpa wire format: appointments.php and write/appointment-status.php (contract §2, §5)."""

from __future__ import annotations

from datetime import timedelta
from itertools import chain
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from bookings.models import Booking, BookingEvent
from notifications.models import Job
from tests.cast.bookings import MORNING, Salon, jobs, make_cast, stored, told
from tests.cast.dialects import assert_same_shape, example
from tests.cast.factories import caller, make_key
from tests.cast.races import at_once

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.clock_at(MORNING)]

READ = "/api/v1/appointments.php"
WRITE = "/api/v1/write/appointment-status.php"
CODES = {
    0: ("scheduled", "new", "New"),
    5: ("scheduled", "rebooked", "Rebooked"),
    7: ("provisional", "", "Request"),
    10: ("scheduled", "online", "Online"),
    12: ("provisional", "pending_payment", "Payment Due"),
    15: ("cancelled", "", "Canceled"),
    17: ("no-show", "", "No-Show"),
    20: ("scheduled", "", "Confirmed"),
    22: ("scheduled", "confirmed_no_sms", "Confirmed (No SMS)"),
    25: ("scheduled", "arrived", "Arrived"),
    30: ("completed", "paid", "Paid"),
    40: ("completed", "", "Completed"),
}
MARCH = {"start": "2026-03-01", "end": "2026-03-31"}


@pytest.fixture
def salon() -> Salon:
    return make_cast()


def key(mode: int = 3, dialect: str = "simplespa") -> str:
    return make_key(dialect=dialect, mode=mode)[1]


def call(path: str, body: Any, secret: str | None) -> Any:
    return caller(secret).post(path, body, format="json")


def test_the_documents_example_key_by_key(salon: Salon) -> None:
    salon.alice.mobile = "555-1234"
    salon.alice.save()
    booking = salon.book()
    answer = call(READ, {**MARCH, "status": 20, "page": 1, "per_page": 10}, key())
    assert answer.status_code == 200
    assert_same_shape(answer.json(), example("simplespa_appointments"))
    assert answer.json() == {
        "success": True,
        "appointments": [
            {
                "appointment_id": str(booking["id"]),
                "created_at": "2026-03-20 09:00:00",
                "start": "2026-03-24 10:00:00",
                "end": "2026-03-24 11:00:00",
                "status": 20,
                "status_label": "Confirmed",
                "client": {
                    "client_id": str(salon.alice.pk),
                    "first_name": "Alice",
                    "last_name": "Adams",
                    "mobile": "555-1234",
                    "email": "alice@example.com",
                },
                "service": {"service_id": str(salon.service.pk), "service_name": "Haircut"},
                "staff": {"staff_id": str(salon.bea.pk), "staff_name": "Bea Bakker"},
            }
        ],
        "page": 1,
        "per_page": 10,
        "total_results": 1,
    }


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"start": "2026-03-01"}, 400),
        ({"start": "2026-01-01", "end": "2026-04-03"}, 200),
        ({"start": "2026-01-01", "end": "2026-04-04"}, 400),
        ({"start": "2026-03-02", "end": "2026-03-01"}, 400),
        ({"start": "2026-3-2", "end": "2026-03-09"}, 400),
        ({**MARCH, "status": 21}, 400),
        ({**MARCH, "status": True}, 400),
        ({**MARCH, "client_id": "x"}, 400),
        ({**MARCH, "page": 0}, 400),
        ({**MARCH, "per_page": "many"}, 400),
        ({"created_before": "2026-03-21T00:00:00Z"}, 200),
        ({"created_before": "2026-03-21T00:00:00Z", "end": "2026-03-31"}, 200),
        ({"created_before": "2026-03-21T00:00:00Z", "start": "2026-01-01", "end": "2026-04-04"}, 400),
        ({"created_after": "yesterday"}, 400),
        ({"created_after": "2026-03-20T08:00:00Z", "start": "nonsense"}, 200),
    ],
)
def test_what_is_asked_for_is_checked(salon: Salon, body: dict[str, Any], status: int) -> None:
    answer = call(READ, body, key())
    assert answer.status_code == status, answer.json()
    if status == 400:
        assert {"success", "statusCode", "message", "errors"} == set(answer.json())
        assert (answer.json()["success"], answer.json()["statusCode"]) == (False, 400)


def test_more_than_a_thousand_per_page_is_a_thousand(salon: Salon) -> None:
    assert call(READ, {**MARCH, "per_page": 5000}, key()).json()["per_page"] == 1000


def test_filters_and_windows_find_what_they_say(salon: Salon) -> None:
    early = salon.book()
    with time_machine.travel("2026-03-21T08:00:00Z", tick=False):
        late = salon.book(client_id=salon.bob.pk, staff_id=salon.cora.pk, start_at="2026-03-24 09:00:00")
    secret = key()

    def ids(**body: Any) -> list[str]:
        return [each["appointment_id"] for each in call(READ, body, secret).json()["appointments"]]

    first, second = str(early["id"]), str(late["id"])
    assert ids(**MARCH) == [second, first]
    assert ids(created_after="2026-03-01T00:00:00Z") == [first, second]
    assert ids(created_after="2026-03-21T08:00:00Z") == [second]
    assert ids(created_before="2026-03-21T08:00:00Z") == [first]
    assert ids(**MARCH, created_before="2026-03-22T08:00:00Z") == [second, first]
    assert ids(start="2026-03-25", end="2026-03-31", created_before="2026-03-22T08:00:00Z") == []
    assert ids(start="2026-03-25", end="2026-03-31", created_after="2026-03-01T00:00:00Z") == [first, second]
    assert ids(**MARCH, client_id=str(salon.bob.pk)) == [second]
    assert ids(**MARCH, staff_id=salon.bea.pk) == [first]
    assert ids(**MARCH, service_id="900000999") == []
    assert ids(**MARCH, page=2, per_page=1) == [first]
    assert ids(start="2026-03-24", end="2026-03-24") == [second, first]
    assert ids(start="2026-03-25", end="2026-03-25") == []


@pytest.mark.parametrize("code", CODES)
def test_every_code_comes_back_as_it_was_written(salon: Salon, code: int) -> None:
    status, detail, label = CODES[code]
    booking = salon.book()
    if code == 20:
        salon.put(booking, {"status": "completed"})
    secret = key()
    written = call(WRITE, {"appointment_id": str(booking["id"]), "status": code}, secret)
    assert written.status_code == 200
    assert written.json() == {
        "success": True,
        "appointment_id": str(booking["id"]),
        "old_status": 40 if code == 20 else 20,
        "new_status": code,
        "status": code,
        "status_label": label,
        "message": "Appointment status updated",
    }
    row = Booking.objects.get()
    assert (row.status, row.status_detail, row.provisional_token) == (status, detail, None)
    (shown,) = call(READ, {**MARCH, "status": code}, secret).json()["appointments"]
    assert (shown["status"], shown["status_label"]) == (code, label)


def test_the_code_it_already_shows_changes_nothing_but_the_audit_trail(salon: Salon) -> None:
    booking = salon.book()
    Booking.objects.update(status_detail="in_progress")
    before = stored()
    body = {"appointment_id": booking["id"], "status": 25, "reason": "again"}
    answer = call(WRITE, body, key())
    assert (answer.status_code, answer.json()["old_status"]) == (200, 25)
    audit = BookingEvent._meta.label
    assert {**stored(), audit: before[audit]} == before
    event = BookingEvent.objects.latest("id")
    assert (event.door, event.reason, event.changes) == ("simplespa", "again", {})


def test_a_cancellation_sets_the_native_effects_in_motion(salon: Salon) -> None:
    booking = salon.book()
    told(booking)
    call(WRITE, {"appointment_id": str(booking["id"]), "status": 15, "reason": "flu"}, key())
    assert jobs(booking)[1:] == [("booking.cancelled", "pending")]
    event = BookingEvent.objects.latest("id")
    assert (event.actor_type, event.to_status, event.reason) == ("api_key", "cancelled", "flu")


def test_a_provisional_code_asks_nobody_and_never_lapses(salon: Salon) -> None:
    booking = salon.book()
    told(booking)
    call(WRITE, {"appointment_id": str(booking["id"]), "status": 7}, key())
    assert not Job.objects.filter(type="booking.provisional").exists()
    assert Booking.objects.get().provisional_expires_at is None


@pytest.mark.parametrize(
    ("path", "secret", "status"),
    [
        (READ, None, 401),
        (READ, "nonsense", 401),
        (READ, (3, "native"), 401),
        (READ, (2, "simplespa"), 403),
        (READ, (1, "simplespa"), 200),
        (READ, (3, "simplespa"), 200),
        (WRITE, None, 401),
        (WRITE, (1, "simplespa"), 403),
        (WRITE, (3, "amelia"), 401),
        (WRITE, (2, "simplespa"), 200),
        (WRITE, (3, "simplespa"), 200),
    ],
)
def test_keys_do_what_their_mode_says(salon: Salon, path: str, secret: Any, status: int) -> None:
    booking = salon.book()
    given = key(*secret) if isinstance(secret, tuple) else secret
    body = MARCH if path == READ else {"appointment_id": str(booking["id"]), "status": 25}
    answer = call(path, body, given)
    assert answer.status_code == status, answer.json()
    if status != 200:
        assert answer.json()["statusCode"] == status
        assert len(answer.json()["errors"]) == 1
    if status == 403:
        assert answer.json()["errors"][0]["code"] == "permission_denied"


def test_a_simplespa_key_is_no_native_key(salon: Salon) -> None:
    assert caller(key()).get("/api/bookings").status_code == 401


def test_only_post_answers(salon: Salon) -> None:
    answer = caller(key()).get(READ)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST, OPTIONS")
    assert answer.json()["statusCode"] == 405


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"appointment_id": "900000999"}, 404),
        ({"appointment_id": None}, 400),
        ({"appointment_id": "abc"}, 400),
        ({"status": 21}, 400),
        ({"status": None}, 400),
        ({"reason": "x" * 501}, 400),
        ({"reason": 5}, 400),
    ],
)
def test_a_refused_write_stores_nothing(salon: Salon, changes: dict[str, Any], status: int) -> None:
    booking = salon.book()
    before = stored()
    answer = call(WRITE, {"appointment_id": str(booking["id"]), "status": 40, **changes}, key())
    assert (answer.status_code, answer.json()["statusCode"]) == (status, status)
    assert stored() == before


def test_ten_writes_a_minute_slide(salon: Salon) -> None:
    booking = salon.book()
    secret = key()
    body = {"appointment_id": str(booking["id"]), "status": 25}
    assert [call(WRITE, body, secret).status_code for _ in range(12)] == [200] * 10 + [429] * 2
    refused = call(WRITE, body, secret)
    assert (refused.json()["statusCode"], refused.headers["Retry-After"]) == (429, "60")
    with time_machine.travel(timezone.now() + timedelta(seconds=60), tick=False):
        assert call(WRITE, body, secret).status_code == 200


def test_a_refused_write_counts_too(salon: Salon) -> None:
    secret = key()
    statuses = [
        call(WRITE, {"appointment_id": "900000999", "status": 25}, secret).status_code for _ in range(11)
    ]
    assert statuses == [404] * 10 + [429]


def test_forty_writes_at_once_let_exactly_ten_through(salon: Salon) -> None:
    booking = salon.book()
    secret = key()

    def write_five() -> list[int]:
        body = {"appointment_id": str(booking["id"]), "status": 25}
        return [call(WRITE, body, secret).status_code for _ in range(5)]

    answers = at_once(*[write_five] * 8)
    assert sorted(chain(*answers)) == [200] * 10 + [429] * 30


def test_an_unknown_path_and_a_broken_body_answer_in_the_vendors_form(salon: Salon) -> None:
    unknown = call("/api/v1/nothing.php", {}, key())
    assert (unknown.status_code, unknown.json()["statusCode"]) == (404, 404)
    broken = caller(key()).generic("POST", READ, "{", content_type="application/json")
    assert (broken.status_code, broken.json()["success"]) == (400, False)
