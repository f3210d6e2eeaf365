"""Answers that are sent again only when they have changed: an ETag over the bytes, 304 on If-None-Match.

Names: IF_NONE_MATCH, answer_if_new, has_already.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from django.utils.http import parse_etags
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from staff.wire.renderer import json_bytes

IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match", str, OpenApiParameter.HEADER, description="The ETag you have: 304 while it is the same."
)


def answer_if_new(
    request: Request, printed: Mapping[str, Any], *, beside: Mapping[str, Any] | None = None
) -> Response:
    """`printed`, or 304 where the caller has it. `beside`: keys that count for nothing in that."""
    etag = f'"{hashlib.sha256(json_bytes(printed)).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": "no-cache"}
    if has_already(request.headers, etag):
        return Response(status=304, headers=headers)
    return Response({**printed, **(beside or {})}, headers=headers)


def has_already(headers: Mapping[str, str], etag: str) -> bool:
    """Whether the caller, by its If-None-Match, has what this ETag stands for."""
    known = parse_etags(headers.get("If-None-Match", ""))
    return "*" in known or etag in {each.removeprefix("W/") for each in known}
