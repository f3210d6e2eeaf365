"""How long a mail or another job is tried again, and how long it waits between two attempts (reliability §1).

Webhooks have their own times: `notifications.webhooks.delivery`.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from notifications.models import Job
from notifications.registry import said_by_handler

FIRST_WAIT = timedelta(seconds=15)
LONGEST_WAIT = timedelta(hours=1)
LEAST_ATTEMPTS = 10
LONGER_AT_MOST = 0.1
"""A handler's own wait is up to this part longer: what failed together does not come back together."""


@dataclass(frozen=True, slots=True)
class Persistence:
    """How long a job is tried again.

    Without `waits`: with full-jitter backoff, until it had its least number of attempts and `patience` has
    passed since it was first due (ten attempts alone are spent in under two hours of a mail server's
    outage). With `waits`: the n-th one after the n-th failed attempt, and no more when they are used up.
    """

    patience: timedelta = timedelta(hours=24)
    waits: Sequence[timedelta] = ()


AS_MAILS_ARE = Persistence()


def persistence_of(job_type: str) -> Persistence:
    """What the handler of this type says; as mails are tried when it says nothing."""
    persistence: Persistence = said_by_handler(job_type, "persistence") or AS_MAILS_ARE
    return persistence


def is_spent(job: Job, *, now: datetime) -> bool:
    """It was tried as often and as long as its handler wants it tried."""
    persistence = persistence_of(job.type)
    if persistence.waits:
        return job.attempts > len(persistence.waits)
    return job.attempts >= LEAST_ATTEMPTS and now - job.first_run_at >= persistence.patience


def wait_before_next(job: Job) -> timedelta:
    """From this failed attempt to the next one."""
    waits = persistence_of(job.type).waits
    if not waits:
        return backoff(job.attempts)
    return waits[min(job.attempts, len(waits)) - 1] * (1 + LONGER_AT_MOST * random.random())


def backoff(attempts: int) -> timedelta:
    """Full jitter: anything from nothing to 15 s * 2^attempts, at most an hour."""
    return random.random() * min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(attempts, 10))
