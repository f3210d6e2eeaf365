"""JSON twins of the client's own page (contract §8). As in `public`, the token is the credential.

`shown` of an answer names what it shows; a POST sends it back and is refused (409 changed) where the visit is
no longer that. Further codes of a 409: too_late, with `deadline` and `telephone`; reschedule_limit_reached;
not_allowed; slot_taken, with the three `nearest`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Annotated, Any, TypedDict

from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from bookings.api.availability import DatesQuery
from bookings.api.public import PublicView
from bookings.lifecycle import (
    ClientRequest,
    cancel_by_client,
    confirm_by_client,
    fingerprint,
    note_by_client,
)
from bookings.lifecycle.client_terms import ClientTerms, standing, terms_for
from bookings.models import Booking, BookingEvent, Visit, counted, price_of
from bookings.pages.visit import LONGEST_NOTE
from bookings.self_service.visit_link import visit_behind
from bookings.self_service.visit_moves import move, names_of, starts_for
from bookings.slots.availability.chains import Placed
from staff.access.auth import salon_of
from staff.models import SalonSettings
from staff.wire.answers import Amount, Count, Date, Id, Number, When, one_of
from staff.wire.fields import StrictIdField, TextField, WallClockField
from staff.wire.money import print_amount
from staff.wire.reading import checked_body
from staff.wire.schema import documented
from staff.wire.times import print_date, print_when

TAGS = ["Public links"]


class ShownSerializer(serializers.Serializer):
    """`shown` as the last answer had it."""

    shown = TextField(as_sent=True, max_length=64)


class CancelByClientSerializer(ShownSerializer):
    reason = TextField(required=False, default="", max_length=BookingEvent.LONGEST_REASON)


class NoteByClientSerializer(ShownSerializer):
    notes = TextField(max_length=LONGEST_NOTE)


class MoveByClientSerializer(ShownSerializer):
    start_at = WallClockField()
    staff_ids = serializers.ListField(
        child=StrictIdField(),
        required=False,
        max_length=6,
        help_text="Who does the items, in their order, as offered. Absent: who does them now.",
    )


class ClientItemJson(TypedDict):
    service_name: str
    staff_name: str
    staff_id: Id
    start_at: When
    end_at: When


class DeadlineJson(TypedDict):
    """Whether the client may do it now."""

    allowed: bool
    until: Annotated[When | None, "Until when it is free; null where nothing stands."]
    late: Annotated[bool, "That time is over."]


class MovingJson(DeadlineJson):
    left: Annotated[Count | None, "How often it may still be moved; null: as often as they like."]


class ClientVisitJson(TypedDict):
    """A visit as its client sees it; times are salon wall clock."""

    business_name: str
    business_phone: str
    business_address: str
    client_first_name: str
    status: Annotated[str, one_of(Booking.Status.values)]
    start_at: When
    end_at: When
    timezone: Annotated[str, "The salon's, such as Europe/Amsterdam."]
    items: list[ClientItemJson]
    total_price: Amount | None
    currency: str
    notes: str
    client_confirmed_at: When | None
    cancelling: DeadlineJson
    moving: MovingJson
    shown: Annotated[str, "Send it back with what you do."]


class OfferedItemJson(TypedDict):
    staff_id: Id
    staff_name: str
    start_at: When
    end_at: When


class OfferedStartJson(TypedDict):
    start_at: When
    end_at: When
    items: Annotated[list[OfferedItemJson], "In the order of the visit's."]


class OfferedDayJson(TypedDict):
    date: Date
    starts: list[OfferedStartJson]


class StartsToMoveJson(TypedDict):
    timezone: str
    step_minutes: Number
    days: list[OfferedDayJson]


class ClientVisitView(PublicView):
    """What the twins have in common: the visit of the link, and what the client sees of it."""

    def read(self, token: str) -> Visit:
        """Raises LinkUnknown, LinkVoid."""
        self.now = timezone.now()
        return visit_behind(token, now=self.now)

    def asked(self, visit: Visit, fields: dict[str, Any]) -> ClientRequest:
        return ClientRequest(visit.pk, visit.link_nonce, shown=fields["shown"], channel="public")

    def seen(self, request: Request, token: str) -> Response:
        visit, salon = self.read(token), salon_of(request)
        return Response(_visit_json(visit, terms_for(visit, salon=salon, now=self.now), salon=salon))


class VisitByLinkView(ClientVisitView):
    @documented("A visit, by its link", answer=ClientVisitJson, refused=[404, 410], public=True, tags=TAGS)
    def get(self, request: Request, token: str) -> Response:
        return self.seen(request, token)


doing = partial(documented, answer=ClientVisitJson, refused=[404, 409, 410], public=True, tags=TAGS)


class ConfirmVisitView(ClientVisitView):
    @doing("Say that one will come", request=ShownSerializer)
    def post(self, request: Request, token: str) -> Response:
        visit = self.read(token)
        asked = self.asked(visit, checked_body(ShownSerializer, request))
        confirm_by_client(asked, salon=salon_of(request), now=self.now)
        return self.seen(request, token)


class CancelVisitView(ClientVisitView):
    @doing("Cancel one's visit", request=CancelByClientSerializer)
    def post(self, request: Request, token: str) -> Response:
        visit = self.read(token)
        fields = checked_body(CancelByClientSerializer, request)
        asked = self.asked(visit, fields)
        cancel_by_client(asked, reason=fields["reason"], salon=salon_of(request), now=self.now)
        return self.seen(request, token)


class NoteVisitView(ClientVisitView):
    @doing("Change one's note to the salon", request=NoteByClientSerializer)
    def post(self, request: Request, token: str) -> Response:
        visit = self.read(token)
        fields = checked_body(NoteByClientSerializer, request)
        asked = self.asked(visit, fields)
        note_by_client(asked, notes=fields["notes"], salon=salon_of(request), now=self.now)
        return self.seen(request, token)


class MoveVisitView(ClientVisitView):
    @doing("Move one's visit", request=MoveByClientSerializer)
    def post(self, request: Request, token: str) -> Response:
        visit, salon = self.read(token), salon_of(request)
        stored = {"start_at": visit.start_at}
        fields = checked_body(MoveByClientSerializer, request, zone=salon.zone, stored=stored)
        move(
            self.asked(visit, fields),
            visit=visit,
            start_at=fields["start_at"],
            staff_ids=fields.get("staff_ids"),
            salon=salon,
            now=self.now,
        )
        return self.seen(request, token)


class StartsToMoveView(ClientVisitView):
    @documented(
        "Where one's visit can be moved to",
        description="Its own time counts as free. Each start names the people of its items; send them along.",
        answer=StartsToMoveJson,
        refused=[404, 409, 410],
        parameters=[each for each in DatesQuery.parameters() if each.name != "explain"],
        public=True,
        tags=TAGS,
    )
    def get(self, request: Request, token: str) -> Response:
        visit, salon = self.read(token), salon_of(request)
        asked = DatesQuery.of(request)
        terms_for(visit, salon=salon, now=self.now).check_move()
        first, last = asked["date_from"], asked["date_to"]
        days = starts_for(visit, first=first, last=last, salon=salon, now=self.now)
        names = names_of(placed for day in days for placed in day.starts)
        offered: StartsToMoveJson = {
            "timezone": salon.timezone,
            "step_minutes": salon.slot_step_minutes,
            "days": [
                {
                    "date": print_date(day.date),
                    "starts": [_start_json(placed, names, salon=salon) for placed in day.starts],
                }
                for day in days
            ],
        }
        return Response(offered)


def _visit_json(visit: Visit, terms: ClientTerms, *, salon: SalonSettings) -> ClientVisitJson:
    items = counted(visit.items)
    price = price_of(items)
    zone = salon.zone
    return {
        "business_name": salon.business_name,
        "business_phone": salon.business_phone,
        "business_address": salon.business_address,
        "client_first_name": visit.called,
        "status": visit.status,
        "start_at": print_when(visit.start_at, zone=zone),
        "end_at": print_when(visit.end_at, zone=zone),
        "timezone": salon.timezone,
        "items": [
            {
                "service_name": each.service.name,
                "staff_name": each.staff.name,
                "staff_id": each.staff_id,
                "start_at": print_when(each.start_at, zone=zone),
                "end_at": print_when(each.end_at, zone=zone),
            }
            for each in items
        ],
        "total_price": None if price is None else print_amount(price, currency=salon.currency),
        "currency": salon.currency,
        "notes": (standing(visit) or items)[0].notes,
        "client_confirmed_at": print_when(visit.client_confirmed_at, zone=zone),
        "cancelling": _deadline(terms.may_cancel, terms.cancel_until, late=terms.cancel_is_late, salon=salon),
        "moving": {
            **_deadline(terms.may_move, terms.move_until, late=terms.move_is_late, salon=salon),
            "left": terms.moves_left,
        },
        "shown": fingerprint(visit),
    }


def _deadline(allowed: bool, until: datetime | None, *, late: bool, salon: SalonSettings) -> DeadlineJson:
    return {"allowed": allowed, "until": print_when(until, zone=salon.zone), "late": late}


def _start_json(placed: Sequence[Placed], names: dict[int, str], *, salon: SalonSettings) -> OfferedStartJson:
    zone = salon.zone
    return {
        "start_at": print_when(placed[0].start_at, zone=zone),
        "end_at": print_when(max(each.end_at for each in placed), zone=zone),
        "items": [
            {
                "staff_id": each.staff_id,
                "staff_name": names.get(each.staff_id, ""),
                "start_at": print_when(each.start_at, zone=zone),
                "end_at": print_when(each.end_at, zone=zone),
            }
            for each in placed
        ],
    }
