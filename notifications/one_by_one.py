"""A sweep over rows of which each is a transaction of its own (reliability §1, "Celery's part")."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import structlog
from django.db import InterfaceError, OperationalError, connection

logger = structlog.get_logger(__name__)


def one_by_one(step: Callable[..., int], ids: Iterable[int], **arguments: Any) -> int:
    """The sum of what `step(id, **arguments)` gives. An id with which it fails is logged and stops no later
    one; the next sweep tries it again. Raises only where the database is gone: one that ended a deadlock, or
    a wait for a lock, says OperationalError too, and goes on to work."""
    total = 0
    for each in list(ids):
        try:
            total += step(each, **arguments)
        except Exception as error:
            if isinstance(error, (InterfaceError, OperationalError)) and not connection.is_usable():
                raise
            logger.exception("sweep_failed", step=step.__qualname__, id=each)
    return total
