"""What /api/channels takes in; `printing` has what it answers."""

from __future__ import annotations

from rest_framework import serializers

from notifications.channels.providers import provider_named
from notifications.models import Channel
from staff.wire.fields import ChoiceTextField, StrictBooleanField, StrictIntegerField, TextField

LONGEST_CREDENTIAL = 200
CREDENTIALS = tuple(
    dict.fromkeys(
        name
        for provider in Channel.Provider
        for name in (*provider_named(provider).required, *provider_named(provider).optional)
    )
)


def _credential() -> TextField:
    return TextField(max_length=LONGEST_CREDENTIAL, single_line=True, required=False)


class CredentialsSerializer(serializers.Serializer):
    """seven.io: `api_key`, and `signing_key` for what comes back. Twilio: `account_sid`, `auth_token`."""

    api_key = _credential()
    signing_key = _credential()
    account_sid = _credential()
    auth_token = _credential()


class ChannelSerializer(serializers.Serializer):
    """A provider of texts with the salon's account there."""

    provider = ChoiceTextField(choices=Channel.Provider.choices)
    name = TextField(max_length=100, single_line=True, allow_blank=False)
    sender = TextField(
        max_length=40,
        single_line=True,
        allow_blank=False,
        help_text="A number, or a name of up to 11 letters where the country allows one; at Twilio also the "
        "id of a messaging service.",
    )
    credentials = CredentialsSerializer(
        help_text="Sealed at once, and never shown again. Whole or not at all."
    )
    is_active = StrictBooleanField(required=False)
    daily_cap = StrictIntegerField(
        min_value=1, max_value=100_000, required=False, help_text="Texts on one of the salon's days (200)."
    )
    unsigned_inbound = StrictBooleanField(
        required=False,
        help_text="Take what the provider does not sign; then only STOP counts.",
    )


class TestSerializer(serializers.Serializer):
    to = TextField(max_length=40, single_line=True, allow_blank=False, help_text="+31612345678")


class LiftSerializer(serializers.Serializer):
    reason = TextField(
        max_length=300, single_line=True, allow_blank=False, help_text="Who asked for texts again, and how."
    )
