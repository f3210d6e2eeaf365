"""Making something due: a row in the caller's own transaction (reliability §1, "enqueue")."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parseaddr
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import CharField, DateTimeField, JSONField

from notifications.models import EMAIL, SMS, Job, Message
from notifications.outbox.recipient import NOBODY, Recipient
from notifications.outbox.states import IS_PENDING
from notifications.registry import said_by_handler
from notifications.wake import wake_workers
from staff.storage.prepared_statements import Blank, new_row
from staff.storage.prepared_writes import PreparedChange, PreparedInsert


@dataclass(frozen=True, slots=True)
class Due:
    """One thing to enqueue. `run_at` is aware.

    `once_key` is the identity of what caused it: a second one with the same key is ignored.
    `dedupe_key` is the debounce: while a row with it is pending, only that row's `run_at` and `payload` move;
    a list in both payloads then holds what either names, whoever wrote it.
    `recipient` keeps the mails about one visit to one person in order; `to` is the address as known now,
    for the log, read again at sending. A mail gets its `Message` row here; `payload` holds ids and frozen
    amounts, no personal data. `channel` SMS: its message is a text, and `to` a number (E.164).
    `is_new`: no pending row has this `dedupe_key`, as the caller has looked. `not_sent`: why this is owed and
    yet never leaves; it is written down as that.
    """

    type: str
    once_key: str
    run_at: datetime
    booking_id: int | None = None
    visit_id: int | None = None
    client_id: int | None = None
    recipient: Recipient = NOBODY
    to: str = ""
    payload: Mapping[str, Any] = field(default_factory=dict)
    dedupe_key: str | None = None
    is_mail: bool = True
    channel: str = EMAIL
    is_new: bool = False
    not_sent: str = ""


def enqueue(dues: Sequence[Due], *, now: datetime) -> None:
    """Write jobs and the messages of mails; workers are woken once the caller's transaction commits.

    Two statements for any number of plain dues; a debounced one costs a statement of its own (two with a
    payload), three more when no pending row is there to move. Debounced ones come in the order given: who
    moves several rows gives them in the order in which everybody does.
    """
    by_once_key: dict[str, Due] = {}
    for due in dues:
        by_once_key.setdefault(due.once_key, due)
    plain = [due for due in by_once_key.values() if due.dedupe_key is None or due.is_new]
    if plain:
        _insert(plain, now=now)
    for due in by_once_key.values():
        if due.dedupe_key is not None and not due.is_new:
            _insert_or_move(due, now=now)
    if any(due.run_at <= now and not due.not_sent for due in by_once_key.values()):
        transaction.on_commit(wake_workers, robust=True)


def waiting_payload(*, dedupe_key: str) -> Mapping[str, Any]:
    """The payload of the pending row that a due with this key would move, locked; empty without one."""
    waiting = Job.objects.filter(IS_PENDING, dedupe_key=dedupe_key).select_for_update(no_key=True)
    payload: Mapping[str, Any] = waiting.values_list("payload", flat=True).first() or {}
    return payload


def _insert(dues: Sequence[Due], *, now: datetime) -> None:
    jobs = [_job(due, now=now) for due in dues]
    _OWE.write(jobs)
    _insert_messages(zip(jobs, dues, strict=True), now=now)


_OWE = PreparedInsert(Job, on_conflict='("once_key") DO UPDATE SET "once_key" = EXCLUDED."once_key"')
"""Also a row that was there gives its id."""


def _insert_or_move(due: Due, *, now: datetime) -> None:
    """The upsert of the debounce. A row that a worker claims meanwhile is left alone and a new one made."""
    while not _move(due):
        job = _job(due, now=now)
        _OWE_ONCE.write([job])
        owed = job.pk or Job.objects.filter(once_key=due.once_key).values_list("pk", flat=True).first()
        if owed is not None:
            job.pk = owed
            _insert_messages([(job, due)], now=now)
            return
        # Another transaction made the pending row between our two statements: that one is to move.


_OWE_ONCE = PreparedInsert(Job, on_conflict="DO NOTHING")


def _move(due: Due) -> bool:
    """What the pending row names beyond this due another transaction wrote: then its time counts too."""
    run_at, payload = due.run_at, dict(due.payload)
    if payload:
        waiting = Job.objects.filter(IS_PENDING, dedupe_key=due.dedupe_key)
        found = waiting.select_for_update(no_key=True).only("run_at", "payload").first()
        if found is None:
            return False
        payload = _united(found.payload, payload)
        if payload != due.payload:
            run_at = min(run_at, found.run_at)
    return bool(_PUT_OFF.run(dedupe_key=due.dedupe_key, run_at=run_at, payload=payload))


_PUT_OFF = PreparedChange(
    lambda: Job.objects.filter(IS_PENDING, dedupe_key=Blank("dedupe_key", CharField())),
    run_at=Blank("run_at", DateTimeField()),
    first_run_at=Blank("run_at", DateTimeField()),
    payload=Blank("payload", JSONField()),
)


def _united(waiting: Mapping[str, Any], coming: Mapping[str, Any]) -> dict[str, Any]:
    """As it comes; a list in both holds what either names, in order."""
    both = {name: values for name, values in coming.items() if isinstance(values, list)}
    return {**coming, **{name: sorted({*values, *waiting.get(name, [])}) for name, values in both.items()}}


def _insert_messages(pairs: Iterable[tuple[Job, Due]], *, now: datetime) -> None:
    _LOG.write(_message(job, due, now=now) for job, due in pairs if due.is_mail)


_LOG = PreparedInsert(Message, on_conflict="DO NOTHING")


def _job(due: Due, *, now: datetime) -> Job:
    return new_row(
        Job,
        type=due.type,
        once_key=due.once_key,
        dedupe_key=None if due.not_sent else due.dedupe_key,
        booking_id=due.booking_id,
        visit_id=due.visit_id,
        recipient=due.recipient,
        channel=due.channel,
        payload=dict(due.payload),
        urgency=said_by_handler(due.type, "urgency") or Job.Urgency.AWAITED,
        state=Job.State.CANCELLED if due.not_sent else Job.State.PENDING,
        finished_at=now if due.not_sent else None,
        last_error=due.not_sent,
        run_at=due.run_at,
        first_run_at=due.run_at,
        created_at=now,
    )


def _message(job: Job, due: Due, *, now: datetime) -> Message:
    return new_row(
        Message,
        job_id=job.pk,
        type=due.type,
        booking_id=due.booking_id,
        visit_id=due.visit_id,
        client_id=due.client_id,
        to=due.to,
        state=Message.State.NOT_SENT if due.not_sent else Message.State.WAITING,
        reason=due.not_sent,
        channel=due.channel,
        message_id=new_message_id(due.channel),
        created_at=now,
    )


def new_message_id(channel: str) -> str:
    """The Message-ID of a mail for its whole life, however often it is sent; of a text, our reference."""
    if channel == SMS:
        return uuid.uuid4().hex
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"
    return f"<{uuid.uuid4().hex}@{domain}>"
