"""Writing what planning has decided, few statements for many rows; a row that a worker has taken stays."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime

from bookings.why_not_sent import Reason
from notifications import outbox
from notifications.models import Job, Message
from notifications.outbox import Due
from notifications.outbox.states import IS_PENDING

BY_DATE = 4
"""Parts of the dedupe_key of a reminder of all visits of a client on a date."""


@dataclass(slots=True)
class Steps:
    """What there is to do. `new` is for the caller to enqueue."""

    new: list[Due] = field(default_factory=list)
    cancelled: dict[Reason, list[int]] = field(default_factory=lambda: defaultdict(list))
    cancelled_by_date: set[str] = field(default_factory=set)
    retimed: dict[datetime, list[int]] = field(default_factory=lambda: defaultdict(list))
    taken_up: list[tuple[int, datetime, str]] = field(default_factory=list)
    rerouted: list[tuple[int, str, str]] = field(default_factory=list)

    @property
    def nothing(self) -> bool:
        return not (self.new or self.cancelled or self.retimed or self.taken_up or self.rerouted)

    def add(self, due: Due) -> None:
        self.new.append(due)

    def cancel(self, row: Job, *, reason: Reason) -> None:
        self.cancelled[reason].append(row.pk)
        if row.dedupe_key is not None and len(row.dedupe_key.split(":")) == BY_DATE:
            self.cancelled_by_date.add(row.dedupe_key)

    def retime(self, row: Job, due: datetime) -> None:
        self.retimed[due].append(row.pk)

    def take_up(self, row: Job, due: datetime, dedupe_key: str) -> None:
        self.taken_up.append((row.pk, due, dedupe_key))

    def reroute(self, row: Job, channel: str, to: str) -> None:
        """It leaves by `channel`, to this address or number."""
        self.rerouted.append((row.pk, channel, to))


def write(steps: Steps, *, now: datetime) -> None:
    """All but what is new. What is cancelled gives up its dedupe_key first."""
    for reason, ids in steps.cancelled.items():
        Job.objects.filter(IS_PENDING, pk__in=ids).update(
            state=Job.State.CANCELLED, finished_at=now, last_error=reason, dedupe_key=None
        )
        Message.objects.filter(job_id__in=ids, job__state=Job.State.CANCELLED).update(
            state=Message.State.NOT_SENT, reason=reason
        )
    for due, ids in steps.retimed.items():
        Job.objects.filter(IS_PENDING, pk__in=ids).update(run_at=due, first_run_at=due)
    for pk, due, dedupe_key in steps.taken_up:
        Job.objects.filter(pk=pk, state=Job.State.CANCELLED).update(
            state=Job.State.PENDING,
            dedupe_key=dedupe_key,
            run_at=due,
            first_run_at=due,
            attempts=0,
            finished_at=None,
            last_error="",
        )
    if steps.taken_up:
        Message.objects.filter(job_id__in=[pk for pk, _, _ in steps.taken_up]).update(
            state=Message.State.WAITING, reason=""
        )
    for pk, channel, to in steps.rerouted:
        if Job.objects.filter(IS_PENDING, pk=pk).update(channel=channel):
            Message.objects.filter(job_id=pk).update(
                channel=channel, to=to, message_id=outbox.new_message_id(channel)
            )
