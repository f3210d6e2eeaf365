"""Every part of a working body replaced by something odd: refused or taken, never a crash (reliability §4).

The bodies are those of the access matrix and of the foreign formats' documents. `make test` takes every fifth
of the odd bodies, which is another value at every place; `make e2e` (or LEAVE_NOTHING_OUT=1) all of them.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import pytest
from django.core.cache import cache
from rest_framework.serializers import Serializer

from bookings.dialects.amelia.parse import AppointmentSerializer, OccurrenceSerializer, SeatSerializer
from tests.cast.access import Caller, House
from tests.cast.access_calls import BODIES, Knocker, address, best_of, body_of, standing, taken_back
from tests.cast.access_table import ROUTES, is_page
from tests.cast.dialects import example
from tests.cast.pages import everything
from tests.cast.sampling import one_in_five

pytestmark = pytest.mark.django_db

ODD: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1.5,
    1e300,
    2**63 - 1,
    2**31,
    -(2**63),
    "",
    " ",
    "5",
    "-1",
    "x" * 9_000,
    "\u202e<b>\u0007",
    "٣",
    "1e5",
    "NaN",
    "2026-02-30 10:00",
    "9999-12-31 23:59",
    "0001-01-01 00:00:00",
    "2026-03-29 02:30",
    "2026-01-01T00:00:00+99:99",
    "2026-01-01T00:00:00Z",
    "24:00",
    "Europe/../../etc/passwd",
    "FREQ=SECONDLY;COUNT=99999999",
    [],
    [None],
    [[]],
    ["a", 1, {}],
    {},
    {"": None},
    {"a": {"b": [1]}},
)

AMELIA = "/wp-admin/admin-ajax.php"


def amelia_call(path: str) -> str:
    return f"{AMELIA}?action=wpamelia_api&call=/api/v1{path}"


def every_field(serializer: type[Serializer], **known: Any) -> dict[str, Any]:
    """The known ones, and null for the others that it takes."""
    return dict.fromkeys(serializer().fields) | known


def amelia_order(house: House, document: str) -> dict[str, Any]:
    """The document's own request, with our ids and with every field that is taken."""
    body = every_field(AppointmentSerializer, **example(document))
    seat = body["bookings"][0] | {"customerId": house.alice.pk}
    ours = {"providerId": house.bea.pk, "serviceId": house.service.pk, "locationId": house.location.pk}
    return body | ours | {"bookingStart": house.at(1, 14), "bookings": [every_field(SeatSerializer, **seat)]}


def amelia_create(house: House) -> dict[str, Any]:
    again = every_field(OccurrenceSerializer, bookingStart=house.at(8, 14))
    return amelia_order(house, "amelia_create_request") | {"recurring": [again]}


def amelia_update(house: House) -> dict[str, Any]:
    body = amelia_order(house, "amelia_update_request")
    body["bookings"][0]["id"] = house.booking.pk
    return body


MORE: dict[str, tuple[str, Callable[[House], str], Callable[[House], Any]]] = {
    "amelia create": ("amelia both", lambda house: amelia_call("/appointments"), amelia_create),
    "amelia update": (
        "amelia both",
        lambda house: amelia_call(f"/appointments/{house.booking.pk}"),
        amelia_update,
    ),
    "amelia customer": (
        "amelia both",
        lambda house: amelia_call("/users/customers"),
        lambda house: {"firstName": "A", "lastName": "B", "email": "a@example.com", "phone": "+31201234567"},
    ),
    "eagenda create": (
        "eagenda both",
        lambda house: "/api/v3/appointments",
        lambda house: {
            "calendar_key": str(house.bea.key),
            "attendees": [{"name": "Ann B", "email": "ann@example.com", "phone": "+31201234567"}],
            "start": {"dateTime": house.at(1, 15).replace(" ", "T"), "timeZone": "Europe/Amsterdam"},
            "service_list": [{"service_key": str(house.service.key)}],
            "status": "CONFIRMED",
            "description": "d",
            "send_email": True,
        },
    ),
    "simplespa list": (
        "simplespa both",
        lambda house: "/api/v1/appointments.php",
        lambda house: {
            "start": house.at(0)[:10],
            "end": house.at(5)[:10],
            "created_after": "2026-01-01T00:00:00Z",
            "created_before": "2027-01-01T00:00:00Z",
            "client_id": "1",
            "service_id": "1",
            "staff_id": "1",
            "status": 20,
            "page": 1,
            "per_page": 10,
        },
    ),
    "a whole booking": (
        "admin",
        lambda house: "/api/bookings",
        lambda house: house.order(
            notes="n",
            internal_notes="i",
            provisional=False,
            waitlist_id=None,
            location_id=house.location.pk,
            persons=1,
            allow_overlap=False,
            hold_token=None,
            session_of=None,
            recurrence="FREQ=WEEKLY;COUNT=2",
            skip_conflicts=True,
        ),
    ),
    "a request by mail": (
        "admin",
        lambda house: "/api/bookings",
        lambda house: house.order(provisional=True, base_url="http://127.0.0.1:8000/app", reason="r"),
    ),
    "recurring dates": (
        "admin",
        lambda house: "/api/bookings",
        lambda house: house.order(recurrence=[house.at(9, 15), house.at(16, 15)]),
    ),
    "a sequence": (
        "admin",
        lambda house: "/api/followup-sequences",
        lambda house: {
            "name": "n",
            "service_id": house.service.pk,
            "is_active": True,
            "stop_on_rebook": True,
            "steps": [{"delay_days": 1, "subject": "s", "body": "b"}],
        },
    ),
    "a client": (
        "admin",
        lambda house: "/api/clients",
        lambda house: {
            "first_name": "a",
            "last_name": "b",
            "email": "a@example.com",
            "phone": "+31201234567",
            "mobile": "0201234567",
            "birthday": "2000-02-29",
            "locale": "nl",
            "marketing_consent": True,
        },
    ),
}
LISTS = {"amelia both": amelia_call("/appointments"), "admin": "/api/bookings"}
"""Where somebody reads what they have booked."""

