"""Every exception becomes a refusal, every refusal one form on the wire (contract §0)."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, SuspiciousOperation, ValidationError
from django.db import DataError, IntegrityError, InterfaceError, OperationalError, ProgrammingError
from django.http import Http404, HttpRequest, HttpResponse
from django.test import Client
from django.urls import path
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from staff.wire import refusals
from staff.wire.errors import as_refused
from staff.wire.fields import StrictIdField, TextField

pytestmark = pytest.mark.urls(__name__)

raised: list[Exception] = []


class Raising(APIView):
    authentication_classes: list[Any] = []
    permission_classes: list[Any] = []

    def get(self, request: Request) -> Response:
        raise raised[-1]


class Foreign(Raising):
    @staticmethod
    def error_format(problem: refusals.Refused) -> tuple[int, object]:
        return 418, {"message": problem.message, "data": [problem.code]}


def plain(request: HttpRequest) -> HttpResponse:
    raise raised[-1]


class Step(serializers.Serializer):
    subject = TextField(allow_blank=False)


class Body(serializers.Serializer):
    client_id = StrictIdField()
    steps = Step(many=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        raise serializers.ValidationError("These do not go together.")


urlpatterns = [
    path("api/raising", Raising.as_view()),
    path("api/foreign", Foreign.as_view()),
    path("api/plain", plain),
]


def answer_to(exc: Exception, address: str = "/api/raising") -> tuple[int, Any, dict[str, str]]:
    raised.append(exc)
    response = Client(raise_request_exception=False).get(address)
    assert response["Content-Type"] == "application/json"
    return response.status_code, response.json(), dict(response.headers)


@pytest.mark.parametrize("address", ["/api/raising", "/api/plain"])
@pytest.mark.parametrize(
    ("exc", "status", "code"),
    [
        (refusals.BadRequest(), 400, "invalid"),
        (refusals.NotLoggedIn(), 401, "not_authenticated"),
        (refusals.Forbidden(), 403, "permission_denied"),
        (refusals.NotFound(), 404, "not_found"),
        (refusals.Conflict(), 409, "conflict"),
        (refusals.Gone(), 410, "gone"),
        (refusals.Stale(), 412, "stale_version"),
        (refusals.TooLarge(), 413, "body_too_large"),
        (refusals.UnsupportedMedia(), 415, "unsupported_media_type"),
        (refusals.Unprocessable(), 422, "unprocessable"),
        (refusals.TooMany(), 429, "throttled"),
        (refusals.Unavailable(), 503, "unavailable"),
        (exceptions.ValidationError("No."), 400, "invalid"),
        (exceptions.ParseError(), 400, "parse_error"),
        (exceptions.NotAuthenticated(), 401, "not_authenticated"),
        (exceptions.AuthenticationFailed(), 401, "authentication_failed"),
        (exceptions.PermissionDenied(), 403, "permission_denied"),
        (exceptions.NotFound(), 404, "not_found"),
        (exceptions.UnsupportedMediaType("text/plain"), 415, "unsupported_media_type"),
        (exceptions.Throttled(wait=2.1), 429, "throttled"),
        (exceptions.Throttled(), 429, "throttled"),
        (Http404("No Client matches the given query."), 404, "not_found"),
        (PermissionDenied(), 403, "permission_denied"),
        (SuspiciousOperation("x"), 400, "invalid"),
        (ValidationError({"name": ["Too short."]}), 400, "invalid"),
        (OperationalError("server closed the connection"), 503, "unavailable"),
        (InterfaceError("connection already closed"), 503, "unavailable"),
        (DataError("integer out of range"), 400, "invalid"),
        (IntegrityError("UNIQUE constraint failed"), 409, "conflict"),
        (ProgrammingError("no such column"), 500, "internal_error"),
        (ZeroDivisionError("secret"), 500, "internal_error"),
        (RecursionError("secret"), 500, "internal_error"),
    ],
)
def test_status_and_code_of_every_exception(exc: Exception, status: int, code: str, address: str) -> None:
    got, body, headers = answer_to(exc, address)
    assert (got, body["code"]) == (status, code)
    assert set(body) <= {"error", "code", "details"}
    assert body["error"].endswith((".", ")"))
    assert "secret" not in str(body)
    assert ("Retry-After" in headers) == (status in (429, 503))
    assert ("WWW-Authenticate" in headers) == (status == 401)


def test_the_whole_form() -> None:
    conflict: refusals.ConflictingBookingJson = {
        "booking_id": 7,
        "start_at": "2026-03-24 10:00:00",
        "end_at": "2026-03-24 10:30:00",
    }
    refused = refusals.Conflict(
        "Taken.",
        code="slot_taken",
        details={"start_at": "Choose another."},
        conflicts=[conflict],
        retry_after=3,
    )
    status, body, headers = answer_to(refused)
    assert (status, body) == (
        409,
        {
            "error": "Taken.",
            "code": "slot_taken",
            "details": {"start_at": ["Choose another."]},
            "conflicts": [conflict],
        },
    )
    assert headers["Retry-After"] == "3"


def test_the_shortest_form() -> None:
    assert answer_to(refusals.NotFound("Booking not found"))[1] == {
        "error": "Booking not found",
        "code": "not_found",
    }


def test_a_subclass_brings_its_own_code_and_sentence() -> None:
    class SlotTaken(refusals.Conflict):
        code = "slot_taken"
        message = "That time is taken."

    assert answer_to(SlotTaken())[:2] == (409, {"error": "That time is taken.", "code": "slot_taken"})
    assert SlotTaken("Other.").message == "Other."
    assert SlotTaken.message == "That time is taken."


def test_one_field() -> None:
    assert answer_to(refusals.BadRequest.field("page", "Send a whole number."))[1] == {
        "error": "page: Send a whole number.",
        "code": "invalid",
        "details": {"page": ["Send a whole number."]},
    }


def test_field_errors_are_flattened_with_every_sentence() -> None:
    serializer = Body(data={"client_id": "5", "steps": [{"subject": "a"}, {"subject": ""}]})
    with pytest.raises(exceptions.ValidationError) as invalid:
        serializer.is_valid(raise_exception=True)
    assert answer_to(invalid.value)[1] == {
        "error": "client_id: Send an id: a whole number from 1, without quotes. (1 more in details)",
        "code": "invalid",
        "details": {
            "client_id": ["Send an id: a whole number from 1, without quotes."],
            "steps.1.subject": ["This field may not be blank."],
        },
    }


def test_an_error_of_no_field_stands_alone() -> None:
    serializer = Body(data={"client_id": 5, "steps": []})
    with pytest.raises(exceptions.ValidationError) as invalid:
        serializer.is_valid(raise_exception=True)
    assert answer_to(invalid.value)[1] == {
        "error": "These do not go together.",
        "code": "invalid",
        "details": {"non_field_errors": ["These do not go together."]},
    }


def test_a_models_validation_error_has_the_same_form() -> None:
    assert answer_to(ValidationError({"__all__": ["No."], "name": ["Short.", "Odd."]}))[1] == {
        "error": "No. (1 more in details)",
        "code": "invalid",
        "details": {"non_field_errors": ["No."], "name": ["Short.", "Odd."]},
    }


def test_throttling_says_how_long() -> None:
    _, body, headers = answer_to(exceptions.Throttled(wait=2.1))
    assert body == {"error": "Too many requests; try again in 3 seconds.", "code": "throttled"}
    assert headers["Retry-After"] == "3"


def test_a_method_that_is_not_there_names_those_that_are() -> None:
    response = Client().put("/api/raising", "{}", content_type="application/json")
    assert (response.status_code, response["Allow"]) == (405, "GET, HEAD, OPTIONS")
    assert response.json() == {
        "error": "PUT is not possible here; use GET, HEAD, OPTIONS.",
        "code": "method_not_allowed",
    }


def test_a_view_prints_errors_in_its_own_form() -> None:
    assert answer_to(refusals.NotFound("Nope"), "/api/foreign")[:2] == (
        418,
        {"message": "Nope", "data": ["not_found"]},
    )
    assert answer_to(ZeroDivisionError("secret"), "/api/foreign")[:2] == (
        418,
        {
            "message": "Something went wrong on our side; it has been logged. Try again later.",
            "data": ["internal_error"],
        },
    )


@pytest.mark.parametrize("address", ["/api/raising", "/api/plain"])
def test_what_nobody_foresaw_is_logged_and_seen_by_the_test_client(
    address: str, caplog: pytest.LogCaptureFixture
) -> None:
    raised.append(ZeroDivisionError("secret"))
    with pytest.raises(ZeroDivisionError), caplog.at_level(logging.ERROR, "staff.wire"):
        Client().get(address)
    assert [record.getMessage() for record in caplog.records if record.name == "staff.wire"] == [
        "unforeseen exception in a request"
    ]
    assert caplog.records[0].exc_info is not None


def test_an_exception_of_no_request_is_nobodys_refusal() -> None:
    assert as_refused(KeyError("x")) is None
