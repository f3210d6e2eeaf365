"""What the OpenAPI schema says of the salon's resources is what they answer."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from drf_spectacular.generators import SchemaGenerator

from tests.cast.factories import (
    caller,
    make_ada,
    make_alice,
    make_bea,
    make_hours,
    make_location,
    make_salon,
    make_service,
    make_time_off,
)

pytestmark = pytest.mark.django_db

NEXT_YEAR = datetime.now(UTC).year + 1
NEW_ROWS = {
    "clients": {"first_name": "Alice"},
    "staff": {"name": "Bea"},
    "services": {"name": "Cut", "duration_minutes": 60},
    "locations": {"name": "Centre", "slug": "centre"},
    "holidays": {"date": f"{NEXT_YEAR}-05-05"},
    "api-keys": {"name": "Website"},
}
RESOURCES = [*NEW_ROWS, "working-hours", "time-off"]
AT_TIMES = {
    "clients": {"affected_bookings"},
    "settings": {"affected_bookings", "numbers_became_e164"},
}
"""Keys of a change's answer that only stand where there is something to say."""


@pytest.fixture(scope="module")
def schema():
    return SchemaGenerator().get_schema(request=None, public=True)


@pytest.fixture
def ada():
    make_salon()
    return caller(make_ada())


def keys_of(schema, path, method, status):
    """The keys of the answer's component, those of a list's items."""
    found = schema["paths"][path][method]["responses"][str(status)]["content"]["application/json"]["schema"]
    while "properties" not in found:
        inner = found.get("oneOf", [found])[0]
        inner = inner.get("items", inner)
        found = schema["components"]["schemas"][inner["$ref"].rpartition("/")[2]]
    return list(found["properties"])


@pytest.mark.parametrize("name", RESOURCES)
def test_rows_have_the_documented_keys_in_their_order(ada, schema, name):
    bea = make_bea()
    if name in NEW_ROWS:
        made = ada.post(f"/api/{name}", NEW_ROWS[name])
        assert made.status_code == 201
        assert list(made.json()) == keys_of(schema, f"/api/{name}", "post", 201)
        row_id = made.json()["id"]
    elif name == "working-hours":
        make_hours(bea, weekdays=range(1))
        row_id = bea.working_hours.get().pk
    else:
        row_id = make_time_off(bea, datetime(NEXT_YEAR, 3, 1, tzinfo=UTC)).pk
    assert list(ada.get(f"/api/{name}").json()[0]) == keys_of(schema, f"/api/{name}", "get", 200)
    path = f"/api/{name}/{{id}}"
    assert list(ada.get(f"/api/{name}/{row_id}").json()) == keys_of(schema, path, "get", 200)
    always = [key for key in keys_of(schema, path, "put", 200) if key not in AT_TIMES.get(name, ())]
    assert list(ada.put(f"/api/{name}/{row_id}", {}).json()) == always


@pytest.mark.parametrize("name", ["clients", "staff", "services", "locations", "api-keys"])
def test_what_is_archived_answers_the_documented_row(ada, schema, name):
    row_id = ada.post(f"/api/{name}", NEW_ROWS[name]).json()["id"]
    answer = ada.delete(f"/api/{name}/{row_id}")
    assert list(answer.json()) == keys_of(schema, f"/api/{name}/{{id}}", "delete", 200)


def test_settings_and_logins_have_the_documented_keys(ada, schema):
    assert list(ada.get("/api/settings").json()) == keys_of(schema, "/api/settings", "get", 200)
    documented = keys_of(schema, "/api/settings", "put", 200)
    always = [key for key in documented if key not in AT_TIMES["settings"]]
    assert list(ada.put("/api/settings", {}).json()) == always
    assert list(ada.get("/api/auth/me").json()) == keys_of(schema, "/api/auth/me", "get", 200)


@pytest.mark.parametrize("name", RESOURCES)
@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
def test_every_operation_names_its_refusals(schema, name, method):
    path = f"/api/{name}" if method == "post" else f"/api/{name}/{{id}}"
    statuses = set(schema["paths"][path][method]["responses"])
    expected = {"400", "401", "403", "429", "503"}
    expected |= {"404"} if method != "post" else set()
    expected |= {"413", "415"} if method != "get" else set()
    assert expected <= statuses


def test_a_login_needs_no_credential_and_the_rest_does(schema):
    public = {
        path
        for path, operations in schema["paths"].items()
        for operation in operations.values()
        if path.startswith(("/api/auth", "/api/clients", "/api/staff", "/api/settings", "/api/api-keys"))
        and operation.get("security") == [{}]
    }
    assert public == {"/api/auth/login", "/api/auth/password-reset", "/api/auth/password-reset/confirm"}


def test_the_examples_of_the_parameters_are_taken(ada):
    make_alice()
    make_service()
    make_location()
    day = date(NEXT_YEAR, 3, 1)
    for query in (
        "clients?archived=1&order=-created_at&search=ali&page=1&limit=5",
        "services?is_active=1&order=price&category=x",
        "staff?role=staff&bookable=true&order=-id",
        "locations?is_active=false",
        f"holidays?date_from={day}&date_to={day}",
        f"time-off?date_from={day}&date_to={day}&staff_id=1",
        "working-hours?weekday=0&order=-staff",
        "api-keys?dialect=native&is_active=1&order=last_used_at",
    ):
        assert ada.get(f"/api/{query}").status_code == 200, query