TABLE = [
    (method, route)
    for route, row in ROUTES.items()
    for method in ("POST", "PUT", "PATCH")
    if method in row and ((method, route) in BODIES or ("PUT", route) in BODIES)
]


@pytest.fixture(scope="module")
def house(django_db_setup: None, django_db_blocker: Any) -> Iterator[tuple[House, dict[str, Caller]]]:
    with standing(django_db_blocker) as made:
        yield made


def variants(body: Any) -> Iterator[tuple[str, Any]]:
    """The body with one of its parts, at any depth, replaced by each odd value, or gone."""
    for path, value in one_in_five(product(places(body), (*ODD, GONE))):
        changed = copy.deepcopy(body)
        spot = changed
        for step in path[:-1]:
            spot = spot[step]
        if value is GONE:
            del spot[path[-1]]
        else:
            spot[path[-1]] = value
        yield f"{'.'.join(map(str, path))} = {value!r:.60}", changed


GONE = object()


def places(body: Any, before: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    parts = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    for step, part in parts:
        yield (*before, step)
        yield from places(part, (*before, step))


def ask(
    knock: Knocker, where: str, method: str, who: Caller, body: Any, what: str, read_back: str = ""
) -> None:
    """Sends the body and takes back what it did. What is refused leaves no trace, what is taken is listed."""
    with taken_back() as written:
        response = knock.send_to(where, method, who, body)
        assert response.status_code < 500, (what, response.status_code, response.body[:300])
        if where.startswith(AMELIA):
            assert response.status_code in (200, 400, 404, 409), (what, response.status_code)
            assert set(json.loads(response.body)) == {"message", "data"}, what
        after = stored() if written and response.status_code >= 400 else None
        if read_back and response.status_code < 300:
            assert knock.send_to(read_back, "GET", who, None).status_code == 200, what
    assert after is None or after == stored(), f"{what}: {response.status_code}, and yet stored"


def stored() -> dict[str, Any]:
    """Every row of ours, without what a key notes of its use."""
    rows = everything()
    for each in rows["staff.ApiKey"]:
        del each["last_used_at"], each["recent_writes"]
    return rows


@pytest.mark.parametrize(("method", "route"), TABLE)
def test_an_odd_part_of_a_working_body(
    method: str, route: str, house: tuple[House, dict[str, Caller]]
) -> None:
    rooms, callers = house
    who = best_of(route, method, callers)
    knock, where = Knocker(rooms), address(route, method, rooms)
    for what, body in variants(body_of(route, method, rooms)):
        cache.clear()
        if is_page(route) and not all(isinstance(each, str) for each in body.values()):
            continue
        ask(knock, where, method, who, body, f"{method} {route} {what}")


@pytest.mark.parametrize("name", MORE)
def test_an_odd_part_of_a_whole_body(name: str, house: tuple[House, dict[str, Caller]]) -> None:
    rooms, callers = house
    who, place, body_for = MORE[name]
    knock, where, body = Knocker(rooms), place(rooms), body_for(rooms)
    read_back = LISTS.get(who, "")
    cache.clear()
    with taken_back():
        response = knock.send_to(where, "POST", callers[who], body)
    assert response.status_code in (200, 201), response.body
    for what, changed in variants(body):
        cache.clear()
        ask(knock, where, "POST", callers[who], changed, f"{name}: {what}", read_back)
