"""The agenda as it stands on the wire (contract §11 "one call"): one function from rows to JSON each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any, NamedTuple, TypedDict

from bookings.agenda.blocks import BUFFER, GAP, WORK, Fee, Piece, Together, pieces
from bookings.agenda.days import Away, Hours, Kept, Span
from bookings.api.serializers import COLUMNS, BookingJson, Printer, Row
from bookings.models import Booking, NoShowFee
from staff.models import SalonSettings, Staff
from staff.wire.answers import Amount, Count, Date, Id, Number, When, one_of
from staff.wire.money import from_minor
from staff.wire.times import print_date

ASKED_BY_MAIL, ASKED_THE_SALON = "mailed", "waiting"
ASKED_OF = (ASKED_THE_SALON, ASKED_BY_MAIL)


class AgendaSalonJson(TypedDict):
    name: str
    timezone: str
    currency: str
    agenda_step_minutes: Number
    walk_in_client_id: Annotated[Id | None, "Null before the first POST /api/clients/walk-in."]
    double_booking: Annotated[str, one_of(SalonSettings.DoubleBooking.values)]


class CallerJson(TypedDict):
    staff_id: Annotated[Id | None, "Null for a key."]
    is_admin: bool
    own_agenda_only: Annotated[bool, "All that is told is of this person alone."]


class NamedJson(TypedDict):
    name: Annotated[str, "Empty where it has none."]


class AgendaDateJson(TypedDict):
    date: Date
    holiday: NamedJson | None


class StretchJson(TypedDict):
    start_at: When
    end_at: When


class PersonDayJson(TypedDict):
    date: Date
    hours: Annotated[list[StretchJson], "Exceptions and holidays worked in; a night is cut at midnight."]
    exception: Annotated[NamedJson | None, "By which other hours than the week's hold."]


class AgendaPersonJson(TypedDict):
    """A column of the agenda."""

    id: Id
    name: str
    initials: str
    color: str
    location_id: Id | None
    role: Annotated[str, one_of(Staff.Role.choices)]
    takes_bookings: Annotated[bool, "False: only what is booked already keeps the column."]
    service_ids: list[Id]
    keeps_hours: Annotated[bool, "False: no hours are kept, so none are closed."]
    days: Annotated[list[PersonDayJson], "As `days`."]


class AwayJson(TypedDict):
    id: Annotated[Id | None, "Null, as the reason, where it is not yours to read."]
    staff_id: Id
    start_at: When
    end_at: When
    reason: str | None


class OfferedToJson(TypedDict):
    waitlist_id: Id
    client_id: Id
    client_name: str


class AgendaHoldJson(TypedDict):
    id: Id
    staff_id: Id
    service_id: Id
    service_name: str
    start_at: When
    end_at: When
    expires_at: When
    persons: Number
    offer: Annotated[OfferedToJson | None, "Who waits for it; null: somebody is filling in a form."]


class AgendaClientJson(TypedDict):
    id: Id
    name: str
    phone: str
    alert: str
    has_notes: bool
    has_email: bool
    is_walk_in: bool
    no_show_count: Count


class AgendaVisitJson(TypedDict):
    id: Id
    version: Number
    status: Annotated[str, one_of(Booking.Status.values)]
    client_confirmed_at: When | None
    late: bool
    booking_ids: Annotated[list[Id], "In their order; of those you may see, without cancelled ones."]


class PieceJson(StretchJson):
    kind: Annotated[str, one_of((BUFFER, WORK, GAP))]


class RequestJson(TypedDict):
    state: Annotated[str, one_of(ASKED_OF), "Who has to answer: the salon, or the client who was mailed."]
    expires_at: When | None


class AgendaFeeJson(TypedDict):
    id: Id
    state: Annotated[str, one_of(NoShowFee.State.values)]
    amount: Amount
    currency: str


class MarksJson(TypedDict):
    """What a block is marked with."""

    requested: Annotated[bool, "The client asked for this person."]
    asked: Annotated[bool, "Asked to confirm, for the time that it has now."]
    confirmed: bool
    first_visit: bool
    alert: bool
    fee: Annotated[str | None, one_of((NoShowFee.State.DUE.value, NoShowFee.State.PAID.value))]
    series: bool
    request: Annotated[str | None, one_of(ASKED_OF)]
    walk_in: bool


class AgendaBookingJson(BookingJson):
    """A booking with all that its block shows."""

    client: Annotated[AgendaClientJson | None, "Null only after erasure."]
    visit: AgendaVisitJson | None
    stretches: Annotated[list[PieceJson], "From the first buffer that is kept to the last, without a hole."]
    request: RequestJson | None
    fee: Annotated[AgendaFeeJson | None, "The newest no-show fee."]
    marks: MarksJson


class AgendaJson(TypedDict):
    """Some days of the salon, as far as the caller may see."""

    salon: AgendaSalonJson
    caller: CallerJson
    days: list[AgendaDateJson]
    staff: list[AgendaPersonJson]
    time_off: list[AwayJson]
    holds: list[AgendaHoldJson]
    bookings: Annotated[list[AgendaBookingJson], "By start; cancelled ones are left out."]
    now: Annotated[When, "When this was read; not in the ETag."]
    cursor: Annotated[str, "For GET /api/bookings/changes, to go on from here; not in the ETag."]


class More(NamedTuple):
    """What a block needs beyond COLUMNS, in the same statement."""

    visit__version: int | None
    visit__status: str | None
    visit__client_confirmed_at: datetime | None
    visit__late: bool | None
    client__alert: str | None
    client__notes: str | None
    client__email: str | None
    client__is_walk_in: bool | None
    client__no_show_count: int | None
    provisional_expires_at: datetime | None
    comes_first: bool


BLOCK_COLUMNS = (*COLUMNS, *More._fields)
OWN = len(COLUMNS)
"""How many of them are the booking's own."""


