"""Reading a native call: its body, the rows its ids name, how its list is searched and ordered.

Names: checked_body, searched, every_word, ordered, SEARCH, order_of; ReferenceField, ReferencesField.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from operator import and_, or_
from typing import Any

from django.db.models import Q, QuerySet
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request

from staff.wire.fields import StrictIdField
from staff.wire.query import query_choice, query_text
from staff.wire.schema import choice, text_filter

SEARCH = text_filter("search", "Every word must stand in one of the searched texts, in any case.")
MOST_WORDS = 8


def checked_body(
    serializer: type[serializers.Serializer], request: Request, *, partial: bool = False, **context: Any
) -> dict[str, Any]:
    """The fields of the body that passed; unknown keys are ignored. Raises 400 with details."""
    reader = serializer(data=request.data, partial=partial, context=context)
    reader.is_valid(raise_exception=True)
    return dict(reader.validated_data)


def searched(request: Request, rows: QuerySet[Any], *, fields: Iterable[str]) -> QuerySet[Any]:
    """The rows in which every word of `?search=` stands in one of `fields`. Raises BadRequest."""
    return rows.filter(every_word(query_text(request, "search") or "", fields))


def every_word(text: str, fields: Iterable[str]) -> Q:
    """The condition that every word of `text` stands in one of `fields`, in any case; none without a word."""
    lookups = [f"{field}__icontains" for field in fields]
    return reduce(and_, (_stands_in(lookups, word) for word in text.split()[:MOST_WORDS]), Q())


def ordered(request: Request, rows: QuerySet[Any], orders: Mapping[str, tuple[str, ...]]) -> QuerySet[Any]:
    """The rows as `?order=` says: a name of `orders`, backwards with `-`; the first one when it is absent.

    Every order ends with the id, so that pages neither overlap nor miss. Raises BadRequest.
    """
    asked = query_choice(request, "order", _order_names(orders)) or next(iter(orders))
    backwards = asked.startswith("-")
    fields = [*orders[asked.removeprefix("-")], "id"]
    return rows.order_by(*(f"-{field}" for field in fields) if backwards else fields)


def order_of(orders: Mapping[str, tuple[str, ...]]) -> OpenApiParameter:
    """The parameter `order` as documented."""
    return choice("order", _order_names(orders), f"`{next(iter(orders))}` unless asked; `-` is backwards.")


class ReferenceField(StrictIdField):
    """The id of an existing row; `rows` gives those that may be named."""

    default_error_messages = {"absent": "There is no such {name}; send the id of an existing one."}

    def __init__(self, rows: Callable[[], QuerySet[Any]], **kwargs: Any) -> None:
        self.rows = rows
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> int:
        row_id = super().to_internal_value(data)
        self.run_validators(row_id)
        rows = self.rows()
        if not rows.filter(pk=row_id).exists():
            self.fail("absent", name=rows.model._meta.verbose_name)
        return row_id


class ReferencesField(serializers.ListField):
    """The ids of existing rows, each once; one statement for all of them."""

    child = StrictIdField()
    default_error_messages = {"absent": "There is no {name} with id {ids}; send ids of existing ones."}

    def __init__(self, rows: Callable[[], QuerySet[Any]], **kwargs: Any) -> None:
        self.rows = rows
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> list[int]:
        wanted = sorted(set(super().to_internal_value(data)))
        rows = self.rows()
        absent = sorted(set(wanted) - set(rows.filter(pk__in=wanted).values_list("pk", flat=True)))
        if absent:
            self.fail("absent", name=rows.model._meta.verbose_name, ids=", ".join(map(str, absent)))
        return wanted


def _stands_in(lookups: list[str], word: str) -> Q:
    """The word in any case. SQLite, and PostgreSQL in the C locale, fold the case of ASCII letters only, so
    other letters are looked for in each of the ways in which people write a word."""
    spellings = [word] if word.isascii() else sorted({word, word.lower(), word.upper(), word.title()})
    return reduce(or_, (Q(**{lookup: each}) for lookup in lookups for each in spellings))


def _order_names(orders: Mapping[str, tuple[str, ...]]) -> list[str]:
    return [*orders, *(f"-{name}" for name in orders)]
