"""What an Amelia integration looks up before it books: by analogy, in no document here (contract §3)."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from clients.models import Client
from staff.models import Service, Staff
from tests.cast.amelia import Desk, make_class, order
from tests.cast.bookings import MORNING, Salon
from tests.cast.factories import make_client, make_holiday, make_location, make_service

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.clock_at(MORNING)]


@pytest.fixture
def salon() -> Salon:
    return make_class()


@pytest.fixture
def desk(salon: Salon) -> Desk:
    return Desk()


def data_of(answer: Any) -> Any:
    assert answer.status_code == 200, answer.content
    return answer.json()["data"]


def customer_json(client: Client, **changes: Any) -> dict[str, Any]:
    return {
        "id": client.pk,
        "firstName": client.first_name,
        "lastName": client.last_name,
        "birthday": None,
        "email": client.email,
        "phone": client.phone or None,
        "type": "customer",
        "status": "visible",
        "note": None,
        "zoomUserId": None,
        "countryPhoneIso": None,
        "externalId": None,
        "pictureFullPath": None,
        "pictureThumbPath": None,
        "translations": None,
        "gender": None,
    } | changes


def test_customers_are_listed_searched_and_paged(salon: Salon, desk: Desk) -> None:
    archived = make_client("Zoe")
    Client.objects.filter(pk=archived.pk).update(archived_at="2026-03-01T00:00:00Z")
    assert data_of(desk.get("/users/customers")) == {
        "users": [customer_json(salon.alice), customer_json(salon.bob)],
        "filteredCount": 2,
        "totalCount": 2,
    }
    found = data_of(desk.get("/users/customers", search="bob brown"))
    assert (found["users"], found["filteredCount"], found["totalCount"]) == ([customer_json(salon.bob)], 1, 2)
    assert data_of(desk.get("/users/customers", page=2, limit=1))["users"] == [customer_json(salon.bob)]


def test_a_customer_is_added_and_can_be_booked(salon: Salon, desk: Desk) -> None:
    body = {
        "firstName": "Eve",
        "lastName": "Evers",
        "email": "eve@example.com",
        "phone": "+31 20 765 4321",
        "birthday": "1990-02-03",
        "note": "allergic to henna",
        "type": "admin",
    }
    answer = desk.post("/users/customers", body)
    assert answer.json()["message"] == "Successfully added new user"
    user = data_of(answer)["user"]
    row = Client.objects.get(pk=user["id"])
    assert user == customer_json(row, birthday="1990-02-03", note="allergic to henna")
    assert (row.phone, row.notes) == ("+31207654321", "allergic to henna")
    assert data_of(desk.get(f"/users/customers/{row.pk}"))["user"] == user
    made = desk.made(order(salon, bookings=[{"customerId": row.pk}]))
    assert made["bookings"][0]["customerId"] == row.pk


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({}, "Mandatory fields not passed! Missing: firstName"),
        ({"firstName": ""}, "Mandatory fields not passed! Missing: firstName"),
        ({"firstName": "Eve", "email": "nonsense"}, "email"),
        ({"firstName": "Eve", "phone": 5}, "phone"),
        ({"firstName": 5}, "firstName"),
        ({"firstName": "Eve\r\nBcc: x"}, "firstName"),
        ({"firstName": "Eve", "birthday": "03/02/1990"}, "birthday"),
    ],
)
def test_a_customer_that_cannot_be_read_is_not_stored(
    salon: Salon, desk: Desk, body: dict[str, Any], says: str
) -> None:
    answer = desk.post("/users/customers", body)
    assert (answer.status_code, answer.json()["data"]) == (400, {}), answer.content
    assert says in answer.json()["message"]
    assert Client.objects.count() == 2


def test_adding_needs_a_key_that_writes(salon: Salon) -> None:
    assert Desk(mode=1).post("/users/customers", {"firstName": "Eve"}).status_code == 403
    assert Client.objects.count() == 2


def test_an_unknown_customer_is_missing(desk: Desk) -> None:
    answer = desk.get("/users/customers/900000999")
    assert (answer.status_code, answer.json()["data"]) == (404, {"entityMissing": True})


def test_providers_are_those_who_take_bookings(salon: Salon, desk: Desk) -> None:
    Staff.objects.filter(pk=salon.cora.pk).update(is_active=False)
    data = data_of(desk.get("/users/providers"))
    assert [(each["id"], each["firstName"], each["type"]) for each in data["users"]] == [
        (salon.bea.pk, "Bea", "provider")
    ]


def test_services_categories_and_locations_are_listed(salon: Salon, desk: Desk) -> None:
    Service.objects.update(category="Hair")
    massage = make_service("Massage", category="Body", price="49.50", buffer_after_minutes=10)
    make_service("Old", is_active=False)
    services = data_of(desk.get("/services"))["services"]
    assert [(each["name"], each["categoryId"]) for each in services] == [
        ("Haircut", salon.service.pk),
        ("Massage", massage.pk),
    ]
    assert services[1] == {
        "id": massage.pk,
        "name": "Massage",
        "description": None,
        "color": None,
        "price": 49.5,
        "categoryId": massage.pk,
        "minCapacity": 1,
        "maxCapacity": 1,
        "duration": 3600,
        "timeBefore": 0,
        "timeAfter": 600,
        "status": "visible",
    }
    categories = data_of(desk.get("/categories"))["categories"]
    assert [(each["id"], each["name"], len(each["serviceList"])) for each in categories] == [
        (salon.service.pk, "Hair", 1),
        (massage.pk, "Body", 1),
    ]
    centre = make_location(address="Dam 1")
    assert data_of(desk.get("/locations"))["locations"] == [
        {"id": centre.pk, "name": "Centre", "address": "Dam 1", "status": "visible"}
    ]


def test_slots_are_the_free_starts(salon: Salon, desk: Desk) -> None:
    salon.book(start_at="2026-03-24 09:00:00", end_at="2026-03-24 16:00:00")
    make_holiday(date(2026, 3, 25))
    data = data_of(
        desk.get(
            "/slots",
            serviceId=salon.service.pk,
            startDateTime="2026-03-24 00:00",
            endDateTime="2026-03-25 23:59",
            providerIds=salon.bea.pk,
        )
    )
    assert data == {
        "minimum": "2026-03-24 00:00",
        "maximum": "2026-03-25 23:59",
        "slots": {"2026-03-24": {time: [[salon.bea.pk, None]] for time in ("16:00", "16:15", "16:30")}},
        "occupied": [],
    }
    everybody = data_of(
        desk.get("/slots", serviceId=salon.service.pk, startDateTime="2026-03-24", endDateTime="2026-03-24")
    )
    assert everybody["slots"]["2026-03-24"]["16:00"] == [[salon.bea.pk, None], [salon.cora.pk, None]]
    assert everybody["slots"]["2026-03-24"]["09:00"] == [[salon.cora.pk, None]]
    for start in everybody["slots"]["2026-03-24"]:
        assert len(start) == 5


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({}, 400),
        ({"serviceId": 900000999}, 404),
        ({"serviceId": "x"}, 400),
        ({"providerIds": 900000999}, 404),
        ({"startDateTime": "soon"}, 400),
        ({"startDateTime": "2026-03-24", "endDateTime": "2026-03-23"}, 400),
        ({"startDateTime": "2026-03-24", "endDateTime": "2026-08-23"}, 400),
    ],
)
def test_slots_refuse_what_they_cannot_answer(
    salon: Salon, desk: Desk, query: dict[str, Any], status: int
) -> None:
    asked = query if not query or "serviceId" in query else {"serviceId": salon.service.pk, **query}
    assert desk.get("/slots", **asked).status_code == status


def test_a_free_slot_can_be_booked(salon: Salon, desk: Desk) -> None:
    data = data_of(desk.get("/slots", serviceId=salon.service.pk))
    (day, times), *_ = data["slots"].items()
    (time, ((provider_id, _), *_)), *_ = times.items()
    made = desk.made(order(salon, bookingStart=f"{day} {time}", providerId=provider_id))
    assert (made["bookingStart"], made["providerId"]) == (f"{day} {time}:00", provider_id)
    left = data_of(desk.get("/slots", serviceId=salon.service.pk, providerIds=provider_id))
    assert time not in left["slots"][day]
