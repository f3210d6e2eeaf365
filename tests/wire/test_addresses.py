"""Paths and queries: any text is answered, in JSON but for the pages (contract §0)."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client, override_settings

from staff.wire.paths import is_json_path
from tests.cast import wire
from tests.cast.wire import NOT_FOUND, seen, wsgi

pytestmark = [pytest.mark.urls(wire.__name__), pytest.mark.django_db]


@pytest.fixture(autouse=True)
def _nothing_seen() -> None:
    seen.clear()


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize(
    "address", ["/api/nothing", "/nothing", "/api/", "/nothing/", "/api/things/abc", "/api/echo/x"]
)
def test_an_unknown_address_is_a_json_404(address: str, debug: bool) -> None:
    with override_settings(DEBUG=debug):
        response = Client(headers={"accept": "text/html"}).get(address)
    assert (response.status_code, response["Content-Type"]) == (404, "application/json")
    assert response.json() == NOT_FOUND


@pytest.mark.parametrize("method", ["get", "post", "put", "head", "options", "delete", "patch", "trace"])
def test_with_and_without_the_trailing_slash_alike(method: str) -> None:
    status = 405 if method in ("delete", "patch", "trace") else 200
    client = Client()
    call: Any = getattr(client, method)
    arguments = (
        {} if method in ("get", "head", "trace") else {"data": '{"a": 1}', "content_type": "application/json"}
    )
    without, with_slash = call("/api/echo", **arguments), call("/api/echo/", **arguments)
    assert (without.status_code, with_slash.status_code) == (status, status)
    assert without.content == with_slash.content
    assert call("/api/echo//", **arguments).status_code == 404


def test_the_slash_of_admin_is_its_own() -> None:
    assert Client().get("/admin/").status_code == 200
    assert Client().get("/admin").status_code == 404
    assert Client().get("/feedback/abc/").content == b"<p>abc</p>"


@pytest.mark.parametrize(
    "raw", ["a=%00", "%00=a", "a=%FF", "a=%ED%A0%80", "a=\xff", "a=%C3", "a=" + "x" * 10_001]
)
@pytest.mark.parametrize(
    ("address", "media_type"), [("/api/echo", "application/json"), ("/feedback/abc", "text/html")]
)
def test_a_query_that_is_no_text_is_400(raw: str, address: str, media_type: str) -> None:
    status, headers, _ = wsgi(method="GET", path_info=address, QUERY_STRING=raw)
    assert (status, headers["Content-Type"].partition(";")[0]) == (400, media_type)
    assert seen == []


@pytest.mark.parametrize(
    "raw", ["a=%zz", "a=%", "a=b=c", "&&&", "a", "=", "a=%C3%A9", "a=é".encode().decode("latin-1")]
)
def test_an_odd_query_is_taken_as_it_is(raw: str) -> None:
    assert wsgi(method="GET", QUERY_STRING=raw)[0] == 200


@pytest.mark.parametrize(
    ("path_info", "media_type"),
    [
        ("/api/echo\0", "application/json"),
        ("/api/things/\0", "application/json"),
        ("/api/things/1\xff", "application/json"),
        ("/api/\xed\xa0\x80", "application/json"),
        ("/\0", "application/json"),
        ("", "text/html"),
        ("api", "application/json"),
        ("/api/" + "x" * 20_000, "application/json"),
        ("/feedback/a\0b", "text/html"),
    ],
)
def test_an_odd_path_is_404(path_info: str, media_type: str) -> None:
    status, headers, _ = wsgi(method="GET", path_info=path_info)
    assert (status, headers["Content-Type"].partition(";")[0]) == (404, media_type)


@pytest.mark.parametrize(
    "text", ["0", "-1", "9223372036854775808", "99999999999999999999999999", "１", "1.0", "01x", "%31x"]
)
def test_what_is_no_id_in_a_path_is_404(text: str) -> None:
    response = Client().get(f"/api/things/{text}")
    assert (response.status_code, response.json()) == (404, NOT_FOUND)


def test_an_id_in_a_path() -> None:
    assert Client().get("/api/things/9223372036854775807").json() == {"id": 2**63 - 1}
    assert Client().get("/api/things/7/").json() == {"id": 7}


def test_pages_keep_djangos_error_pages() -> None:
    response = Client().get("/feedback/")
    assert (response.status_code, response["Content-Type"].partition(";")[0]) == (404, "text/html")


@pytest.mark.parametrize(
    ("address", "json_address"),
    [
        ("/api/bookings", True),
        ("/api/docs", False),
        ("/api/docs/", False),
        ("/api/docsx", True),
        ("/admin", False),
        ("/admin/login/", False),
        ("/administrator", True),
        ("/static/a.css", False),
        ("/healthz", True),
        ("/", False),
        ("/unknown", True),
        ("//unknown", True),
        ("/wp-admin/admin-ajax.php", True),
        ("/provisional/abc/accept", False),
        ("/pay/abc", False),
        ("/password-reset/abc", False),
    ],
)
def test_which_addresses_answer_json(address: str, json_address: bool) -> None:
    assert is_json_path(address) is json_address
