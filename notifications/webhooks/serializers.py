"""What /api/webhooks takes in; `printing` has what it answers."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from rest_framework import serializers

from notifications.models.webhooks import LONGEST_URL
from staff.wire.fields import ChoiceTextField, StrictBooleanField, TextField


class EventsField(serializers.ListField):
    """Names of events, each once; an empty list means all of them."""

    child = ChoiceTextField(choices=settings.WEBHOOK_EVENTS)

    def to_internal_value(self, data: Any) -> list[str]:
        return list(dict.fromkeys(super().to_internal_value(data)))


class WebhookSerializer(serializers.Serializer):
    """An address that is told of booking events."""

    url = TextField(
        max_length=LONGEST_URL,
        single_line=True,
        allow_blank=False,
        help_text="https:// or http://, without user, password or fragment; a public address.",
    )
    events = EventsField(required=False, help_text="Which events; an empty list, as without it, means all.")
    is_active = StrictBooleanField(required=False)
