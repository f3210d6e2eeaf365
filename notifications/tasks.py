"""What Celery runs: executor and clock of the rows in the database (reliability §1, "Celery's part").

Every wake-up may be lost, come twice, or meet another one: nothing here depends on it. Celery closes the
database connections of a thread before and after each task, so an outage outlives no task.
"""

from __future__ import annotations

from typing import Any

import structlog
from celery import shared_task
from celery.worker import state as worker_state
from django.utils import timezone

from notifications import outbox
from notifications.execution import run_due
from notifications.registry import periodic_callables
from notifications.wake import DRAIN, wake_workers

JOBS_AT_ONCE = 200

logger = structlog.get_logger(__name__)


@shared_task(name=DRAIN, ignore_result=True)
def drain() -> None:
    """Carry out what is due, a bounded batch; more of it is left to the next one, which is asked for here."""
    now = timezone.now()
    outbox.release_leases(now=now)
    if not outbox.anything_due(now=now):
        return
    taken = run_due(at_most=JOBS_AT_ONCE, stop=_is_stopping)
    if taken == JOBS_AT_ONCE and not _is_stopping():
        wake_workers()


@shared_task(name="notifications.tasks.sweep", ignore_result=True)
def sweep() -> None:
    """Release leases that are over and call what `settings.PERIODIC` names; one failure stops no other."""
    outbox.release_leases(now=timezone.now())
    for path, periodic in periodic_callables():
        if _is_stopping():
            return
        try:
            periodic(now=timezone.now())
        except Exception:
            logger.exception("periodic_failed", path=path)


def _is_stopping() -> bool:
    """SIGTERM has come: the job at hand is finished, no other one begun."""
    exit_codes: tuple[Any, ...] = (worker_state.should_stop, worker_state.should_terminate)
    return any(code is not None and code is not False for code in exit_codes)
