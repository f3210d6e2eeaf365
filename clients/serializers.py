"""What /api/clients takes in (contract §1.5), and how a client stands in the OpenAPI schema."""

from __future__ import annotations

from django.conf import settings
from rest_framework import serializers

from staff.wire.fields import (
    CalendarDateField,
    ChoiceTextField,
    E164PhoneField,
    EmailAddressField,
    StrictBooleanField,
    StrictIdField,
    TextField,
    WallClockField,
)

LANGUAGE_CODES = [code for code, _ in settings.LANGUAGES]


class ClientSerializer(serializers.Serializer):
    """A person who comes to the salon; `locale` "" is the salon's own language."""

    id = StrictIdField(read_only=True)
    first_name = TextField(max_length=200, single_line=True, allow_blank=False)
    last_name = TextField(max_length=200, single_line=True, required=False)
    name = serializers.CharField(read_only=True)
    email = EmailAddressField(required=False)
    phone = E164PhoneField(required=False)
    mobile = E164PhoneField(required=False)
    birthday = CalendarDateField(required=False, allow_null=True)
    notes = TextField(required=False)
    locale = ChoiceTextField(choices=["", *LANGUAGE_CODES], required=False, allow_blank=True)
    marketing_consent = StrictBooleanField(required=False)
    no_show_count = serializers.IntegerField(read_only=True)
    key = serializers.UUIDField(read_only=True)
    is_archived = StrictBooleanField(required=False)
    created_at = WallClockField(read_only=True)
    updated_at = WallClockField(read_only=True)
