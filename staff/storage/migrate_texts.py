"""Reading stored texts again by a rule that came later (contract §6a): for data migrations, and after
an upgrade beside an older release (`manage.py catch_up`).

Names: read_again; fill_searched, trigrams.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import structlog
from django.db import IntegrityError, connection, models, transaction
from django.db.utils import DatabaseError

from staff.storage.columns import searched_text

BATCH = 1000

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
        if not value and not _may_be_blank(row, name):
            _list(row, name, "nothing that can be seen would be left")
        elif value != stored:
            values[name] = value
    return values


def _list(row: models.Model, name: str, why: str) -> None:
    logger.warning("text_stays_as_it_was", table=row._meta.db_table, id=row.pk, column=name, why=why)


def fill_searched(
    model: type[models.Model],
    *,
    texts: Sequence[str],
    numbers: Sequence[str] = (),
    since: datetime | None = None,
) -> int:
    """Writes the column `searched` where it is not what a SearchedField of these columns holds; gives of how
    many rows, of those that were updated `since` (UTC) where that is said.

    In batches, in constant memory; a second run changes nothing. A row whose texts or numbers somebody has
    changed since its batch was read is left as they wrote it.
    """
    read = (*texts, *numbers)
    update = _write_where_unchanged(model, read)
    stored = model._default_manager.order_by("pk")
    if since is not None:
        stored = stored.filter(updated_at__gte=since)
    after = changed = 0
    while True:
        rows = stored.filter(pk__gt=after).values_list("pk", "searched", *read)
        batch = list(rows[:BATCH])
        if not batch:
            return changed
        after = batch[-1][0]
        wrong = []
        for pk, held, *values in batch:
            searched = searched_text(values[: len(texts)], values[len(texts) :])
            if searched != held:
                wrong.append((searched, pk, *values))
        if wrong:
            with connection.cursor() as cursor:
                cursor.executemany(update, wrong)
                changed += cursor.rowcount


def _write_where_unchanged(model: type[models.Model], read: Sequence[str]) -> str:
    """By what it was made of: `searched` itself may come to be the same again from other texts. None of these
    columns may be null."""
    quote = connection.ops.quote_name
    same = " AND ".join(f"{quote(name)} = %s" for name in read)
    return f"UPDATE {quote(model._meta.db_table)} SET searched = %s WHERE id = %s AND {same}"


def trigrams(apps: Any, schema_editor: Any) -> None:
    """Makes PostgreSQL's `pg_trgm` before a SearchedIndex asks for it. Raises RuntimeError saying who can."""
    if schema_editor.connection.vendor != "postgresql":
        return
    try:
        with transaction.atomic():
            schema_editor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    except DatabaseError as refused:
        raise RuntimeError(
            f"Search needs PostgreSQL's extension pg_trgm ({str(refused).strip()}). Install its modules"
            " (contrib), or let a superuser run CREATE EXTENSION pg_trgm in this database."
        ) from refused


def _may_be_blank(row: models.Model, name: str) -> bool:
    return bool(getattr(row._meta.get_field(name), "blank", False))
