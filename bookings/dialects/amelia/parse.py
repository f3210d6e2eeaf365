"""What an Amelia body asks for. Raises BadRequest naming the field (contract §3)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from rest_framework import serializers

from bookings.dialects.amelia.codes import APPROVED, STATUSES
from bookings.lifecycle.recurrence import MOST_OCCURRENCES
from staff.salon.settings import known_zones
from staff.wire.fields import ChoiceTextField, StrictIdField, StrictIntegerField, TextField
from staff.wire.refusals import BadRequest
from staff.wire.times import BadTime, parse_when

LONGEST_DURATION = 24 * 60 * 60
MOST_PERSONS = 1000
MOST_SEATS = 200
REQUIRED = ("bookingStart", "bookings", "notifyParticipants", "serviceId", "providerId")
ECHOED = ("customFields", "info", "extras", "packageCustomerId", "duration")
"""What a booking brings along that is stored as it came and said back."""


@dataclass(frozen=True, slots=True)
class Seat:
    """One of `bookings`: a customer in the appointment. None was not sent; `echo` holds ECHOED as sent."""

    booking_id: int | None
    customer_id: int | None
    status: str | None
    persons: int | None
    duration: int | None
    echo: dict[str, Any]

    @property
    def wanted_status(self) -> str:
        return self.status or APPROVED


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One further appointment of a series; ids that are None are those of the first."""

    start_at: datetime
    provider_id: int | None
    service_id: int | None
    location_id: int | None


@dataclass(frozen=True, slots=True)
class NewAppointment:
    """POST /appointments; times are UTC."""

    start_at: datetime
    seats: list[Seat]
    notify: bool
    service_id: int
    provider_id: int
    location_id: int | None
    internal_notes: str
    lesson_space: str | None
    recurring: list[Occurrence]


@dataclass(frozen=True, slots=True)
class Edit:
    """POST /appointments/{id}: what is None stays as it is. `lesson_space` "" takes it away."""

    start_at: datetime | None
    seats: list[Seat]
    removed: set[int]
    notify: bool | None
    service_id: int | None
    provider_id: int | None
    location_id: int | None
    internal_notes: str | None
    lesson_space: str | None


class FlagField(serializers.Field):
    """true, false, 1 or 0."""

    default_error_messages = {"invalid": "Send true, false, 1 or 0."}

    def to_internal_value(self, data: Any) -> bool:
        if type(data) not in (bool, int) or data not in (0, 1):
            self.fail("invalid")
        return bool(data)


class RemovedField(serializers.Field):
    """The id of a booking, or the booking itself with its `id`."""

    def to_internal_value(self, data: Any) -> int:
        return int(StrictIdField().run_validation(data.get("id") if isinstance(data, dict) else data))


def _id(**more: Any) -> StrictIdField:
    return StrictIdField(required=False, allow_null=True, **more)


def _text() -> TextField:
    return TextField(required=False, allow_null=True, null_is_empty=False, as_sent=True)


class SeatSerializer(serializers.Serializer):
    id = _id()
    customerId = _id()
    status = ChoiceTextField(choices=STATUSES, required=False, allow_null=True)
    persons = StrictIntegerField(required=False, allow_null=True, min_value=1, max_value=MOST_PERSONS)
    duration = StrictIntegerField(required=False, allow_null=True, min_value=1, max_value=LONGEST_DURATION)
    customFields = _text()
    info = _text()
    extras = serializers.ListField(required=False, allow_null=True)
    packageCustomerId = _id()


class OccurrenceSerializer(serializers.Serializer):
    bookingStart = TextField(as_sent=True, allow_null=False, null_is_empty=False)
    providerId = _id()
    serviceId = _id()
    locationId = _id()


class AppointmentSerializer(serializers.Serializer):
    bookingStart = TextField(as_sent=True, required=False, allow_null=True, null_is_empty=False)
    bookings = serializers.ListField(
        child=SeatSerializer(), required=False, allow_null=True, max_length=MOST_SEATS
    )
    notifyParticipants = FlagField(required=False, allow_null=True)
    serviceId = _id()
    providerId = _id()
    locationId = _id()
    internalNotes = TextField(required=False, allow_null=True, null_is_empty=False)
    lessonSpace = _text()
    timeZone = _text()
    utc = FlagField(required=False, allow_null=True)
    recurring = serializers.ListField(
        child=OccurrenceSerializer(), required=False, allow_null=True, max_length=MOST_OCCURRENCES - 1
    )
    removedBookings = serializers.ListField(
        child=RemovedField(), required=False, allow_null=True, max_length=MOST_SEATS
    )


class StatusSerializer(serializers.Serializer):
    status = ChoiceTextField(choices=STATUSES)
    packageCustomerId = _id()


