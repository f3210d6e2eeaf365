"""Lists: page and limit, and the answer with or without `page` (contract §1.2).

Names: page_request, Page, PageJson, page_body, answer_list, answer_queryset, PAGE_PARAMETERS.

    def get(self, request):
        return answer_queryset(request, Client.objects.visible_to(actor).order_by("id"), row=client_json)

`answer_list` is for lists that fetch in a way of their own (ids first, then join).
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Annotated, Any, NamedTuple, TypedDict, TypeVar

from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from staff.wire.answers import Count, Number, between
from staff.wire.refusals import BadRequest
from staff.wire.renderer import array_response

DEFAULT_LIMIT = 50
LARGEST_LIMIT = 200
LARGEST_PAGE = 10**15
"""A page further on counts as this one: past the end all the same, and still a number JSON can carry."""
ROWS_PER_CHUNK = 500

Row = TypeVar("Row")

_WHOLE = re.compile(r"[0-9]+")

PAGE_PARAMETERS = [
    OpenApiParameter(
        "page",
        {"type": "integer", "minimum": 1},
        description="Page number from 1. With it the answer is a page object, without it a bare array.",
    ),
    OpenApiParameter(
        "limit",
        {"type": "integer", "minimum": 1, "default": DEFAULT_LIMIT},
        description=f"Items per page; more than {LARGEST_LIMIT} counts as {LARGEST_LIMIT}.",
    ),
]


class Page(NamedTuple):
    """What was asked for: page number from 1, items per page 1..200."""

    page: int
    limit: int

    @property
    def offset(self) -> int:
        return (self.page - 1) * self.limit


class PageJson(TypedDict):
    items: Sequence[Any]
    total: Count
    page: Number
    limit: Annotated[int, between(1, LARGEST_LIMIT)]
    pages: Count


def page_request(request: Request) -> Page | None:
    """The page asked for, None without `page`. BadRequest when page or limit is no whole number >= 1."""
    limit = _whole_number(request, "limit")
    page = _whole_number(request, "page")
    if page is None:
        return None
    return Page(page=min(page, LARGEST_PAGE), limit=min(limit or DEFAULT_LIMIT, LARGEST_LIMIT))


def page_body(items: Sequence[Any], *, total: int, asked: Page) -> PageJson:
    """The page object of the contract; no items is zero pages."""
    return {
        "items": items,
        "total": total,
        "page": asked.page,
        "limit": asked.limit,
        "pages": -(-total // asked.limit),
    }


def answer_list(
    request: Request,
    *,
    count: Callable[[], int],
    fetch: Callable[[int, int], Sequence[Mapping[str, Any]]],
    chunks: Callable[[], Iterable[Sequence[Mapping[str, Any]]]],
) -> Response | StreamingHttpResponse:
    """With `page` the page object (`count`, then `fetch(offset, limit)`), else all `chunks`, streamed.

    A page past the end costs the count alone. Raises BadRequest.
    """
    asked = page_request(request)
    if asked is None:
        return array_response(chunks())
    total = count()
    items = fetch(asked.offset, asked.limit) if asked.offset < total else []
    return Response(page_body(items, total=total, asked=asked))


def answer_queryset(
    request: Request, queryset: QuerySet[Any, Any], *, row: Callable[[Any], Mapping[str, Any]]
) -> Response | StreamingHttpResponse:
    """`answer_list` over an ordered queryset, `row` printing one of its rows."""

    def rows() -> Iterator[Mapping[str, Any]]:
        return (row(each) for each in queryset.iterator(chunk_size=ROWS_PER_CHUNK))

    return answer_list(
        request,
        count=queryset.count,
        fetch=lambda offset, limit: [row(each) for each in queryset[offset : offset + limit]],
        chunks=lambda: in_chunks(rows()),
    )


def in_chunks(rows: Iterable[Row], *, size: int = ROWS_PER_CHUNK) -> Iterator[list[Row]]:
    """The rows in lists of at most `size`."""
    remaining = iter(rows)
    while chunk := list(islice(remaining, size)):
        yield chunk


def _whole_number(request: Request, name: str) -> int | None:
    text = request.query_params.get(name)
    if text is None:
        return None
    if _WHOLE.fullmatch(text) is None or not text.strip("0"):
        raise BadRequest.field(name, "Send a whole number from 1.")
    digits = text.lstrip("0")
    return int(digits) if len(digits) <= len(str(LARGEST_PAGE)) else LARGEST_PAGE + 1
