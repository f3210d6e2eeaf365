"""GET /api/visits/:id/evidence: what the client accepted, was told and did, in one answer (contract §8)."""

from __future__ import annotations

from typing import Annotated, Any, TypedDict

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bookings.api.history import BookingEventJson, MessageJson, about, printed_event, printed_message
from bookings.api.serializers import Printer
from bookings.errors import VisitNotFound
from bookings.models import BookingEvent, Reminded, Visit
from notifications.models import Message
from staff.access.auth import IsAdmin, salon_of
from staff.wire.answers import Id, When, one_of
from staff.wire.schema import ID_IN_PATH, documented


class EvidenceEventJson(BookingEventJson):
    booking_id: Id


class RemindedJson(TypedDict):
    message_id: Annotated[Id, "The one of `messages`, or one about another visit of that date too."]
    start_at: Annotated[When, "The start that it told of."]
    asks: Annotated[bool, "It asked the client whether they come."]
    due_at: When
    sent_at: When
    channel: str
    state: Annotated[str, one_of(Message.State.values)]


class EvidenceJson(TypedDict):
    visit_id: Id
    policy: Annotated[dict[str, Any] | None, "What the client accepted, as it was; null: nothing, online."]
    messages: Annotated[list[MessageJson], "With their times, oldest first."]
    reminded: Annotated[list[RemindedJson], "What reminded the client of it, oldest first."]
    events: Annotated[list[EvidenceEventJson], "The history of all its bookings, oldest first."]


class EvidenceView(APIView):
    permission_classes = [IsAdmin]

    @documented(
        "What is known of a visit, for a dispute",
        answer=EvidenceJson,
        refused=[404],
        parameters=[ID_IN_PATH],
        tags=["visits"],
    )
    def get(self, request: Request, id: int) -> Response:
        visit: Visit | None = Visit.objects.filter(pk=id).first()
        if visit is None:
            raise VisitNotFound
        printer = Printer(salon_of(request))
        events = BookingEvent.objects.filter(booking__visit=visit).order_by("id")
        messages = Message.objects.filter(about(visit.items)).order_by("id")
        evidence: EvidenceJson = {
            "visit_id": visit.pk,
            "policy": visit.policy,
            "messages": [printed_message(each, printer) for each in messages],
            "reminded": [
                _reminded_json(each, printer)
                for each in visit.reminded.select_related("message").order_by("id")
            ],
            "events": [{**printed_event(each, printer), "booking_id": each.booking_id} for each in events],
        }
        return Response(evidence)


def _reminded_json(each: Reminded, printer: Printer) -> RemindedJson:
    return {
        "message_id": each.message_id,
        "start_at": printer.when(each.start_at),
        "asks": each.asks,
        "due_at": printer.when(each.due_at),
        "sent_at": printer.when(each.sent_at),
        "channel": each.message.channel,
        "state": each.message.state,
    }
