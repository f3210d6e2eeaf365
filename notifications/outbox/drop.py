"""Making something moot, in the transaction that makes it so (reliability §1, "moot")."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet

from notifications.models import Job, Message
from notifications.outbox.recipient import Recipient
from notifications.outbox.states import IS_CLAIMED, IS_LIVE, IS_PENDING


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
    found = _matching(booking_id, visit_id, types, recipient, once_keys).filter(IS_PENDING, sending_at=None)
    if dedupe_key is not None:
        found = found.filter(dedupe_key=dedupe_key)
    for beginning in sparing:
        found = found.exclude(once_key__startswith=beginning)
    with transaction.atomic():
        ids = list(found.order_by("id").select_for_update(no_key=True).values_list("id", flat=True))
        if ids:
            Job.objects.filter(id__in=ids).update(
                state=Job.State.CANCELLED,
                finished_at=now,
                last_error=reason[: Message.LONGEST_REASON],
                dedupe_key=None,
            )
            Message.objects.filter(job_id__in=ids).update(
                state=Message.State.NOT_SENT, reason=reason[: Message.LONGEST_REASON]
            )
    return len(ids)


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
    return _matching(booking_id, visit_id, types, recipient, None).filter(in_hand).exists()


def _matching(
    booking_id: int | None,
    visit_id: int | None,
    types: Collection[str] | None,
    recipient: Recipient | None,
    once_keys: Collection[str] | None,
) -> QuerySet[Job]:
    if (booking_id, visit_id, recipient, once_keys) == (None,) * 4:
        raise ValueError("Say which: booking_id, visit_id, recipient or once_keys.")
    found = Job.objects.filter(IS_LIVE)
    if visit_id is not None:
        found = found.filter(visit_id=visit_id)
    if booking_id is not None:
        found = found.filter(booking_id=booking_id)
    if types is not None:
        found = found.filter(type__in=types)
    if recipient is not None:
        found = found.filter(recipient=recipient)
    if once_keys is not None:
        found = found.filter(once_key__in=once_keys)
    return found
