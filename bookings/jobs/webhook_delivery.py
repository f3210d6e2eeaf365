"""webhook.deliver: a booking as the salon's own apps get it (contract §1.5, /api/webhooks)."""

from __future__ import annotations

from datetime import UTC

from bookings.api.serializers import Printer
from bookings.models import Booking
from bookings.why_not_sent import Reason
from notifications.handlers import NotNeeded
from notifications.models import WebhookDelivery
from notifications.webhooks.delivery import Delivering
from staff.models import SalonSettings
from staff.wire.renderer import json_bytes

CREDENTIALS = ("provisional_token", "feedback_token")
"""Whoever holds one acts for the client; an endpoint is told neither."""


class DeliverBooking(Delivering):
    type = "webhook.deliver"

    def body(self, delivery: WebhookDelivery) -> str:
        """`{type, timestamp, data}`: when it happened (UTC), and the booking as it is now."""
        bookings = Booking.objects.filter(pk__in=[delivery.booking_id])
        booking = Printer(SalonSettings.load()).one(bookings)
        if booking is None:
            raise NotNeeded(Reason.GONE.value)
        happened_at = delivery.created_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
        data = {**booking, **dict.fromkeys(CREDENTIALS)}
        return json_bytes({"type": delivery.event_type, "timestamp": happened_at, "data": data}).decode()
