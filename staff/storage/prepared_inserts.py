"""INSERTs that are written once, for the rows that every write leaves (docs/adr/0111).

Django builds and compiles the statement of a `save()` anew for every row, which takes it several times longer
than the database needs to store it. What it stores is the same: each value is prepared by the model's own
fields, and the row knows afterwards what the database gave it.

    _INSERT = PreparedInsert(BookingEvent)
    _INSERT.write([event])
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Generic, TypeVar

from django.db import connection
from django.db.models import Model

from staff.storage.prepared_statements import open_cursor

M = TypeVar("M", bound=Model)

ROWS_AT_ONCE = 500
"""SQLite takes 32,766 values in one statement, and no table of ours has more than 60 columns."""

FEW = 4
"""Statements of up to so many rows are worth keeping."""


class PreparedInsert(Generic[M]):
    """One INSERT of whole rows of a model.

    `on_conflict`: what follows ON CONFLICT. With DO NOTHING no row knows its id afterwards.
    """

    def __init__(self, model: type[M], *, on_conflict: str = "") -> None:
        self._model = model
        self._on_conflict = on_conflict
        fields = model._meta.concrete_fields
        self._columns = [field for field in fields if not (field.primary_key or field.generated)]
        self._given_back = [
            field
            for field in fields
            if (field.primary_key or field.generated) and "DO NOTHING" not in on_conflict
        ]
        self._written: dict[tuple[str, int], str] = {}

    def write(self, rows: Iterable[M]) -> None:
        """Store rows that are new; one statement for any ordinary number of them, none for none."""
        wanted = list(rows)
        for first in range(0, len(wanted), ROWS_AT_ONCE):
            self._write(wanted[first : first + ROWS_AT_ONCE])

    def _write(self, rows: Sequence[M]) -> None:
        values = [
            field.get_db_prep_save(field.pre_save(row, add=True), connection)
            for row in rows
            for field in self._columns
        ]
        with open_cursor(keep_plan=len(rows) <= FEW) as cursor:
            cursor.execute(self._statement(len(rows)), values)
            given = cursor.fetchall() if self._given_back else [()] * len(rows)
        for row, values in zip(rows, given, strict=True):
            row._state.adding, row._state.db = False, connection.alias
            for field, value in zip(self._given_back, values, strict=True):
                setattr(row, field.attname, value)

    def _statement(self, count: int) -> str:
        wanted = connection.vendor, count
        if wanted not in self._written:
            self._written[wanted] = self._sql(count)
        return self._written[wanted]

    def _sql(self, count: int) -> str:
        quote, meta = connection.ops.quote_name, self._model._meta
        row = f"({', '.join(['%s'] * len(self._columns))})"
        names = ", ".join(quote(field.column) for field in self._columns)
        sql = f"INSERT INTO {quote(meta.db_table)} ({names}) VALUES {', '.join([row] * count)}"
        if self._on_conflict:
            sql += f" ON CONFLICT {self._on_conflict}"
        given_back = ", ".join(quote(field.column) for field in self._given_back)
        return f"{sql} RETURNING {given_back}" if given_back else sql
