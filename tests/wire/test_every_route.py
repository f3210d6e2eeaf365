"""The edge as seen from outside: every route of the product, whatever is thrown at it (contract §0).

Walks the URL map, so that a new endpoint is covered the day it is wired. Of malformed bodies and odd queries
`make test` sends every fifth to a route, which is all of them to five neighbours; `make e2e` all to each.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from django.apps import apps
from django.core.cache import cache
from django.db import connection, transaction
from django.test import Client
from django.urls import URLResolver, get_resolver
from django.urls.resolvers import RoutePattern
from django.utils import timezone

from staff.models import Staff
from staff.wire.paths import is_json_path
from tests.cast.factories import (
    make_ada,
    make_alice,
    make_bea,
    make_booking,
    make_salon,
    make_service,
    token_of,
)
from tests.cast.sampling import one_in_five

pytestmark = pytest.mark.django_db

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
WRITES = ("POST", "PUT", "PATCH", "DELETE")
OUTSIDE = ("/api/stripe/webhook",)
DIALECTS = ("/api/v1/", "/api/v3/", "/wp-admin/")
MALFORMED = [
    b'{"client_id": 1e999}',
    b'{"a": NaN}',
    b"[" * 1000 + b"]" * 1000,
    b'{"a": ' + b'{"a":' * 1000 + b"1" + b"}" * 1001,
    b'{"notes": "\\u0000"}',
    b'{"notes": "\\ud800"}',
    b'{"id": 1, "id": 2}',
    b"\xef\xbb\xbf{}",
    b'{"a": "\xff"}',
    b"[]",
    b"null",
    b"{",
    b" ",
    b'{"id": 9223372036854775808}',
    b'{"notes": "' + b"x" * 10_001 + b'"}',
]
ODD_VALUES: list[Any] = [
    None,
    True,
    -1,
    0,
    1.5,
    2**63 - 1,
    -(2**63),
    1e300,
    "",
    "5",
    "１",
    "x" * 10_000,
    "\r\nBcc: eve@example.com",
    "'; DROP TABLE staff_staff; --",
    "2026-02-30",
    "9999-12-31 23:59:59",
    "2026-03-29 02:30",
    [],
    {},
    [[1]],
    {"a": {"b": None}},
]
BODY_KEYS = re.findall(
    r"\w+",
    """
    client_id staff_id service_id location_id start_at end_at notes internal_notes provisional waitlist_id
    base_url persons allow_overlap hold_token session_of status reason email password old new token
    first_name last_name name phone mobile birthday locale marketing_consent into role bookable
    sees_all_bookings color is_active service_ids duration_minutes price category buffer_before_minutes
    buffer_after_minutes min_capacity max_capacity weekday opens closes date slug address steps
    stop_on_rebook business_name timezone currency noshow_fee_type noshow_fee_value provisional_hours
    followup_hour dialect mode expires_at minutes rating comment url events recurrence
    parts
    """,
)
QUERY_KEYS = re.findall(
    r"\w+",
    """
    page limit date_from date_to staff_id client_id service_id location_id status search order cursor unread
    booking_id type state explain reason is_active format
    """,
)
ODD_QUERIES = [
    "",
    "abc",
    "-1",
    "0",
    "1.5",
    "１",
    "9" * 30,
    "2026-02-30",
    "9999-12-31",
    "0001-01-01",
    "[]",
    "null",
]


def addresses(patterns: list[Any] | None = None, before: str = "/") -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every JSON route as (template, converter names), Django admin and pages left out."""
    for each in get_resolver().url_patterns if patterns is None else patterns:
        template = before + str(each.pattern)
        if isinstance(each, URLResolver):
            yield from addresses(each.url_patterns, template)
        elif (
            isinstance(each.pattern, RoutePattern)
            and is_json_path(template)
            and not template.startswith(OUTSIDE)
        ):
            yield template, tuple(each.pattern.converters)


def filled(template: str, value: str) -> str:
    """`/api/x/<id:id>` with `value` in every place."""
    parts = template.split("<")
    return parts[0] + "".join(value + part.partition(">")[2] for part in parts[1:])


ROUTES = sorted(addresses())
NUMBERS = {template: number for number, (template, _) in enumerate(ROUTES)}
WITH_ID = [template for template, names in ROUTES if names]


@pytest.fixture(scope="module")
def ada(django_db_setup: None, django_db_blocker: Any) -> Iterator[Staff]:
    """One salon for the whole module; what a test makes of it goes with the test."""
    with django_db_blocker.unblock(), transaction.atomic():
        make_salon()
        bea, alice, haircut = make_bea(), make_alice(), make_service()
        start = (timezone.now() + timedelta(days=1)).replace(minute=0, second=0, microsecond=0)
        make_booking(client=alice, staff=bea, service=haircut, start_at=start)
        yield make_ada()
        transaction.set_rollback(True)


