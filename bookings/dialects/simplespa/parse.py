"""What a SimpleSpa call asks for. Raises BadRequest naming the parameter (contract §2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bookings.dialects.simplespa.codes import LABELS
from bookings.models import BookingEvent
from staff.salon.schedule import ONE_DAY
from staff.wire.refusals import BadRequest
from staff.wire.text import LARGEST_INTEGER
from staff.wire.times import BadTime, day_start, parse_date, parse_when

LONGEST_WINDOW = timedelta(days=92)
DEFAULT_PER_PAGE = 100
LARGEST_PER_PAGE = 1000
LARGEST_PAGE = 10**15


@dataclass(frozen=True, slots=True)
class Page:
    page: int
    per_page: int

    @property
    def offset(self) -> int:
        return (self.page - 1) * self.per_page


@dataclass(frozen=True, slots=True)
class Created:
    """Created from `after` (inclusive) to `before` (exclusive), UTC; None is open."""

    after: datetime | None
    before: datetime | None


@dataclass(frozen=True, slots=True)
class Search:
    """appointments.php: `created`, the window of starts [`starts_from`, `starts_before`) in UTC, or both.

    Both only where `created_before` comes with start and end: `created_after` has them ignored.
    """

    page: Page
    created: Created | None
    starts_from: datetime | None
    starts_before: datetime | None
    client_id: int | None
    service_id: int | None
    staff_id: int | None
    status: int | None


@dataclass(frozen=True, slots=True)
class StatusWrite:
    appointment_id: int
    status: int
    reason: str


def search_of(body: Mapping[str, Any], *, zone: ZoneInfo) -> Search:
    created = created_of(body, zone=zone)
    dated = body.get("start") is not None and body.get("end") is not None
    windowed = created is None or (created.after is None and dated)
    starts_from, starts_before = _window(body, zone=zone) if windowed else (None, None)
    return Search(
        page=page_of(body),
        created=created,
        starts_from=starts_from,
        starts_before=starts_before,
        client_id=_id(body, "client_id"),
        service_id=_id(body, "service_id"),
        staff_id=_id(body, "staff_id"),
        status=None if body.get("status") is None else _status(body),
    )


def status_write_of(body: Mapping[str, Any]) -> StatusWrite:
    appointment_id = _id(body, "appointment_id")
    if appointment_id is None:
        raise BadRequest.field("appointment_id", "is required.")
    if body.get("status") is None:
        raise BadRequest.field("status", "is required.")
    reason = body.get("reason")
    if reason is not None and (not isinstance(reason, str) or len(reason) > BookingEvent.LONGEST_REASON):
        raise BadRequest.field("reason", f"send a text of at most {BookingEvent.LONGEST_REASON} characters.")
    return StatusWrite(appointment_id=appointment_id, status=_status(body), reason=reason or "")


def page_of(body: Mapping[str, Any]) -> Page:
    return Page(
        page=_count(body, "page", default=1, largest=LARGEST_PAGE),
        per_page=min(_count(body, "per_page", default=DEFAULT_PER_PAGE), LARGEST_PER_PAGE),
    )


def created_of(body: Mapping[str, Any], *, zone: ZoneInfo) -> Created | None:
    """The creation window, None when neither end is sent."""
    after = _instant(body, "created_after", zone=zone)
    before = _instant(body, "created_before", zone=zone)
    return None if after is None and before is None else Created(after=after, before=before)


def text_of(body: Mapping[str, Any], name: str) -> str:
    text = body.get(name)
    if text is not None and (not isinstance(text, str) or len(text) > 200):
        raise BadRequest.field(name, "send a text of at most 200 characters.")
    return (text or "").strip()


def _window(body: Mapping[str, Any], *, zone: ZoneInfo) -> tuple[datetime, datetime]:
    first, last = (_date(body, name) for name in ("start", "end"))
    if last < first:
        raise BadRequest.field("end", "must not be before start.")
    if last - first > LONGEST_WINDOW:
        raise BadRequest.field("end", f"the window is at most {LONGEST_WINDOW.days} days long.")
    return day_start(first, zone=zone), day_start(last + ONE_DAY, zone=zone)


def _date(body: Mapping[str, Any], name: str) -> Any:
    if body.get(name) is None:
        raise BadRequest.field(name, "is required unless created_after or created_before is sent.")
    try:
        return parse_date(body[name])
    except BadTime as refused:
        raise BadRequest.field(name, refused.message) from None


def _instant(body: Mapping[str, Any], name: str, *, zone: ZoneInfo) -> datetime | None:
    if body.get(name) is None:
        return None
    try:
        return parse_when(body[name], zone=zone)
    except BadTime as refused:
        raise BadRequest.field(name, refused.message) from None


def _id(body: Mapping[str, Any], name: str) -> int | None:
    value = body.get(name)
    if value is None:
        return None
    number = _whole(value)
    if number is None or not 1 <= number <= LARGEST_INTEGER:
        raise BadRequest.field(name, 'send an id as a string, such as "12".')
    return number


def _status(body: Mapping[str, Any]) -> int:
    code = _whole(body["status"])
    if code not in LABELS:
        raise BadRequest.field("status", f"send one of {', '.join(map(str, LABELS))}.")
    return code


def _count(body: Mapping[str, Any], name: str, *, default: int, largest: int = LARGEST_INTEGER) -> int:
    value = body.get(name)
    if value is None:
        return default
    number = _whole(value)
    if number is None or not 1 <= number <= largest:
        raise BadRequest.field(name, "send a whole number from 1.")
    return number


def _whole(value: Any) -> int | None:
    """An integer, or its decimal digits as a string."""
    if type(value) is int:
        return value
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 19:
        return int(value)
    return None
