"""INSERTs, UPDATEs and DELETEs that are written once, for what every write does (docs/adr/0111).

Django builds and compiles the statement of a `save()` anew for every row, which takes several times longer
than the database needs to store it. What it stores is the same: each value is prepared by the model's own
fields, and the row knows afterwards what the database gave it.

    PreparedInsert(BookingEvent).write([event])
    PreparedUpdate(Booking).write(booking)
    PreparedDelete(lambda: BusyTime.objects.filter(booking_id=Blank("id", BigAutoField()))).run(id=5)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, TypeVar

from django.db import DatabaseError, connection
from django.db.models import Model, QuerySet
from django.db.models.sql import DeleteQuery

from staff.storage.prepared_statements import filled, open_cursor

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
        quote, table = connection.ops.quote_name, self._model._meta.db_table
        row = f"({', '.join(['%s'] * len(self._columns))})"
        names = ", ".join(quote(str(field.column)) for field in self._columns)
        sql = f"INSERT INTO {quote(table)} ({names}) VALUES {', '.join([row] * count)}"
        if self._on_conflict:
            sql += f" ON CONFLICT {self._on_conflict}"
        given_back = ", ".join(quote(str(field.column)) for field in self._given_back)
        return f"{sql} RETURNING {given_back}" if given_back else sql


class PreparedUpdate(Generic[M]):
    """One UPDATE of all columns of a row that is locked, as `save()` does it."""

    def __init__(self, model: type[M]) -> None:
        fields = model._meta.concrete_fields
        self._columns = [field for field in fields if not (field.primary_key or field.generated)]
        self._given_back = [field for field in fields if field.generated]
        self._model = model
        self._written: dict[str, str] = {}

    def write(self, row: M) -> None:
        """Raises DatabaseError where the row is gone."""
        values = [
            field.get_db_prep_save(field.pre_save(row, add=False), connection) for field in self._columns
        ]
        with open_cursor() as cursor:
            cursor.execute(self._statement(), [*values, row.pk])
            given = cursor.fetchone()
        if given is None:
            raise DatabaseError(f"{self._model.__name__} {row.pk} is gone.")
        for field, value in zip(self._given_back, given[1:], strict=True):
            setattr(row, field.attname, value)

    def _statement(self) -> str:
        vendor = connection.vendor
        if vendor not in self._written:
            quote, meta = connection.ops.quote_name, self._model._meta
            pairs = ", ".join(f"{quote(str(field.column))} = %s" for field in self._columns)
            given_back = ", ".join(quote(str(field.column)) for field in (meta.pk, *self._given_back))
            self._written[vendor] = (
                f"UPDATE {quote(meta.db_table)} SET {pairs} WHERE {quote(str(meta.pk.column))} = %s "
                f"RETURNING {given_back}"
            )
        return self._written[vendor]


class PreparedDelete:
    """One DELETE of the rows of `build`'s queryset, with blanks: of a model whose rows nothing names."""

    def __init__(self, build: Callable[[], QuerySet[Any]]) -> None:
        self._build = build
        self._written: dict[str, tuple[str, tuple[Any, ...]]] = {}

    def run(self, **values: Any) -> None:
        if connection.vendor not in self._written:
            query = self._build().query.chain(klass=DeleteQuery)
            self._written[connection.vendor] = query.get_compiler(connection=connection).as_sql()
        sql, params = self._written[connection.vendor]
        with open_cursor() as cursor:
            cursor.execute(sql, filled(params, values))
