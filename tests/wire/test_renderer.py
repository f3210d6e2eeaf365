"""JSON out: what has a form on the wire, and arrays of any length."""

from __future__ import annotations

import json
import tracemalloc
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest
from django.utils.translation import gettext_lazy
from rest_framework.renderers import StaticHTMLRenderer, TemplateHTMLRenderer
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from notifications.models import Job
from staff.wire.renderer import AlwaysJson, OrjsonRenderer, array_response, json_bytes, stream_array


def test_decimals_are_strings_without_exponent() -> None:
    assert json_bytes({"price": Decimal("24.50")}) == b'{"price":"24.50"}'
    assert json_bytes([Decimal("1E+3"), Decimal("0.000")]) == b'["1000","0.000"]'


def test_texts_ids_and_enums_print_as_themselves() -> None:
    key = uuid.UUID(int=7)
    assert json.loads(json_bytes({"a": "Zoë 😀", "b": 2**63 - 1, "c": key, "d": gettext_lazy("Yes")})) == {
        "a": "Zoë 😀",
        "b": 2**63 - 1,
        "c": str(key),
        "d": "Yes",
    }
    assert json_bytes("Zoë") == '"Zoë"'.encode()
    assert json_bytes(Job.State.PENDING) == b'"pending"'


@pytest.mark.parametrize(
    "value", [datetime(2026, 3, 24, 10, tzinfo=UTC), date(2026, 3, 24), time(10), object(), {1}]
)
def test_what_has_no_form_on_the_wire_is_a_programming_error(value: Any) -> None:
    with pytest.raises(TypeError):
        json_bytes({"at": value})


def test_the_renderer_prints_nothing_for_nothing() -> None:
    assert OrjsonRenderer().render(None) == b""
    assert OrjsonRenderer().render({}) == b"{}"
    assert OrjsonRenderer().render([]) == b"[]"


@pytest.mark.parametrize(
    "accept", ["text/html", "application/xml;q=0.1", "*/*", "", "nonsense", "application/json;q=0"]
)
def test_any_accept_gets_json(accept: str) -> None:
    request = Request(APIRequestFactory().get("/api/things?format=html", HTTP_ACCEPT=accept))
    chosen, media_type = AlwaysJson().select_renderer(request, [TemplateHTMLRenderer(), OrjsonRenderer()])
    assert isinstance(chosen, OrjsonRenderer)
    assert media_type == "application/json"


def test_a_view_without_a_json_renderer_keeps_its_first() -> None:
    request = Request(APIRequestFactory().get("/api/docs", HTTP_ACCEPT="application/json"))
    chosen, media_type = AlwaysJson().select_renderer(request, [TemplateHTMLRenderer(), StaticHTMLRenderer()])
    assert (type(chosen), media_type) == (TemplateHTMLRenderer, "text/html")


@pytest.mark.parametrize(
    ("chunks", "printed"),
    [
        ([], b"[]"),
        ([[]], b"[]"),
        ([[], [{"a": 1}], []], b'[{"a":1}]'),
        ([[{"a": 1}, {"a": 2}], [{"a": 3}]], b'[{"a":1},{"a":2},{"a":3}]'),
    ],
)
def test_chunks_become_one_array(chunks: list[list[dict[str, Any]]], printed: bytes) -> None:
    assert b"".join(stream_array(chunks)) == printed
    assert array_response(chunks).getvalue() == printed


def test_an_array_that_breaks_off_stays_open() -> None:
    def broken() -> Iterator[list[dict[str, Any]]]:
        yield [{"a": 1}]
        raise RuntimeError("the database went away")

    written: list[bytes] = []
    response = array_response(broken())
    with pytest.raises(RuntimeError, match="went away"):
        written.extend(response)
    assert b"".join(written) == b'[{"a":1}'


@pytest.mark.django_db
def test_closing_the_response_closes_the_rows() -> None:
    closed = []

    def rows() -> Iterator[list[dict[str, Any]]]:
        try:
            yield [{"a": 1}]
            yield [{"a": 2}]
        finally:
            closed.append(True)

    response = array_response(rows())
    next(iter(response))
    response.close()
    assert closed == [True]


def test_a_long_array_takes_the_memory_of_one_chunk() -> None:
    def rows() -> Iterator[list[dict[str, Any]]]:
        for number in range(2000):
            yield [{"id": number, "notes": "x" * 100} for _ in range(50)]

    tracemalloc.start()
    size = sum(len(part) for part in stream_array(rows()))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size > 10_000_000
    assert peak < 500_000
