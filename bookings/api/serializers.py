"""Bookings on the wire: one function out, two serializers in (contract §1.1-1.2)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, NamedTuple, NotRequired, TypedDict
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from bookings.api.visible_booking import VisibleBooking
from bookings.lifecycle import ONE, SCOPES, Skipped, Warning
from bookings.lifecycle.in_person import CANNOT_ASK
from bookings.models import LEGAL_STATUS_PAIRS, Booking, BookingEvent
from bookings.slots.availability import Objection
from staff.access.actor import Actor
from staff.models import SalonSettings
from staff.salon.parts import ONE_MINUTE, PartJson, in_full
from staff.serializers import PartsField
from staff.storage.prepared_statements import BlankIds, Prepared
from staff.wire.answers import Amount, Id, Key, Number, When, one_of
from staff.wire.fields import (
    ChoiceTextField,
    MoneyField,
    StrictBooleanField,
    StrictIdField,
    StrictIntegerField,
    TextField,
    WallClockField,
)
from staff.wire.money import print_amount
from staff.wire.times import BadTime, SwallowedTime, parse_when, printing_when


class Row(NamedTuple):
    """Exactly what a booking on the wire needs, in one statement: COLUMNS."""

    id: int
    client_id: int | None
    staff_id: int
    service_id: int
    start_at: datetime
    end_at: datetime
    status: str
    notes: str
    internal_notes: str
    provisional_token: str | None
    feedback_token: str | None
    waitlist_id: int | None
    client__first_name: str | None
    client__last_name: str | None
    client__phone: str | None
    client__mobile: str | None
    service__name: str
    staff__name: str
    status_detail: str
    key: UUID
    session_id: int
    location_id: int | None
    persons: int
    price: Decimal | None
    source: str
    version: int
    created_at: datetime
    updated_at: datetime
    series_id: int | None
    visit_id: int | None
    position: int
    parts: list[Any]
    staff_requested: bool


COLUMNS = Row._fields
START = COLUMNS.index("start_at")


class BookingJson(TypedDict):
    """The booking object: the 13 documented keys first, in their order (contract §1.1)."""

    id: Id
    client_id: Annotated[Id | None, "Null only after erasure."]
    staff_id: Id
    service_id: Id
    start_at: When
    end_at: When
    status: Annotated[str, one_of(Booking.Status.values)]
    notes: Annotated[str, "Visible to the client."]
    internal_notes: Annotated[str, "Never visible to the client."]
    provisional_token: Annotated[str | None, "Set while a mailed request is unanswered."]
    feedback_token: Annotated[str | None, "Set at the first completion, then kept."]
    waitlist_id: Id | None
    client_name: Annotated[str | None, "Null only after erasure."]
    client_phone: str | None
    service_name: str
    staff_name: str
    status_detail: Annotated[
        str,
        "Beyond the status, often empty: `arrived` or `in_progress` by the desk, else a foreign format's.",
    ]
    key: Key
    session_id: Annotated[Id, "The id of the first booking of the session."]
    location_id: Id | None
    persons: Number
    price: Amount | None
    source: str
    version: Annotated[Number, "Grows with every change; see If-Match."]
    created_at: When
    updated_at: When
    series_id: Annotated[Id | None, "The id of the first booking of the series."]
    total_price: Annotated[Amount | None, "The price for all persons."]
    visit_id: Annotated[Id | None, "What the client comes for in one go; `GET /api/visits/:id`."]
    position: Annotated[Number, "Its place in the visit, from 1."]
    parts: list[PartJson]
    staff_requested: Annotated[bool, "The client asked for this person."]


class WarningJson(TypedDict):
    code: str
    message: str


class SkippedJson(TypedDict):
    start_at: Annotated[When, "The start that could not be had; the clocks may skip it."]
    code: str
    message: str
    booking_id: NotRequired[Annotated[Id, "Of several that were to move: the one that stays."]]


class WrittenBookingJson(BookingJson):
    """A booking as POST and PUT answer it: with `warnings` at the end.

    With `recurrence` the booking is the first occurrence; all of them and those skipped come before.
    """

    occurrences: NotRequired[list[BookingJson]]
    skipped: NotRequired[list[SkippedJson]]
    warnings: list[WarningJson]


class WholeJson(TypedDict):
    """What a PUT or DELETE with a `scope` did to a series or a class."""

    bookings: Annotated[list[BookingJson], "Those that are now as asked, by their start."]
    skipped: list[SkippedJson]
    warnings: list[WarningJson]


class Printer:
    """Prints rows of COLUMNS for one salon: its wall clock and its currency."""

    def __init__(self, salon: SalonSettings) -> None:
        self.zone: ZoneInfo = salon.zone
        self.currency = salon.currency
        self.when = printing_when(salon.zone)

    def amount(self, value: Decimal) -> str:
        return print_amount(value, currency=self.currency)

    def row(self, values: tuple[Any, ...]) -> BookingJson:
        row = Row._make(values)
        known = row.client_id is not None
        price = total_price = None
        if row.price is not None:
            price, total_price = self.amount(row.price), self.amount(row.price * row.persons)
        return {
            "id": row.id,
            "client_id": row.client_id,
            "staff_id": row.staff_id,
            "service_id": row.service_id,
            "start_at": self.when(row.start_at),
            "end_at": self.when(row.end_at),
            "status": row.status,
            "notes": row.notes,
            "internal_notes": row.internal_notes,
            "provisional_token": row.provisional_token,
            "feedback_token": row.feedback_token,
            "waitlist_id": row.waitlist_id,
            "client_name": f"{row.client__first_name} {row.client__last_name}".strip() if known else None,
            "client_phone": (row.client__phone or row.client__mobile) if known else None,
            "service_name": row.service__name,
            "staff_name": row.staff__name,
            "status_detail": row.status_detail,
            "key": str(row.key),
            "session_id": row.session_id,
            "location_id": row.location_id,
            "persons": row.persons,
            "price": price,
            "source": row.source,
            "version": row.version,
            "created_at": self.when(row.created_at),
            "updated_at": self.when(row.updated_at),
            "series_id": row.series_id,
            "total_price": total_price,
            "visit_id": row.visit_id,
            "position": row.position,
            "parts": in_full(row.parts, minutes=(row.end_at - row.start_at) // ONE_MINUTE),
            "staff_requested": row.staff_requested,
        }

    def rows(self, rows: Iterable[tuple[Any, ...]]) -> Iterator[BookingJson]:
        return (self.row(row) for row in rows)

    def visible(self, booking_id: int, *, to: Actor) -> BookingJson | None:
        """This booking printed, or None when there is none or `to` may not see it. One statement."""
        found = _ONE.row(booking_id, to=to)
        return None if found is None else self.row(found)

    def held(self, booking: Booking) -> BookingJson:
        """A booking as this process holds it, just written. No statement for what it names and has read."""
        return self.row(
            tuple(getattr(booking if not of else getattr(booking, of), name, None) for of, name in _HELD)
        )

    def these(self, ids: Iterable[int]) -> list[BookingJson]:
        """These bookings printed, in this order. One statement."""
        wanted = list(ids)
        found = {row[0]: row for row in _THESE.rows(ids=wanted)} if wanted else {}
        return [self.row(found[id]) for id in wanted if id in found]

    def by_start(self, ids: Collection[int]) -> list[BookingJson]:
        """These bookings printed, oldest start first. One statement."""
        rows = _THESE.rows(ids=ids)
        return list(self.rows(sorted(rows, key=lambda row: (row[START], row[0]))))

    def one(self, bookings: QuerySet[Booking]) -> BookingJson | None:
        """The first of `bookings` printed, or None. One statement."""
        row = bookings.values_list(*COLUMNS).first()
        return None if row is None else self.row(row)


_ONE = VisibleBooking(*COLUMNS)
_HELD = [(of, name) for of, _, name in (column.rpartition("__") for column in COLUMNS)]
_THESE = Prepared(lambda: Booking.objects.filter(pk__in=BlankIds("ids")).order_by().values_list(*COLUMNS))


def printed_warnings(warnings: Iterable[Warning | Objection]) -> list[WarningJson]:
    return [{"code": each.code, "message": each.message} for each in warnings]


def printed_skipped(skipped: Iterable[Skipped]) -> list[SkippedJson]:
    return [_printed_skipped(each) for each in skipped]


def _printed_skipped(skipped: Skipped) -> SkippedJson:
    printed: SkippedJson = {
        "start_at": skipped.start_at,
        "code": skipped.code,
        "message": skipped.message,
    }
    return printed if skipped.booking_id is None else {**printed, "booking_id": skipped.booking_id}


@extend_schema_field(
    {
        "oneOf": [
            {"type": "array", "items": {"type": "string"}, "maxItems": 104},
            {"type": "string", "maxLength": 500, "example": "FREQ=WEEKLY;COUNT=10"},
        ],
        "description": "More starts of the same booking: a list, or an RRULE (DAILY, WEEKLY, MONTHLY, "
        "COUNT or UNTIL) on the salon's wall clock; at most 104 within 2 years.",
    }
)
class RecurrenceField(serializers.Field):
    """A list of starts or an RRULE; `bookings.lifecycle.recurrence` reads it."""

    def to_internal_value(self, data: Any) -> Any:
        return data

    def to_representation(self, value: Any) -> Any:
        return value


class SeriesTimeField(WallClockField):
    """With `recurrence` and `skip_conflicts` also a time that the clocks skip, given as its SwallowedTime."""

    def to_internal_value(self, data: Any) -> Any:
        sent = getattr(self.parent, "initial_data", {})
        if sent.get("recurrence") is None or sent.get("skip_conflicts") is not True:
            return super().to_internal_value(data)
        try:
            return parse_when(data, zone=self.context["zone"])
        except SwallowedTime as swallowed:
            return swallowed
        except BadTime:
            return super().to_internal_value(data)


WHY_TOLD = "Say why, for the history: with notify false somebody has told the client in person."
SCOPE_HELP = "Who else: `following` or `all` of the series, `session` for everybody in the class."
DETAILS = sorted({detail for _, detail in LEGAL_STATUS_PAIRS})


class ToldInPersonSerializer(serializers.Serializer[Any]):
    """What each write of bookings and visits takes; `told_in_person` comes out of `notify` (contract §11)."""

    notify = StrictBooleanField(
        required=False, default=True, help_text="False: told in person, so no mail; needs a reason."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        told = not attrs.pop("notify")
        asks = attrs.get("provisional") or attrs.get("status") == Booking.Status.PROVISIONAL
        if told and not attrs.get("reason", "").strip():
            raise serializers.ValidationError({"reason": [WHY_TOLD]})
        if told and asks:
            raise serializers.ValidationError({"notify": [CANNOT_ASK]})
        return {**attrs, "told_in_person": told}


class NewBookingSerializer(ToldInPersonSerializer):
    """POST /api/bookings. Context: `zone`."""

    client_id = StrictIdField()
    staff_id = StrictIdField()
    service_id = StrictIdField()
    start_at = SeriesTimeField()
    end_at = SeriesTimeField(required=False, help_text="Absent: as long as it takes this person.")
    notes = TextField(required=False)
    internal_notes = TextField(required=False)
    price = MoneyField(required=False, allow_null=True, help_text="Agreed for one person; null: no price.")
    provisional = StrictBooleanField(
        required=False, default=False, help_text="Mail the client links to accept or decline."
    )
    waitlist_id = StrictIdField(required=False, allow_null=True)
    base_url = TextField(
        as_sent=True, required=False, null_is_empty=False, help_text="Where the links in mails lead."
    )
    location_id = StrictIdField(required=False, allow_null=True)
    persons = StrictIntegerField(required=False, default=1, min_value=1, max_value=1000)
    staff_requested = StrictBooleanField(
        required=False, default=False, help_text="The client asked for them."
    )
    allow_overlap = StrictBooleanField(required=False, default=False)
    hold_token = TextField(as_sent=True, required=False, null_is_empty=False, allow_null=True, max_length=200)
    session_of = StrictIdField(required=False, allow_null=True, help_text="Join the session of this booking.")
    recurrence = RecurrenceField(required=False, allow_null=True)
    skip_conflicts = StrictBooleanField(
        required=False, default=False, help_text="With recurrence: book what is free and list the rest."
    )
    reason = TextField(
        required=False, max_length=BookingEvent.LONGEST_REASON, help_text="For the audit trail."
    )


class BookingChangesSerializer(ToldInPersonSerializer):
    """PUT and PATCH /api/bookings/:id, all optional. Context: `zone`, `stored` (times before)."""

    client_id = StrictIdField(
        required=False, allow_null=True, help_text="Null only sent back, where the client was erased."
    )
    staff_id = StrictIdField(required=False)
    service_id = StrictIdField(required=False)
    location_id = StrictIdField(required=False, allow_null=True)
    start_at = WallClockField(required=False)
    end_at = WallClockField(required=False)
    parts = PartsField(required=False, help_text="Stretches or shrinks this booking: end_at follows.")
    status = ChoiceTextField(choices=Booking.Status.values, required=False)
    status_detail = ChoiceTextField(
        choices=DETAILS,
        required=False,
        allow_blank=True,
        help_text="As far as it goes with the status; the desk's words are `arrived` and `in_progress`. "
        "Sets nothing in motion; another status empties it.",
    )
    notes = TextField(required=False)
    internal_notes = TextField(required=False)
    price = MoneyField(required=False, allow_null=True, help_text="Agreed for one person; null: no price.")
    persons = StrictIntegerField(required=False, min_value=1, max_value=1000)
    staff_requested = StrictBooleanField(required=False, help_text="The client asked for this person.")
    allow_overlap = StrictBooleanField(required=False, default=False)
    base_url = TextField(as_sent=True, required=False, null_is_empty=False)
    reason = TextField(
        required=False, max_length=BookingEvent.LONGEST_REASON, help_text="For the audit trail."
    )
    scope = ChoiceTextField(choices=SCOPES, required=False, default=ONE, help_text=SCOPE_HELP)
    skip_conflicts = StrictBooleanField(
        required=False, default=False, help_text="With a scope: change what can be and list the rest."
    )