def asking(person: Staff) -> Client:
    return Client(raise_request_exception=False, headers={"authorization": f"Bearer {token_of(person)}"})


def rows() -> dict[str, int]:
    """How many rows every table has, the login tokens left out."""
    ours = map(apps.get_app_config, ("staff", "clients", "notifications", "bookings"))
    tables = [model._meta.db_table for app in ours for model in app.get_models()]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(f"SELECT '{table}', COUNT(*) FROM {table}" for table in tables))
        return dict(cursor.fetchall())


def check(response: Any, what: str) -> None:
    """No crash, and JSON if there is anything to read."""
    assert response.status_code < 500, (what, response.status_code, response.content[:500])
    if response.streaming or response.content:
        assert response["Content-Type"].partition(";")[0] in JSON_TYPES, (what, response["Content-Type"])
    if response.status_code >= 400 and response.content and not is_of_a_dialect(response):
        body = response.json()
        assert set(body) >= {"error", "code"}, (what, body)
        assert body["error"][:1].isupper() or ": " in body["error"], (what, body)
    assert not response.cookies, what


def is_of_a_dialect(response: Any) -> bool:
    """Whether errors there have a vendor's form."""
    return response.wsgi_request.path_info.startswith(DIALECTS)


JSON_TYPES = ("application/json", "application/vnd.oai.openapi+json", "text/csv")


def test_the_url_map_is_walked() -> None:
    assert "/api/bookings" in [template for template, _ in ROUTES]
    assert len(ROUTES) > 40
    assert not [template for template, _ in ROUTES if template != "/" and template.endswith("/")]


@pytest.mark.parametrize("template", [template for template, _ in ROUTES])
@pytest.mark.first_pass_alone(why="it is refused before the database is asked anything")
def test_a_malformed_body_is_refused_and_stores_nothing(template: str, ada: Staff) -> None:
    client, before = asking(ada), rows()
    address = filled(template, str(ada.pk))
    for method, body in one_in_five(product(WRITES, MALFORMED), number=NUMBERS[template]):
        cache.clear()
        response = client.generic(method, address, body, "application/json")
        check(response, f"{method} {address} {body[:40]!r}")
        assert 400 <= response.status_code < 500, (method, address, body[:40])
    for method in WRITES:
        cache.clear()
        response = client.generic(method, address, b"a=1", "text/plain")
        check(response, f"{method} {address} text/plain")
        assert response.status_code in (401, 403, 404, 405, 415), (method, address, response.status_code)
    assert rows() == before


@pytest.mark.parametrize("template", WITH_ID)
def test_an_odd_id_is_no_crash(template: str, ada: Staff) -> None:
    client = asking(ada)
    for value in (
        "0",
        str(2**63 - 1),
        str(2**63),
        "9" * 30,
        "abc",
        "%00",
        "%EF%BC%91",
        "%ED%A0%80",
        "..",
        "x" * 3000,
    ):
        cache.clear()
        for method in METHODS:
            address = filled(template, value)
            check(client.generic(method, address, b"{}", "application/json"), f"{method} {address[:80]}")


@pytest.mark.parametrize("template", [template for template, _ in ROUTES])
def test_odd_values_in_any_field_are_no_crash(template: str, ada: Staff) -> None:
    client = asking(ada)
    address = filled(template, str(ada.pk))
    allowed = client.options(address).get("Allow", "")
    for method in WRITES[:3]:
        if method not in allowed:
            continue
        cache.clear()
        for value in ODD_VALUES:
            body = json.dumps(dict.fromkeys(BODY_KEYS, value))
            check(
                client.generic(method, address, body, "application/json"), f"{method} {address} {value!r:.40}"
            )
    assert Client().get("/api/bookings").status_code == 401
    response = asking(Staff.objects.get(pk=ada.pk)).get("/api/bookings")
    assert response.status_code == 200
    assert isinstance(json.loads(response.getvalue()), list)


@pytest.mark.parametrize("template", [template for template, names in ROUTES if not names])
def test_odd_queries_are_no_crash(template: str, ada: Staff) -> None:
    client = asking(ada)
    if "GET" not in client.options(template).get("Allow", "GET"):
        return
    for name, value in one_in_five(product(QUERY_KEYS, ODD_QUERIES), number=NUMBERS[template]):
        cache.clear()
        check(client.get(template, {name: value}), f"GET {template}?{name}={value}")


@pytest.mark.parametrize("template", [template for template, _ in ROUTES])
@pytest.mark.first_pass_alone(why="it is about the URL map")
def test_with_and_without_the_slash_and_for_nobody(template: str, ada: Staff) -> None:
    client = asking(ada)
    address = filled(template, str(ada.pk))
    plain, slashed = client.get(address), client.get(address + "/")
    assert plain.status_code == slashed.status_code
    for method in METHODS:
        check(Client(raise_request_exception=False).generic(method, address), f"{method} {address} by nobody")
