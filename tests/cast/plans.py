"""How the database means to answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import connection


def plans_of(look: Callable[[], Any]) -> list[str]:
    """How the database answers each statement, planned as it was sent: with its parameters apart."""
    sent: list[tuple[str, Any]] = []

    def keep(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        sent.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(keep):
        look()
    explain = "EXPLAIN" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
    plans = []
    with connection.cursor() as cursor:
        for sql, params in sent:
            if sql.startswith(("SELECT", "UPDATE")):
                cursor.execute(f"{explain} {sql}", params)
                plans.append("\n".join(str(row[-1]) for row in cursor.fetchall()))
    return plans
