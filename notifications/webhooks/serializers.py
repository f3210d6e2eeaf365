"""What /api/webhooks takes in, and how its rows stand in the OpenAPI schema (`printing` prints them)."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from rest_framework import serializers

from notifications.models.webhooks import LONGEST_URL
from notifications.webhooks.printing import STATES
from staff.wire.fields import ChoiceTextField, StrictBooleanField, StrictIdField, TextField, WallClockField


class EventsField(serializers.ListField):
    """Names of events, each once; an empty list means all of them."""

    child = ChoiceTextField(choices=settings.WEBHOOK_EVENTS)

    def to_internal_value(self, data: Any) -> list[str]:
        return list(dict.fromkeys(super().to_internal_value(data)))


class WebhookSerializer(serializers.Serializer):
    """An address that is told of booking events."""

    id = StrictIdField(read_only=True)
    url = TextField(
        max_length=LONGEST_URL,
        single_line=True,
        allow_blank=False,
        help_text="https:// or http://, without user, password or fragment; a public address.",
    )
    events = EventsField(required=False, help_text="Which events; an empty list, as without it, means all.")
    is_active = StrictBooleanField(required=False)
    failing_since = WallClockField(
        read_only=True, allow_null=True, help_text="Since when it has taken nothing; null when all is well."
    )
    disabled_at = WallClockField(
        read_only=True, allow_null=True, help_text="When it was switched off for failing, or for a 410."
    )
    created_at = WallClockField(read_only=True)


class WebhookMadeSerializer(WebhookSerializer):
    secret = serializers.CharField(
        read_only=True, help_text="Signs every delivery (Standard Webhooks). Shown this once."
    )


class WebhookDeliverySerializer(serializers.Serializer):
    """One event for one endpoint, and what became of it."""

    id = StrictIdField()
    type = serializers.CharField(help_text="The event.")
    booking_id = StrictIdField(allow_null=True)
    webhook_id = serializers.CharField(help_text="The header webhook-id of every attempt.")
    state = serializers.ChoiceField(
        choices=list(STATES), help_text="`skipped`: later events about the booking were let past it."
    )
    attempts = serializers.IntegerField(min_value=0)
    response_status = serializers.IntegerField(allow_null=True, help_text="Of the last attempt, if any came.")
    response_excerpt = serializers.CharField(allow_blank=True, help_text="The beginning of what it answered.")
    last_error = serializers.CharField(allow_blank=True)
    job_id = StrictIdField(help_text="See /api/jobs.")
    created_at = WallClockField()
    next_attempt_at = WallClockField(allow_null=True)
    delivered_at = WallClockField(allow_null=True)
