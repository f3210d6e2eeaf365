"""seven.io: POST /api/sms; webhooks `dlr` and `sms_mo`, signed with the account's signing key."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils.crypto import constant_time_compare

from notifications.channels.provider import (
    Accepted,
    Called,
    ChannelDown,
    Delivery,
    Outgoing,
    State,
    Written,
    amount,
    plain,
    raise_for_status,
)
from notifications.channels.wire import Reply, Wire
from notifications.handlers import RefusedForGood
from notifications.mail import OutcomeUnknown

BASE = "https://gateway.seven.io"
OK = "100"
NOT_OURS_TO_TRY = {"300", "500", "900", "901", "902", "903"}
"""Credentials, credit, this machine's address: somebody has to mend the account."""

NOBODY_KNOWS = {"101", "600", "700"}
WINDOW_SECONDS = 300
STATES = {
    "DELIVERED": State.DELIVERED,
    "NOTDELIVERED": State.FAILED,
    "EXPIRED": State.FAILED,
    "REJECTED": State.FAILED,
    "FAILED": State.FAILED,
    "TRANSMITTED": State.SENT,
    "ACCEPTED": State.SENT,
    "BUFFERED": State.SENT,
}


class Seven:
    required: tuple[str, ...] = ("api_key",)
    optional: tuple[str, ...] = ("signing_key",)
    answers_stop_itself = False

    @property
    def base(self) -> str:
        return settings.SEVEN_API_BASE or BASE

    def hand_over(self, wire: Wire, text: Outgoing, credentials: Mapping[str, str]) -> Accepted:
        said = {"to": text.number, "from": text.sender, "text": text.text, "foreign_id": text.reference}
        reply = wire.post(
            "/api/sms",
            body=json.dumps(said).encode(),
            headers={
                "Content-Type": "application/json",
                "Accept": "application/json",
                "X-Api-Key": credentials["api_key"],
            },
        )
        code = _code_of(reply)
        raise_for_status(reply, code or str(reply.status))
        if code in NOT_OURS_TO_TRY:
            raise ChannelDown(f"seven.io says {code}.")
        messages = reply.data.get("messages") if isinstance(reply.data, dict) else None
        first = messages[0] if isinstance(messages, list) and messages else None
        if code == OK and isinstance(first, dict) and first.get("id"):
            return Accepted(plain(first["id"], longest=100), amount(first.get("price")), "EUR")
        if code in NOBODY_KNOWS or code in ("", OK):
            raise OutcomeUnknown(f"seven.io says {code or 'nothing we know'}.")
        raise RefusedForGood(f"seven.io refused the text: {code}")

    def signs(self, credentials: Mapping[str, str]) -> bool:
        return bool(credentials.get("signing_key"))

    def is_signed(self, called: Called, credentials: Mapping[str, str], *, now: datetime) -> bool:
        timestamp, nonce = called.headers.get("X-Timestamp", ""), called.headers.get("X-Nonce", "")
        if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 12 and nonce):
            return False
        if abs(now.timestamp() - int(timestamp)) > WINDOW_SECONDS:
            return False
        content = hashlib.md5(called.body, usedforsecurity=False).hexdigest()
        signed = "\n".join([timestamp, nonce, called.method, called.url, content])
        key = credentials.get("signing_key", "")
        expected = hmac.new(key.encode(), signed.encode(), hashlib.sha256).hexdigest()
        given = called.headers.get("X-Signature", "").lower()
        return bool(key) and constant_time_compare(expected, given)

    def delivery(self, called: Called) -> Delivery | None:
        event, data = _event(called)
        if event != "dlr" or not data.get("msg_id"):
            return None
        code = plain(data.get("status"))
        return Delivery(
            provider_id=plain(data["msg_id"], longest=100),
            state=STATES.get(code.upper()),
            reference=plain(data.get("foreign_id"), longest=100),
            code=code,
        )

    def reply(self, called: Called) -> Written | None:
        event, data = _event(called)
        if event != "sms_mo" or not data.get("sender"):
            return None
        given = plain(data.get("id"), longest=100)
        return Written(given, plain(data["sender"], longest=40), str(data.get("text") or ""))


def _code_of(reply: Reply) -> str:
    """`success` of the whole, or the bare number that some refusals are."""
    data = reply.data
    if isinstance(data, dict):
        return plain(data.get("success") or data.get("error_code"))
    return plain(data) if isinstance(data, int | str) else ""


def _event(called: Called) -> tuple[str, Mapping[str, Any]]:
    """The event and its data: of a JSON body, or of fields, where the data's names may be `data[name]`."""
    if isinstance(called.data, dict) and called.data:
        data = called.data.get("data")
        return plain(called.data.get("webhook_event")), data if isinstance(data, dict) else {}
    fields = called.fields
    data = {name.removeprefix("data[").removesuffix("]"): value for name, value in fields.items()}
    return plain(fields.get("webhook_event")), data
