"""What a client was last told of a booking: the message log knows (contract §1.4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from bookings.after_visit import REACHED
from bookings.models import Booking, BookingEvent
from notifications.models import Message

TOLD_IN_PERSON = "told_in_person"
"""In the history's `changes`: the write's client was told by somebody of the salon, and mailed nothing."""

TAKES_OUT = "CANCEL"
"""The method of the one calendar file that takes something out of a calendar."""


@dataclass(frozen=True, slots=True)
class Announced:
    """What a mail said: the booking's status, times (UTC) and person. A status of "": that there is none."""

    status: str = ""
    start_at: datetime | None = None
    end_at: datetime | None = None
    staff_id: int | None = None

    @classmethod
    def read(cls, announced: Mapping[str, Any] | None) -> Announced:
        """From what a message keeps of it in `facts["announces"]`."""
        if not announced or not announced.get("as"):
            return cls()
        start_at, end_at = _instant(announced["start_at"]), _instant(announced["end_at"])
        return cls(announced["as"], start_at, end_at, announced.get("staff_id"))


ANNOUNCED_COLUMNS = ("announced_as", "announced_start_at", "announced_end_at", "announced_staff_id")


def assign(booking: Booking, announced: Announced) -> None:
    """The booking, not saved yet: what its client believes of it."""
    booking.announced_as, booking.announced_staff_id = announced.status, announced.staff_id
    booking.announced_start_at, booking.announced_end_at = announced.start_at, announced.end_at


def last_announced(booking: Booking, *, client_id: int) -> Announced | None:
    """By the last mail about this booking that reached (or may have reached) this client; None: by none, or
    they have been told something else in person since."""
    reached = _reached(booking, client_id=client_id)
    for message in reached.only("booking_id", "facts", "sent_at", "created_at"):
        if (told := _of(booking, message)) is not None:
            since = message.sent_at or message.created_at
            return None if _told_in_person_since(since, booking, client_id=client_id) else told
    return None


def _told_in_person_since(since: datetime, booking: Booking, *, client_id: int) -> bool:
    """Whether this client, and not another one who had the booking meanwhile, was told in person."""
    asked = Q(changes__has_key=TOLD_IN_PERSON) | Q(changes__has_key="client_id")
    events = BookingEvent.objects.filter(asked, booking_id=booking.pk, at__gt=since).order_by("pk")
    found: list[dict[str, Any]] = list(events.values_list("changes", flat=True))
    changed = next((each["client_id"] for each in found if "client_id" in each), None)
    has_it = client_id == (booking.client_id if changed is None else changed[0])
    for changes in found:
        former, has_it = has_it, client_id == changes["client_id"][1] if "client_id" in changes else has_it
        if TOLD_IN_PERSON in changes and (former or has_it):
            return True
    return False


def last_told_to_stand(booking: Booking, *, client_id: int) -> Announced | None:
    """The last time a mail told this client that the booking stands, whatever was said after; None: never."""
    for message in _reached(booking, client_id=client_id).only("booking_id", "facts"):
        told = _of(booking, message)
        if told is not None and told.status:
            return told
    return None


def stands_in_calendar(booking: Booking, *, client_id: int) -> bool:
    """Whether the last calendar file about this booking that reached this client put it into a calendar."""
    reached = _reached(booking, client_id=client_id).exclude(ics_method="")
    for message in reached.only("booking_id", "facts", "ics_method"):
        told = _of(booking, message)
        if told is not None or "announces_each" not in message.facts:
            return message.ics_method != TAKES_OUT and (told is None or bool(told.status))
    return False


def _reached(booking: Booking, *, client_id: int) -> QuerySet[Message]:
    """The mails about the visit it is in now, or about others of its series with it, the last one first.

    What was said of it in a visit that it has left is another event in the client's calendar.
    """
    about = Q(booking_id=booking.pk)
    if booking.visit_id is not None:
        about = Q(about, visit_id=None) | Q(visit_id=booking.visit_id)
    if booking.series_id is not None:
        series = Booking.objects.filter(series_id=booking.series_id).order_by().values("pk")
        about |= Q(booking_id__in=series, facts__announces_each__has_key=str(booking.pk))
    return Message.objects.filter(about, client_id=client_id, state__in=REACHED).order_by("-id")


def _of(booking: Booking, message: Message) -> Announced | None:
    """What a mail said of the booking; None when it said nothing."""
    of_each = message.facts.get("announces_each")
    if of_each is not None:
        return Announced.read(of_each[str(booking.pk)]) if str(booking.pk) in of_each else None
    if message.booking_id != booking.pk or "announces" not in message.facts:
        return None
    return Announced.read(message.facts["announces"])


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
