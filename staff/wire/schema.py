"""What the OpenAPI schema says of errors and lists, the same words everywhere.

Names: problems, list_answer, ProblemSerializer.

    @extend_schema(responses={200: list_answer(ClientSerializer), **problems(400, 401)}, parameters=PAGE_PARAMETERS)
"""

from functools import lru_cache
from typing import Any

from drf_spectacular.utils import OpenApiResponse, PolymorphicProxySerializer, inline_serializer
from rest_framework import serializers

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


def problems(*statuses: int) -> dict[int, OpenApiResponse]:
    """The error answers of an operation, for `extend_schema(responses=...)`."""
    return {status: OpenApiResponse(ProblemSerializer, description=_MEANINGS[status]) for status in statuses}


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
