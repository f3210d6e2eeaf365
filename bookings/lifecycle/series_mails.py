"""Mails that tell a client of several bookings of a series at once (contract §6a).

Which of them are still true, such a mail finds out itself when it leaves.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db.models import Q

from bookings.channel_choice import way_to
from bookings.lifecycle import inapp_lines
from bookings.lifecycle.outcome import Change
from bookings.models import Booking
from bookings.why_not_sent import Reason
from notifications import outbox
from notifications.outbox import Due, Recipient
from staff.models import SalonSettings

SCHEDULED = Booking.Status.SCHEDULED

SERIES = "series"
SERIES_KEYS = tuple(f"booking.{kind}:{SERIES}:" for kind in ("created", "updated", "cancelled"))
"""Begin the once_keys of these mails: one booking of theirs that changes does not make them moot."""


def announce_series(
    bookings: Sequence[Booking], *, salon: SalonSettings, notify_client: bool, now: datetime
) -> None:
    """The bookings of a series, made in this transaction: one line for the salon, one mail with all dates."""
    first = bookings[0]
    inapp_lines.tell_salon_of_series(bookings, salon=salon, now=now)
    to_tell = [each.pk for each in bookings if each.status == SCHEDULED and each.end_at > now]
    if not notify_client or not to_tell or first.client is None or not first.for_somebody:
        return
    way = way_to(first.client, salon=salon)
    due = Due(
        type="booking.created",
        once_key=f"booking.created:{SERIES}:{first.pk}",
        run_at=now,
        booking_id=first.pk,
        visit_id=first.visit_id,
        client_id=first.client_id,
        recipient=Recipient.client(first.client_id),
        to=way.to,
        channel=way.channel,
        payload={"booking_ids": to_tell},
    )
    outbox.enqueue([due], now=now)


def moved_in_series(booking: Booking) -> list[int]:
    """All bookings of its visit and those of its series that the same mail is to tell of; none outside a
    series, and none for a request, whose mail repeats its own links."""
    if booking.series_id is None or booking.status != SCHEDULED:
        return []
    visit = booking.visit
    mates = [booking.pk] if visit is None else [each.pk for each in visit.items]
    waiting = outbox.waiting_payload(dedupe_key=series_update_of(booking))
    return sorted({*mates, *waiting.get("booking_ids", [])})


def series_update_of(booking: Booking) -> str:
    """One pending update mail for each client and series (contract §6a)."""
    return f"booking.updated:{SERIES}:{booking.series_id}:{booking.client_id}"


def of_series(due: Due, booking_ids: Collection[int], **more: Any) -> Due:
    """The same mail, about all of these bookings."""
    type, _, identity = due.once_key.partition(":")
    payload = {"booking_ids": list(booking_ids), **more}
    return replace(due, once_key=f"{type}:{SERIES}:{identity}", payload=payload)


def joined(dues: Sequence[Due]) -> list[Due]:
    """What changes of one transaction owe, with one confirmation and one cancellation for each client.

    A request keeps a mail of its own: its links are its own.
    """
    together: dict[Any, list[Due]] = {}
    for due in dues:
        one_for_all = due.type in ("booking.created", "booking.cancelled")
        together.setdefault((due.type, due.client_id) if one_for_all else due.once_key, []).append(due)
    return [each[0] if len(each) == 1 else _about_all(each) for each in together.values()]


def _about_all(dues: Sequence[Due]) -> Due:
    """Of a visit all its bookings. What a former client was told of each is kept by the booking's id."""
    told: dict[str, Any] = {}
    for due in dues:
        told |= due.payload.get("announced_each", {})
        if "announced" in due.payload:
            told[str(due.booking_id)] = due.payload["announced"]
    about = Q(pk__in=[due.booking_id for due in dues])
    about |= Q(visit_id__in=[due.visit_id for due in dues if due.visit_id is not None])
    ids = Booking.objects.filter(about).order_by("pk").values_list("pk", flat=True)
    return of_series(dues[0], ids, **({"announced_each": told} if told else {}))


def drop_series_update(change: Change, *, reason: Reason) -> None:
    """The update mail of a series of which nothing stands any more that it is to tell of."""
    booking = change.booking
    if booking.series_id is None:
        return
    key = series_update_of(booking)
    told = outbox.waiting_payload(dedupe_key=key).get("booking_ids", [])
    if told and not Booking.objects.occupying().filter(pk__in=told).exists():
        outbox.drop(
            recipient=Recipient.client(booking.client_id), dedupe_key=key, reason=reason, now=change.now
        )
