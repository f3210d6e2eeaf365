"""Twilio: POST .../Messages.json; status callbacks and incoming messages, signed with the auth token."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlencode

from django.conf import settings
from django.utils.crypto import constant_time_compare

from notifications.channels.provider import (
    Accepted,
    Called,
    ChannelDown,
    Delivery,
    OptedOutThere,
    Outgoing,
    State,
    Written,
    amount,
    plain,
    raise_for_status,
)
from notifications.channels.wire import Wire
from notifications.mail import OutcomeUnknown

BASE = "https://api.twilio.com"
REFERENCE = "ref"
"""In the address of the receipts, which the signature covers: Twilio carries no reference of ours itself."""

OPTED_OUT = "21610"
NOT_OURS_TO_TRY = {"20003", "20005", "21660", "30002"}
STATES = {
    "accepted": State.SENT,
    "queued": State.SENT,
    "sending": State.SENT,
    "sent": State.SENT,
    "delivered": State.DELIVERED,
    "read": State.DELIVERED,
    "undelivered": State.FAILED,
    "failed": State.FAILED,
}


class Twilio:
    required: tuple[str, ...] = ("account_sid", "auth_token")
    optional: tuple[str, ...] = ()
    answers_stop_itself = True

    @property
    def base(self) -> str:
        return settings.TWILIO_API_BASE or BASE

    def hand_over(self, wire: Wire, text: Outgoing, credentials: Mapping[str, str]) -> Accepted:
        account = credentials["account_sid"]
        sender = "MessagingServiceSid" if text.sender.startswith("MG") and len(text.sender) == 34 else "From"
        said = {
            "To": text.number,
            sender: text.sender,
            "Body": text.text,
            "StatusCallback": f"{text.receipts_url}?{urlencode({REFERENCE: text.reference})}",
        }
        login = base64.b64encode(f"{account}:{credentials['auth_token']}".encode()).decode()
        reply = wire.post(
            f"/2010-04-01/Accounts/{account}/Messages.json",
            body=urlencode(said).encode(),
            headers={
                "Content-Type": "application/x-www-form-urlencoded",
                "Authorization": f"Basic {login}",
            },
        )
        data = reply.data if isinstance(reply.data, dict) else {}
        code = plain(data.get("code") or data.get("error_code"))
        if code == OPTED_OUT:
            raise OptedOutThere
        if code in NOT_OURS_TO_TRY:
            raise ChannelDown(f"Twilio says {code}.")
        raise_for_status(reply, code or str(reply.status))
        if not data.get("sid"):
            raise OutcomeUnknown("Twilio says nothing we know.")
        currency = plain(data.get("price_unit"), longest=3).upper()
        cost = amount(data.get("price"))
        return Accepted(plain(data["sid"], longest=100), cost, "" if cost is None else currency)

    def signs(self, credentials: Mapping[str, str]) -> bool:
        return True

    def is_signed(self, called: Called, credentials: Mapping[str, str], *, now: datetime) -> bool:
        """Its signature carries no time: a repeat is stored once, like every receipt and text."""
        signed = called.url + "".join(f"{name}{called.form[name]}" for name in sorted(called.form))
        key = credentials["auth_token"].encode()
        expected = base64.b64encode(hmac.new(key, signed.encode(), hashlib.sha1).digest()).decode()
        return constant_time_compare(expected, called.headers.get("X-Twilio-Signature", ""))

    def delivery(self, called: Called) -> Delivery | None:
        fields = called.fields
        provider_id, said = fields.get("MessageSid", ""), fields.get("MessageStatus", "")
        if not provider_id or not said:
            return None
        return Delivery(
            provider_id=plain(provider_id, longest=100),
            state=STATES.get(said),
            reference=plain(called.query.get(REFERENCE), longest=100),
            code=plain(fields.get("ErrorCode") or said),
        )

    def reply(self, called: Called) -> Written | None:
        fields = called.fields
        if not fields.get("MessageSid") or not fields.get("From"):
            return None
        given = plain(fields["MessageSid"], longest=100)
        return Written(given, plain(fields["From"], longest=40), fields.get("Body", ""))
