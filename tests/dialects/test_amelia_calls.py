"""Amelia's one address: which call, which key, and refusals in the vendor's form (contract §0, §3)."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from bookings.models import Booking
from clients.models import Client
from tests.cast.amelia import URL, Desk, call, make_class, order, seat
from tests.cast.bookings import MORNING, Salon, stored
from tests.cast.factories import Caller, caller, make_key

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.clock_at(MORNING)]


@pytest.fixture
def salon() -> Salon:
    return make_class()


def raw(query: str, secret: str, method: str = "GET") -> Any:
    return Caller(headers={"Amelia": secret}).generic(method, f"{URL}?{query}")


@pytest.mark.parametrize(
    "query",
    [
        "action=wpamelia_api&call=/api/v1/appointments&dates=2026-03-24,2026-03-24&asArray=1",
        "action=wpamelia_api&call=/api/v1/appointments/&dates=2026-03-24&asArray=true",
        "action=wpamelia_api&call=%2Fapi%2Fv1%2Fappointments&dates=2026-03-24%2C2026-03-24&asArray=1",
        "call=/api/v1/appointments?dates=2026-03-24,2026-03-24&asArray=1&action=wpamelia_api",
        "action=wpamelia_api&call=" + quote("/api/v1/appointments?dates=2026-03-24,2026-03-24&asArray=1"),
        "action=wpamelia_api&call=" + quote("/api/v1/appointments&dates=2026-03-24,2026-03-24&asArray=1", ""),
        "action=wpamelia_api&call=/api/v1/appointments&dates[]=2026-03-24&dates[]=2026-03-25&asArray=1",
        "action=wpamelia_api&call=/api/v1/appointments&dates[0]=2026-03-24&dates[1]=2026-03-25&asArray=1",
    ],
)
def test_the_call_is_read_encoded_or_not(salon: Salon, query: str) -> None:
    desk = Desk()
    made = desk.made(order(salon))
    desk.made(order(salon, bookingStart="2026-03-27 10:00"))
    answer = raw(query, desk.secret)
    assert answer.status_code == 200, answer.content
    assert [each["id"] for each in answer.json()["data"]["appointments"]] == [made["id"]]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("call=/api/v1/appointments", 400),
        ("action=other&call=/api/v1/appointments", 400),
        ("action=wpamelia_api", 404),
        ("action=wpamelia_api&call=/api/v1", 404),
        ("action=wpamelia_api&call=/api/v2/appointments", 404),
        ("action=wpamelia_api&call=/api/v1/nothing", 404),
        ("action=wpamelia_api&call=/api/v1/appointments/abc", 404),
        ("action=wpamelia_api&call=/api/v1/appointments/0", 404),
        ("action=wpamelia_api&call=/api/v1/appointments/9223372036854775808", 404),
        ("action=wpamelia_api&call=/api/v1/appointments/%D9%A1", 404),
        ("action=wpamelia_api&call=/api/v1/users/customers%3Fsearch%3D%2500", 400),
        ("action=wpamelia_api&call=/api/v1/appointments%00", 400),
        ("action=wpamelia_api&call=/api/v1/appointments/delete/1", 405),
    ],
)
def test_what_is_no_call_is_refused_in_the_vendors_form(salon: Salon, query: str, status: int) -> None:
    answer = raw(query, Desk().secret)
    assert answer.status_code == status, answer.content
    assert set(answer.json()) == {"message", "data"}
    assert answer.json()["data"] == {}
    if status == 405:
        assert answer.headers["Allow"] == "POST"


@pytest.mark.parametrize(
    "query",
    [
        "dates=2026-3-1,2026-03-02",
        "dates=2026-03-02,2026-03-01",
        "dates=2026-03-01,2026-03-02,2026-03-03",
        "dates=2026-02-30",
        "page=0",
        "page=x",
        "page=99999999999999999999",
        "page=1&limit=0",
        "asArray=maybe",
        "skipServices=2",
        "services=1,x",
        "customers=0",
        "providers=99999999999999999999",
        "locations=-1",
        "status=booked",
    ],
)
def test_a_bad_parameter_is_400(salon: Salon, query: str) -> None:
    answer = raw(f"action=wpamelia_api&call=/api/v1/appointments&{query}", Desk().secret)
    assert (answer.status_code, answer.json()["data"]) == (400, {}), answer.content


@pytest.mark.parametrize(
    ("method", "path", "secret", "status"),
    [
        ("GET", "/appointments", None, 403),
        ("GET", "/appointments", "nonsense", 403),
        ("GET", "/appointments", "caf\u00e9", 403),
        ("GET", "/appointments", (3, "native"), 403),
        ("GET", "/appointments", (3, "simplespa"), 403),
        ("GET", "/appointments", (2, "amelia"), 403),
        ("GET", "/appointments", (1, "amelia"), 200),
        ("GET", "/nothing", None, 403),
        ("POST", "/appointments/status/1", None, 403),
        ("POST", "/appointments/status/1", (1, "amelia"), 403),
        ("POST", "/appointments/status/1", (2, "amelia"), 404),
    ],
)
def test_keys_do_what_their_mode_says(salon: Salon, method: str, path: str, secret: Any, status: int) -> None:
    given = make_key(dialect=secret[1], mode=secret[0])[1] if isinstance(secret, tuple) else secret
    answer = call(method, path, given, {"status": "approved"} if method == "POST" else None)
    assert answer.status_code == status, answer.content
    if status == 403:
        assert set(answer.json()) == {"message", "data"}
        assert answer.json()["data"] == []


def test_an_amelia_key_opens_no_other_door(salon: Salon) -> None:
    secret = Desk().secret
    assert caller(secret).get("/api/bookings").status_code == 401
    assert caller(secret).get(f"{URL}?action=wpamelia_api&call=/api/v1/appointments").status_code == 403


def test_the_address_needs_no_csrf_token_and_keeps_no_cookie(salon: Salon) -> None:
    desk = Desk()
    strict = Caller(enforce_csrf_checks=True, headers={"Amelia": desk.secret})
    strict.cookies["sessionid"] = "x"
    answer = strict.post(f"{URL}?action=wpamelia_api&call=/api/v1/appointments", order(salon), format="json")
    assert answer.status_code == 200, answer.content
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"bookingStart": None}, "bookingStart"),
        ({"bookings": []}, "bookings"),
        ({"bookings": None, "notifyParticipants": None}, "bookings, notifyParticipants"),
        ({"serviceId": None, "providerId": None}, "serviceId, providerId"),
        ({"bookings": [{"status": "approved"}]}, "bookings.0.customerId"),
        ({"bookings": [{"id": 5, "persons": 1}]}, "bookings.0.customerId"),
    ],
)
def test_mandatory_fields_are_named(salon: Salon, changes: dict[str, Any], missing: str) -> None:
    desk = Desk()
    before = stored()
    answer = desk.post("/appointments", order(salon, **changes))
    assert (answer.status_code, answer.json()) == (
        400,
        {"message": f"Mandatory fields not passed! Missing: {missing}", "data": {}},
    )
    assert stored() == before


def test_nothing_at_all_misses_everything(salon: Salon) -> None:
    every = "bookingStart, bookings, notifyParticipants, serviceId, providerId"
    empty: dict[str, Any] = {}
    for body in (None, empty):
        answer = Desk().post("/appointments", body)
        assert answer.json()["message"] == f"Mandatory fields not passed! Missing: {every}"


BIG = 2**63


@pytest.mark.parametrize(
    "changes",
    [
        {"bookingStart": 5},
        {"bookingStart": "2026-03-24"},
        {"bookingStart": "tomorrow"},
        {"bookingStart": "2026-03-24 25:00"},
        {"bookingStart": "1999-03-24 10:00"},
        {"bookingStart": "2026-03-29 02:30"},
        {"bookings": {}},
        {"bookings": "1"},
        {"bookings": [1]},
        {"notifyParticipants": 2},
        {"notifyParticipants": "1"},
        {"notifyParticipants": 1.0},
        {"serviceId": "1"},
        {"serviceId": True},
        {"providerId": 1.5},
        {"providerId": -1},
        {"locationId": "x"},
        {"internalNotes": 5},
        {"lessonSpace": {}},
        {"timeZone": "Mars/Base"},
        {"timeZone": 5},
        {"utc": "yes"},
        {"recurring": {}},
        {"recurring": [{}]},
        {"recurring": [{"bookingStart": "2026-03-29 02:30"}]},
        {"recurring": [{"bookingStart": "2026-03-31 10:00"}] * 104},
    ],
)
def test_a_wrong_field_is_400_and_stores_nothing(salon: Salon, changes: dict[str, Any]) -> None:
    desk = Desk()
    before = stored()
    answer = desk.post("/appointments", order(salon, **changes))
    assert (answer.status_code, answer.json()["data"]) == (400, {}), answer.content
    assert next(iter(changes)) in answer.json()["message"]
    assert stored() == before


@pytest.mark.parametrize(
    "changes",
    [
        {"customerId": "5"},
        {"customerId": BIG - 1 + 0.5},
        {"status": "booked"},
        {"status": 1},
        {"persons": 0},
        {"persons": "2"},
        {"persons": 1001},
        {"duration": 0},
        {"duration": 86_401},
        {"duration": True},
        {"customFields": {"1": {}}},
        {"info": 5},
        {"extras": {}},
        {"packageCustomerId": "x"},
    ],
)
def test_a_wrong_field_of_a_booking_is_400_and_stores_nothing(salon: Salon, changes: dict[str, Any]) -> None:
    desk = Desk()
    before = stored()
    answer = desk.post("/appointments", order(salon, bookings=[seat(salon.alice, **changes)]))
    assert (answer.status_code, answer.json()["data"]) == (400, {}), answer.content
    assert stored() == before


@pytest.mark.parametrize(
    "changes",
    [
        {"serviceId": 900000999},
        {"providerId": 900000999},
        {"locationId": 900000999},
        {"bookings": [{"customerId": 900000999}]},
    ],
)
def test_what_a_body_names_and_is_not_there_is_missing(salon: Salon, changes: dict[str, Any]) -> None:
    desk = Desk()
    made = desk.made(order(salon))
    before = stored()
    for path in ("/appointments", f"/appointments/{made['id']}"):
        answer = desk.post(path, order(salon, bookingStart="2026-03-25 10:00", **changes))
        assert (answer.status_code, answer.json()["data"]) == (404, {"entityMissing": True}), answer.content
    assert stored() == before


def test_who_takes_no_bookings_any_more_is_missing(salon: Salon) -> None:
    desk = Desk()
    Client.objects.filter(pk=salon.alice.pk).update(archived_at="2026-03-01T00:00:00Z")
    assert desk.post("/appointments", order(salon)).json()["data"] == {"entityMissing": True}
    salon.bea.is_active = False
    salon.bea.save()
    answer = desk.post("/appointments", order(salon, bookings=[seat(salon.bob)]))
    assert answer.json()["data"] == {"entityMissing": True}
    assert "providerId" in answer.json()["message"]
    assert not Booking.objects.exists()


@pytest.mark.parametrize("path", ["/appointments/{}", "/appointments/status/{}", "/appointments/delete/{}"])
def test_an_unknown_appointment_is_missing(salon: Salon, path: str) -> None:
    desk = Desk()
    answer = desk.post(path.format(900000999), {"status": "approved"})
    assert (answer.status_code, answer.json()["data"]) == (404, {"entityMissing": True})


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[]", 400),
        (b'{"bookingStart": NaN}', 400),
        (b'{"serviceId": 1e999}', 400),
        (b'{"serviceId": 1, "serviceId": 2}', 400),
        (b'{"internalNotes": "\\u0000"}', 400),
        (b'{"internalNotes": "\\ud800"}', 400),
        (b'{"bookings": ' + b"[" * 40 + b"]" * 40 + b"}", 400),
        (b'{"internalNotes": "' + b"x" * 270_000 + b'"}', 413),
    ],
)
def test_the_input_gate_holds(salon: Salon, body: bytes, status: int) -> None:
    desk = Desk()
    url = f"{URL}?action=wpamelia_api&call=/api/v1/appointments"
    sender = Caller(headers={"Amelia": desk.secret})
    answer = sender.generic("POST", url, body, content_type="application/json")
    assert answer.status_code == status, answer.content
    assert set(answer.json()) == {"message", "data"}
    assert sender.generic("POST", url, b"a=1", content_type="text/plain").status_code == 415


def test_another_address_of_the_vendor_answers_in_its_form(salon: Salon) -> None:
    answer = Caller().get("/wp-admin/other.php")
    assert (answer.status_code, set(answer.json())) == (404, {"message", "data"})


@pytest.mark.parametrize("body", [{}, {"status": None}])
def test_a_status_call_needs_its_status(salon: Salon, body: dict[str, Any]) -> None:
    desk = Desk()
    made = desk.made(order(salon))
    answer = desk.post(f"/appointments/status/{made['id']}", body)
    assert answer.json() == {"message": "Mandatory fields not passed! Missing: status", "data": {}}
    assert desk.post(f"/appointments/status/{made['id']}", {"status": "booked"}).status_code == 400