def new_appointment_of(body: Mapping[str, Any], *, zone: ZoneInfo, now: datetime) -> NewAppointment:
    """`zone` is the salon's. Raises BadRequest, first of all for mandatory fields that are missing."""
    _require(_missing(body, REQUIRED) + _without_customer(body, unless="customerId"))
    sent = _checked(AppointmentSerializer, body)
    own = _zone_of(sent, zone=zone)
    return NewAppointment(
        start_at=_instant("bookingStart", sent["bookingStart"], zone=own, now=now),
        seats=[_seat(each) for each in sent["bookings"]],
        notify=sent["notifyParticipants"],
        service_id=sent["serviceId"],
        provider_id=sent["providerId"],
        location_id=sent.get("locationId"),
        internal_notes=sent.get("internalNotes") or "",
        lesson_space=sent.get("lessonSpace"),
        recurring=[
            _occurrence(each, number=number, zone=own, now=now)
            for number, each in enumerate(sent.get("recurring") or [])
        ],
    )


def edit_of(body: Mapping[str, Any], *, stored: datetime, zone: ZoneInfo, now: datetime) -> Edit:
    """`zone` is the salon's, `stored` the start as it is (UTC): its own print changes nothing."""
    _require(_without_customer(body, unless="id"))
    sent = _checked(AppointmentSerializer, body)
    own = _zone_of(sent, zone=zone)
    start = sent.get("bookingStart")
    return Edit(
        start_at=None
        if start is None
        else _instant("bookingStart", start, zone=own, now=now, stored=stored if own == zone else None),
        seats=[_seat(each) for each in sent.get("bookings") or []],
        removed=set(sent.get("removedBookings") or []),
        notify=sent.get("notifyParticipants"),
        service_id=sent.get("serviceId"),
        provider_id=sent.get("providerId"),
        location_id=sent.get("locationId"),
        internal_notes=sent.get("internalNotes"),
        lesson_space=sent.get("lessonSpace"),
    )


def status_of(body: Mapping[str, Any]) -> tuple[str, int | None]:
    """The status wanted, and the package's customer."""
    _require(_missing(body, ("status",)))
    sent = _checked(StatusSerializer, body)
    return sent["status"], sent.get("packageCustomerId")


def _missing(body: Mapping[str, Any], names: tuple[str, ...]) -> list[str]:
    return [name for name in names if body.get(name) in (None, "", [])]


def _without_customer(body: Mapping[str, Any], *, unless: str) -> list[str]:
    """Seats that name no customer; a seat with the key `unless` need not."""
    seats = body.get("bookings")
    return [
        f"bookings.{number}.customerId"
        for number, seat in enumerate(seats if isinstance(seats, list) else [])
        if isinstance(seat, dict) and seat.get(unless) is None and seat.get("customerId") is None
    ]


def _require(missing: list[str]) -> None:
    if missing:
        raise BadRequest(f"Mandatory fields not passed! Missing: {', '.join(missing)}", code="missing_fields")


def _checked(serializer: type[serializers.Serializer], body: Mapping[str, Any]) -> dict[str, Any]:
    reader = serializer(data=body)
    reader.is_valid(raise_exception=True)
    return dict(reader.validated_data)


def _seat(sent: Mapping[str, Any]) -> Seat:
    return Seat(
        booking_id=sent.get("id"),
        customer_id=sent.get("customerId"),
        status=sent.get("status"),
        persons=sent.get("persons"),
        duration=sent.get("duration"),
        echo={name: _kept(sent[name]) for name in ECHOED if name in sent},
    )


def _kept(value: Any) -> Any:
    """Lists as JSON text: a database prints 1e300 with 301 digits, and sorts keys."""
    return json.dumps(value) if isinstance(value, list) else value


def _occurrence(sent: Mapping[str, Any], *, number: int, zone: ZoneInfo, now: datetime) -> Occurrence:
    name = f"recurring.{number}.bookingStart"
    return Occurrence(
        start_at=_instant(name, sent["bookingStart"], zone=zone, now=now),
        provider_id=sent.get("providerId"),
        service_id=sent.get("serviceId"),
        location_id=sent.get("locationId"),
    )


def _zone_of(sent: Mapping[str, Any], *, zone: ZoneInfo) -> ZoneInfo:
    """The zone that times without an offset are in: UTC, the one named, the salon's."""
    if sent.get("utc"):
        return ZoneInfo("UTC")
    name = sent.get("timeZone")
    if not name:
        return zone
    if name not in known_zones():
        raise BadRequest.field("timeZone", "send a zone of the tz database, such as Europe/Belgrade.")
    return ZoneInfo(name)


def _instant(
    name: str, text: str, *, zone: ZoneInfo, now: datetime, stored: datetime | None = None
) -> datetime:
    try:
        return parse_when(text, zone=zone, stored=stored, now=now).astimezone(UTC)
    except BadTime as refused:
        raise BadRequest.field(name, refused.message, code=refused.code) from None
