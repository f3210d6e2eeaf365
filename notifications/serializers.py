"""What this app's resources take in (contract §1.5); what they answer is in `notifications.printing`."""

from __future__ import annotations

from rest_framework import serializers

from staff.models import Service
from staff.wire.fields import StrictBooleanField, StrictIdField, StrictIntegerField, TextField
from staff.wire.reading import ReferenceField

LONGEST_DELAY_DAYS = 3650
MOST_STEPS = 50


class FollowupStepSerializer(serializers.Serializer):
    """One mail, `delay_days` after the visit. `id` says which step of the sequence is changed."""

    id = StrictIdField(required=False)
    delay_days = StrictIntegerField(min_value=0, max_value=LONGEST_DELAY_DAYS)
    subject = TextField(max_length=300, single_line=True, allow_blank=False)
    body = TextField(allow_blank=False)


class FollowupSequenceSerializer(serializers.Serializer):
    """What a salon says to a client after a visit; `service_id` null means every service."""

    name = TextField(max_length=200, single_line=True, allow_blank=False)
    service_id = ReferenceField(Service.objects.all, required=False, allow_null=True)
    is_active = StrictBooleanField(required=False)
    stop_on_rebook = StrictBooleanField(required=False)
    steps = FollowupStepSerializer(many=True, required=False, max_length=MOST_STEPS)  # type: ignore[call-arg]
