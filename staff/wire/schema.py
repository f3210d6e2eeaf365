"""What the OpenAPI schema says of operations, errors and lists, the same words everywhere.

Names: documented, problems, list_answer, ProblemSerializer; ID_IN_PATH, flag, id_filter, date_filter, choice,
text_filter for parameters.

    @documented("Add a holiday", request=Holiday, answer=Holiday, status=201, refused=[409])
    def post(self, request): ...

`documented` adds the refusals every call can meet, so an operation names only its own. Beneath it:

    @extend_schema(responses={200: list_answer(RowSerializer), **problems(400)}, parameters=PAGE_PARAMETERS)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    PolymorphicProxySerializer,
    extend_schema,
    inline_serializer,
)
from rest_framework import serializers

READS = frozenset({"get", "head", "options"})
ALWAYS = (400, 429, 503)
LOGGED_IN = (401, 403)
WITH_BODY = (413, 415)
WITHOUT_LOGIN: Any = [{}]

_MEANINGS = {
    400: "Malformed, or refused by a rule of the request; `details` names the fields.",
    401: "Not logged in, or the token is unknown or expired.",
    403: "Visible, but not allowed.",
    404: "Absent, or not visible to you.",
    405: "Not possible here; see the header Allow.",
    409: "Conflicts with the state of the salon.",
    410: "The link was used or has expired.",
    412: "Changed since it was read (`If-Match`).",
    413: "The body is over 256 kB.",
    415: "The body is not application/json in UTF-8.",
    422: "The Idempotency-Key was used with another body.",
    429: "Too many requests; wait as long as Retry-After says (seconds).",
    503: "The database is away; try again after Retry-After seconds.",
}


class ConflictingBookingSerializer(serializers.Serializer):
    booking_id = serializers.IntegerField()
    start_at = serializers.CharField(help_text="YYYY-MM-DD HH:MM:SS, salon wall clock")
    end_at = serializers.CharField(help_text="YYYY-MM-DD HH:MM:SS, salon wall clock")


class NativeSchema(AutoSchema):
    """Says of an operation what `documented` says of it, and nothing of how its view is made."""

    def get_description(self) -> str:  # type: ignore[override]
        return ""


class ProblemSerializer(serializers.Serializer):
    """The native error form (contract §0)."""

    error = serializers.CharField(help_text="A sentence a person can act on.")
    code = serializers.CharField(help_text="What a program decides by, in snake_case.")
    details = serializers.DictField(
        child=serializers.ListField(child=serializers.CharField()),
        required=False,
        help_text="Field name to sentences; nested fields are dotted.",
    )
    conflicts = ConflictingBookingSerializer(
        many=True,
        required=False,
        help_text="With 409 slot_taken: what is in the way, as far as you may see it.",
    )


ID_IN_PATH = OpenApiParameter(
    "id", {"type": "integer", "minimum": 1, "maximum": 2**63 - 1}, OpenApiParameter.PATH, required=True
)

Answer = (
    type[serializers.BaseSerializer] | serializers.BaseSerializer | OpenApiResponse | dict[str, Any] | None
)


def documented(
    summary: str,
    *,
    answer: Answer = None,
    status: int = 200,
    request: Any = None,
    refused: Iterable[int] = (),
    parameters: Sequence[OpenApiParameter] = (),
    description: str | None = None,
    public: bool = False,
    tags: Sequence[str] | None = None,
    examples: Sequence[OpenApiExample] | None = None,
    answers: dict[int, Answer] | None = None,
) -> Callable[[Any], Any]:
    """Decorates a view's method. `answer` None is an empty answer; `answers` adds others by status.

    `public` operations need no login. `examples` go to extend_schema as they are.
    """

    def decorate(method: Any) -> Any:
        statuses = {*ALWAYS, *(() if public else LOGGED_IN), *refused}
        if method.__name__ not in READS:
            statuses |= {*WITH_BODY}
        return extend_schema(
            operation_id=_list_operation(answer),
            summary=summary,
            description=description,
            request=request,
            responses={
                status: answer if answer is not None else OpenApiResponse(description="Done."),
                **(answers or {}),
                **problems(*sorted(statuses)),
            },
            parameters=list(parameters),
            auth=WITHOUT_LOGIN if public else None,
            tags=list(tags) if tags else None,
            examples=list(examples) if examples else None,
        )(method)

    return decorate


def problems(*statuses: int) -> dict[int, OpenApiResponse]:
    """The error answers of an operation, for `extend_schema(responses=...)`."""
    return {status: OpenApiResponse(ProblemSerializer, description=_MEANINGS[status]) for status in statuses}


def _list_operation(answer: Answer) -> str | None:
    """The operation id of a list; the generator takes our two-formed lists for single rows."""
    if not isinstance(answer, PolymorphicProxySerializer):
        return None
    return re.sub(r"(?<!^)(?=[A-Z])", "_", answer.component_name).lower()


@lru_cache
def list_answer(item: type[serializers.Serializer]) -> Any:
    """A bare array of `item`, or with `page` the page object (contract §1.2)."""
    name = item.__name__.removesuffix("Serializer")
    page = inline_serializer(
        name=f"{name}Page",
        fields={
            "items": item(many=True),
            "total": serializers.IntegerField(min_value=0),
            "page": serializers.IntegerField(min_value=1),
            "limit": serializers.IntegerField(min_value=1, max_value=200),
            "pages": serializers.IntegerField(min_value=0),
        },
    )
    return PolymorphicProxySerializer(
        component_name=f"{name}List",
        serializers=[item(many=True), page],
        resource_type_field_name=None,
        many=False,
    )


def require_bodies(result: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    """Generator hook: PUT and PATCH refuse an empty body, though every key in it may be absent."""
    for operations in result["paths"].values():
        for method in ("put", "patch"):
            if "requestBody" in operations.get(method, {}):
                operations[method]["requestBody"]["required"] = True
    return result


def flag(name: str, description: str) -> OpenApiParameter:
    """A query parameter that is `1` or `0`."""
    return OpenApiParameter(
        name, {"type": "string", "enum": ["1", "0", "true", "false"]}, description=description
    )


def id_filter(name: str, description: str) -> OpenApiParameter:
    """A query parameter that is an id."""
    return OpenApiParameter(
        name, {"type": "integer", "minimum": 1, "maximum": 2**63 - 1}, description=description
    )


def date_filter(name: str, description: str) -> OpenApiParameter:
    """A query parameter that is a calendar date."""
    return OpenApiParameter(name, OpenApiTypes.DATE, description=description)


def choice(name: str, values: Iterable[str], description: str) -> OpenApiParameter:
    """A query parameter that is one of `values`."""
    return OpenApiParameter(name, {"type": "string", "enum": list(values)}, description=description)


def text_filter(name: str, description: str) -> OpenApiParameter:
    """A query parameter that is a text of at most 200 characters."""
    return OpenApiParameter(name, {"type": "string", "maxLength": 200}, description=description)


class StaffTokenScheme(OpenApiAuthenticationExtension):
    target_class = "staff.access.auth.StaffTokenAuthentication"
    name = "staffToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "The `token` of POST /api/auth/login, valid for 8 hours.",
        }


class ApiKeyScheme(OpenApiAuthenticationExtension):
    target_class = "staff.access.auth.ApiKeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "An API key of dialect `native`, made at POST /api/api-keys.",
        }
