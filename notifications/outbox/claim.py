"""Taking a due job into one worker's hands, and its point of no return (reliability §1)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from notifications.models import EMAIL, SMS, Job, Message
from notifications.outbox.recipient import ONE_AT_A_TIME
from notifications.outbox.states import IS_CLAIMED, IS_LIVE, IS_PENDING

MOST_TEXTS_AT_ONCE = 3
"""A provider of texts that hangs keeps as many threads waiting, and leaves the fourth to the mails."""


class LeaseLost(Exception):
    """The job is no longer this worker's: its lease is over, or somebody else holds it."""


class Place(NamedTuple):
    """Where in one of the two queues (by `Job.urgency`) a worker is: each is ordered by this."""

    run_at: datetime
    id: int


NOWHERE: Mapping[int, Place] = {}


def anything_due(*, now: datetime) -> bool:
    """Whether a pending job's time has come; it may still have to wait for an earlier mail.

    Asked in the order of the index: an unordered look for any one row may read all finished ones first.
    """
    return any(
        Job.objects.filter(IS_PENDING, urgency=urgency, run_at__lte=now)
        .order_by("run_at", "id")
        .values_list("id", flat=True)
        .first()
        is not None
        for urgency in Job.Urgency
    )


def oldest_due(*, now: datetime) -> datetime | None:
    """Since when the longest waiting job could have been carried out, or taken back from a dead worker.

    One that has to wait for an earlier mail is not waiting for a worker. None when nothing waits.
    """
    due = [
        _claimable(now, urgency).order_by("run_at", "id").values_list("run_at", flat=True).first()
        for urgency in Job.Urgency
    ]
    left = Job.objects.filter(IS_CLAIMED, lease_until__lte=now).order_by("lease_until")
    left_since = left.values_list("lease_until", flat=True).first()
    return min((since for since in (*due, left_since) if since is not None), default=None)


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
        changed = Job.objects.filter(IS_PENDING, pk=job.pk).update(
            state=Job.State.CLAIMED,
            token=token,
            lease_until=lease_until,
            attempts=F("attempts") + 1,
            dedupe_key=None,
        )
        if changed != 1:
            return None
    job.state, job.token, job.lease_until = Job.State.CLAIMED, token, lease_until
    job.attempts, job.dedupe_key = job.attempts + 1, None
    return job


def _next(now: datetime, after: Mapping[int, Place]) -> Job | None:
    """The first row of the first queue that has one to take, locked."""
    for urgency in Job.Urgency:
        due = _claimable(now, urgency)
        if (place := after.get(urgency)) is not None:
            due = due.filter(
                Q(run_at__gt=place.run_at) | Q(run_at=place.run_at, id__gt=place.id), run_at__gte=place.run_at
            )
        job = due.order_by("run_at", "id").select_for_update(skip_locked=True, no_key=True).first()
        if job is not None:
            return job
    return None


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


def _claimable(now: datetime, urgency: int) -> QuerySet[Job]:
    """Due, and for a mail: no other one of the same visit and recipient is on its way.

    On its way is one that is claimed, or an earlier one (by id) whose time has come once and which is
    waiting for its next attempt; but what is awaited waits for nothing that is not, and a text for no mail
    that a mail server puts off. An endpoint is given one webhook at a time: one that is slow must not hold up
    all workers; nor must texts.
    """
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
    return Job.objects.filter(
        # Each has an index of its own, which one with an OR would not use.
        ~Exists(on_its_way.filter(visit_id=OuterRef("visit_id"))),
        ~Exists(on_its_way.filter(booking_id=OuterRef("booking_id"), visit_id__isnull=True)),
        ~Q(recipient__in=busy),
        Q(channel=EMAIL) | ~Exists(texts[MOST_TEXTS_AT_ONCE - 1 : MOST_TEXTS_AT_ONCE]),
        IS_PENDING,
        urgency=urgency,
        run_at__lte=now,
    )
