"""Storing the salon's own rows: what is absent is 404, what is there already is 409.

Names: found, locked, stored, store_changes, AlreadyThere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from django.db import IntegrityError, models, transaction

from staff.wire.refusals import Conflict, NotFound

Row = TypeVar("Row", bound=models.Model)


class AlreadyThere(Conflict):
    """Another row has this value, and only one may."""

    code = "already_exists"


def found(rows: models.QuerySet[Row], row_id: int) -> Row:
    """The row with this id among `rows`. Raises NotFound."""
    row = rows.filter(pk=row_id).first()
    if row is None:
        raise NotFound(f"{_name(rows)} not found")
    return row


def locked(rows: models.QuerySet[Row], row_id: int) -> Row:
    """`found`, locked until the transaction ends, so that a merge of changes starts from what is stored."""
    return found(rows.select_for_update(no_key=True, of=("self",)), row_id)


def stored(row: Row, *, unique: str = "") -> Row:
    """`row`, inserted. Raises AlreadyThere when another has its value of the field `unique`."""
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        _refuse_if_taken(row, unique)
        raise
    return row


def store_changes(
    row: Row, changes: Mapping[str, Any], *, unique: str = "", check: Callable[[Row], None] | None = None
) -> Row:
    """`row` with `changes` (field to value), saved as far as they differ, once it passes `check`.

    Raises AlreadyThere, and what `check` raises.
    """
    differing = [name for name, value in changes.items() if getattr(row, name) != value]
    for name in differing:
        setattr(row, name, changes[name])
    if check is not None:
        check(row)
    if not differing:
        return row
    try:
        with transaction.atomic():
            row.save(update_fields=[*differing, *_touched(row)])
    except IntegrityError:
        _refuse_if_taken(row, unique)
        raise
    return row


def _touched(row: models.Model) -> list[str]:
    return [field.attname for field in row._meta.concrete_fields if getattr(field, "auto_now", False)]


def _refuse_if_taken(row: models.Model, unique: str) -> None:
    others = type(row)._default_manager.exclude(pk=row.pk)
    if unique and others.filter(**{unique: getattr(row, unique)}).exists():
        sentence = f"This {unique} is taken already; send another one."
        raise AlreadyThere(sentence, details={unique: [sentence]})


def _name(rows: models.QuerySet[Any]) -> str:
    return str(rows.model._meta.verbose_name_raw).capitalize()
