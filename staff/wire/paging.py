"""Lists: page and limit, and the answer with or without `page` (contract §1.2).

Names: PageQuery, page_request, Page, PageJson, page_body, answer_list, answer_queryset.

    def get(self, request):
        events = BookingEvent.objects.filter(booking_id=id).order_by("id")
        return answer_queryset(page_request(request), events, row=event_json)

`answer_list` is for lists that fetch in a way of their own (ids first, then join). A list with filters takes
its page from them: `staff.wire.filters`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Annotated, Any, TypedDict, TypeVar

from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from staff.wire.answers import Count, Number, between
from staff.wire.query import Query, QueryCount
from staff.wire.renderer import array_response
from staff.wire.streaming import streamed

DEFAULT_LIMIT = 50
LARGEST_LIMIT = 200
LARGEST_PAGE = 10**15
"""A page further on counts as this one: past the end all the same, and still a number JSON can carry."""
ROWS_PER_CHUNK = 500

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Page:
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


class PageQuery(Query):
    """`page` and `limit`."""

    page = QueryCount(
        most=LARGEST_PAGE,
        help_text="Page number from 1. With it the answer is a page object, without it a bare array.",
    )
    limit = QueryCount(
        most=LARGEST_LIMIT,
        initial=DEFAULT_LIMIT,
        help_text=f"Items per page; more than {LARGEST_LIMIT} counts as {LARGEST_LIMIT}.",
    )


def page_request(request: Request) -> Page | None:
    """The page asked for, None without `page`. Raises ValidationError naming each bad parameter."""
    return page_of(PageQuery.of(request))


def page_of(asked: Mapping[str, Any]) -> Page | None:
    """The page that the values of a PageQuery ask for."""
    return None if asked["page"] is None else Page(page=asked["page"], limit=asked["limit"])


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
    asked: Page | None,
    *,
    count: Callable[[], int],
    fetch: Callable[[int, int], Sequence[Mapping[str, Any]]],
    chunks: Callable[[], Iterable[Sequence[Mapping[str, Any]]]],
) -> Response | StreamingHttpResponse:
    """The page asked for, by `fetch(offset, limit)` and `count`, or all `chunks`, streamed.

    A first page that is not full has told the total; a page past the end costs the count alone.
    """
    if asked is None:
        return array_response(chunks())
    if asked.page == 1:
        items = fetch(0, asked.limit)
        total = len(items) if len(items) < asked.limit else count()
    else:
        total = count()
        items = fetch(asked.offset, asked.limit) if asked.offset < total else []
    return Response(page_body(items, total=total, asked=asked))


def answer_queryset(
    asked: Page | None, queryset: QuerySet[Any, Any], *, row: Callable[[Any], Mapping[str, Any]]
) -> Response | StreamingHttpResponse:
    """`answer_list` over an ordered queryset, `row` printing one of its rows."""

    def rows() -> Iterator[Mapping[str, Any]]:
        return (row(each) for each in streamed(queryset, chunk_size=ROWS_PER_CHUNK))

    return answer_list(
        asked,
        count=queryset.count,
        fetch=lambda offset, limit: [row(each) for each in queryset[offset : offset + limit]],
        chunks=lambda: in_chunks(rows()),
    )


def in_chunks(rows: Iterable[Row], *, size: int = ROWS_PER_CHUNK) -> Iterator[list[Row]]:
    """The rows in lists of at most `size`."""
    remaining = iter(rows)
    while chunk := list(islice(remaining, size)):
        yield chunk
