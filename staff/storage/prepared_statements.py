"""SELECTs that Django writes once, for what every call asks (docs/adr/0070).

Building a query and having it compiled takes several times longer than the database needs to answer it.
Here Django's own compiler writes the statement at its first use, per kind of database, from an ordinary
queryset with blanks in it; from then on only the blanks are filled in.

    _ONE = Prepared(lambda: Client.objects.filter(pk=Blank("pk", BigAutoField())).values_list("first_name"))
    _ONE.rows(pk=5)                     # [("Alice",)]
    Prepared(lambda: Client.objects.filter(pk__in=BlankIds("pks")).values_list("pk")).rows(pks=[5, 7])
    PreparedRows(Client, lambda: Client.objects.filter(pk=...)).first(pk=5)      # a Client or None
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime
from functools import cache
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import (
    BigAutoField,
    BigIntegerField,
    BooleanField,
    CharField,
    DateField,
    DateTimeField,
    Expression,
    Field,
    ForeignKey,
    Model,
    OneToOneField,
    PositiveIntegerField,
    PositiveSmallIntegerField,
    QuerySet,
    TextField,
    UUIDField,
)
from django.db.models.base import ModelState

from staff.storage.may_lag import reads_from

M = TypeVar("M", bound=Model)
Converters = list[tuple[int, tuple[list[Callable[..., Any]], Any]]]

_NUMBERS = (
    BigAutoField,
    BigIntegerField,
    ForeignKey,
    OneToOneField,
    PositiveIntegerField,
    PositiveSmallIntegerField,
)
_EVERYWHERE: dict[type, type] = {
    CharField: str,
    TextField: str,
    BooleanField: bool,
    **dict.fromkeys(_NUMBERS, int),
}
GIVEN_AS_IT_IS: Mapping[str, Mapping[type, type]] = {
    "sqlite": _EVERYWHERE,
    "postgresql": _EVERYWHERE | {DateTimeField: datetime, DateField: date, UUIDField: UUID},
}
"""Of these types Django's own fields make nothing else for that kind of database; to ask them costs more than
all else of an INSERT."""


def given(field: Field[Any, Any], value: Any, wire: BaseDatabaseWrapper) -> Any:
    """What the database is given for `value` as it stands in `field`."""
    if value is None or type(value) is GIVEN_AS_IT_IS[wire.vendor].get(type(field)):
        return value
    return field.get_db_prep_save(value, wire)


Alone = frozenset[str]
"""The names of values that are one id, given where there may be any number."""

_NOBODY: Alone = frozenset()
_SEVERAL = (list, tuple, set, frozenset, dict)
_alone: ContextVar[Alone] = ContextVar("alone", default=_NOBODY)


class Blank(Expression):
    """A value to be filled in by its `name` whenever the statement is asked; None only where it is stored, as
    nothing equals NULL."""

    def __init__(self, name: str, output_field: Field[Any, Any]) -> None:
        super().__init__(output_field=output_field)
        self.name = name

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        return "%s", (self,)

    def filled(self, values: dict[str, Any], wire: BaseDatabaseWrapper) -> Any:
        return given(self.output_field, values[self.name], wire)


class BlankIds(Blank):
    """Any number of ids, as one value: for `__in`. On PostgreSQL one that is alone is given as it is."""

    def __init__(self, name: str) -> None:
        super().__init__(name, BigAutoField())

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        if self.name in _alone.get():
            return "%s", (_OneId(self.name, self.output_field),)
        return "SELECT unnest(%s::bigint[])", (self,)

    def as_sqlite(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        return "SELECT value FROM json_each(%s)", (self,)

    def filled(self, values: dict[str, Any], wire: BaseDatabaseWrapper) -> str:
        ids = ",".join(map(str, values[self.name]))
        return f"{{{ids}}}" if wire.vendor == "postgresql" else f"[{ids}]"


class _OneId(Blank):
    """The only one of BlankIds."""

    def filled(self, values: dict[str, Any], wire: BaseDatabaseWrapper) -> Any:
        [only] = values[self.name]
        return given(self.output_field, only, wire)


def alone_among(values: Mapping[str, Any], wire: BaseDatabaseWrapper) -> Alone:
    """Of PostgreSQL: it expects ten ids of an array that it does not know, so that a plan for the one that it
    knows looks better every time, and is made anew every time. Asked with `=` it keeps its plan.
    """
    if wire.vendor != "postgresql":
        return _NOBODY
    return frozenset(name for name, value in values.items() if type(value) in _SEVERAL and len(value) == 1)


@contextmanager
def written_for(alone: Alone) -> Iterator[None]:
    """Statements that are compiled inside are for values of which these are `alone`."""
    token = _alone.set(alone)
    try:
        yield
    finally:
        _alone.reset(token)


class BlankTexts(Blank):
    """Any number of texts, as one value: for `__in`."""

    def __init__(self, name: str) -> None:
        super().__init__(name, TextField())

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        return "SELECT unnest(%s::text[])", (self,)

    def as_sqlite(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        return "SELECT value FROM json_each(%s)", (self,)

    def filled(self, values: dict[str, Any], wire: BaseDatabaseWrapper) -> list[str] | str:
        texts = list(map(str, values[self.name]))
        return texts if wire.vendor == "postgresql" else json.dumps(texts)


def open_cursor(wire: BaseDatabaseWrapper, *, keep_plan: bool = True) -> Any:
    """One whose statements the server plans once, where it is our PostgreSQL backend's and `keep_plan`."""
    preparing = getattr(wire, "prepared_cursor", wire.cursor)
    return preparing() if keep_plan else wire.cursor()


