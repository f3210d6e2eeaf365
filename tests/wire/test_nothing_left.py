"""A call leaves nothing for Python's garbage collector: its pauses are other people's (docs/adr/0113)."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.test import RequestFactory
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tests.cast.bookings import make_cast
from tests.cast.factories import make_ada, token_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def _collected_by_hand() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("_collected_by_hand")
@pytest.mark.parametrize(("path", "status"), [("/api/bookings?page=1", 200), ("/api/bookings/77", 404)])
def test_request_view_and_answer_go_as_soon_as_they_are_done(path: str, status: int) -> None:
    call(path, status, token := token_of(make_ada()))
    before = count()
    call(path, status, token)
    assert count() == before


@pytest.mark.usefixtures("_collected_by_hand")
def test_so_do_those_of_a_taken_time() -> None:
    cast = make_cast()
    cast.book()
    token, order = token_of(cast.ada), json.dumps(cast.order())
    call("/api/bookings", 409, token, order)
    before = count()
    call("/api/bookings", 409, token, order)
    assert count() == before


def call(path: str, status: int, token: str, body: str = "") -> None:
    told: list[Any] = []
    environ = (
        RequestFactory()
        .generic(
            "POST" if body else "GET",
            path,
            body,
            content_type="application/json",
            headers={"Authorization": f"Bearer {token}"},
        )
        .environ
    )
    answer = WSGIHandler()(environ, lambda line, headers, error=None: told.append(line))
    b"".join(answer)
    answer.close()
    assert told[0].startswith(str(status))


def count() -> int:
    return sum(issubclass(type(each), Request | Response | APIView) for each in gc.get_objects())
