"""Which mail is owed about a booking or a visit, and how long one that tells of another time waits (contract
§1.4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from bookings.channel_choice import way_to
from bookings.lifecycle.outcome import Change
from bookings.models import Booking
from bookings.quiet_hours import after_quiet_hours
from clients.models import Client
from notifications.models import SMS, Message
from notifications.outbox import Due, Recipient

STANDING_MAILS = (
    "booking.created",
    "booking.provisional",
    "booking.updated",
    "visit.requested",
    "waitlist.confirmed",
)
"""Mails that say the booking stands: moot once it does not."""

RESENT = "booking.resent"
"""One of the others once more (`bookings.send_again`). Which one would still be true it finds out itself."""

TAKING_BACK = ("booking.cancelled", "booking.lapsed", "visit.declined", "visit.request_lapsed")
"""Mails that say that nothing stands any more: moot once it does."""

OF_THE_WHOLE_VISIT = (*STANDING_MAILS, *TAKING_BACK, RESENT)
"""These tell of all bookings of a visit, whichever of them the job names."""

QUIET = ("booking.updated", *TAKING_BACK)
"""Where the salon made them due, a text of these waits for the end of the quiet hours (contract §10)."""

UPDATE_MAIL_DELAY = timedelta(seconds=settings.UPDATE_MAIL_DELAY_SECONDS)
BETWEEN_CLIENT_MOVES = timedelta(minutes=10)
SOON = timedelta(minutes=60)
UPDATE_MAIL_DELAY_WHEN_SOON = timedelta(minutes=2)


def asking_mail(items: Sequence[Booking]) -> str | None:
    """The mail that a provisional visit owes at first: one that asks the client, one that the salon has been
    asked online, or none (a dialect's)."""
    if any(each.provisional_token is not None for each in items):
        return "booking.provisional"
    return "visit.requested" if any(each.asked_online for each in items) else None


def arrival(items: Sequence[Booking]) -> str:
    """The line that the salon reads of what has just been made."""
    return "booking.requested" if any(each.asked_online for each in items) else "booking.new"


def closing_mail(change: Change) -> str:
    """The mail that a cancelled visit owes: a request made online is declined, or lapses."""
    if change.before is None or not change.before.asked_online or change.actor.type == "client":
        return "booking.lapsed" if change.lapsed else "booking.cancelled"
    return "visit.request_lapsed" if change.lapsed else "visit.declined"


def update_mail_delay(*, start_at: datetime, now: datetime) -> timedelta:
    """How long the mail waits for the last move; less for a start (UTC) that is near."""
    soon = start_at - now < SOON
    return min(UPDATE_MAIL_DELAY, UPDATE_MAIL_DELAY_WHEN_SOON) if soon else UPDATE_MAIL_DELAY


def client_move_delay(visit_id: int | None, *, now: datetime) -> timedelta:
    """How long the mail about a client's own move waits: until ten minutes after the last one that told of a
    move of this visit; most often not at all (contract §8 "moving"). One statement."""
    told = Message.objects.filter(
        visit_id=visit_id, type="booking.updated", sent_at__gt=now - BETWEEN_CLIENT_MOVES
    )
    last = told.order_by("-id").values_list("sent_at", flat=True).first()
    return timedelta(0) if last is None else last + BETWEEN_CLIENT_MOVES - now


def mail_to_client(
    type: str,
    changes: Sequence[Change],
    *,
    booking: Booking,
    client: Client | None,
    client_id: int,
    run_at: datetime,
    dedupe_key: str | None = None,
    payload: Mapping[str, Any] | None = None,
) -> Due:
    """What changes of one visit owe to a client, who may be the one of before; `booking` of a visit is the
    first one.

    A text of what the salon did waits for the end of the quiet hours where the earlier of the old and the new
    start is not near.
    """
    last = changes[-1]
    way = way_to(client, salon=last.salon)
    if way.channel == SMS and _is_quiet(type, changes):
        run_at = after_quiet_hours(run_at, start_at=_earliest_start(changes), salon=last.salon)
    return Due(
        type=type,
        once_key=f"{type}:{booking.pk}:{last.event.pk}:{client_id}",
        run_at=run_at,
        booking_id=booking.pk,
        visit_id=booking.visit_id,
        client_id=client_id,
        recipient=Recipient.client(client_id),
        to=way.to,
        channel=way.channel,
        payload=payload or {},
        dedupe_key=dedupe_key,
    )


def _is_quiet(type: str, changes: Sequence[Change]) -> bool:
    return type in QUIET and not any(each.by_client for each in changes)


def _earliest_start(changes: Sequence[Change]) -> datetime:
    """Of the old ones and the new ones (UTC)."""
    starts = [each.booking.start_at for each in changes]
    return min(starts + [each.before.start_at for each in changes if each.before is not None])
