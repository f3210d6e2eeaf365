"""Taking a due job into one worker's hands, and its point of no return (reliability §1)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.db import transaction
from django.db.models import (
    BigAutoField,
    DateTimeField,
    Exists,
    F,
    OuterRef,
    Q,
    QuerySet,
    SmallIntegerField,
    UUIDField,
)

from notifications.models import EMAIL, SMS, Job, Message
from notifications.outbox.recipient import ONE_AT_A_TIME
from notifications.outbox.states import IS_CLAIMED, IS_LIVE, IS_PENDING
from staff.storage.prepared_statements import Blank, Prepared, PreparedRows
from staff.storage.prepared_writes import PreparedChange

MOST_TEXTS_AT_ONCE = 3
"""A provider of texts that hangs keeps as many threads waiting, and leaves the fourth to the mails."""


class LeaseLost(Exception):
    """The job is no longer this worker's: its lease is over, or somebody else holds it."""


class Place(NamedTuple):
    """Where in one of the two queues (by `Job.urgency`) a worker is: each is ordered by this."""

    run_at: datetime
    id: int


NOWHERE: Mapping[int, Place] = {}
FRONT = Place(datetime(1970, 1, 1, tzinfo=UTC), 0)


def anything_due(*, now: datetime) -> bool:
    """Whether a pending job's time has come; it may still have to wait for an earlier mail.

    Asked in the order of the index: an unordered look for any one row may read all finished ones first.
    """
    return any(_ONE_DUE.rows(urgency=urgency, now=now) for urgency in Job.Urgency)


_ONE_DUE = Prepared(lambda: _due().order_by("run_at", "id").values_list("id")[:1])


def oldest_due(*, now: datetime) -> datetime | None:
    """Since when the longest waiting job could have been carried out, or taken back from a dead worker.

    One that has to wait for an earlier mail is not waiting for a worker. None when nothing waits.
    """
    due = [run_at for urgency in Job.Urgency for (run_at,) in _OLDEST.rows(urgency=urgency, now=now)]
    left = Job.objects.filter(IS_CLAIMED, lease_until__lte=now).order_by("lease_until")
    left_since = left.values_list("lease_until", flat=True).first()
    return min((*due, *([] if left_since is None else [left_since])), default=None)


_OLDEST = Prepared(lambda: _claimable().order_by("run_at", "id").values_list("run_at")[:1])


def claim(*, now: datetime, after: Mapping[int, Place] = NOWHERE) -> Job | None:
    """The next due job, now held by a fresh token until the lease is over; None when there is none.

    What somebody waits for first: also what became due a moment ago goes before thousands of reminders.
    `after` goes on behind the places of earlier claims, by urgency, so that rows which have to wait are
    passed once per round and not once per claim. Two workers never get the same row: PostgreSQL skips rows
    that another one is taking, on SQLite the transaction is immediate and so the only writer.
    The dedupe key is cleared, so that a change during the sending makes a new row.
    """
    with transaction.atomic():
        job = _next(now, after)
        if job is None:
            return None
        token = uuid.uuid4()
        lease_until = _lease_from(now)
        if _TAKE.run(id=job.pk, token=token, lease_until=lease_until) != 1:
            return None
    job.state, job.token, job.lease_until = Job.State.CLAIMED, token, lease_until
    job.attempts, job.dedupe_key = job.attempts + 1, None
    return job


_TAKE = PreparedChange(
    lambda: Job.objects.filter(IS_PENDING, pk=Blank("id", BigAutoField())),
    state=Job.State.CLAIMED,
    token=Blank("token", UUIDField()),
    lease_until=Blank("lease_until", DateTimeField()),
    attempts=F("attempts") + 1,
    dedupe_key=None,
)


def _next(now: datetime, after: Mapping[int, Place]) -> Job | None:
    """The first row of the first queue that has one to take, locked."""
    for urgency in Job.Urgency:
        run_at, id = after.get(urgency, FRONT)
        job = _NEXT.first(urgency=urgency, now=now, run_at=run_at, id=id)
        if job is not None:
            return job
    return None


def _behind() -> QuerySet[Job]:
    run_at, id = Blank("run_at", DateTimeField()), Blank("id", BigAutoField())
    behind = _claimable().filter(Q(run_at__gt=run_at) | Q(run_at=run_at, id__gt=id), run_at__gte=run_at)
    return behind.order_by("run_at", "id").select_for_update(skip_locked=True, no_key=True)[:1]


_NEXT = PreparedRows(Job, _behind)


def mark_sending(job: Job, *, now: datetime, frozen: Mapping[str, Any] | None = None) -> None:
    """Pass the point of no return: from here on the outside may have got it.

    The lease begins anew: composing, connecting and waiting for one's turn must not eat up the time in
    which nobody else sends. `frozen` are the `Message` fields of what is about to leave, stored in the same
    transaction. Raises LeaseLost when the job is not ours any more or its lease is over.
    """
    lease_until = _lease_from(now)
    with transaction.atomic():
        changed = (
            held(job)
            .filter(lease_until__gt=now)
            .update(sending_at=now, sends=F("sends") + 1, lease_until=lease_until)
        )
        if changed != 1:
            raise LeaseLost(str(job))
        if frozen is not None:
            Message.objects.filter(job=job).update(**frozen)
    job.sending_at, job.sends, job.lease_until = now, job.sends + 1, lease_until


def held(job: Job) -> QuerySet[Job]:
    """The row, as long as this token holds it: the fence of every write."""
    return Job.objects.filter(IS_CLAIMED, pk=job.pk, token=job.token)


def _lease_from(now: datetime) -> datetime:
    return now + timedelta(seconds=settings.JOB_LEASE_SECONDS)


def _due() -> QuerySet[Job]:
    urgency, now = Blank("urgency", SmallIntegerField()), Blank("now", DateTimeField())
    return Job.objects.filter(IS_PENDING, urgency=urgency, run_at__lte=now)


def _claimable() -> QuerySet[Job]:
    """Due, and for a mail: no other one of the same visit and recipient is on its way.

    On its way is one that is claimed, or an earlier one (by id) whose time has come once and which is
    waiting for its next attempt; but what is awaited waits for nothing that is not, and a text for no mail
    that a mail server puts off. An endpoint is given one webhook at a time: one that is slow must not hold up
    all workers; nor must texts.
    """
    now = Blank("now", DateTimeField())
    on_its_way = Job.objects.filter(
        (IS_CLAIMED & ~Q(id=OuterRef("id")))
        | (
            IS_PENDING
            & Q(
                id__lt=OuterRef("id"),
                first_run_at__lte=now,
                urgency__lte=OuterRef("urgency"),
                channel=OuterRef("channel"),
            )
        ),
        IS_LIVE,
        recipient=OuterRef("recipient"),
        recipient__gt="",
    )
    texts = Job.objects.filter(IS_CLAIMED, channel=SMS, lease_until__gt=now)
    busy = Job.objects.filter(IS_CLAIMED, recipient__startswith=ONE_AT_A_TIME).values("recipient")
    return _due().filter(
        # Each has an index of its own, which one with an OR would not use.
        ~Exists(on_its_way.filter(visit_id=OuterRef("visit_id"))),
        ~Exists(on_its_way.filter(booking_id=OuterRef("booking_id"), visit_id__isnull=True)),
        ~Q(recipient__in=busy),
        Q(channel=EMAIL) | ~Exists(texts[MOST_TEXTS_AT_ONCE - 1 : MOST_TEXTS_AT_ONCE]),
    )
