"""The rules of a Stripe account, as far as one-off Checkout goes: what the stand-in keeps and refuses.

Written from the public API reference. Times are `time.time()`, so a test that travels takes Stripe with it.
"""

from __future__ import annotations

import copy
import re
import secrets
import threading
import time
from dataclasses import dataclass, field
from typing import Any

MINUTE = 60
SHORTEST_LIFE = 30 * MINUTE
LONGEST_LIFE = 24 * 60 * MINUTE
KEY_MEMORY = 24 * 60 * MINUTE
LARGEST_AMOUNT = 99_999_999
THREE_DECIMALS = {"bhd", "jod", "kwd", "omr", "tnd"}
WHOLE_HUNDREDS = {"isk", "ugx"}
MINIMUM = {
    "usd": 50, "eur": 50, "gbp": 30, "jpy": 50, "chf": 50, "dkk": 250, "sek": 300, "nok": 300, "czk": 1500,
    "huf": 17500, "pln": 200, "kwd": 160, "isk": 10000,
}  # fmt: skip
KNOWN_PARAMETERS = [
    re.compile(pattern)
    for pattern in (
        r"mode|client_reference_id|success_url|cancel_url|expires_at|locale|customer_email",
        r"metadata\[\w+\]|payment_intent_data\[metadata\]\[\w+\]|payment_intent_data\[description\]",
        r"line_items\[\d+\]\[quantity\]|line_items\[\d+\]\[price_data\]\[(currency|unit_amount)\]",
        r"line_items\[\d+\]\[price_data\]\[product_data\]\[(name|description)\]",
        r"expand\[\d*\]",
    )
]


class ApiError(Exception):
    """An answer that is an error. `saved`: it is repeated for the same idempotency key."""

    def __init__(
        self, status: int, message: str, *, code: str = "", type: str = "invalid_request_error"
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"message": message, "type": type, **({"code": code} if code else {})}}


