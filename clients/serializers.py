"""What /api/clients takes in (contract §1.5); `clients.printing` has what it answers."""

from __future__ import annotations

from rest_framework import serializers

from staff.printing import LANGUAGE_CODES
from staff.wire.fields import (
    CalendarDateField,
    ChoiceTextField,
    EmailAddressField,
    PhoneField,
    StrictBooleanField,
    TextField,
)


class ClientSerializer(serializers.Serializer):
    """A person who comes to the salon; `locale` "" is the salon's own language."""

    first_name = TextField(max_length=200, single_line=True, allow_blank=False)
    last_name = TextField(max_length=200, single_line=True, required=False)
    email = EmailAddressField(required=False)
    phone = PhoneField(required=False)
    mobile = PhoneField(required=False)
    birthday = CalendarDateField(required=False, allow_null=True)
    notes = TextField(required=False)
    alert = TextField(max_length=200, single_line=True, required=False)
    locale = ChoiceTextField(choices=["", *LANGUAGE_CODES], required=False, allow_blank=True)
    marketing_consent = StrictBooleanField(required=False)
    is_archived = StrictBooleanField(required=False)
