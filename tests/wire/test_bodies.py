"""Bodies: JSON in UTF-8 of a bounded size, or refused before a view sees anything (contract §0)."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from django.test import Client
from gunicorn.http.errors import ChunkMissingTerminator, InvalidChunkSize

from staff.wire.gate import LARGEST_BODY
from tests.cast import wire
from tests.cast.wire import filler, post, seen, wsgi

pytestmark = [pytest.mark.urls(wire.__name__), pytest.mark.django_db]


@pytest.fixture(autouse=True)
def _nothing_seen() -> None:
    seen.clear()


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


@pytest.mark.parametrize("stated", ["99999999999", "9" * 20, "9" * 5000])
def test_a_huge_content_length_is_413_before_a_byte_is_read(stated: str) -> None:
    class Unread(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise AssertionError("the body was read")

    status, _, _ = wsgi(stream=Unread(), CONTENT_LENGTH=stated, **{"wsgi.input_terminated": True})
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
        ({"CONTENT_LENGTH": "500"}, 400),
        ({"CONTENT_LENGTH": "0008"}, 200),
        ({"CONTENT_LENGTH": "0"}, 200),
        ({"CONTENT_LENGTH": "abc"}, 200),
        ({"CONTENT_LENGTH": "-5"}, 200),
        ({"CONTENT_LENGTH": "１"}, 200),
        ({}, 200),
    ],
)
def test_a_content_length_that_lies_is_no_crash(environ: dict[str, Any], expected: int) -> None:
    assert wsgi(body=b'{"a": 1}', **environ)[0] == expected


@pytest.mark.parametrize(
    "broken", [OSError("the client is gone"), InvalidChunkSize(b"ZZ"), ChunkMissingTerminator(b"XX")]
)
def test_a_body_that_is_cut_off_is_400(broken: Exception) -> None:
    class CutOff(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise broken

    status, headers, body = wsgi(stream=CutOff(), **{"wsgi.input_terminated": True})
    assert (status, headers["Content-Type"], json.loads(body)["code"]) == (
        400,
        "application/json",
        "incomplete_body",
    )


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"CONTENT_LENGTH": "50"}, 400),
        ({"CONTENT_LENGTH": "99999999999"}, 400),
        ({"CONTENT_LENGTH": "26"}, 200),
        ({"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}, 200),
    ],
)
def test_a_form_that_does_not_come_whole_reaches_no_page(environ: dict[str, Any], expected: int) -> None:
    status, _headers, _body = wsgi(
        body=b"rating=5&comment=half+of+i",
        path_info="/feedback/abc",
        CONTENT_TYPE="application/x-www-form-urlencoded",
        **environ,
    )
    assert status == expected
    assert seen == ([{"rating": "5", "comment": "half of i"}] if expected == 200 else [])


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
