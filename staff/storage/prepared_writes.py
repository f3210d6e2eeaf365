"""INSERTs, UPDATEs and DELETEs that are written once, for what every write does (docs/adr/0111).

Django builds and compiles the statement of a `save()` anew for every row, which takes several times longer
than the database needs to store it. What it stores is the same: each value is prepared by the model's own
fields, and the row knows afterwards what the database gave it.

    PreparedInsert(BookingEvent).write([event])
    PreparedUpdate(Booking).write(booking)
    PreparedChange(lambda: Job.objects.filter(pk__in=BlankIds("ids")), state="cancelled").run(ids=[5, 7])
    PreparedDelete(lambda: BusyTime.objects.filter(booking_id=Blank("id", BigAutoField()))).run(id=5)
    PreparedFanOut(Notification, lambda: Staff.objects.values_list("id", ...)).run(title="New booking")
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from operator import attrgetter
from typing import Any, Generic, NamedTuple, TypeVar

from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Field, JSONField, Model, QuerySet
from django.db.models.sql import DeleteQuery, UpdateQuery

from staff.storage.prepared_statements import (
    GIVEN_AS_IT_IS,
    Alone,
    alone_among,
    columns_of,
    filled,
    open_cursor,
    written_for,
)

M = TypeVar("M", bound=Model)

ROWS_AT_ONCE = 500
"""SQLite takes 32,766 values in one statement, and no table of ours has more than 60 columns."""

SETS_KEPT = 20
"""So many sets of columns have an UPDATE of their own: a connection keeps no more plans than we can count."""

FEW = 4
"""Statements of up to so many rows are worth keeping."""


class _Columns(NamedTuple):
    """Those of a model that are written, by their places. `filling_in`: the fields that have a value of their
    own, such as the time. `as_they_are`: the type of value of which the field makes nothing else, if any.
    `read_at`: where a row of `columns_of` has it; None of JSON, which may have changed inside.
    """

    fields: tuple[Field[Any, Any], ...]
    filling_in: tuple[Field[Any, Any], ...]
    as_they_are: tuple[type | None, ...]
    read_at: tuple[int | None, ...]
    of: Callable[[Model], tuple[Any, ...]]

    @property
    def places(self) -> Sequence[int]:
        return range(len(self.fields))


@cache
def _columns_of(model: type[Model], vendor: str) -> _Columns:
    fields, _given_back = _written_and_given_back(model)
    read = columns_of(model)
    return _Columns(
        fields=tuple(fields),
        filling_in=tuple(each for each in fields if _fills_in(each)),
        as_they_are=tuple(GIVEN_AS_IT_IS[vendor].get(type(each)) for each in fields),
        read_at=tuple(None if isinstance(each, JSONField) else read.index(each.attname) for each in fields),
        of=attrgetter(*(each.attname for each in fields)),
    )


def _fills_in(field: Field[Any, Any]) -> bool:
    return any(getattr(field, name, False) for name in ("auto_now", "auto_now_add"))


def _present(row: Model, columns: _Columns, *, add: bool) -> tuple[Any, ...]:
    """The values of `row`, with what fields fill in."""
    for field in columns.filling_in:
        field.pre_save(row, add=add)
    return columns.of(row)


def _stored(
    present: Sequence[Any], columns: _Columns, places: Iterable[int], wire: BaseDatabaseWrapper
) -> list[Any]:
    """What the fields at these `places` have the database keep: `given`, without a call for each."""
    as_they_are = columns.as_they_are
    return [
        present[at]
        if present[at] is None or type(present[at]) is as_they_are[at]
        else columns.fields[at].get_db_prep_save(present[at], wire)
        for at in places
    ]


def _written_and_given_back(model: type[Model]) -> tuple[list[Field[Any, Any]], list[Field[Any, Any]]]:
    """The columns that we give values, and those that the database gives us: the id, and what it reckons."""
    fields = model._meta.concrete_fields
    given_back = [field for field in fields if field.primary_key or field.generated]
    return [field for field in fields if field not in given_back], given_back


def _named(fields: Iterable[Field[Any, Any]], wire: BaseDatabaseWrapper) -> str:
    return ", ".join(wire.ops.quote_name(str(field.column)) for field in fields)


class PreparedInsert(Generic[M]):
    """One INSERT of whole rows of a model.

    `on_conflict`: what follows ON CONFLICT. With DO NOTHING only a row that is written alone knows its id
    afterwards, and knows none where there was a conflict.
    """

    def __init__(self, model: type[M], *, on_conflict: str = "") -> None:
        self._model = model
        self._on_conflict = on_conflict
        self._may_write_fewer = "DO NOTHING" in on_conflict
        self._fields, self._given_back = _written_and_given_back(model)
        self._written: dict[tuple[str, int], str] = {}

    def write(self, rows: Iterable[M]) -> None:
        """Store rows that are new; one statement for any ordinary number of them, none for none."""
        wanted = list(rows)
        for first in range(0, len(wanted), ROWS_AT_ONCE):
            self._write(wanted[first : first + ROWS_AT_ONCE])

    def _write(self, rows: Sequence[M]) -> None:
        wire = connections[DEFAULT_DB_ALIAS]
        columns = _columns_of(self._model, wire.vendor)
        values: list[Any] = []
        for row in rows:
            values += _stored(_present(row, columns, add=True), columns, columns.places, wire)
        with open_cursor(wire, keep_plan=len(rows) <= FEW) as cursor:
            cursor.execute(self._statement(len(rows), wire), values)
            answered = cursor.fetchall() if self._gives_back(len(rows)) else []
        for row, found in zip(rows, answered, strict=not self._may_write_fewer):
            row._state.adding, row._state.db = False, wire.alias
            for field, value in zip(self._given_back, found, strict=True):
                setattr(row, field.attname, value)

    def _gives_back(self, count: int) -> bool:
        """Of several rows nobody could say which were there before."""
        return count == 1 or not self._may_write_fewer

    def _statement(self, count: int, wire: BaseDatabaseWrapper) -> str:
        wanted = wire.vendor, count
        if wanted not in self._written:
            self._written[wanted] = self._sql(count, wire)
        return self._written[wanted]

    def _sql(self, count: int, wire: BaseDatabaseWrapper) -> str:
        quote, table = wire.ops.quote_name, self._model._meta.db_table
        row = f"({', '.join(['%s'] * len(self._fields))})"
        sql = f"INSERT INTO {quote(table)} ({_named(self._fields, wire)}) VALUES {', '.join([row] * count)}"
        if self._on_conflict:
            sql += f" ON CONFLICT {self._on_conflict}"
        return f"{sql} RETURNING {_named(self._given_back, wire)}" if self._gives_back(count) else sql


class PreparedUpdate(Generic[M]):
    """One UPDATE of a row that is locked: of what has become another since it was read (`row_of`); of all
    columns where that is not known any more, or where `SETS_KEPT` others have been written. JSON is always
    written. Who stores a column of such a row by other means does not set it back and write the row by this.
    """

    def __init__(self, model: type[M]) -> None:
        self._given_back = _written_and_given_back(model)[1]
        self._model = model
        self._written: dict[tuple[str, tuple[int, ...]], str] = {}

    def write(self, row: M) -> None:
        """Raises DatabaseError where the row is gone."""
        wire = connections[DEFAULT_DB_ALIAS]
        columns = _columns_of(self._model, wire.vendor)
        present = _present(row, columns, add=False)
        places = _changed(present, columns, read=getattr(row._state, "row", None))
        if len(self._written) >= SETS_KEPT and (wire.vendor, places) not in self._written:
            places = tuple(columns.places)
        with open_cursor(wire) as cursor:
            values = _stored(present, columns, places, wire)
            cursor.execute(self._statement(columns, places, wire), [*values, row.pk])
            answered = cursor.fetchone()
        if answered is None:
            raise DatabaseError(f"{self._model.__name__} {row.pk} is gone.")
        row._state.row = None  # type: ignore[attr-defined]
        for field, value in zip(self._given_back, answered, strict=True):
            setattr(row, field.attname, value)

    def _statement(self, columns: _Columns, places: tuple[int, ...], wire: BaseDatabaseWrapper) -> str:
        wanted = wire.vendor, places
        if wanted not in self._written:
            quote, meta = wire.ops.quote_name, self._model._meta
            pairs = ", ".join(f"{quote(str(columns.fields[at].column))} = %s" for at in places)
            given_back = _named(self._given_back, wire)
            self._written[wanted] = (
                f"UPDATE {quote(meta.db_table)} SET {pairs} WHERE {quote(str(meta.pk.column))} = %s "
                f"RETURNING {given_back}"
            )
        return self._written[wanted]


def _changed(present: Sequence[Any], columns: _Columns, *, read: Sequence[Any] | None) -> tuple[int, ...]:
    """The places of what is not as it was `read`; of all where nobody knows, or where nothing differs: an
    UPDATE sets something."""
    if read is None:
        return tuple(columns.places)
    changed = [at for at, there in enumerate(columns.read_at) if there is None or present[at] != read[there]]
    return tuple(changed) or tuple(columns.places)


class PreparedChange:
    """One UPDATE of the rows of `build`'s queryset, with blanks in it and in what is `set`."""

    def __init__(self, build: Callable[[], QuerySet[Any]], **set: Any) -> None:
        self._build = build
        self._set = set
        self._written: dict[tuple[str, Alone], tuple[str, tuple[Any, ...]]] = {}

    def run(self, **values: Any) -> int:
        """Gives how many rows there were."""
        wire = connections[DEFAULT_DB_ALIAS]
        wanted = wire.vendor, alone_among(values, wire)
        if wanted not in self._written:
            with written_for(wanted[1]):
                self._written[wanted] = self._compiled(wire)
        sql, params = self._written[wanted]
        with open_cursor(wire) as cursor:
            cursor.execute(sql, filled(params, values, wire))
            count: int = cursor.rowcount
        return count

    def _compiled(self, wire: BaseDatabaseWrapper) -> tuple[str, tuple[Any, ...]]:
        return self._query().get_compiler(connection=wire).as_sql()

    def _query(self) -> Any:
        query: UpdateQuery = self._build().query.chain(klass=UpdateQuery)  # type: ignore[assignment]
        query.add_update_values(self._set)
        return query


class PreparedDelete(PreparedChange):
    """One DELETE of the rows of `build`'s queryset, with blanks: of a model whose rows nothing names."""

    def _query(self) -> Any:
        return self._build().query.chain(klass=DeleteQuery)


class PreparedFanOut(PreparedChange):
    """One INSERT of a row of `model` for each row of `build`'s queryset, a `values_list` with blanks of all
    its columns but the id, in their order."""

    def __init__(self, model: type[Model], build: Callable[[], QuerySet[Any, Any]]) -> None:
        super().__init__(build)
        self._model = model

    def _compiled(self, wire: BaseDatabaseWrapper) -> tuple[str, tuple[Any, ...]]:
        fields, _given_back = _written_and_given_back(self._model)
        compiler = self._query().get_compiler(connection=wire)
        sql, params = compiler.as_sql()
        if len(compiler.select) != len(fields):
            raise TypeError(f"{self._model.__name__} has {len(fields)} columns to be given.")
        table = wire.ops.quote_name(self._model._meta.db_table)
        return f"INSERT INTO {table} ({_named(fields, wire)}) {sql}", params

    def _query(self) -> Any:
        return self._build().query