@dataclass
class Books:
    """Sessions, payments, refunds and events of one account. Every method holds the lock."""

    base_url: str = ""
    sessions: dict[str, dict[str, Any]] = field(default_factory=dict)
    charges: dict[str, dict[str, Any]] = field(default_factory=dict)
    refunds: dict[str, dict[str, Any]] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def create_session(self, params: dict[str, str]) -> dict[str, Any]:
        now = int(time.time())
        for name in params:
            if not any(known.fullmatch(name) for known in KNOWN_PARAMETERS):
                raise ApiError(400, f"Received unknown parameter: {name}", code="parameter_unknown")
        for name in ("mode", "success_url", "line_items[0][quantity]"):
            if not params.get(name):
                raise ApiError(400, f"Missing required param: {name}.", code="parameter_missing")
        for name in ("success_url", "cancel_url"):
            if name in params and not re.match(r"https?://[^/]+", params[name]):
                raise ApiError(400, "Not a valid URL", code="url_invalid")
        if params["mode"] != "payment":
            raise ApiError(400, "This stand-in knows mode=payment only.")
        if len(params.get("client_reference_id", "")) > 200:
            raise ApiError(400, "Invalid string: at most 200 characters")
        expires_at = _integer(params, "expires_at", default=now + LONGEST_LIFE)
        if not now + SHORTEST_LIFE <= expires_at <= now + LONGEST_LIFE:
            raise ApiError(
                400, "The `expires_at` timestamp must be between 30 minutes and 24 hours from now."
            )
        price = "line_items[0][price_data]"
        currency = params.get(f"{price}[currency]", "")
        if not re.fullmatch(r"[a-z]{3}", currency):
            raise ApiError(400, f"Invalid currency: {currency}")
        if not params.get(f"{price}[product_data][name]"):
            raise ApiError(400, "Missing required param: product_data[name].", code="parameter_missing")
        total = _integer(params, f"{price}[unit_amount]") * _integer(params, "line_items[0][quantity]")
        _check_amount(total, currency)
        session_id = f"cs_test_{secrets.token_hex(16)}"
        session = {
            "id": session_id,
            "object": "checkout.session",
            "status": "open",
            "payment_status": "unpaid",
            "mode": "payment",
            "amount_subtotal": total,
            "amount_total": total,
            "currency": currency,
            "client_reference_id": params.get("client_reference_id"),
            "created": now,
            "expires_at": expires_at,
            "livemode": False,
            "metadata": {},
            "payment_intent": None,
            "success_url": params["success_url"],
            "cancel_url": params.get("cancel_url"),
            "url": f"{self.base_url}/c/pay/{session_id}",
        }
        with self.lock:
            self.sessions[session_id] = session
            self._intent_metadata[session_id] = {
                name.removeprefix("payment_intent_data[metadata][").removesuffix("]"): value
                for name, value in params.items()
                if name.startswith("payment_intent_data[metadata][")
            }
            return copy.deepcopy(session)

    _intent_metadata: dict[str, dict[str, str]] = field(default_factory=dict)

    def session(self, session_id: str, *, with_intent: bool = False) -> dict[str, Any]:
        with self.lock:
            session = self._get(session_id)
            told = copy.deepcopy(session)
            if with_intent and told["payment_intent"]:
                charge = self.charges[told["payment_intent"]]
                told["payment_intent"] = {
                    "id": charge["payment_intent"],
                    "object": "payment_intent",
                    "status": charge["intent_status"],
                }
            return told

    def listed(self, query: dict[str, str]) -> dict[str, Any]:
        limit = int(query.get("limit", "10"))
        since = int(query.get("created[gte]", "0"))
        with self.lock:
            for session_id in list(self.sessions):
                self._get(session_id)
            newest_first = [copy.deepcopy(each) for each in reversed(self.sessions.values())]
        found = [
            each
            for each in newest_first
            if each["created"] >= since and query.get("status", each["status"]) == each["status"]
        ]
        if after := query.get("starting_after"):
            ids = [each["id"] for each in found]
            if after not in ids:
                raise ApiError(400, f"No such checkout session: {after}", code="resource_missing")
            found = found[ids.index(after) + 1 :]
        return {
            "object": "list",
            "url": "/v1/checkout/sessions",
            "has_more": len(found) > limit,
            "data": found[:limit],
        }

    def expire(self, session_id: str) -> dict[str, Any]:
        with self.lock:
            session = self._get(session_id)
            if session["status"] != "open":
                raise ApiError(
                    400,
                    'Only Checkout Sessions with a status in ["open"] can be expired. '
                    f"This Checkout Session has a status of {session['status']}.",
                )
            self._close(session, "expired")
            return copy.deepcopy(session)

    def refund(self, params: dict[str, str]) -> dict[str, Any]:
        for name in params:
            if not re.fullmatch(r"payment_intent|amount|reason|metadata\[\w+\]", name):
                raise ApiError(400, f"Received unknown parameter: {name}", code="parameter_unknown")
        with self.lock:
            charge = self.charges.get(params.get("payment_intent", ""))
            if charge is None or charge["intent_status"] != "succeeded":
                raise ApiError(404, "No such payment_intent", code="resource_missing")
            left = charge["amount"] - charge["amount_refunded"]
            if left == 0:
                raise ApiError(400, "Charge has already been refunded.", code="charge_already_refunded")
            amount = _integer(params, "amount", default=left)
            if not 0 < amount <= left:
                raise ApiError(400, "Refund amount is greater than unrefunded amount on charge")
            charge["amount_refunded"] += amount
            charge["refunded"] = charge["amount_refunded"] == charge["amount"]
            refund = {
                "id": f"re_{secrets.token_hex(12)}",
                "object": "refund",
                "amount": amount,
                "currency": charge["currency"],
                "payment_intent": charge["payment_intent"],
                "status": "succeeded",
            }
            self.refunds[refund["id"]] = refund
            self._tell("charge.refunded", charge)
            return copy.deepcopy(refund)

    # --- What clients do at Stripe ---------------------------------------------------------------

    def pay(self, session_id: str, *, slowly: bool = False) -> dict[str, Any]:
        """The client pays; `slowly` by a method whose money is still to come. Gives the session."""
        with self.lock:
            session = self._get(session_id)
            if session["status"] != "open":
                raise ApiError(400, f"This Checkout Session is {session['status']}.")
            intent = f"pi_{secrets.token_hex(12)}"
            charge = {
                "id": f"ch_{secrets.token_hex(12)}",
                "object": "charge",
                "payment_intent": intent,
                "intent_status": "processing" if slowly else "succeeded",
                "amount": session["amount_total"],
                "amount_refunded": 0,
                "refunded": False,
                "currency": session["currency"],
                "metadata": self._intent_metadata[session_id],
                "session": session_id,
            }
            self.charges[intent] = charge
            session["payment_intent"] = intent
            session["payment_status"] = "unpaid" if slowly else "paid"
            if not slowly:
                self._tell("payment_intent.succeeded", {"id": intent, "object": "payment_intent"})
            self._close(session, "complete")
            return copy.deepcopy(session)

    def money_arrives(self, session_id: str, *, after_all: bool = True) -> None:
        """The slow payment of a complete session succeeds, or comes to nothing."""
        with self.lock:
            session = self._get(session_id)
            charge = self.charges[session["payment_intent"]]
            charge["intent_status"] = "succeeded" if after_all else "requires_payment_method"
            session["payment_status"] = "paid" if after_all else "unpaid"
            self._tell(f"checkout.session.async_payment_{'succeeded' if after_all else 'failed'}", session)

    def paid_charges(self) -> list[dict[str, Any]]:
        """What clients have paid and not got back."""
        return [
            each
            for each in self.charges.values()
            if each["intent_status"] == "succeeded" and not each["refunded"]
        ]

    def with_status(self, status: str) -> list[str]:
        """The ids of the sessions that stand so, the oldest first."""
        with self.lock:
            return [key for key in list(self.sessions) if self._get(key)["status"] == status]

    def _get(self, session_id: str) -> dict[str, Any]:
        session = self.sessions.get(session_id)
        if session is None:
            raise ApiError(404, f"No such checkout.session: {session_id}", code="resource_missing")
        if session["status"] == "open" and time.time() >= session["expires_at"]:
            self._close(session, "expired")
        return session

    def _close(self, session: dict[str, Any], status: str) -> None:
        session["status"], session["url"] = status, None
        self._tell(
            "checkout.session.expired" if status == "expired" else "checkout.session.completed", session
        )

    def _tell(self, type: str, about: dict[str, Any]) -> None:
        self.events.append(
            {
                "id": f"evt_{secrets.token_hex(12)}",
                "object": "event",
                "type": type,
                "created": int(time.time()),
                "livemode": False,
                "data": {"object": copy.deepcopy(about)},
            }
        )


def _integer(params: dict[str, str], name: str, *, default: int | None = None) -> int:
    text = params.get(name)
    if text is None and default is not None:
        return default
    if text is None or not re.fullmatch(r"\d+", text):
        raise ApiError(400, f"Invalid integer: {name}", code="parameter_invalid_integer")
    return int(text)


def _check_amount(total: int, currency: str) -> None:
    if total > LARGEST_AMOUNT:
        raise ApiError(400, "Amount must be no more than 99999999.", code="amount_too_large")
    if total < MINIMUM.get(currency, 1):
        raise ApiError(400, "The Checkout Session's total amount due is too small.", code="amount_too_small")
    step = 10 if currency in THREE_DECIMALS else 100 if currency in WHOLE_HUNDREDS else 1
    if total % step:
        raise ApiError(400, f"Invalid amount for {currency}: not divisible by {step}.")
