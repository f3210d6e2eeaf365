"""Query parameters are read as strictly as bodies, and all that are bad are named at once (contract §1.2)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from inspect import getattr_static
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.urls import get_resolver
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from bookings.models import Visit
from bookings.self_service.visit_link import print_links
from config.docs import schema
from notifications.models import WebhookEndpoint
from staff.wire.filters import ListFilter
from staff.wire.query import (
    Query,
    QueryChoice,
    QueryCount,
    QueryDate,
    QueryFlag,
    QueryId,
    QueryNumber,
    QueryText,
)
from tests.cast.bookings import MORNING, make_cast
from tests.cast.factories import caller

LARGEST_INTEGER = 2**63 - 1


class Asked(Query):
    id = QueryId()
    number = QueryNumber(smallest=-5, largest=5)
    count = QueryCount(most=100)
    flag = QueryFlag(initial=False)
    day = QueryDate()
    choice = QueryChoice(choices=("x", "y"), initial="x")
    text = QueryText(longest=10)


def read(query: str) -> dict[str, Any]:
    return Asked.of(Request(APIRequestFactory().get(f"/api/things?{query}")))


def refused(**parameters: str) -> dict[str, list[str]]:
    data = QueryDict(mutable=True)
    data.update(parameters)
    with pytest.raises(ValidationError) as refusal:
        Asked(data).values()
    return refusal.value.message_dict


def test_what_is_absent_is_its_initial_value_and_what_is_unknown_is_ignored() -> None:
    absent = {"id": None, "number": None, "count": None, "day": None, "text": None}
    assert read("what=ever") == {**absent, "flag": False, "choice": "x"}


def test_values_are_typed() -> None:
    query = f"id={LARGEST_INTEGER}&number=-3&count=007&flag=true&day=2026-03-24&choice=y&text=%20Zo%C3%AB%20"
    assert read(query) == {
        "id": LARGEST_INTEGER,
        "number": -3,
        "count": 7,
        "flag": True,
        "day": date(2026, 3, 24),
        "choice": "y",
        "text": " Zoë ",
    }


def test_an_empty_text_is_a_text() -> None:
    assert read("text=")["text"] == ""


def test_a_parameter_that_comes_twice_is_refused_like_a_key_that_does() -> None:
    for query in ("id=1&id=2", "id=2&id=2", "id=x&id=2"):
        with pytest.raises(ValidationError) as refusal:
            read(query)
        assert refusal.value.message_dict == {"id": ["Send this parameter once."]}
    assert "unknown" not in read("unknown=1&unknown=2")


@pytest.mark.parametrize(
    "value", ["abc", "", "0", "-1", "1.0", "9223372036854775808", "9" * 5000, "１", " 1", "1\n", "true"]
)
def test_a_bad_id_is_refused(value: str) -> None:
    assert refused(id=value) == {"id": ["Send a whole number from 1 to 9223372036854775807."]}


@pytest.mark.parametrize("value", ["", "yes", "True", "2", "on", "１"])
def test_a_bad_flag_is_refused(value: str) -> None:
    assert refused(flag=value) == {"flag": ["Send 1 or 0 (or true, false)."]}


@pytest.mark.parametrize("value", ["", "2026-3-24", "today", "２０２６-03-24", "9999-12-31", "2026-02-30"])
def test_a_bad_date_is_refused(value: str) -> None:
    assert list(refused(day=value)) == ["day"]


@pytest.mark.parametrize("value", ["", "z", "X"])
def test_a_bad_choice_is_refused_with_the_good_ones(value: str) -> None:
    assert refused(choice=value) == {"choice": ["Send one of: x, y."]}


@pytest.mark.parametrize("value", ["x" * 11, " " * 11, "x\0", "\ud800"])
def test_a_bad_text_is_refused(value: str) -> None:
    assert list(refused(text=value)) == ["text"]


def test_all_that_are_bad_are_named_at_once() -> None:
    assert refused(id="x", number="6", count="0", flag="", day="x", choice="z", text="x" * 11) == {
        "id": ["Send a whole number from 1 to 9223372036854775807."],
        "number": ["Send a whole number from -5 to 5."],
        "count": ["Send a whole number from 1."],
        "flag": ["Send 1 or 0 (or true, false)."],
        "day": ["Send a date as 'YYYY-MM-DD', such as '2026-03-24'."],
        "choice": ["Send one of: x, y."],
        "text": ["Send at most 10 characters."],
    }


def _queries() -> Iterator[tuple[str, dict[str, dict[str, Any]]]]:
    """Every GET that takes query parameters, and the type of each."""
    for path, operations in schema()["paths"].items():
        taken = [each for each in operations.get("get", {}).get("parameters", []) if each["in"] == "query"]
        if taken:
            yield path, {each["name"]: each["schema"] for each in taken}


def _bad(described: dict[str, Any]) -> str:
    """A value that the description forbids."""
    if described["type"] == "integer" or {"enum", "format", "pattern"} & set(described):
        return "x"
    return "x" * (described["maxLength"] + 1)


@pytest.mark.django_db
@pytest.mark.clock_at(MORNING)
def test_every_call_of_the_api_names_every_bad_parameter_at_once() -> None:
    salon = make_cast()
    booking, endpoint = salon.book(), WebhookEndpoint.objects.create(url="https://example.com/hook")
    token = print_links([Visit.objects.get()])[booking["visit_id"]]
    who = caller(salon.ada)
    named, wanted = {}, {}
    for path, parameters in _queries():
        address = path.format(id=endpoint.pk if "/webhooks/" in path else booking["id"], token=token)
        answer = who.get(address, {name: _bad(described) for name, described in parameters.items()})
        named[path] = (answer.status_code, sorted(answer.json().get("details", {})))
        wanted[path] = (400, sorted(parameters))
    assert named == wanted
    assert len(wanted) > 20


@pytest.mark.django_db
def test_the_sentence_names_the_first_and_how_many_more_there_are() -> None:
    answer = caller(make_cast().ada).get("/api/bookings?page=0&staff_id=x&status=done&unknown=1")
    assert (answer.status_code, answer.json()) == (
        400,
        {
            "error": "page: Send a whole number from 1. (2 more in details)",
            "code": "invalid",
            "details": {
                "page": ["Send a whole number from 1."],
                "staff_id": ["Send a whole number from 1 to 9223372036854775807."],
                "status": ["Send one of: scheduled, provisional, completed, cancelled, no-show."],
            },
        },
    )


def test_the_methods_of_filters_are_asked_without_a_list() -> None:
    """Their statement may be written once, for many calls: they know of none."""
    get_resolver().url_patterns  # noqa: B018  imports every list
    found = 0
    for each in ListFilter.__subclasses__():
        for one in (each, *each.__subclasses__()):
            for name, narrow in one.base_filters.items():
                if isinstance(narrow.method, str):
                    method = getattr_static(one, narrow.method)
                    assert isinstance(method, staticmethod), (one.__name__, name)
                    found += 1
    assert found > 5
