"""The edge: nothing but JSON leaves the API, and nothing malformed gets past it (contract §0)."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.core.signals import request_finished
from django.test import Client, override_settings

from staff.wire.gate import LARGEST_BODY
from tests.cast import wire
from tests.cast.wire import NOT_FOUND, filler, seen, wsgi

pytestmark = [pytest.mark.urls(wire.__name__), pytest.mark.django_db]


@pytest.fixture(autouse=True)
def _nothing_seen() -> None:
    seen.clear()


@pytest.mark.parametrize("debug", [False, True])
def test_a_crash_is_json_without_a_trace(debug: bool) -> None:
    with override_settings(DEBUG=debug):
        response = Client(raise_request_exception=False).get("/api/crash")
    assert (response.status_code, response["Content-Type"]) == (500, "application/json")
    assert response.json() == {
        "error": "Something went wrong on our side; it has been logged. Try again later.",
        "code": "internal_error",
    }


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "a b", "[::1", ""])
def test_a_bad_host_is_a_json_400(host: str, debug: bool) -> None:
    with override_settings(DEBUG=debug):
        response = Client(headers={"host": host}).get("/api/echo")
    assert (response.status_code, response["Content-Type"]) == (400, "application/json")
    assert response.json() == {
        "error": "This host name is not served here; check the address.",
        "code": "bad_host",
    }
    assert seen == []


def test_a_head_has_the_headers_and_no_body() -> None:
    status, headers, body = wsgi(method="HEAD", QUERY_STRING="a=b")
    assert (status, body) == (200, b"")
    assert headers["Content-Length"] == str(len(wsgi(method="GET", QUERY_STRING="a=b")[2]))


def test_a_head_of_a_list_fetches_no_more_than_its_first_rows() -> None:
    assert wsgi(method="HEAD", path_info="/api/long")[::2] == (200, b"")
    assert seen == ["chunk 0", "closed"]
    assert wsgi(method="GET", path_info="/api/long")[2] == b'[{"id":0},{"id":1},{"id":2}]'


@pytest.mark.parametrize(
    "method", ["HEAD", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get", "💇".encode().decode("latin-1")]
)
def test_an_odd_method_is_no_crash(method: str) -> None:
    response = Client().generic(method, "/api/echo")
    assert response.status_code == (200 if method in ("HEAD", "OPTIONS", "get") else 405)
    if response.status_code == 405:
        assert response["Allow"] == "GET, POST, PUT, HEAD, OPTIONS"


def test_no_cookie_comes_in_or_goes_out() -> None:
    client = Client(headers={"cookie": "sessionid=abc; csrftoken=def"})
    assert client.get("/api/echo").json()["cookies"] == {}
    response = client.get("/api/cookie")
    assert response.status_code == 200
    assert not response.cookies
    # What only pages need never saw the call (docs/adr/0110).
    assert response.json() == {"session": False, "_messages": False, "csp_nonce": False}


def test_whatever_is_answered_may_be_framed_by_nobody_and_run_nothing() -> None:
    for path in ("/api/echo", "/api/nothing-here", "/api/echo?%ff"):
        headers = Client().get(path).headers
        assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["X-Content-Type-Options"] == "nosniff"


def test_the_language_of_a_page_before_it_is_not_that_of_a_json_answer() -> None:
    Client(headers={"accept-language": "de"}).get("/admin/nothing")
    assert Client().get("/api/language").json() == {"language": "en"}


def test_answers_are_not_kept_by_caches_and_in_one_language() -> None:
    response = Client(headers={"accept-language": "de"}).put("/api/echo", "", content_type="application/json")
    assert response["Cache-Control"] == "no-store"
    assert response.json() == {"error": "The body is empty; send a JSON object.", "code": "empty_body"}
    assert "de" not in response.get("Content-Language", "en")


def test_a_dialects_addresses_print_its_own_errors_before_a_view_is_known() -> None:
    with override_settings(EDGE_ERROR_FORMATS={"/api/v3/": f"{wire.__name__}.foreign"}):
        client = Client(raise_request_exception=False)
        unknown = client.get("/api/v3/nothing/")
        assert (unknown.status_code, unknown.json()) == (404, {"detail": NOT_FOUND["error"]})
        crashed = client.get("/api/v3/crash")
        assert (crashed.status_code, list(crashed.json())) == (500, ["detail"])
        large = client.post("/api/v3/crash", filler(LARGEST_BODY + 1), content_type="application/json")
        assert (large.status_code, list(large.json())) == (413, ["detail"])
        bad_host = client.get("/api/v3/crash", headers={"host": "evil.example"})
        assert (bad_host.status_code, list(bad_host.json())) == (400, ["detail"])
        assert client.get("/api/nothing").json() == NOT_FOUND


def test_turning_an_error_into_json_does_not_end_the_request_twice() -> None:
    """A second request_finished would close the database connections under whoever answers."""
    ended: list[object] = []

    def note(sender: object, **_: object) -> None:
        ended.append(sender)

    request_finished.connect(note)
    try:
        assert wsgi(method="GET", path_info="/api/nothing")[0] == 404
    finally:
        request_finished.disconnect(note)
    assert len(ended) == 1


def test_an_error_keeps_its_other_headers() -> None:
    response = Client().post("/api/getonly")
    assert (response.status_code, response["Allow"]) == (405, "GET")
    assert response.json() == {
        "error": "This method is not possible here; see the header Allow.",
        "code": "method_not_allowed",
    }


def test_the_edge_is_wired() -> None:
    assert "staff.wire.middleware.JsonEdgeMiddleware" in settings.MIDDLEWARE
    assert settings.APPEND_SLASH is False
