"""What is stored, to be compared: without a query of Django's for every table, most of which are empty."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import connection
from django.db.models import Model

Rows = dict[str, list[dict[str, Any]]]


def rows_of(models: Iterable[type[Model]]) -> Rows:
    """Every row of these models by their label, in order of their keys, as the database hands it out."""
    metas = [model._meta for model in models]
    tables = {each.label: (each.db_table, ", ".join(key.column for key in each.pk_fields)) for each in metas}
    rows: Rows = {label: [] for label in tables}
    one = "SELECT '{}' WHERE EXISTS (SELECT 1 FROM {})"
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(one.format(label, table) for label, (table, _) in tables.items()))
        for (label,) in cursor.fetchall():
            cursor.execute("SELECT * FROM {} ORDER BY {}".format(*tables[label]))
            columns = [each[0] for each in cursor.description]
            rows[label] = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
    return rows
