"""What an eAgenda call asks for. Raises BadRequest naming the field (contract §4)."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from rest_framework.request import Request

from bookings.dialects.eagenda.codes import WRITTEN_AS
from staff.wire.query import Query, QueryChoice, QueryDate, QueryField, QueryNumber, QueryText
from staff.wire.refusals import BadRequest
from staff.wire.times import BadTime, parse_when

DEFAULT_PAGE_SIZE = 50
LARGEST_PAGE_SIZE = 200
LARGEST_PAGE = 10**9
LONGEST_TEXT = 10_000

_SLUG = re.compile(r"[-a-zA-Z0-9_]+")
_SEARCH_CODE = re.compile(r"[Aa]([0-9]{1,18})")
_FLAGS = {"true": True, "1": True, "false": False, "0": False}


@dataclass(frozen=True, slots=True)
class StatusPatch:
    status: str | None
    send_email: bool
    account_slug: str | None


@dataclass(frozen=True, slots=True)
class Attendee:
    """An existing person by `person_key`, or a new one by name."""

    person_key: uuid.UUID | None
    name: str
    email: str
    phone: str


@dataclass(frozen=True, slots=True)
class NewAppointment:
    calendar_key: uuid.UUID
    attendees: list[Attendee]
    start_at: datetime
    service_key: uuid.UUID | None
    status: str
    description: str
    send_email: bool


@dataclass(frozen=True, slots=True)
class Search:
    calendar_key: uuid.UUID | None
    person_key: uuid.UUID | None
    status: str | None
    is_cancelled: bool | None
    start_date: date | None
    end_date: date | None
    session_id: int | None


class QueryKey(QueryField):
    def read(self, text: str) -> uuid.UUID:
        return _uuid(text)


class QueryTruth(QueryField):
    """`true` or `1`, `false` or `0`, in any case."""

    def read(self, text: str) -> bool:
        if text.lower() not in _FLAGS:
            raise BadRequest("Send true or false.")
        return _FLAGS[text.lower()]


class SendEmailQuery(Query):
    last_counts = True

    send_email = QueryTruth()


class PageQuery(Query):
    last_counts = True

    page = QueryNumber(smallest=1, largest=LARGEST_PAGE, initial=1)
    page_size = QueryNumber(smallest=1, initial=DEFAULT_PAGE_SIZE)


class SearchQuery(Query):
    last_counts = True

    calendar_key = QueryKey()
    person_key = QueryKey()
    client_key = QueryKey()
    status = QueryChoice(choices=WRITTEN_AS)
    is_cancelled = QueryTruth()
    start_date = QueryDate()
    end_date = QueryDate()
    search_code = QueryText()


def status_patch_of(body: Mapping[str, Any]) -> StatusPatch:
    if not {"status", "send_email", "account_slug"} & set(body):
        raise BadRequest("Send at least one of status, send_email, account_slug.")
    slug = body.get("account_slug")
    if "account_slug" in body and (not isinstance(slug, str) or _SLUG.fullmatch(slug) is None):
        raise BadRequest.field("account_slug", "Send letters, digits, hyphens and underscores.")
    status = _status(body) if "status" in body else None
    return StatusPatch(status=status, send_email=send_email_of(body), account_slug=slug)


def send_email_of(body: Mapping[str, Any]) -> bool:
    value = body.get("send_email", False)
    if type(value) is not bool:
        raise BadRequest.field("send_email", "Send true or false, without quotes.")
    return value


def send_email_in_query(request: Request) -> bool:
    return bool(SendEmailQuery.of(request)["send_email"])


def new_appointment_of(body: Mapping[str, Any], *, zone: ZoneInfo) -> NewAppointment:
    return NewAppointment(
        calendar_key=_key(body.get("calendar_key"), "calendar_key"),
        attendees=_attendees(body.get("attendees")),
        start_at=start_of(body, zone=zone),
        service_key=_service_key(body.get("service_list")),
        status=_status(body) if body.get("status") is not None else "CONFIRMED",
        description=_text(body, "description"),
        send_email=send_email_of(body),
    )


def start_of(body: Mapping[str, Any], *, zone: ZoneInfo) -> datetime:
    """`start.dateTime` in UTC: with an offset as it is, else on the wall clock of `start.timeZone`."""
    start = body.get("start")
    if not isinstance(start, dict) or start.get("dateTime") is None:
        raise BadRequest.field("start", "Send {dateTime: '2025-06-01T10:00:00Z'}.")
    named = start.get("timeZone")
    if named is not None:
        zone = _zone(named)
    try:
        return parse_when(start["dateTime"], zone=zone).astimezone(UTC)
    except BadTime as refused:
        raise BadRequest.field("start", refused.message) from None


def search_of(request: Request) -> Search:
    asked = SearchQuery.of(request)
    return Search(
        calendar_key=asked["calendar_key"],
        person_key=asked["person_key"] or asked["client_key"],
        status=asked["status"],
        is_cancelled=asked["is_cancelled"],
        start_date=asked["start_date"],
        end_date=asked["end_date"],
        session_id=_search_code(asked["search_code"]),
    )


def page_of(request: Request) -> tuple[int, int]:
    """Page number and page size."""
    asked = PageQuery.of(request)
    return asked["page"], min(asked["page_size"], LARGEST_PAGE_SIZE)


def _search_code(text: str | None) -> int | None:
    """The session of a search code; one that is no code of ours finds nothing."""
    if text is None:
        return None
    match = _SEARCH_CODE.fullmatch(text.strip())
    return int(match[1]) if match else 0


def _status(body: Mapping[str, Any]) -> str:
    status = body["status"]
    if not isinstance(status, str) or status not in WRITTEN_AS:
        raise BadRequest.field("status", f"Send one of {', '.join(WRITTEN_AS)}.")
    return status


def _attendees(value: Any) -> list[Attendee]:
    if not isinstance(value, list) or not value:
        raise BadRequest.field("attendees", "Send a list of at least one {person_key}.")
    return [_attendee(each) for each in value]


def _attendee(value: Any) -> Attendee:
    if not isinstance(value, dict):
        raise BadRequest.field("attendees", "Each attendee is an object with person_key, or name and email.")
    if value.get("person_key") is not None:
        key = _key(value["person_key"], "attendees")
        return Attendee(person_key=key, name="", email="", phone="")
    name = _text(value, "name", field="attendees").strip()
    if not name:
        raise BadRequest.field("attendees", "Each attendee needs a person_key, or a name.")
    return Attendee(
        person_key=None,
        name=name,
        email=_text(value, "email", field="attendees").strip(),
        phone=_text(value, "phone", field="attendees").strip(),
    )


def _service_key(value: Any) -> uuid.UUID | None:
    """The one service of `service_list`: its key, or an object with `service_key`."""
    if value is None or value == []:
        return None
    if not isinstance(value, list) or len(value) != 1:
        raise BadRequest.field("service_list", "Send one service.")
    (service,) = value
    return _key(service.get("service_key") if isinstance(service, dict) else service, "service_list")


def _text(body: Mapping[str, Any], name: str, *, field: str | None = None) -> str:
    value = body.get(name)
    if value is not None and (not isinstance(value, str) or len(value) > LONGEST_TEXT):
        raise BadRequest.field(field or name, f"{name}: send a string.")
    return value or ""


def _key(value: Any, field: str) -> uuid.UUID:
    try:
        return _uuid(value if isinstance(value, str) else "")
    except BadRequest as refused:
        raise BadRequest.field(field, refused.message) from None


def _uuid(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise BadRequest("Send a key (a UUID).") from None


def _zone(name: Any) -> ZoneInfo:
    try:
        return ZoneInfo(name if isinstance(name, str) else "")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadRequest.field("start", "timeZone: send an IANA name, such as 'America/Sao_Paulo'.") from None
