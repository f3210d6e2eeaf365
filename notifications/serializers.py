"""What this app's resources take in (contract §1.5), and how they stand in the OpenAPI schema.

Rows are printed by `notifications.printing`; a test compares the two, key by key.
"""

from __future__ import annotations

from rest_framework import serializers

from notifications.models import Job
from staff.models import Service
from staff.wire.fields import StrictBooleanField, StrictIdField, StrictIntegerField, TextField, WallClockField
from staff.wire.reading import ReferenceField

LONGEST_DELAY_DAYS = 3650
MOST_STEPS = 50


class NotificationSerializer(serializers.Serializer):
    """A line in one's own list."""

    id = StrictIdField()
    type = serializers.CharField()
    title = serializers.CharField()
    body = serializers.CharField(allow_blank=True)
    booking_id = StrictIdField(allow_null=True)
    is_read = StrictBooleanField()
    created_at = WallClockField()


class UnreadCountSerializer(serializers.Serializer):
    unread_count = serializers.IntegerField(min_value=0)


class ReadAllSerializer(serializers.Serializer):
    marked = serializers.IntegerField(min_value=0, help_text="How many were unread until now.")


class JobSerializer(serializers.Serializer):
    """Something to do outside: a mail, a payment, a webhook."""

    id = StrictIdField()
    type = serializers.CharField()
    booking_id = StrictIdField(allow_null=True)
    run_at = WallClockField()
    state = serializers.ChoiceField(choices=Job.State.choices)
    attempts = serializers.IntegerField(min_value=0)
    last_error = serializers.CharField(allow_blank=True)
    created_at = WallClockField()
    finished_at = WallClockField(allow_null=True)


class FollowupStepSerializer(serializers.Serializer):
    """One mail, `delay_days` after the visit. `id` says which step of the sequence is changed."""

    id = StrictIdField(required=False)
    delay_days = StrictIntegerField(min_value=0, max_value=LONGEST_DELAY_DAYS)
    subject = TextField(max_length=300, single_line=True, allow_blank=False)
    body = TextField(allow_blank=False)


class FollowupSequenceSerializer(serializers.Serializer):
    """What a salon says to a client after a visit; `service_id` null means every service."""

    id = StrictIdField(read_only=True)
    name = TextField(max_length=200, single_line=True, allow_blank=False)
    service_id = ReferenceField(Service.objects.all, required=False, allow_null=True)
    is_active = StrictBooleanField(required=False)
    stop_on_rebook = StrictBooleanField(required=False)
    steps = FollowupStepSerializer(many=True, required=False, max_length=MOST_STEPS)  # type: ignore[call-arg]
