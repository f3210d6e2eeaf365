"""/api/bookings/:id/events and /messages: what happened to a booking, and what was told to whom."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from bookings.api.serializers import BookingEventSerializer, Printer
from bookings.errors import BookingNotFound
from bookings.models import Booking, BookingEvent
from notifications.models import Message
from staff.access.auth import actor_of, salon_of
from staff.wire.answers import ListAnswer
from staff.wire.paging import PAGE_PARAMETERS, answer_queryset
from staff.wire.schema import ID_IN_PATH, documented


class MessageSerializer(serializers.Serializer[Any]):
    """One message of the ledger in the OpenAPI schema."""

    id = serializers.IntegerField()
    type = serializers.CharField()
    to = serializers.CharField(allow_blank=True)
    channel = serializers.CharField()
    state = serializers.ChoiceField(choices=Message.State.values)
    reason = serializers.CharField(allow_blank=True, help_text="Why it was not sent.")
    subject = serializers.CharField(allow_blank=True)
    html = serializers.CharField(allow_blank=True)
    text = serializers.CharField(allow_blank=True)
    message_id = serializers.CharField()
    created_at = serializers.CharField()
    sent_at = serializers.CharField(allow_null=True)


class BookingEventsView(APIView):
    @documented(
        "The history of a booking",
        description="Every change, oldest first: from, to, who, through which door, why, when.",
        answer=ListAnswer(BookingEventSerializer),
        refused=[404],
        parameters=[ID_IN_PATH, *PAGE_PARAMETERS],
        tags=["bookings"],
    )
    def get(self, request: Request, id: int) -> Any:
        check_visible(request, id)
        printer = Printer(salon_of(request))

        def printed(event: BookingEvent) -> dict[str, Any]:
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

        return answer_queryset(
            request, BookingEvent.objects.filter(booking_id=id).order_by("id"), row=printed
        )


class BookingMessagesView(APIView):
    @documented(
        "The messages about a booking",
        description="What, to whom, when, in which state; and why one was not sent. Oldest first.",
        answer=ListAnswer(MessageSerializer),
        refused=[404],
        parameters=[ID_IN_PATH, *PAGE_PARAMETERS],
        tags=["bookings"],
    )
    def get(self, request: Request, id: int) -> Any:
        check_visible(request, id)
        printer = Printer(salon_of(request))

        def printed(message: Message) -> dict[str, Any]:
            return {
                "id": message.pk,
                "type": message.type,
                "to": message.to,
                "channel": message.channel,
                "state": message.state,
                "reason": message.reason,
                "subject": message.subject,
                "html": message.html,
                "text": message.text,
                "message_id": message.message_id,
                "created_at": printer.when(message.created_at),
                "sent_at": None if message.sent_at is None else printer.when(message.sent_at),
            }

        return answer_queryset(request, Message.objects.filter(booking_id=id).order_by("id"), row=printed)


def check_visible(request: Request, booking_id: int) -> None:
    if not Booking.objects.visible_to(actor_of(request)).filter(pk=booking_id).exists():
        raise BookingNotFound
