"""The edge: nothing but JSON leaves the API, and nothing malformed gets past it (contract §0)."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import Client, override_settings
from django.urls import path, register_converter
from django.views.decorators.http import require_http_methods
from rest_framework.request import Request
from rest_framework.response import Response

from staff.errors import Refused
from staff.wire.gate import LARGEST_BODY
from staff.wire.paths import IdConverter, is_json_path
from staff.wire.renderer import array_response
from staff.wire.views import GatedView
from staff.wire.wsgi import guard

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]

register_converter(IdConverter, "wire_test_id")
seen: list[Any] = []
NOT_FOUND = {"error": "Not found; check the address and the id.", "code": "not_found"}


class Echo(GatedView):
    authentication_classes: list[Any] = []
    permission_classes: list[Any] = []

    def get(self, request: Request) -> Response:
        seen.append(dict(request.query_params))
        return Response({"query": request.query_params, "cookies": request.COOKIES})

    def post(self, request: Request) -> Response:
        seen.append(request.data)
        return Response({"body": request.data, "raw": len(request.body)})

    put = post


class Blind(Echo):
    """Reads no field of its body."""

    def post(self, request: Request) -> Response:
        seen.append("blind")
        return Response({"done": True})

    delete = post


class One(Echo):
    def get(self, request: Request, thing_id: int = 0) -> Response:
        return Response({"id": thing_id})


class Long(Echo):
    def get(self, request: Request) -> StreamingHttpResponse:  # type: ignore[override]
        return array_response(self.chunks())

    def chunks(self) -> Iterator[list[dict[str, Any]]]:
        try:
            for number in range(3):
                seen.append(f"chunk {number}")
                yield [{"id": number}]
        finally:
            seen.append("closed")


def cookie(request: HttpRequest) -> HttpResponse:
    request.session["a"] = 1
    response = HttpResponse("{}", content_type="application/json")
    response.set_cookie("b", "2")
    return response


@require_http_methods(["GET"])
def get_only(request: HttpRequest) -> HttpResponse:
    return HttpResponse("{}", content_type="application/json")


def page(request: HttpRequest, token: str = "") -> HttpResponse:
    seen.append(request.GET.dict())
    return HttpResponse(f"<p>{token}</p>")


def crash(request: HttpRequest) -> HttpResponse:
    raise ZeroDivisionError("secret")


def foreign(problem: Refused) -> tuple[int, object]:
    return problem.http_status, {"detail": problem.message}


urlpatterns = [
    path("api/echo", Echo.as_view()),
    path("api/blind", Blind.as_view()),
    path("api/long", Long.as_view()),
    path("api/things/<wire_test_id:thing_id>", One.as_view()),
    path("api/cookie", cookie),
    path("api/crash", crash),
    path("api/getonly", get_only),
    path("api/v3/crash", crash),
    path("feedback/<str:token>", page),
    path("admin/", page),
]


@pytest.fixture(autouse=True)
def _nothing_seen() -> Iterator[None]:
    seen.clear()
    yield


def post(address: str, body: bytes | str, content_type: str = "application/json", **headers: Any) -> Any:
    return Client(raise_request_exception=False).generic("POST", address, body, content_type, **headers)


def wsgi(
    *,
    body: bytes = b"",
    stream: io.BytesIO | None = None,
    path_info: str = "/api/echo",
    method: str = "POST",
    **environ: Any,
) -> tuple[int, dict[str, str], bytes]:
    """A request as a WSGI server makes it, through the guard and the whole stack."""
    started: list[Any] = []
    response = guard(WSGIHandler())(
        {
            "REQUEST_METHOD": method,
            "PATH_INFO": path_info,
            "QUERY_STRING": "",
            "SERVER_NAME": "testserver",
            "SERVER_PORT": "80",
            "wsgi.url_scheme": "http",
            "wsgi.input": stream or io.BytesIO(body),
            "CONTENT_TYPE": "application/json",
            **environ,
        },
        lambda status, headers: started.append((int(status[:3]), dict(headers))),
    )
    content = b"".join(response)
    response.close()  # type: ignore[attr-defined]
    return *started[0], content


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize(
    "address", ["/api/nothing", "/nothing", "/api/", "/", "/api/things/abc", "/api/echo/x"]
)
def test_an_unknown_address_is_a_json_404(address: str, debug: bool) -> None:
    with override_settings(DEBUG=debug):
        response = Client(headers={"accept": "text/html"}).get(address)
    assert (response.status_code, response["Content-Type"]) == (404, "application/json")
    assert response.json() == NOT_FOUND


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


@pytest.mark.parametrize("method", ["get", "post", "put", "head", "options", "delete", "patch", "trace"])
def test_with_and_without_the_trailing_slash_alike(method: str) -> None:
    client = Client()
    call: Any = getattr(client, method)
    arguments = (
        {} if method in ("get", "head", "trace") else {"data": '{"a": 1}', "content_type": "application/json"}
    )
    without, with_slash = call("/api/echo", **arguments), call("/api/echo/", **arguments)
    assert without.status_code == with_slash.status_code
    assert without.content == with_slash.content
    assert without.status_code in (200, 405)
    assert call("/api/echo//", **arguments).status_code == 404


def test_a_head_has_the_headers_and_no_body() -> None:
    status, headers, body = wsgi(method="HEAD", QUERY_STRING="a=b")
    assert (status, body) == (200, b"")
    assert headers["Content-Length"] == str(len(wsgi(method="GET", QUERY_STRING="a=b")[2]))


def test_a_head_of_a_list_fetches_no_more_than_its_first_rows() -> None:
    assert wsgi(method="HEAD", path_info="/api/long")[::2] == (200, b"")
    assert seen == ["chunk 0", "closed"]
    assert wsgi(method="GET", path_info="/api/long")[2] == b'[{"id":0},{"id":1},{"id":2}]'


def test_the_slash_of_admin_is_its_own() -> None:
    assert Client().get("/admin/").status_code == 200
    assert Client().get("/admin").status_code == 404
    assert Client().get("/feedback/abc/").content == b"<p>abc</p>"


@pytest.mark.parametrize(
    "method", ["HEAD", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get", "💇".encode().decode("latin-1")]
)
def test_an_odd_method_is_no_crash(method: str) -> None:
    response = Client().generic(method, "/api/echo")
    assert response.status_code in (200, 405)
    if response.status_code == 405:
        assert response["Allow"] == "GET, POST, PUT, HEAD, OPTIONS"


def test_no_cookie_comes_in_or_goes_out() -> None:
    client = Client(headers={"cookie": "sessionid=abc; csrftoken=def"})
    assert client.get("/api/echo").json()["cookies"] == {}
    response = client.get("/api/cookie")
    assert response.status_code == 200
    assert not response.cookies


def test_answers_are_not_kept_by_caches_and_in_one_language() -> None:
    response = Client(headers={"accept-language": "de"}).put("/api/echo", "", content_type="application/json")
    assert response["Cache-Control"] == "no-store"
    assert response.json() == {"error": "The body is empty; send a JSON object.", "code": "empty_body"}
    assert "de" not in response.get("Content-Language", "en")


def test_a_body_is_read_once_and_kept() -> None:
    response = post("/api/echo", '{"a": "Zoë"}')
    assert response.json() == {"body": {"a": "Zoë"}, "raw": 13}


@pytest.mark.parametrize("address", ["/api/echo", "/api/blind"])
@pytest.mark.parametrize(
    "body",
    [
        b'{"a": 1e999}',
        b'{"a": NaN}',
        b"[" * 1000,
        b'{"a": "\\u0000"}',
        b'{"a": "\\ud800"}',
        b'{"a": 1, "a": 2}',
        b'\xef\xbb\xbf{"a": 1}',
        b"\xff",
        b"[]",
        b"{",
        b" ",
        b'{"a": 9223372036854775808}',
    ],
)
def test_a_malformed_body_is_400_before_the_view_sees_anything(address: str, body: bytes) -> None:
    response = post(address, body)
    assert response.status_code == 400
    assert response.json()["code"] in ("invalid_json", "empty_body")
    assert seen == []


@pytest.mark.parametrize("address", ["/api/echo", "/api/blind"])
@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "",
        "application/json; charset=iso-8859-1",
        "application/json; charset=utf-16",
        "application/jsonp",
        "nonsense",
        ";",
        "text/json",
        "application/vnd.api+json",
        "application/json; charset=utf-32-le",
    ],
)
def test_another_content_type_is_415(address: str, content_type: str) -> None:
    response = post(address, b'{"a": 1}', content_type)
    assert (response.status_code, response["Content-Type"]) == (415, "application/json")
    assert response.json() == {
        "error": "Send the body as JSON in UTF-8, with the header 'Content-Type: application/json'.",
        "code": "unsupported_media_type",
    }
    assert seen == []


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json; charset=utf-8",
        'application/json;charset="UTF-8"',
        "Application/JSON",
        "application/json; charset=utf8",
        "application/json; version=1",
    ],
)
def test_json_in_utf_8_by_any_spelling(content_type: str) -> None:
    assert post("/api/echo", b'{"a": 1}', content_type).status_code == 200


@pytest.mark.parametrize(
    "content_type", ["application/json", "text/plain", "", "application/x-www-form-urlencoded"]
)
def test_without_a_body_no_content_type_matters(content_type: str) -> None:
    assert post("/api/echo", b"", content_type).json() == {"body": {}, "raw": 0}
    assert post("/api/blind", b"", content_type).json() == {"done": True}


def test_an_empty_body_is_refused_where_one_is_needed() -> None:
    client = Client()
    empty = client.put("/api/echo", "", content_type="application/json")
    assert (empty.status_code, empty.json()["code"]) == (400, "empty_body")
    assert client.put("/api/echo", "{}", content_type="application/json").status_code == 200


def test_a_get_or_delete_with_a_body() -> None:
    assert Client().generic("GET", "/api/echo", "rubbish", "text/plain").status_code == 200
    assert Client().delete("/api/blind", "{", content_type="application/json").status_code == 400
    assert Client().delete("/api/blind").status_code == 200


def filler(size: int) -> bytes:
    return b'{"a": 1' + b" " * (size - 8) + b"}"


@pytest.mark.parametrize(
    "environ",
    [
        {"CONTENT_LENGTH": str(LARGEST_BODY + 1)},
        {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"},
        {"wsgi.input_terminated": True, "CONTENT_LENGTH": ""},
    ],
)
def test_a_body_over_256_kb_is_413(environ: dict[str, Any]) -> None:
    status, headers, body = wsgi(body=filler(LARGEST_BODY + 1), **environ)
    assert (status, headers["Content-Type"]) == (413, "application/json")
    assert json.loads(body) == {
        "error": "The body is larger than 256 kB; send less at once.",
        "code": "body_too_large",
    }
    assert seen == []


def test_a_huge_content_length_is_413_before_a_byte_is_read() -> None:
    class Unread(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise AssertionError("the body was read")

    status, _, _ = wsgi(stream=Unread(), CONTENT_LENGTH="99999999999")
    assert status == 413


@pytest.mark.parametrize(
    "environ",
    [
        {"CONTENT_LENGTH": str(LARGEST_BODY)},
        {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"},
    ],
)
def test_a_body_of_256_kb_is_read_chunked_or_not(environ: dict[str, Any]) -> None:
    status, _, body = wsgi(body=filler(LARGEST_BODY), **environ)
    assert (status, json.loads(body)) == (200, {"body": {"a": 1}, "raw": LARGEST_BODY})


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"CONTENT_LENGTH": "5"}, 400),
        ({"CONTENT_LENGTH": "500"}, 200),
        ({"CONTENT_LENGTH": "0"}, 200),
        ({"CONTENT_LENGTH": "abc"}, 200),
        ({"CONTENT_LENGTH": "-5"}, 200),
        ({"CONTENT_LENGTH": "１"}, 200),
        ({}, 200),
    ],
)
def test_a_content_length_that_lies_is_no_crash(environ: dict[str, Any], expected: int) -> None:
    assert wsgi(body=b'{"a": 1}', **environ)[0] == expected


def test_a_body_that_is_cut_off_is_400() -> None:
    class CutOff(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError("the client is gone")

    status, headers, body = wsgi(stream=CutOff(), CONTENT_LENGTH="10")
    assert (status, headers["Content-Type"], json.loads(body)["code"]) == (
        400,
        "application/json",
        "incomplete_body",
    )


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json; charset=hex",
        "application/json; charset=undefined",
        "application/json; charset*=foo'en'bar",
        "application/json; charset=a\0b",
        "application/json; charset=é",
        "application/json; charset=" + "a" * 5000,
        "application/json; a*=x'y'z",
        "application/json; charset=utf-16",
    ],
)
def test_a_content_type_that_breaks_django_is_415(content_type: str) -> None:
    status, headers, _ = wsgi(body=b"{}", CONTENT_LENGTH="2", CONTENT_TYPE=content_type, QUERY_STRING="a=b")
    assert (status, headers["Content-Type"]) == (415, "application/json")
    status, _, body = wsgi(method="GET", CONTENT_TYPE=content_type, QUERY_STRING="a=%C3%A9")
    assert (status, json.loads(body)["query"]) == (200, {"a": ["é"]})


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
        ("", "application/json"),
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


def test_a_dialects_addresses_print_its_own_errors_before_a_view_is_known() -> None:
    with override_settings(EDGE_ERROR_FORMATS={"/api/v3/": f"{__name__}.foreign"}):
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
        ("/", True),
        ("/wp-admin/admin-ajax.php", True),
        ("/provisional/abc/accept", False),
        ("/pay/abc", False),
        ("/password-reset/abc", False),
    ],
)
def test_which_addresses_answer_json(address: str, json_address: bool) -> None:
    assert is_json_path(address) is json_address


def test_the_edge_is_wired() -> None:
    assert "staff.wire.middleware.JsonEdgeMiddleware" in settings.MIDDLEWARE
    assert settings.APPEND_SLASH is False
