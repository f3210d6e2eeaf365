"""Reading a native call: its body, and the rows that its ids name.

Names: checked_body; ReferenceField, ReferencesField.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request

from staff.wire.fields import StrictIdField


def checked_body(
    serializer: type[serializers.Serializer], request: Request, *, partial: bool = False, **context: Any
) -> dict[str, Any]:
    """The fields of the body that passed; unknown keys are ignored. Raises 400 with details."""
    reader = _reader(serializer)
    reader.initial_data, reader.partial, reader._context = request.data, partial, context
    try:
        reader.is_valid(raise_exception=True)
        return dict(reader.validated_data)
    finally:
        # Nothing of one call is there in the next.
        reader.initial_data, reader._context = None, {}
        for answer in ("_validated_data", "_errors"):
            reader.__dict__.pop(answer, None)


def _reader(serializer: type[serializers.Serializer]) -> serializers.Serializer:
    """One for each thread: making the fields takes longer than reading a body with them."""
    made: dict[type, serializers.Serializer] = _READERS.by_kind
    if serializer not in made:
        made[serializer] = serializer(data=None)
    return made[serializer]


class _OfThread(threading.local):
    def __init__(self) -> None:
        self.by_kind: dict[type, serializers.Serializer] = {}


_READERS = _OfThread()


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
            self.fail("absent", name=rows.model._meta.verbose_name_raw)
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
            self.fail("absent", name=rows.model._meta.verbose_name_raw, ids=", ".join(map(str, absent)))
        return wanted
