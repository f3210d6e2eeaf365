"""/api/bookings/:id/events and /messages: what happened to a booking, and what was told to whom."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, TypedDict

from django.db.models import Q
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bookings.api.serializers import Printer
from bookings.errors import BookingNotFound
from bookings.mails.resent import Kind
from bookings.models import Booking, BookingEvent
from bookings.self_service.visit_link import without_links
from bookings.send_again import send_again
from notifications.models import Message
from staff.access.auth import actor_of, salon_of
from staff.access.idempotency import IDEMPOTENCY_KEY, idempotent
from staff.models import ApiKey
from staff.wire.answers import Id, ListAnswer, When, one_of
from staff.wire.fields import ChoiceTextField
from staff.wire.paging import PageQuery, answer_queryset, page_request
from staff.wire.reading import checked_body
from staff.wire.schema import ID_IN_PATH, documented
from staff.wire.views import GatedView


class BookingEventJson(
    TypedDict(  # `from` is a keyword, so the keys are strings
        "_BookingEventKeys",
        {
            "id": Id,
            "at": When,
            "door": str,
            "actor": Annotated[dict[str, Any], "{type, id, name}"],
            "from": str | None,
            "to": str,
            "changes": Annotated[dict[str, Any], "{field: [old, new]}"],
            "reason": str,
        },
    )
):
    """One audit row."""


class MessageJson(TypedDict):
    """One message of the ledger."""

    id: Id
    type: str
    to: str
    channel: str
    state: Annotated[str, one_of(Message.State.values)]
    reason: Annotated[str, "Why it was not sent."]
    subject: str
    html: str
    text: str
    message_id: str
    created_at: When
    sent_at: When | None


class SendAgainSerializer(serializers.Serializer[Any]):
    type = ChoiceTextField(choices=[kind.value for kind in Kind])


class BookingEventsView(APIView):
    @documented(
        "The history of a booking",
        description="Every change, oldest first: from, to, who, through which door, why, when.",
        answer=ListAnswer(BookingEventJson),
        refused=[404],
        parameters=[ID_IN_PATH, *PageQuery.parameters()],
        tags=["bookings"],
    )
    def get(self, request: Request, id: int) -> Any:
        check_visible(request, id)
        printer = Printer(salon_of(request))
        events = BookingEvent.objects.filter(booking_id=id).order_by("id")
        return answer_queryset(page_request(request), events, row=lambda event: printed_event(event, printer))


class BookingMessagesView(GatedView):
    @documented(
        "The messages about a booking",
        description="What, to whom, when, in which state; and why one was not sent. Oldest first.",
        answer=ListAnswer(MessageJson),
        refused=[404],
        parameters=[ID_IN_PATH, *PageQuery.parameters()],
        tags=["bookings"],
    )
    def get(self, request: Request, id: int) -> Any:
        check_visible(request, id)
        printer = Printer(salon_of(request))
        booking = Booking.objects.only("visit_id", "series_id").get(pk=id)
        messages = Message.objects.filter(about([booking])).order_by("id")
        acts = not isinstance(request.auth, ApiKey) or request.auth.mode != ApiKey.Mode.READ
        return answer_queryset(
            page_request(request),
            messages,
            row=lambda message: printed_message(message, printer, with_links=acts),
        )

    @documented(
        "Send a mail about a booking again",
        description="The mail that its present state owes (confirmation, request or cancellation), as a "
        "message of its own to the address the client has now. 409 `nothing_to_send` where it would not be "
        "true, the original has yet to leave, or there is no address.",
        request=SendAgainSerializer,
        answer=MessageJson,
        status=201,
        refused=[404, 409, 422],
        parameters=[ID_IN_PATH, IDEMPOTENCY_KEY],
        tags=["bookings"],
    )
    @idempotent
    def post(self, request: Request, id: int) -> Response:
        check_visible(request, id)
        kind = Kind(checked_body(SendAgainSerializer, request)["type"])
        message = send_again(actor=actor_of(request), booking_id=id, kind=kind)
        return Response(printed_message(message, Printer(salon_of(request))), status=201)


def about(bookings: Iterable[Booking]) -> Q:
    """Those about these bookings, their whole visit, or several of their series with them among them."""
    found = Q(pk__in=[])
    for booking in bookings:
        found |= Q(booking_id=booking.pk)
        if booking.visit_id is not None:
            found |= Q(visit_id=booking.visit_id)
        if booking.series_id is not None:
            series = Booking.objects.filter(series_id=booking.series_id).order_by().values("pk")
            told = Message.objects.filter(booking_id__in=series, job__payload__has_key="booking_ids")
            payloads = told.order_by().values_list("pk", "job__payload")
            found |= Q(pk__in=[pk for pk, payload in payloads if booking.pk in payload["booking_ids"]])
    return found


def printed_event(event: BookingEvent, printer: Printer) -> BookingEventJson:
    return {
        "id": event.pk,
        "at": printer.when(event.at),
        "door": event.door,
        "actor": {"type": event.actor_type, "id": event.actor_id, "name": event.actor_name},
        "from": event.from_status or None,
        "to": event.to_status,
        "changes": event.changes,
        "reason": event.reason,
    }


def printed_message(message: Message, printer: Printer, *, with_links: bool = True) -> MessageJson:
    """Without links for who may only read: the one to a visit's page would let them act for the client."""
    html, text = message.html, message.text
    if not with_links:
        html, text = without_links(html), without_links(text)
    return {
        "id": message.pk,
        "type": message.type,
        "to": message.to,
        "channel": message.channel,
        "state": message.state,
        "reason": message.reason,
        "subject": message.subject,
        "html": html,
        "text": text,
        "message_id": message.message_id,
        "created_at": printer.when(message.created_at),
        "sent_at": None if message.sent_at is None else printer.when(message.sent_at),
    }


def check_visible(request: Request, booking_id: int) -> None:
    if not Booking.objects.visible_to(actor_of(request)).filter(pk=booking_id).exists():
        raise BookingNotFound
