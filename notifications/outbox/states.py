"""Job states as conditions a partial index can be proved from.

SQLite, and PostgreSQL under a generic plan, cannot prove a partial index from a parameter: the state has to
stand in the SQL as a literal (docs/adr/0013).
"""

from __future__ import annotations

from typing import Any

from django.db.models import CharField, Q, Value

from notifications.models import SMS, Job


class _Literal(Value):
    """A constant of this module, written into the SQL itself. Never for anything from outside."""

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[str | int, ...]]:
        return f"'{self.value}'", ()


def literal(state: Job.State) -> Value:
    """The state as SQL text."""
    return _Literal(state.value, output_field=CharField())


IS_PENDING = Q(state=literal(Job.State.PENDING))
IS_CLAIMED = Q(state=literal(Job.State.CLAIMED))
IS_LIVE = Q(state__in=[literal(Job.State.PENDING), literal(Job.State.CLAIMED)])
"""Word for word the condition of the index `job_live`."""
IS_TEXT = Q(channel=_Literal(SMS, output_field=CharField()))
"""Word for word the condition of the index `job_text`."""
