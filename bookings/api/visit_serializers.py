"""Visits on the wire: what goes out, what comes in (contract §7)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, NotRequired, TypedDict

from rest_framework import serializers

from bookings.api.serializers import (
    COLUMNS,
    DETAILS,
    BookingJson,
    Printer,
    RecurrenceField,
    SkippedJson,
    ToldInPersonSerializer,
    WarningJson,
)
from bookings.api.visit_availability import AskedItemSerializer
from bookings.lifecycle import ONE, VISIT_SCOPES
from bookings.models import Booking, BookingEvent, Visit
from bookings.slots.availability.wishes import MOST_ITEMS
from staff.access.actor import Actor
from staff.wire.answers import Amount, Id, Key, Number, When, one_of
from staff.wire.fields import (
    ChoiceTextField,
    MoneyField,
    StrictBooleanField,
    StrictIdField,
    TextField,
    WallClockField,
)


class ContactTypedJson(TypedDict):
    """Who booked it online, as they said themselves. Nothing of it is proved but what `verified` says."""

    first_name: str
    last_name: str
    email: str
    phone: str
    note: str
    marketing_consent: bool
    locale: str
    verified: Annotated[bool, "A mailed code proved the address."]
    new_client: Annotated[bool, "The client was made with this visit."]
    perhaps_client_ids: Annotated[list[Id], "Who may be the same person, for a merge."]
    taken_over_at: Annotated[When | None, "When it was written on the client."]


class VisitJson(TypedDict):
    """What a client comes for in one go. Of a visit with others' bookings only the visible ones are told."""

    id: Id
    key: Key
    client_id: Annotated[Id | None, "Null only after erasure."]
    status: Annotated[str, one_of(Booking.Status.values)]
    start_at: When
    end_at: When
    total_price: Annotated[Amount | None, "Of the bookings that are not cancelled."]
    booking_ids: list[Id]
    bookings: list[BookingJson]
    policy: Annotated[dict[str, Any] | None, "What the client accepted."]
    client_confirmed_at: When | None
    late: Annotated[bool, "The last cancelling, or a move since, came after the time for it."]
    version: Annotated[Number, "Grows with every change of one of its bookings; see If-Match."]
    contact_typed: Annotated[
        ContactTypedJson | None,
        "Who booked it online, as they said themselves; null for other visits.",
    ]
    others_hidden: NotRequired[Annotated[bool, "There are bookings on agendas that you may not see."]]


class WrittenVisitJson(TypedDict):
    """A visit as POST, PUT and DELETE answer it."""

    visit: VisitJson
    bookings: list[BookingJson]
    warnings: list[WarningJson]


class WrittenVisitsJson(WrittenVisitJson):
    """As one visit; with `recurrence` or a scope all of them too, and what was skipped."""

    visits: list[VisitJson]
    skipped: NotRequired[list[SkippedJson]]


class VisitPrinter:
    """Prints visits for one salon and one reader. Two statements for any number of them."""

    def __init__(self, printer: Printer, *, to: Actor) -> None:
        self._printer = printer
        self._to = to

    def all(self, visits: Sequence[Visit]) -> list[VisitJson]:
        found: dict[int, list[tuple[Any, ...]]] = {each.pk: [] for each in visits}
        rows = Booking.objects.filter(visit_id__in=found).order_by("position", "pk")
        for row in rows.values_list(*COLUMNS):
            found[row[VISIT]].append(row)
        return [self._visit(each, found[each.pk]) for each in visits]

    def one(self, visit: Visit) -> VisitJson:
        return self.all([visit])[0]

    def _visit(self, visit: Visit, rows: list[tuple[Any, ...]]) -> VisitJson:
        agenda_of = self._to.agenda_of
        seen = [row for row in rows if agenda_of in (None, row[STAFF])]
        counted = [row for row in seen if row[STATUS] != Booking.Status.CANCELLED] or seen
        bookings = list(self._printer.rows(seen))
        prices = [row[PRICE] * row[PERSONS] for row in counted if row[PRICE] is not None]
        printed: VisitJson = {
            "id": visit.pk,
            "key": str(visit.key),
            "client_id": visit.client_id,
            "status": visit.status,
            "start_at": self._printer.when(min(row[START] for row in counted)),
            "end_at": self._printer.when(max(row[END] for row in counted)),
            "total_price": self._printer.amount(sum(prices)) if prices else None,
            "booking_ids": [each["id"] for each in bookings],
            "bookings": bookings,
            "policy": visit.policy,
            "client_confirmed_at": (
                None if visit.client_confirmed_at is None else self._printer.when(visit.client_confirmed_at)
            ),
            "late": visit.late,
            "version": visit.version,
            "contact_typed": self._typed(visit),
        }
        return printed if len(seen) == len(rows) else {**printed, "others_hidden": True}

    def _typed(self, visit: Visit) -> ContactTypedJson | None:
        typed = visit.contact_typed
        if typed is None:
            return None
        at = typed["taken_over_at"]
        return {
            "first_name": typed["first_name"],
            "last_name": typed["last_name"],
            "email": typed["email"],
            "phone": typed["phone"],
            "note": typed["note"],
            "marketing_consent": typed["marketing_consent"],
            "locale": typed["locale"],
            "verified": typed["verified"],
            "new_client": typed["new_client"],
            "perhaps_client_ids": typed["perhaps_client_ids"],
            "taken_over_at": None if at is None else self._printer.when(datetime.fromisoformat(at)),
        }


