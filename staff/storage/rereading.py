"""Reading stored texts again by a rule that came later (contract §6a): for data migrations.

Names: read_again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import structlog
from django.db import IntegrityError, models, transaction

logger = structlog.get_logger(__name__)


def read_again(model: type[models.Model], readers: Mapping[str, Callable[[str], str]]) -> int:
    """Every text of the columns in `readers` as its reader gives it; gives how many rows changed.

    One at a time, in constant memory. What a reader refuses (ValueError), what would leave a name empty and
    what would become equal to another row's unique value stays as it is and is listed in the log by its id.
    """
    changed = 0
    for row in model._default_manager.only("pk", *readers).order_by("pk").iterator(chunk_size=500):
        values = _read(row, readers)
        if not values:
            continue
        for name, value in values.items():
            setattr(row, name, value)
        try:
            with transaction.atomic():
                row.save(update_fields=list(values))
        except IntegrityError:
            _list(row, ", ".join(values), "another row has this value already")
        else:
            changed += 1
    return changed


def _read(row: models.Model, readers: Mapping[str, Callable[[str], str]]) -> dict[str, Any]:
    values = {}
    for name, reader in readers.items():
        stored = getattr(row, name)
        if not stored:
            continue
        try:
            value = reader(stored)
        except ValueError as refused:
            _list(row, name, str(refused))
            continue
        if not value and not row._meta.get_field(name).blank:
            _list(row, name, "nothing that can be seen would be left")
        elif value != stored:
            values[name] = value
    return values


def _list(row: models.Model, name: str, why: str) -> None:
    logger.warning("text_stays_as_it_was", table=row._meta.db_table, id=row.pk, column=name, why=why)
