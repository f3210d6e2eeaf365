"""What a write leaves beside its answer: messages, lines, deliveries, a fee, offers.

Read in this order: `Marks.now`, the write, `Traces.of`, its rollback, `Traces.compared`. Whatever others
commit meanwhile is there before and after, and so in no difference.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Self

from django.db.models import Model, Q, Subquery

from bookings.lifecycle.mail_types import STANDING_MAILS
from bookings.models import Booking, BookingEvent, NoShowFee, Visit, WaitlistOffer
from bookings.slots.busy import overlapping
from bookings.slots.stretches import stretches_of
from notifications.channels import sending
from notifications.handlers import NO_ADDRESS, Mail, NotNeeded, RefusedForGood, Text, TryLater
from notifications.models import SMS, Job, Message, Notification, WebhookDelivery
from notifications.registry import UnknownJobType, handler_of, is_mail, is_text
from staff.models import SalonSettings, WorkingHours
from staff.storage.prepared_statements import Prepared

NEW, MOVED, DROPPED = "new", "moved", "dropped"

ADDED = (Notification, WebhookDelivery, NoShowFee, WaitlistOffer)
WITH: dict[type[Model], tuple[str, ...]] = {WaitlistOffer: ("entry",)}
MARKED: tuple[type[Model], ...] = (*ADDED, Booking, Visit, BookingEvent, Message, WorkingHours)

_LAST = Prepared(
    lambda: SalonSettings.objects.values_list(
        *(Subquery(each._default_manager.order_by("-pk").values("pk")[:1]) for each in MARKED)
    )
)
"""Of the one row that is always there, so that one statement does."""

MOST_COMPOSED = 20
"""So many messages are asked whether they would leave; a write hardly ever makes more than three due."""


@dataclass(frozen=True, slots=True)
class Marks:
    """The last ids before the write: what has a higher one is new, as far as it is ours."""

    last: dict[type[Model], int]
    began: datetime

    @classmethod
    def now(cls, now: datetime) -> Self:
        [found] = _LAST.rows()
        return cls({each: last or 0 for each, last in zip(MARKED, found, strict=True)}, now)

    def is_new(self, model: type[Model], pk: int | None) -> bool:
        return pk is not None and pk > self.last[model]


@dataclass(frozen=True, slots=True)
class Foreseen:
    """A message to a client that the write makes due, moves or drops. `due_at` is UTC."""

    job_id: int
    type: str
    channel: str
    to: str
    due_at: datetime
    state: str
    why_not: str | None
    was: str = ""


@dataclass(frozen=True, slots=True)
class Traces:
    """Of one write; what `added` holds is ours once `compared`. `conflicts`: ids of the bookings that a
    deliberate overlap lies over."""

    messages: Sequence[Foreseen]
    added: dict[type[Model], list[Any]] = field(default_factory=dict)
    conflicts: Collection[int] = ()

    @classmethod
    def of(cls, marks: Marks, *, client_ids: Iterable[int], overlapping: bool, now: datetime) -> Self:
        """Inside the write's transaction, after it. `client_ids`: whom the write is about, beside those of
        the bookings it changes. `overlapping`: it may lie over others."""
        events = BookingEvent.objects.filter(pk__gt=marks.last[BookingEvent]).order_by("pk")
        found = list(events.values_list("booking_id", "booking__visit_id", "booking__client_id", "changes"))
        clients = {*client_ids, *(client_id for _, _, client_id, _ in found)}
        clients |= {pk for *_, changes in found for pk in changes.get("client_id", ())}
        visits = {visit_id for _, visit_id, _, _ in found}
        return cls(
            messages=_messages(marks, clients - {None}, visits - {None}, now=now),
            added={
                each: list(
                    each._default_manager.filter(pk__gt=marks.last[each])
                    .select_related(*WITH.get(each, ()))
                    .order_by("pk")
                )
                for each in ADDED
            },
            conflicts=_overlapped({pk for pk, *_ in found}) if overlapping else (),
        )

    def compared(self) -> Self:
        """After the write was rolled back: without what is there all the same."""
        before = {
            job_id: (state, run_at)
            for job_id, state, run_at in Job.objects.filter(
                pk__in=[each.job_id for each in self.messages]
            ).values_list("pk", "state", "run_at")
        }
        added = {each: _gone(each, rows) for each, rows in self.added.items()}
        messages = [
            replace(each, was=was) for each in self.messages if (was := _was(each, before.get(each.job_id)))
        ]
        return replace(self, messages=messages, added=added)


def _messages(
    marks: Marks, client_ids: Collection[int], visit_ids: Collection[int], *, now: datetime
) -> list[Foreseen]:
    """Those that wait for these clients or about these visits, what is new, and what has just been dropped;
    by their time, as they leave: what one of them announces, the next ones find announced."""
    concerned = Q(client_id__in=client_ids) | Q(visit_id__in=visit_ids) | Q(pk__gt=marks.last[Message])
    live = Q(job__state=Job.State.PENDING)
    dropped = Q(job__state=Job.State.CANCELLED, job__finished_at__gte=marks.began)
    found = list(
        Message.objects.filter(concerned, live | dropped)
        .select_related("job")
        .order_by("job__run_at", "pk")
        .only("type", "channel", "to", "reason", "facts", "visit_id", "job")
    )
    asked = [
        each for each in found if each.job.state == Job.State.PENDING and _is_asked(each, marks, visit_ids)
    ]
    verdicts = {each.pk: _verdict(each, now=now) for each in asked[:MOST_COMPOSED]}
    messages = []
    for each in found:
        to, why_not = verdicts.get(each.pk, (each.to, each.reason or None))
        messages.append(
            Foreseen(each.job_id, each.type, each.channel, to, each.job.run_at, each.job.state, why_not)
        )
    return messages


def _is_asked(message: Message, marks: Marks, visit_ids: Collection[int]) -> bool:
    """Only what is debounced moves; what announces a changed visit is asked for the sake of what follows."""
    touched = marks.is_new(Message, message.pk) or message.job.dedupe_key is not None
    return touched or (message.type in STANDING_MAILS and message.visit_id in visit_ids)


def _verdict(message: Message, *, now: datetime) -> tuple[str, str | None]:
    """To which address the message would leave when it is due, as things stand, and why it would not.

    One that announces an appointment has then done so: inside the trial transaction, of which nothing stays.
    """
    job, due = message.job, max(message.job.run_at, now)
    try:
        handler = handler_of(job.type)
        leaving: Text | Mail
        if message.channel == SMS and is_text(handler):
            leaving = sending.composed(job, handler, now=due)
            if leaving.deliver_outside:
                sending.channel_for(job)
        elif message.channel != SMS and is_mail(handler):
            leaving = handler.compose(job, now=due)
        else:
            return message.to, None
    except NotNeeded as moot:
        return message.to, moot.reason
    except (TryLater, RefusedForGood, UnknownJobType):
        return message.to, None
    if leaving.to and message.type in STANDING_MAILS:
        message.facts = dict(leaving.facts)
        handler.sent(job, message, now=due)
    return leaving.to, None if leaving.to else NO_ADDRESS


def _was(after: Foreseen, before: tuple[str, datetime] | None) -> str:
    """What the write does to the message; "" where it does nothing."""
    waited = before is not None and before[0] == Job.State.PENDING
    if after.state == Job.State.CANCELLED:
        return DROPPED if waited else ""
    if before is None or before[0] == Job.State.CANCELLED:
        return NEW
    return MOVED if waited and before[1] != after.due_at else ""


def _gone(model: type[Model], rows: list[Any]) -> list[Any]:
    """Those of the rows that were rolled back; one statement, none for none."""
    if not rows:
        return []
    there = set(model._default_manager.filter(pk__in=[each.pk for each in rows]).values_list("pk", flat=True))
    return [each for each in rows if each.pk not in there]


def _overlapped(written: Collection[int]) -> set[int]:
    """The bookings that those written lie over: who has another party at the same time."""
    standing: dict[int, list[Booking]] = {}
    for booking in Booking.objects.occupying().filter(pk__in=written):
        standing.setdefault(booking.staff_id, []).append(booking)
    over: set[int] = set()
    for staff_id, bookings in standing.items():
        stretches = [(each, stretch) for each in bookings for stretch in stretches_of(each)]
        for row in overlapping(staff_id, [stretch for _, stretch in stretches]):
            over |= {
                row.booking_id
                for each, stretch in stretches
                if row.booking_id is not None
                and row.party != each.party
                and row.starts_at < stretch.end_at
                and row.ends_at > stretch.start_at
            }
    return over