def filled(params: Iterable[Any], values: dict[str, Any], wire: BaseDatabaseWrapper) -> list[Any]:
    """The parameters of a statement, its blanks filled in."""
    return [each.filled(values, wire) if isinstance(each, Blank) else each for each in params]


class _Statement(NamedTuple):
    sql: str
    params: tuple[Any, ...]
    converters: Converters


class Prepared:
    """One SELECT. `build` gives a `values_list` queryset; it is called once per kind of database.

    `beside` gives another one, of at most one row and without blanks, whose columns follow in every row
    (NULL when it has none).
    """

    def __init__(
        self,
        build: Callable[[], QuerySet[Any, Any]],
        *,
        beside: Callable[[], QuerySet[Any, Any]] | None = None,
    ) -> None:
        self._build = build
        self._beside = beside
        self._written: dict[tuple[str, Alone], _Statement] = {}

    def rows(self, **values: Any) -> Sequence[tuple[Any, ...]]:
        """All rows for these values of the blanks, as `values_list` gives them."""
        # No column holds such a number, and PostgreSQL would compare it by another operator.
        for value in values.values():
            if type(value) is int and not -(2**63) <= value < 2**63:
                return []
        wire = connections[reads_from()]
        wanted = wire.vendor, alone_among(values, wire)
        statement = self._written.get(wanted) or self._write(wanted)
        with open_cursor(wire) as cursor:
            cursor.execute(statement.sql, filled(statement.params, values, wire))
            rows: Sequence[tuple[Any, ...]] = cursor.fetchall()
        if not statement.converters:
            return rows
        return [_converted(row, statement.converters) for row in rows]

    def _write(self, wanted: tuple[str, Alone]) -> _Statement:
        with written_for(wanted[1]):
            statement, columns = _compiled(self._build())
        if self._beside is not None:
            other, _columns = _compiled(self._beside())
            statement = _Statement(
                f"SELECT * FROM ({statement.sql}) AS one LEFT JOIN ({other.sql}) AS other ON TRUE",
                (*statement.params, *other.params),
                [*statement.converters, *((columns + place, how) for place, how in other.converters)],
            )
        self._written[wanted] = statement
        return statement


class PreparedRows(Generic[M]):
    """One SELECT of whole rows of a model. `build` gives an ordinary queryset of it."""

    def __init__(self, model: type[M], build: Callable[[], QuerySet[M]]) -> None:
        self._model = model
        self._prepared = Prepared(lambda: build().values_list(*columns_of(model)))

    def all(self, **values: Any) -> list[M]:
        return [row_of(self._model, row) for row in self._prepared.rows(**values)]

    def first(self, **values: Any) -> M | None:
        """The first row; say LIMIT in `build` where there may be many."""
        return next(iter(self.all(**values)), None)


def _compiled(queryset: QuerySet[Any, Any]) -> tuple[_Statement, int]:
    """The statement and how many columns it has."""
    compiler = queryset.query.get_compiler(connection=connection)
    sql, params = compiler.as_sql()
    columns = [each[0] for each in compiler.select]
    converters = list(compiler.get_converters(columns).items())
    return _Statement(sql, tuple(params), converters), len(columns)


@cache
def columns_of(model: type[Model]) -> tuple[str, ...]:
    """The names of a model's own columns, in the order of `row_of`."""
    return tuple(field.attname for field in model._meta.concrete_fields)


def row_of(model: type[M], row: Sequence[Any]) -> M:
    """The model instance of a row of `columns_of`, as `Model.from_db` makes it of all its columns; it knows
    the row (`_state.row`), so that what has become another can be told (`PreparedUpdate`).

    That one asks every field by itself, which takes longer than the database needs to find the row. No model
    of ours has a say in how it is made (tests/staff/test_prepared.py).
    """
    made = model.__new__(model)
    made.__dict__.update(zip(columns_of(model), row, strict=True))
    made._state = ModelState()
    made._state.adding, made._state.db = False, DEFAULT_DB_ALIAS
    made._state.row = row  # type: ignore[attr-defined]
    return made


def new_row(model: type[M], **values: Any) -> M:
    """`model(**values)`, not saved yet, without asking each field: what takes longer than to store it.

    As `row_of`; of a relation the other row may be given, by its name. Raises TypeError for another name.
    """
    kind = _new_rows_of(model)
    if not values.keys() <= kind.names:
        raise TypeError(f"{model.__name__} has no {sorted(values.keys() - kind.names)}.")
    made = model.__new__(model)
    present = made.__dict__
    present.update(kind.same)
    for name, default in kind.made_for_each:
        if name not in values:
            present[name] = default()
    made._state = ModelState()
    present.update(values)
    for name in kind.relations & values.keys():
        setattr(made, name, present.pop(name))
    return made


class _NewRows(NamedTuple):
    """What rows of a model have that nothing is said of: the `same` in all, or `made_for_each`; `relations`
    are set by name, all `names` are known."""

    same: dict[str, Any]
    made_for_each: tuple[tuple[str, Callable[[], Any]], ...]
    relations: frozenset[str]
    names: frozenset[str]


@cache
def _new_rows_of(model: type[Model]) -> _NewRows:
    fields = [field for field in model._meta.concrete_fields if not field.generated]
    each = [field for field in fields if field.has_default() and callable(field.default)]
    relations = frozenset(field.name for field in fields if field.is_relation)
    return _NewRows(
        same={field.attname: field.get_default() for field in fields if field not in each},
        made_for_each=tuple((field.attname, field.default) for field in each),
        relations=relations,
        names=relations.union(field.attname for field in fields),
    )


def _converted(row: tuple[Any, ...], converters: Converters) -> tuple[Any, ...]:
    values = list(row)
    for position, (functions, expression) in converters:
        for convert in functions:
            values[position] = convert(values[position], expression, connection)
    return tuple(values)
