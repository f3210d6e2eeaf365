"""What a client was last told of a booking: the message log knows (contract §1.4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q

from bookings.after_visit import REACHED
from bookings.models import Booking
from notifications.models import Message

TAKES_OUT = "CANCEL"
"""The method of the one calendar file that takes something out of a calendar."""


@dataclass(frozen=True, slots=True)
class Announced:
    """What a mail said: the booking's status and times (UTC). A status of "": that there is no booking."""

    status: str = ""
    start_at: datetime | None = None
    end_at: datetime | None = None

    @classmethod
    def read(cls, announced: Mapping[str, Any] | None) -> Announced:
        """From what a message keeps of it in `facts["announces"]`."""
        if not announced or not announced.get("as"):
            return cls()
        return cls(announced["as"], _instant(announced["start_at"]), _instant(announced["end_at"]))


def last_announced(*, booking_id: int, client_id: int) -> Announced | None:
    """By the last mail about this booking that reached (or may have reached) this client; None: by none."""
    facts = (
        Message.objects.filter(
            booking_id=booking_id, client_id=client_id, state__in=REACHED, facts__has_key="announces"
        )
        .order_by("-id")
        .values_list("facts", flat=True)
        .first()
    )
    return None if facts is None else Announced.read(facts["announces"])


def last_told_to_stand(booking: Booking, *, client_id: int) -> Announced | None:
    """The last time a mail told this client that the booking stands, whatever was said after; None: never."""
    about = Q(booking_id=booking.pk)
    if booking.series_id is not None:
        about |= Q(booking_id=booking.series_id, facts__announces_each__has_key=str(booking.pk))
    reached = Message.objects.filter(about, client_id=client_id, state__in=REACHED).order_by("-id")
    for facts in reached.values_list("facts", flat=True):
        of_each = facts.get("announces_each") or {}
        told = Announced.read(of_each.get(str(booking.pk), facts.get("announces")))
        if told.status:
            return told
    return None


def stands_in_calendar(booking: Booking, *, client_id: int) -> bool:
    """Whether the last calendar file about this booking that reached this client put it into a calendar."""
    about = Q(booking_id=booking.pk)
    if booking.series_id is not None:
        series = Booking.objects.filter(series_id=booking.series_id).order_by().values("pk")
        about |= Q(booking_id__in=series, facts__announces_each__has_key=str(booking.pk))
    reached = Message.objects.filter(about, client_id=client_id, state__in=REACHED).exclude(ics_method="")
    last = reached.order_by("-id").values_list("ics_method", "facts").first()
    if last is None or last[0] == TAKES_OUT:
        return False
    told_of_each = last[1].get("announces_each", {})
    return told_of_each.get(str(booking.pk), ...) is not None


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
