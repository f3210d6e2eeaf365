"""The eAgenda wire format: PATCH, DELETE, and by analogy the rest (contract §4, §5)."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from bookings.dialects.eagenda.codes import WRITTEN_AS
from bookings.models import Booking, BookingEvent, BusyTime
from clients.models import Client
from tests.cast.bookings import MORNING, Salon, jobs, make_cast, stored, told
from tests.cast.dialects import assert_same_shape, example
from tests.cast.factories import caller, make_client, make_key, make_location, make_salon, make_service

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.clock_at(MORNING)]

CODES = {
    "ATTENDED": ("completed", ""),
    "CANCELED": ("cancelled", ""),
    "CANCELED_CLIENT": ("cancelled", "client"),
    "CANCELED_GOOGLE": ("cancelled", "google"),
    "CONFIRMED": ("scheduled", ""),
    "IN_PROGRESS": ("scheduled", "in_progress"),
    "NO_SHOW": ("no-show", ""),
    "PENDING": ("provisional", ""),
    "PENDING_COMPANIONS": ("provisional", "pending_companions"),
    "PENDING_FORM": ("provisional", "pending_form"),
    "PENDING_PAYMENT": ("provisional", "pending_payment"),
}


@pytest.fixture
def salon() -> Salon:
    return make_cast(timezone="UTC")


def key(mode: int = 3, dialect: str = "eagenda") -> str:
    return make_key(dialect=dialect, mode=mode)[1]


def patch(booking: dict[str, Any], body: Any, secret: str | None = None) -> Any:
    return caller(secret or key()).patch(f"/api/v3/appointments/{booking['key']}/", body, format="json")


def delete(booking: dict[str, Any], query: str = "") -> Any:
    return caller(key()).delete(f"/api/v3/appointments/{booking['key']}/{query}")


def test_the_documents_example_key_by_key(salon: Salon) -> None:
    booking = salon.book()
    answer = patch(booking, {"status": "CONFIRMED", "send_email": True, "account_slug": "minha-conta"})
    assert answer.status_code == 200
    assert_same_shape(answer.json(), example("eagenda_appointment"))
    assert answer.json() == {
        "appointment_key": booking["key"],
        "search_code": f"A{booking['id']:03d}",
        "status": "CONFIRMED",
        "calendar": {"calendar_key": str(salon.bea.key), "calendar_name": "Bea Bakker"},
        "service_list": [{"service_key": str(salon.service.key), "service_name": "Haircut"}],
        "tag_list": [],
        "attendees": [
            {
                "person_key": str(salon.alice.key),
                "name": "Alice Adams",
                "email": "alice@example.com",
                "phone": "+31201234567",
                "identification_code": None,
                "identification_type": None,
            }
        ],
        "owner_user": None,
        "start": {"dateTime": "2026-03-24T10:00:00Z", "timeZone": "UTC"},
        "end": {"dateTime": "2026-03-24T11:00:00Z", "timeZone": "UTC"},
        "description": None,
        "questionnaires": [],
        "created_at": {"dateTime": "2026-03-20T08:00:00Z", "timeZone": "UTC"},
        "location": None,
        "conference_data": None,
        "account_slug": "minha-conta",
    }


@pytest.mark.parametrize("code", CODES)
def test_every_status_comes_back_as_it_was_written(salon: Salon, code: str) -> None:
    booking = salon.book()
    if code == "CONFIRMED":
        salon.put(booking, {"status": "no-show"})
    answer = patch(booking, {"status": code})
    assert (answer.status_code, answer.json()["status"]) == (200, code)
    row = Booking.objects.get()
    assert (row.status, row.status_detail, row.provisional_token) == (*CODES[code], None)
    again = stored()
    assert patch(booking, {"status": code}).json()["status"] == code
    assert stored() == again


def test_without_send_email_the_client_hears_nothing(salon: Salon) -> None:
    booking = salon.book()
    told(booking)
    before = jobs(booking)
    patch(booking, {"status": "CANCELED"})
    assert jobs(booking) == before
    other = salon.book(client_id=salon.bob.pk)
    told(other)
    patch(other, {"status": "CANCELED", "send_email": True})
    assert jobs(other)[1:] == [("booking.cancelled", "pending")]


def test_the_status_it_already_shows_erases_no_detail(salon: Salon) -> None:
    booking = salon.book()
    Booking.objects.update(status_detail="arrived")
    before = stored()
    assert patch(booking, {"status": "CONFIRMED"}).status_code == 200
    assert stored() == before


def test_delete_cancels_and_keeps_who_did(salon: Salon) -> None:
    booking = salon.book()
    told(booking)
    answer = delete(booking, "?send_email=true")
    assert (answer.json()["status"], answer.json()["account_slug"]) == ("CANCELED", None)
    assert jobs(booking)[1:] == [("booking.cancelled", "pending")]
    assert not BusyTime.objects.exists()
    Booking.objects.update(status_detail="client")
    before = stored()
    again = delete(booking)
    assert (again.status_code, again.json()["status"]) == (200, "CANCELED_CLIENT")
    assert stored() == before


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["non_field_errors"]),
        ({"status": "DONE"}, ["status"]),
        ({"status": None}, ["status"]),
        ({"send_email": "yes"}, ["send_email"]),
        ({"account_slug": ""}, ["account_slug"]),
        ({"account_slug": "a b"}, ["account_slug"]),
        ({"account_slug": 5}, ["account_slug"]),
        ({"other": 1}, ["non_field_errors"]),
    ],
)
def test_a_refused_patch_stores_nothing(salon: Salon, body: Any, fields: list[str]) -> None:
    booking = salon.book()
    before = stored()
    answer = patch(booking, body)
    assert (answer.status_code, list(answer.json())) == (400, fields)
    assert stored() == before


def test_with_several_accounts_the_slug_names_one(salon: Salon) -> None:
    make_location("North", "north")
    booking = salon.book()
    assert patch(booking, {"account_slug": "anything"}).status_code == 200
    make_location("South", "south")
    assert patch(booking, {"account_slug": "anything"}).status_code == 400
    assert patch(booking, {"account_slug": "south"}).json()["account_slug"] == "south"


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (None, 401),
        ("Bearer nonsense", 401),
        ("Bearer {native}", 401),
        ("Bearer {read}", 403),
        ("Bearer {write}", 200),
        ("Basic {basic_user}", 200),
        ("Basic {basic_password}", 200),
        ("Basic {basic_with_user}", 200),
        ("Basic {basic_nonsense}", 401),
        ("Basic !!!", 401),
    ],
)
def test_keys_open_what_their_mode_says(salon: Salon, header: str | None, status: int) -> None:
    booking = salon.book()
    write = key(2)
    given = (header or "").format(
        native=key(3, "native"),
        read=key(1),
        write=write,
        basic_user=base64.b64encode(f"{write}:".encode()).decode(),
        basic_password=base64.b64encode(f":{write}".encode()).decode(),
        basic_with_user=base64.b64encode(f"minha-conta:{write}".encode()).decode(),
        basic_nonsense=base64.b64encode(b"minha-conta:nonsense").decode(),
    )
    answer = caller().patch(
        f"/api/v3/appointments/{booking['key']}",
        {"status": "CONFIRMED"},
        format="json",
        headers={"Authorization": given} if header else {},
    )
    assert answer.status_code == status
    assert status == 200 or list(answer.json()) == ["detail"]


@pytest.mark.parametrize("unknown", ["5f5a2a3e-0000-4000-8000-000000000000", "not-a-uuid", "1"])
def test_an_unknown_key_is_404(salon: Salon, unknown: str) -> None:
    answer = caller(key()).patch(f"/api/v3/appointments/{unknown}/", {"status": "PENDING"}, format="json")
    assert (answer.status_code, list(answer.json())) == (404, ["detail"])


def test_a_slot_taken_meanwhile_is_409(salon: Salon) -> None:
    booking = salon.book()
    salon.delete(booking)
    salon.book(client_id=salon.bob.pk)
    before = stored()
    answer = patch(booking, {"status": "CONFIRMED"})
    assert (answer.status_code, list(answer.json())) == (409, ["detail"])
    assert stored() == before


def test_a_session_is_one_appointment_of_all_its_clients(salon: Salon) -> None:
    salon.service.max_capacity = 3
    salon.service.save()
    first = salon.book()
    second = salon.book(client_id=salon.bob.pk, session_of=first["id"])
    shown = caller(key()).get(f"/api/v3/appointments/{second['key']}").json()
    assert shown["appointment_key"] == first["key"]
    assert [each["name"] for each in shown["attendees"]] == ["Alice Adams", "Bob Brown"]
    salon.put(second, {"status": "completed"})
    assert caller(key()).get(f"/api/v3/appointments/{first['key']}").json()["status"] == "CONFIRMED"
    assert patch(first, {"status": "NO_SHOW"}).json()["status"] == "NO_SHOW"
    assert set(Booking.objects.values_list("status", flat=True)) == {"no-show"}


def test_a_reschedule_moves_the_whole_session(salon: Salon) -> None:
    salon.service.max_capacity = 3
    salon.service.save()
    first = salon.book()
    salon.book(client_id=salon.bob.pk, session_of=first["id"])
    path = f"/api/v3/appointments/{first['key']}/reschedule/"
    answer = caller(key()).patch(path, {"start": {"dateTime": "2026-03-25T09:00:00+01:00"}}, format="json")
    assert answer.status_code == 200, answer.json()
    assert answer.json()["start"]["dateTime"] == "2026-03-25T08:00:00Z"
    assert set(Booking.objects.values_list("session_id", flat=True)) == {first["id"]}
    assert BusyTime.objects.count() == 2
    assert BusyTime.objects.values("party").distinct().count() == 1
    assert caller(key()).patch(path, {}, format="json").json() == {
        "start": ["Send {dateTime: '2025-06-01T10:00:00Z'}."]
    }


def test_an_appointment_is_made_and_found(salon: Salon) -> None:
    make_salon(timezone="Europe/Amsterdam")
    body = {
        "calendar_key": str(salon.bea.key),
        "attendees": [{"person_key": str(salon.alice.key)}],
        "start": {"dateTime": "2026-03-24T10:00:00", "timeZone": "America/Sao_Paulo"},
    }
    answer = caller(key()).post("/api/v3/appointments/", body, format="json")
    assert answer.status_code == 201, answer.json()
    assert answer.json()["start"] == {"dateTime": "2026-03-24T14:00:00+01:00", "timeZone": "Europe/Amsterdam"}
    assert BookingEvent.objects.get().door == "eagenda"
    assert jobs() == []
    taken = caller(key()).post("/api/v3/appointments/", body, format="json")
    assert (taken.status_code, list(taken.json())) == (409, ["detail"])
    who = caller(key())

    def count(query: str) -> int:
        found: int = who.get(f"/api/v3/appointments/?{query}").json()["count"]
        return found

    assert count(f"calendar_key={salon.bea.key}") == 1
    assert count(f"calendar_key={salon.cora.key}") == 0
    assert count(f"client_key={salon.alice.key}&status=CONFIRMED&start_date=2026-03-24") == 1
    assert count("status=PENDING") == 0
    assert count("is_cancelled=true") == 0
    assert count("is_cancelled=false") == 1
    assert count(f"search_code={answer.json()['search_code']}") == 1
    assert count("end_date=2026-03-23") == 0
    assert who.get("/api/v3/appointments/?status=nope").json().keys() == {"status"}
    bad = "calendar_key=x&status=nope&is_cancelled=maybe&start_date=2026-3-1&search_code=A1"
    assert who.get(f"/api/v3/appointments/?{bad}").json() == {
        "calendar_key": ["Send a key (a UUID)."],
        "status": [f"Send one of: {', '.join(WRITTEN_AS)}."],
        "is_cancelled": ["Send true or false."],
        "start_date": ["Send a date as 'YYYY-MM-DD', such as '2026-03-24'."],
    }


def test_a_new_person_comes_along_with_the_appointment_or_not_at_all(salon: Salon) -> None:
    body = {
        "calendar_key": str(salon.bea.key),
        "attendees": [{"name": "Zoe Zander", "email": "zoe@example.com"}],
        "service_list": [{"service_key": str(salon.service.key)}],
        "start": {"dateTime": "2026-03-24T10:00:00Z"},
    }
    who = caller(key())
    assert who.post("/api/v3/appointments/", body, format="json").status_code == 201
    assert who.post("/api/v3/appointments/", body, format="json").status_code == 409
    assert Client.objects.filter(first_name="Zoe").count() == 1


def test_lists_page_and_their_links_stand_on_our_own_address(salon: Salon, settings: Any) -> None:
    settings.PUBLIC_URL = "https://book.example.com"
    for name in ("Carl", "Dora", "Emil"):
        make_client(name)
    page = caller(key()).get("/api/v3/people/?page=2&page_size=2").json()
    assert (page["count"], len(page["results"])) == (5, 2)
    assert page["next"] == "https://book.example.com/api/v3/people/?page=3&page_size=2"
    assert page["previous"] == "https://book.example.com/api/v3/people/?page=1&page_size=2"
    make_service("Colour")
    assert caller(key()).get("/api/v3/services").json()["count"] == 2
    assert caller(key()).get("/api/v3/calendars").json()["results"][0]["calendar_name"] == "Bea Bakker"
    assert caller(key()).get("/api/v3/accounts").json() == {
        "count": 0,
        "next": None,
        "previous": None,
        "results": [],
    }
