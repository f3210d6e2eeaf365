"""How every list reads what narrows it: a FilterSet of django-filter over the fields of `staff.wire.query`.

    class ServiceFilter(ListFilter):
        search = SearchFilter(every_word_in("name", "category"))
        is_active = FlagFilter(help_text="Only those (not) on offer.")
        staff_id = IdFilter("staff", help_text="Only those this person offers.")
        order = OrderFilter({"name": ("name",), "id": ()})

    @documented("List services", answer=..., parameters=ServiceFilter.parameters())
    def get(self, request):
        asked = ServiceFilter.of(request, Service.objects.all())
        return answer_queryset(asked.page, asked.qs, row=service_json)

Names: ListFilter; IdFilter, NumberFilter, FlagFilter, DateFilter, ChoiceFilter, TextFilter, SearchFilter,
OrderFilter; every_word, every_word_in, words_of.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache, cached_property, partial
from typing import Any, ClassVar, Self

import django_filters
from django.db.models import BigAutoField, Field, QuerySet
from django.http import QueryDict
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from staff.wire.addresses import in_unicode, searched_address
from staff.wire.paging import Page, PageQuery, page_of
from staff.wire.query import (
    Query,
    QueryChoice,
    QueryDate,
    QueryFlag,
    QueryId,
    QueryNumber,
    QueryText,
)
from staff.wire.text import folded

MOST_WORDS = 8

Search = Callable[[QuerySet[Any], str], QuerySet[Any]]


class ListFilter(django_filters.FilterSet):
    """The filters of a list, `page` and `limit` among its parameters. All bad ones are named at once.

    One of django-filter's own copies all its filters and makes a class of a form for every call. Ours hold
    nothing of a call, so they are never copied, and the form is made once.
    """

    base_filters: ClassVar[dict[str, django_filters.Filter]]

    class Meta:
        form = PageQuery

    def __init__(self, data: QueryDict, queryset: QuerySet[Any], *, request: Request) -> None:
        self.data, self.queryset, self.request = data, queryset, request
        self.asked: dict[str, Any] = self.form_of_all()(data).values()
        self.compared = {
            name: each.compared(self.asked[name], request)
            for name, each in self.base_filters.items()
            if name in data or each.extra.get("initial") is not None
        }
        """What narrows this list, and what its rows are compared with."""

    @classmethod
    def of(cls, request: Request, rows: QuerySet[Any]) -> Self:
        """Raises ValidationError naming each bad parameter."""
        return cls(request.query_params, rows, request=request)

    @classmethod
    @cache
    def form_of_all(cls) -> type[Query]:
        fields = {name: each.field for name, each in cls.base_filters.items()}
        return type(f"{cls.__name__}Form", (cls._meta.form,), fields)

    @classmethod
    def parameters(cls) -> list[OpenApiParameter]:
        """For `documented`."""
        return cls.form_of_all().parameters()

    @property
    def page(self) -> Page | None:
        return page_of(self.asked)

    @cached_property
    def qs(self) -> QuerySet[Any]:
        return self.narrowed(self.queryset, self.compared)

    @classmethod
    def narrowed(cls, rows: QuerySet[Any], compared: Mapping[str, Any]) -> QuerySet[Any]:
        """`rows`, narrowed by the filters named in `compared`, in their order."""
        for name, value in compared.items():
            each = cls.base_filters[name]
            if each.method is None:
                rows = each.filter(rows, value)
            else:
                narrow = each.method if callable(each.method) else getattr(cls, each.method)
                rows = narrow(rows, name, value)
        return rows


class Filter(django_filters.Filter):
    """The rows whose field is the value sent. An empty text is a value, unlike to django-filter.

    `any_value`: what it is compared with, where the statement is the same whatever that is.
    """

    any_value: ClassVar[type[Field[Any, Any]] | None] = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, label="", **kwargs)

    def compared(self, value: Any, request: Request) -> Any:
        """What the rows are compared with for a `value` that was sent."""
        return value

    def filter(self, rows: QuerySet[Any], value: Any) -> QuerySet[Any]:
        return self.get_method(rows)(**{f"{self.field_name}__{self.lookup_expr}": value})


class IdFilter(Filter):
    field_class = QueryId
    any_value = BigAutoField


class NumberFilter(Filter):
    field_class = QueryNumber


class FlagFilter(Filter):
    field_class = QueryFlag


class DateFilter(Filter):
    field_class = QueryDate


class ChoiceFilter(Filter):
    field_class = QueryChoice


class TextFilter(Filter):
    field_class = QueryText


class SearchFilter(Filter):
    """`?search=`: what `search` finds among the rows for the text sent."""

    field_class = QueryText

    def __init__(self, search: Search, *, help_text: str | None = None) -> None:
        self.search = search
        super().__init__(
            strip=True,
            help_text=help_text
            or "Every word must stand in one of the searched texts; case and accents do not count.",
        )

    def filter(self, rows: QuerySet[Any], value: str) -> QuerySet[Any]:
        return self.search(rows, value)


class OrderFilter(Filter):
    """`?order=`: a name of `orders`, backwards with `-`; the first one when it is absent.

    Every order ends with the id, so that pages neither overlap nor miss.
    """

    field_class = QueryChoice

    def __init__(self, orders: Mapping[str, tuple[str, ...]]) -> None:
        self.orders = orders
        usual = next(iter(orders))
        super().__init__(
            choices=[*orders, *(f"-{name}" for name in orders)],
            initial=usual,
            help_text=f"`{usual}` unless asked; `-` is backwards.",
        )

    def filter(self, rows: QuerySet[Any], value: str) -> QuerySet[Any]:
        fields = [*self.orders[value.removeprefix("-")], "id"]
        return rows.order_by(*(f"-{field}" for field in fields) if value.startswith("-") else fields)


def words_of(text: str) -> list[str]:
    """The words of `text` as they are searched; an address, or a part of one, as it is stored."""
    spelt = (in_unicode(searched_address(word) if "@" in word else word) for word in text.split())
    return folded(" ".join(spelt)).split()[:MOST_WORDS]


def every_word_in(*fields: str) -> Search:
    """For SearchFilter over a small table: every word stands in one of `fields`.

    The rows are read and folded here, with one more statement: no two databases fold alike.
    """
    return partial(every_word, fields=fields)


def every_word(rows: QuerySet[Any], text: str, *, fields: Sequence[str]) -> QuerySet[Any]:
    """The rows with every word of `text` in one of `fields`; all without a word."""
    words = words_of(text)
    if not words:
        return rows
    found = []
    for pk, *texts in rows.order_by().values_list("pk", *fields):
        searched = folded("\n".join(filter(None, texts)))
        if all(word in searched for word in words):
            found.append(pk)
    return rows.filter(pk__in=found)
