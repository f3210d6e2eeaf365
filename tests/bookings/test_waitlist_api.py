"""/api/waitlist (contract §1.5)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from bookings.models import WaitlistEntry
from notifications.models import Job
from staff.models import Service, Staff
from tests.cast.availability import MONDAY_NOON
from tests.cast.bookings import Salon, make_cast
from tests.cast.factories import caller, make_client, make_key, make_salon, make_service

pytestmark = [pytest.mark.django_db, pytest.mark.clock_at(MONDAY_NOON)]
TUESDAY = "2026-11-24"


@pytest.fixture
def salon() -> Salon:
    return make_cast()


def wanted(salon: Salon, **changes: Any) -> dict[str, Any]:
    return {"client_id": salon.alice.pk, "service_id": salon.service.pk, "date": TUESDAY, **changes}


def post(salon: Salon, who: Staff | str | None = None, **changes: Any) -> Any:
    return caller(who or salon.bea).post("/api/waitlist", wanted(salon, **changes), format="json")


def added(salon: Salon, **changes: Any) -> dict[str, Any]:
    answer = post(salon, **changes)
    assert answer.status_code == 201, answer.content
    body: dict[str, Any] = answer.json()
    return body


def put(salon: Salon, entry: dict[str, Any], **changes: Any) -> Any:
    return caller(salon.bea).put(f"/api/waitlist/{entry['id']}", changes, format="json")


def set_status(entry: dict[str, Any], status: str) -> None:
    WaitlistEntry.objects.filter(pk=entry["id"]).update(status=status)


def ids(answer: Any) -> list[int]:
    assert answer.status_code == 200
    return [each["id"] for each in answer.json()["items"]]


def test_an_entry_is_answered_whole(salon: Salon) -> None:
    body = added(salon, staff_id=salon.cora.pk, notes="mornings", status="booked")
    assert body == {
        "id": body["id"],
        "client_id": salon.alice.pk,
        "service_id": salon.service.pk,
        "staff_id": salon.cora.pk,
        "date": TUESDAY,
        "notes": "mornings",
        "status": "waiting",
        "client_name": "Alice Adams",
        "service_name": "Haircut",
        "staff_name": "Cora Claes",
        "last_offered_at": None,
        "created_at": "2026-11-23 12:00:00",
        "updated_at": "2026-11-23 12:00:00",
    }
    assert caller(salon.cora).get(f"/api/waitlist/{body['id']}/").json() == body
    assert Job.objects.count() == 0


def test_nobody_in_particular_and_no_notes_are_the_defaults(salon: Salon) -> None:
    body = added(salon, staff_id=None, notes=None)
    assert (body["staff_id"], body["staff_name"], body["notes"]) == (None, None, "")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"client_id": None}, "client_id"),
        ({"client_id": 900000999}, "client_id"),
        ({"client_id": "1"}, "client_id"),
        ({"service_id": 900000999}, "service_id"),
        ({"staff_id": 900000999}, "staff_id"),
        ({"staff_id": 1.5}, "staff_id"),
        ({"date": None}, "date"),
        ({"date": "2026-11-22"}, "date"),
        ({"date": "2026-11-31"}, "date"),
        ({"date": "2026-11-24 10:00:00"}, "date"),
        ({"notes": 5}, "notes"),
        ({"notes": "x" * 10_001}, "notes"),
    ],
)
def test_a_malformed_entry_is_refused(salon: Salon, changes: dict[str, Any], field: str) -> None:
    entry = added(salon)
    for answer in (post(salon, **changes), put(salon, entry, **changes)):
        if changes == {"notes": "x" * 10_001}:
            assert answer.status_code == 400
            continue
        assert (answer.status_code, list(answer.json()["details"])) == (400, [field])
    assert caller(salon.bea).get(f"/api/waitlist/{entry['id']}").json() == entry
    assert WaitlistEntry.objects.count() == 1


def test_archived_clients_and_services_and_people_without_bookings_are_refused(salon: Salon) -> None:
    gone = make_client("Gus", archived_at=timezone.now())
    perm = make_service("Perm", is_active=False)
    Staff.objects.filter(pk=salon.cora.pk).update(is_active=False)
    for changes in ({"client_id": gone.pk}, {"service_id": perm.pk}, {"staff_id": salon.cora.pk}):
        answer = post(salon, **changes)
        assert (answer.status_code, list(answer.json()["details"])) == (400, list(changes))
    assert WaitlistEntry.objects.count() == 0


def test_today_on_the_salons_calendar_can_be_waited_for(salon: Salon, clock: Any) -> None:
    clock.move_to(MONDAY_NOON + timedelta(hours=12, minutes=30))
    assert post(salon, date="2026-11-23").status_code == 400
    assert added(salon, date="2026-11-24")["date"] == "2026-11-24"


def test_the_list_is_by_date_and_is_filtered_searched_and_paged(salon: Salon) -> None:
    perm = make_service("Perm")
    first = added(salon, date="2026-11-26")
    second = added(salon, client_id=salon.bob.pk, service_id=perm.pk)
    third = added(salon, staff_id=salon.cora.pk, notes="window seat")
    set_status(second, "cancelled")
    api = caller(salon.cora)

    def found(**query: Any) -> list[int]:
        return ids(api.get("/api/waitlist", {"page": 1, **query}))

    assert len(api.get("/api/waitlist").json()) == 3
    assert found() == [second["id"], third["id"], first["id"]]
    assert found(status="waiting") == [third["id"], first["id"]]
    assert (found(open=1), found(open=0)) == ([third["id"], first["id"]], [second["id"]])
    assert found(open=1, date=TUESDAY) == [third["id"]]
    assert found(date=TUESDAY) == [second["id"], third["id"]]
    assert found(service_id=perm.pk) == [second["id"]]
    assert found(client_id=salon.alice.pk) == [third["id"], first["id"]]
    assert found(staff_id=salon.cora.pk) == [third["id"]]
    assert found(search="bob") == [second["id"]]
    assert found(search="window") == [third["id"]]
    salon.bob.mobile = "+31612345678"
    salon.bob.save()
    assert found(search="06 123 456 78") == [second["id"]]
    assert found(order="-id") == [third["id"], second["id"], first["id"]]
    assert found(page=2, limit=2) == [first["id"]]
    for query in ({"status": "asleep"}, {"date": "soon"}, {"service_id": "x"}, {"client_id": "0"}):
        assert api.get("/api/waitlist", query).status_code == 400


def test_a_change_is_merged(salon: Salon) -> None:
    entry = added(salon, notes="mornings")
    answer = put(salon, entry, date="2026-11-27", staff_id=salon.bea.pk)
    assert (answer.status_code, answer.json()) == (
        200,
        entry | {"date": "2026-11-27", "staff_id": salon.bea.pk, "staff_name": "Bea Bakker"},
    )
    assert put(salon, entry, staff_id=None).json()["staff_name"] is None
    assert (
        caller(salon.bea).patch(f"/api/waitlist/{entry['id']}", {}, format="json").json()["notes"]
        == "mornings"
    )
    assert caller(salon.bea).put(f"/api/waitlist/{entry['id']}").status_code == 400


@pytest.mark.parametrize(
    ("before", "after", "status"),
    [
        ("waiting", "waiting", 200),
        ("waiting", "cancelled", 200),
        ("waiting", "notified", 400),
        ("waiting", "booked", 400),
        ("waiting", "expired", 400),
        ("waiting", "asleep", 400),
        ("notified", "notified", 200),
        ("notified", "waiting", 200),
        ("notified", "cancelled", 200),
        ("booked", "booked", 200),
        ("booked", "waiting", 200),
        ("booked", "cancelled", 409),
        ("cancelled", "waiting", 200),
        ("cancelled", "booked", 400),
        ("expired", "waiting", 200),
        ("expired", "cancelled", 200),
    ],
)
def test_staff_set_an_entry_to_waiting_or_cancelled(
    salon: Salon, before: str, after: str, status: int
) -> None:
    entry = added(salon)
    set_status(entry, before)
    answer = put(salon, entry, status=after)
    assert answer.status_code == status
    expected = after if status == 200 else before
    assert caller(salon.bea).get(f"/api/waitlist/{entry['id']}").json()["status"] == expected


def test_what_is_waited_for_changes_only_while_it_is_waited_for(salon: Salon) -> None:
    entry = added(salon)
    for status, code in (
        ("booked", "waitlist_entry_closed"),
        ("cancelled", "waitlist_entry_closed"),
        ("expired", "waitlist_entry_closed"),
        ("notified", "waitlist_offer_out"),
    ):
        set_status(entry, status)
        answer = put(salon, entry, date="2026-11-27")
        assert (answer.status_code, answer.json()["code"]) == (409, code)
        assert put(salon, entry, notes=status).json()["notes"] == status
    assert put(salon, entry, date="2026-11-27", status="waiting").json()["date"] == "2026-11-27"


def test_an_entry_of_a_date_that_is_over_does_not_wait_again(salon: Salon, clock: Any) -> None:
    entry = added(salon)
    set_status(entry, "expired")
    clock.move_to(MONDAY_NOON + timedelta(days=2))
    assert list(put(salon, entry, status="waiting").json()["details"]) == ["date"]
    assert put(salon, entry, status="waiting", date="2026-11-30").json()["status"] == "waiting"


def test_deleting_cancels_and_a_second_time_changes_nothing(salon: Salon) -> None:
    entry = added(salon)
    for _ in range(2):
        answer = caller(salon.bea).delete(f"/api/waitlist/{entry['id']}")
        assert (answer.status_code, answer.json()) == (200, entry | {"status": "cancelled"})
    set_status(entry, "booked")
    assert caller(salon.bea).delete(f"/api/waitlist/{entry['id']}").status_code == 409


@pytest.mark.parametrize("path", ["900000999", "0", "9223372036854775807", "9223372036854775808", "x"])
def test_what_is_not_there_is_not_found(salon: Salon, path: str) -> None:
    for method in ("get", "put", "delete"):
        answer = getattr(caller(salon.bea), method)(f"/api/waitlist/{path}", {"notes": ""}, format="json")
        assert answer.status_code == 404
        assert answer.json()["error"]


def test_keys_within_their_mode_and_all_staff_use_the_waitlist_nobody_else(salon: Salon) -> None:
    make_salon(staff_personal_agenda_enabled=True)
    entry = added(salon, staff_id=salon.cora.pk)
    path = f"/api/waitlist/{entry['id']}"
    assert caller(salon.bea).get(path).status_code == 200
    assert caller(make_key()[1]).get(path).status_code == 200
    assert post(salon, make_key()[1]).status_code == 201
    reader, writer = make_key(mode=1)[1], make_key(mode=2)[1]
    assert post(salon, reader).status_code == 403
    assert caller(writer).get(path).status_code == 403
    assert caller().get(path).status_code == 401
    assert caller().get("/api/waitlist").status_code == 401
    assert Service.objects.count() == 1
