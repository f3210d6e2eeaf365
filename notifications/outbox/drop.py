"""Making something moot, in the transaction that makes it so (reliability §1, "moot")."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from functools import cache, partial
from typing import Any

from django.db import transaction
from django.db.models import BigAutoField, CharField, DateTimeField, Q, QuerySet

from notifications.models import Job, Message
from notifications.outbox.recipient import Recipient
from notifications.outbox.states import IS_CLAIMED, IS_LIVE, IS_PENDING
from staff.storage.prepared_statements import Blank, BlankIds, BlankTexts, Prepared
from staff.storage.prepared_writes import PreparedChange


def drop(
    *,
    now: datetime,
    reason: str,
    booking_id: int | None = None,
    visit_id: int | None = None,
    types: Collection[str] | None = None,
    recipient: Recipient | None = None,
    once_keys: Collection[str] | None = None,
    dedupe_key: str | None = None,
    sparing: Collection[str] = (),
) -> int:
    """Cancel what is pending and matches everything given; its message becomes not sent, with `reason`.

    A once_key that begins with one of `sparing` is left alone.

    What a worker holds, and what may already have left (`on_its_way`), stays. Gives how many were dropped.
    Raises ValueError when nothing narrows it down.
    """
    values: dict[str, Any] = {
        "booking_id": booking_id,
        "visit_id": visit_id,
        "recipient": recipient,
        "once_keys": once_keys,
        "dedupe_key": dedupe_key,
    }
    given = {name: value for name, value in values.items() if value is not None}
    if not given:
        raise ValueError(f"Say which: {', '.join(_GIVEN)}.")
    if types is not None and not types:
        return 0
    waiting = _waiting(tuple(given), None if types is None else tuple(sorted(types)), tuple(sparing))
    said = reason[: Message.LONGEST_REASON]
    # The caller's own transaction where there is one: what goes wrong here undoes all of it.
    with transaction.atomic(savepoint=False):
        ids = [pk for (pk,) in waiting.rows(**given)]
        if ids:
            _CANCEL.run(ids=ids, now=now, reason=said)
            _NOT_SENT.run(ids=ids, reason=said)
    return len(ids)


@cache
def _waiting(given: tuple[str, ...], types: tuple[str, ...] | None, sparing: tuple[str, ...]) -> Prepared:
    """The ids, locked in their order, of what is pending; `types` and `sparing` are constants of ours."""
    return Prepared(partial(_pending, given, types, sparing))


def _pending(
    given: tuple[str, ...], types: tuple[str, ...] | None, sparing: tuple[str, ...]
) -> QuerySet[Job, tuple[int]]:
    found = Job.objects.filter(IS_LIVE, IS_PENDING, *(_GIVEN[name] for name in given), sending_at=None)
    if types is not None:
        found = found.filter(type__in=types)
    for beginning in sparing:
        found = found.exclude(once_key__startswith=beginning)
    return found.order_by("id").select_for_update(no_key=True).values_list("id")


_GIVEN = {
    "booking_id": Q(booking_id=Blank("booking_id", BigAutoField())),
    "visit_id": Q(visit_id=Blank("visit_id", BigAutoField())),
    "recipient": Q(recipient=Blank("recipient", CharField())),
    "once_keys": Q(once_key__in=BlankTexts("once_keys")),
    "dedupe_key": Q(dedupe_key=Blank("dedupe_key", CharField())),
}
_CANCEL = PreparedChange(
    lambda: Job.objects.filter(pk__in=BlankIds("ids")),
    state=Job.State.CANCELLED,
    finished_at=Blank("now", DateTimeField()),
    last_error=Blank("reason", CharField()),
    dedupe_key=None,
)
_NOT_SENT = PreparedChange(
    lambda: Message.objects.filter(job_id__in=BlankIds("ids")),
    state=Message.State.NOT_SENT,
    reason=Blank("reason", CharField()),
)


def pass_over(job_id: int, *, now: datetime, reason: str) -> bool:
    """Cancel this one, also when it may have left once: what waits behind it goes first from now on.

    False when a worker holds it or it has ended.
    """
    passed = Job.objects.filter(IS_PENDING, pk=job_id).update(
        state=Job.State.CANCELLED,
        finished_at=now,
        last_error=reason[: Message.LONGEST_REASON],
        dedupe_key=None,
    )
    return passed == 1


def hand_over(*, visit_id: int, booking_id: int, to: int, types: Collection[str]) -> None:
    """What waits for a visit by way of a booking that goes out of it: by way of another from now on."""
    waiting = Job.objects.filter(IS_PENDING, visit_id=visit_id, booking_id=booking_id, type__in=types)
    ids = list(waiting.values_list("pk", flat=True))
    if ids:
        Message.objects.filter(job_id__in=ids).update(booking_id=to)
        Job.objects.filter(IS_PENDING, pk__in=ids).update(booking_id=to)


def on_its_way(
    *,
    booking_id: int | None = None,
    visit_id: int | None = None,
    types: Collection[str] | None = None,
    recipient: Recipient | None = None,
) -> bool:
    """Whether something that matches is in a worker's hands, or was when it died in mid-sending.

    Such a message cannot be taken back: treat it as told.
    """
    in_hand = IS_CLAIMED | (IS_PENDING & Q(sending_at__isnull=False))
    return _matching(booking_id, visit_id, types, recipient).filter(in_hand).exists()


def _matching(
    booking_id: int | None,
    visit_id: int | None,
    types: Collection[str] | None,
    recipient: Recipient | None,
) -> QuerySet[Job]:
    if (booking_id, visit_id, recipient) == (None,) * 3:
        raise ValueError("Say which: booking_id, visit_id or recipient.")
    found = Job.objects.filter(IS_LIVE)
    if visit_id is not None:
        found = found.filter(visit_id=visit_id)
    if booking_id is not None:
        found = found.filter(booking_id=booking_id)
    if types is not None:
        found = found.filter(type__in=types)
    if recipient is not None:
        found = found.filter(recipient=recipient)
    return found