VISIT, STAFF, STATUS = (COLUMNS.index(name) for name in ("visit_id", "staff_id", "status"))
START, END, PRICE, PERSONS = (COLUMNS.index(name) for name in ("start_at", "end_at", "price", "persons"))


class VisitItemSerializer(AskedItemSerializer):
    staff_requested = StrictBooleanField(required=False, default=False, help_text="By the client.")
    price = MoneyField(required=False, allow_null=True, help_text="Agreed for this item; null: no price.")


class NewVisitSerializer(ToldInPersonSerializer):
    """POST /api/visits. Context: `zone`."""

    client_id = StrictIdField()
    items = serializers.ListField(child=VisitItemSerializer(), min_length=1, max_length=MOST_ITEMS)
    start_at = WallClockField()
    hold_token = TextField(as_sent=True, required=False, null_is_empty=False, allow_null=True, max_length=200)
    allow_overlap = StrictBooleanField(required=False, default=False)
    provisional = StrictBooleanField(
        required=False, default=False, help_text="Mail the client links to accept or decline."
    )
    notes = TextField(required=False)
    internal_notes = TextField(required=False)
    base_url = TextField(
        as_sent=True, required=False, null_is_empty=False, help_text="Where the links in mails lead."
    )
    recurrence = RecurrenceField(required=False, allow_null=True)
    skip_conflicts = StrictBooleanField(
        required=False, default=False, help_text="With recurrence: book what is free and list the rest."
    )
    reason = TextField(required=False, max_length=BookingEvent.LONGEST_REASON, help_text="For the audit.")


class ItemChangesSerializer(serializers.Serializer[Any]):
    add = serializers.ListField(child=VisitItemSerializer(), required=False, max_length=MOST_ITEMS)
    remove = serializers.ListField(child=StrictIdField(), required=False, max_length=100)


class VisitChangesSerializer(ToldInPersonSerializer):
    """PUT and PATCH /api/visits/:id, all optional. Context: `zone`, `stored` (the start before)."""

    start_at = WallClockField(required=False, help_text="Moves all that stand by the same minutes.")
    status = ChoiceTextField(choices=Booking.Status.values, required=False)
    status_detail = ChoiceTextField(choices=DETAILS, required=False, allow_blank=True)
    items = ItemChangesSerializer(required=False)
    client_id = StrictIdField(required=False)
    notes = TextField(required=False)
    internal_notes = TextField(required=False)
    client_confirmed = StrictBooleanField(required=False, help_text="The client has said that they come.")
    allow_overlap = StrictBooleanField(required=False, default=False)
    base_url = TextField(as_sent=True, required=False, null_is_empty=False)
    reason = TextField(required=False, max_length=BookingEvent.LONGEST_REASON, help_text="For the audit.")
    scope = ChoiceTextField(
        choices=VISIT_SCOPES,
        required=False,
        default=ONE,
        help_text="Which visits of its series: `following` ones, or `all`.",
    )
