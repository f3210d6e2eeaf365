"""Lists with and without `page` (contract §1.2)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import OperationalError
from django.http import StreamingHttpResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory

from staff.wire.paging import Page, answer_list, in_chunks, page_request


def asking(**parameters: str) -> Request:
    return Request(APIRequestFactory().get("/api/things", parameters))


@pytest.mark.parametrize(
    ("parameters", "asked"),
    [
        ({}, None),
        ({"limit": "10"}, None),
        ({"page": "1"}, Page(1, 50)),
        ({"page": "3", "limit": "10"}, Page(3, 10)),
        ({"page": "1", "limit": "200"}, Page(1, 200)),
        ({"page": "1", "limit": "201"}, Page(1, 200)),
        ({"page": "1", "limit": "9" * 5000}, Page(1, 200)),
        ({"page": "007"}, Page(7, 50)),
        ({"page": "1000000000000000"}, Page(10**15, 50)),
    ],
)
def test_page_and_limit(parameters: dict[str, str], asked: Page | None) -> None:
    assert page_request(asking(**parameters)) == asked


@pytest.mark.parametrize("name", ["page", "limit"])
@pytest.mark.parametrize(
    "value", ["0", "000", "-1", "+1", "1.0", "1.5", "", " 1", "1 ", "１", "٣", "a", "1e3", "1\n"]
)
def test_page_and_limit_are_whole_numbers_from_1(name: str, value: str) -> None:
    with pytest.raises(ValidationError) as refused:
        page_request(asking(**{name: value}))
    assert refused.value.message_dict == {name: ["Send a whole number from 1."]}


@pytest.mark.parametrize("value", ["1000000000000001", "1" + "0" * 30, "9" * 5000])
def test_a_page_far_past_the_end_is_just_past_the_end(value: str) -> None:
    assert page_request(asking(page=value)) == Page(10**15, 50)


class Things:
    """Five rows, and a note of what was asked of them."""

    def __init__(self, total: int = 5) -> None:
        self.rows = [{"id": number} for number in range(1, total + 1)]
        self.calls: list[str] = []

    def count(self) -> int:
        self.calls.append("count")
        return len(self.rows)

    def fetch(self, offset: int, limit: int) -> list[dict[str, Any]]:
        self.calls.append(f"fetch {offset} {limit}")
        return self.rows[offset : offset + limit]

    def chunks(self) -> Iterator[list[dict[str, Any]]]:
        self.calls.append("chunks")
        return in_chunks(self.rows, size=2)

    def answer(self, **parameters: str) -> Response | StreamingHttpResponse:
        return answer_list(
            page_request(asking(**parameters)), count=self.count, fetch=self.fetch, chunks=self.chunks
        )


def test_a_page_is_an_object_with_totals() -> None:
    things = Things()
    response = things.answer(page="2", limit="2")
    assert isinstance(response, Response)
    assert response.data == {"items": [{"id": 3}, {"id": 4}], "total": 5, "page": 2, "limit": 2, "pages": 3}
    assert things.calls == ["count", "fetch 2 2"]


def test_a_page_past_the_end_is_empty_and_fetches_nothing() -> None:
    things = Things()
    response = things.answer(page="1000000000000000", limit="200")
    assert isinstance(response, Response)
    assert response.data == {"items": [], "total": 5, "page": 10**15, "limit": 200, "pages": 1}
    assert things.calls == ["count"]


@pytest.mark.parametrize(
    ("there", "calls"), [(0, ["fetch 0 2"]), (1, ["fetch 0 2"]), (2, ["fetch 0 2", "count"])]
)
def test_a_first_page_that_is_not_full_has_told_the_total(there: int, calls: list[str]) -> None:
    things = Things(there)
    response = things.answer(page="1", limit="2")
    assert isinstance(response, Response)
    assert (response.data["total"], len(response.data["items"]), things.calls) == (there, there, calls)


def test_a_page_of_nothing() -> None:
    response = Things(0).answer(page="1")
    assert isinstance(response, Response)
    assert response.data == {"items": [], "total": 0, "page": 1, "limit": 50, "pages": 0}


def test_without_page_the_answer_is_a_bare_streamed_array() -> None:
    things = Things()
    response = things.answer(limit="2")
    assert isinstance(response, StreamingHttpResponse)
    assert (response.status_code, response["Content-Type"]) == (200, "application/json")
    assert json.loads(response.getvalue()) == things.rows
    assert things.calls == ["chunks"]


def test_a_bare_array_of_nothing() -> None:
    response = Things(0).answer()
    assert isinstance(response, StreamingHttpResponse)
    assert response.getvalue() == b"[]"


def test_a_failure_before_the_first_row_is_no_half_array() -> None:
    def away() -> Iterator[list[dict[str, Any]]]:
        for reason in ["away"]:
            raise OperationalError(reason)
        yield []

    with pytest.raises(OperationalError):
        answer_list(None, count=lambda: 0, fetch=lambda offset, limit: [], chunks=away)


def test_chunks_hold_at_most_their_size() -> None:
    assert list(in_chunks([{"id": n} for n in range(5)], size=2)) == [
        [{"id": 0}, {"id": 1}],
        [{"id": 2}, {"id": 3}],
        [{"id": 4}],
    ]