class Beside(NamedTuple):
    """What is known of a booking from other tables."""

    booking_ids: Sequence[int]
    pieces: Sequence[Piece]
    fee: Fee | None
    asked: bool


class AgendaPrinter(Printer):
    """Prints one answer."""

    def block(self, row: Row, more: More, beside: Beside) -> AgendaBookingJson:
        request = self._request(row, more)
        fee = beside.fee
        client = self._client(row, more)
        marks: MarksJson = {
            "requested": row.staff_requested,
            "asked": beside.asked,
            "confirmed": more.visit__client_confirmed_at is not None,
            "first_visit": more.comes_first and client is not None and not client["is_walk_in"],
            "alert": bool(more.client__alert),
            "fee": fee.state if fee is not None and fee.counts else None,
            "series": row.series_id is not None,
            "request": None if request is None else request["state"],
            "walk_in": bool(more.client__is_walk_in),
        }
        return {
            **self.row(row),
            "client": client,
            "visit": self._visit(row, more, beside.booking_ids),
            "stretches": [{"kind": each.kind, **self._stretch(each)} for each in beside.pieces],
            "request": request,
            "fee": None if fee is None else self._fee(fee),
            "marks": marks,
        }

    def _client(self, row: Row, more: More) -> AgendaClientJson | None:
        if row.client_id is None:
            return None
        return {
            "id": row.client_id,
            "name": f"{row.client__first_name} {row.client__last_name}".strip(),
            "phone": row.client__phone or row.client__mobile or "",
            "alert": more.client__alert or "",
            "has_notes": bool(more.client__notes),
            "has_email": bool(more.client__email),
            "is_walk_in": bool(more.client__is_walk_in),
            "no_show_count": more.client__no_show_count or 0,
        }

    def _visit(self, row: Row, more: More, booking_ids: Sequence[int]) -> AgendaVisitJson | None:
        if row.visit_id is None or more.visit__version is None or more.visit__status is None:
            return None
        confirmed_at = more.visit__client_confirmed_at
        return {
            "id": row.visit_id,
            "version": more.visit__version,
            "status": more.visit__status,
            "client_confirmed_at": None if confirmed_at is None else self.when(confirmed_at),
            "late": bool(more.visit__late),
            "booking_ids": list(booking_ids),
        }

    def _request(self, row: Row, more: More) -> RequestJson | None:
        if row.status != Booking.Status.PROVISIONAL:
            return None
        until = more.provisional_expires_at
        return {
            "state": ASKED_THE_SALON if row.provisional_token is None else ASKED_BY_MAIL,
            "expires_at": None if until is None else self.when(until),
        }

    def _fee(self, fee: Fee) -> AgendaFeeJson:
        return {
            "id": fee.id,
            "state": fee.state,
            "amount": str(from_minor(fee.amount_minor, currency=fee.currency)),
            "currency": fee.currency,
        }

    def people(self, people: Iterable[Staff], hours: Hours, dates: Sequence[date]) -> list[AgendaPersonJson]:
        """`people` with their services prefetched."""
        return [self._person(each, hours, dates) for each in people]

    def _person(self, person: Staff, hours: Hours, dates: Sequence[date]) -> AgendaPersonJson:
        return {
            "id": person.pk,
            "name": person.name,
            "initials": initials(person.name),
            "color": person.color,
            "location_id": person.location_id,
            "role": person.role,
            "takes_bookings": person.is_active and person.bookable,
            "service_ids": sorted(service.pk for service in person.services.all()),
            "keeps_hours": hours.keeping[person.pk],
            "days": [
                {
                    "date": print_date(day),
                    "hours": [self._stretch(window) for window in of_day.windows],
                    "exception": named(of_day.exception),
                }
                for day, of_day in zip(dates, hours.days[person.pk], strict=True)
            ],
        }

    def _stretch(self, stretch: Any) -> StretchJson:
        return {"start_at": self.when(stretch.start_at), "end_at": self.when(stretch.end_at)}

    def away(self, away: Away) -> AwayJson:
        return {
            "id": away.id if away.told else None,
            "staff_id": away.staff_id,
            **self._stretch(away),
            "reason": away.reason if away.told else None,
        }

    def hold(self, kept: Kept) -> AgendaHoldJson:
        return {
            "id": kept.id,
            "staff_id": kept.staff_id,
            "service_id": kept.service_id,
            "service_name": kept.service_name,
            **self._stretch(kept),
            "expires_at": self.when(kept.expires_at),
            "persons": kept.persons,
            "offer": _offered_to(kept),
        }


def _offered_to(kept: Kept) -> OfferedToJson | None:
    if not kept.is_offer or kept.waitlist_id is None or kept.client_id is None:
        return None
    return {
        "waitlist_id": kept.waitlist_id,
        "client_id": kept.client_id,
        "client_name": f"{kept.first_name} {kept.last_name}".strip(),
    }


def days_json(span: Span, hours: Hours) -> list[AgendaDateJson]:
    return [{"date": print_date(day), "holiday": named(hours.holidays.get(day))} for day in span.dates]


def named(name: str | None) -> NamedJson | None:
    return None if name is None else {"name": name}


def initials(name: str) -> str:
    """Of the first and the last word: "Bea van Dijk" is BD."""
    words = name.split()
    return "".join(word[0] for word in (words if len(words) < 2 else (words[0], words[-1]))).upper()


def beside_of(row: Row, visits: Together, fees: Mapping[int, Fee], asked: Mapping[int, datetime]) -> Beside:
    of_visit = 0 if row.visit_id is None else row.visit_id
    stretches = pieces(row.start_at, row.end_at, parts=row.parts, kept=visits.kept.get(row.id))
    return Beside(visits.booking_ids.get(of_visit, ()), stretches, fees.get(row.id), of_visit in asked)
