"""What a dry run answers: the write's own answer without what is not there yet, and what it sets in motion
(contract §11)."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any, Literal, TypedDict
from zoneinfo import ZoneInfo

from rest_framework.response import Response

from bookings.dry_run.side_effects import Foreseen, Marks, Traces
from bookings.models import Booking, NoShowFee, Visit, WaitlistOffer
from notifications.models import Notification, WebhookDelivery
from staff.access.actor import Actor
from staff.models import WorkingHours
from staff.wire.answers import Amount, Id, When, one_of
from staff.wire.money import from_minor, print_amount
from staff.wire.refusals import ConflictingBookingJson
from staff.wire.times import print_when

Kind = Literal["booking", "visit", "row"]

CHARGED = (NoShowFee.State.DUE, NoShowFee.State.NOT_CHARGED)
TOKENS = ("provisional_token", "feedback_token", "hold_token")
OF_A_NEW_ROW = ("id", "key", "created_at")
OF_SEVERAL = ("bookings", "visits", "occurrences", "skipped")


class ForeseenMessageJson(TypedDict):
    type: Annotated[str, "The job type, as in the message log."]
    channel: str
    to: Annotated[str, "The address; empty where the client has none."]
    due_at: When
    was: Annotated[str, one_of(("new", "moved", "dropped"))]
    why_not: Annotated[
        str | None, "Why it is dropped, or would not leave as things stand: a reason of the message log."
    ]


class ForeseenWebhookJson(TypedDict):
    event_type: str
    endpoint_id: Id


class ForeseenNotificationJson(TypedDict):
    type: str
    staff_id: Id
    title: str


class ForeseenFeeJson(TypedDict):
    """The no-show fee that the write would freeze."""

    amount: Amount
    currency: str
    state: Annotated[str, one_of(CHARGED)]
    reason: Annotated[str, "Why nothing is charged."]


class ForeseenOfferJson(TypedDict):
    entry_id: Id
    client_id: Id


class WouldJson(TypedDict):
    """What the write would answer and set in motion. Ids, keys and creation times that only the write makes
    are null, tokens always."""

    booking: Annotated[dict[str, Any] | None, "The booking, at the addresses of bookings."]
    visit: Annotated[dict[str, Any] | None, "The visit, at the addresses of visits."]
    row: Annotated[
        dict[str, Any] | None,
        "What other writes answer; of a series, or with a scope, `bookings`, `visits`, `occurrences`, "
        "`skipped`.",
    ]
    conflicts: Annotated[
        list[ConflictingBookingJson], "What a deliberate overlap lies over, as far as you may see it."
    ]
    warnings: list[dict[str, Any]]
    messages: list[ForeseenMessageJson]
    webhooks: list[ForeseenWebhookJson]
    notifications: list[ForeseenNotificationJson]
    fee: ForeseenFeeJson | None
    waitlist: Annotated[list[ForeseenOfferJson], "Who would be offered the time that is freed."]
    affected_bookings: list[dict[str, Any]]


class DryRunJson(TypedDict):
    dry_run: Annotated[bool, "True."]
    would: WouldJson


def foreseen(
    kind: Kind, answer: Response, marks: Marks, traces: Traces, *, actor: Actor, zone: ZoneInfo
) -> DryRunJson:
    """`answer`: the write's own; `traces`: compared."""
    body = dict(answer.data or {})
    warnings, affected = body.pop("warnings", []), body.pop("affected_bookings", [])
    if kind == "row" and answer.status_code == HTTPStatus.CREATED:
        body |= {key: None for key in OF_A_NEW_ROW if key in body}
    shown = _without_new(_by_kind(kind, body), marks)
    would: WouldJson = {
        "booking": shown.get("booking"),
        "visit": shown.get("visit"),
        "row": shown.get("row"),
        "conflicts": _conflicts(traces, actor=actor, zone=zone),
        "warnings": warnings,
        "messages": [_message(each, zone=zone) for each in traces.messages],
        "webhooks": [
            {"event_type": each.event_type, "endpoint_id": each.endpoint_id}
            for each in traces.added[WebhookDelivery]
        ],
        "notifications": [
            {"type": each.type, "staff_id": each.staff_id, "title": each.title}
            for each in traces.added[Notification]
        ],
        "fee": _fee(traces.added[NoShowFee]),
        "waitlist": _offers(traces.added[WaitlistOffer]),
        "affected_bookings": affected,
    }
    return {"dry_run": True, "would": would}


def _by_kind(kind: Kind, body: dict[str, Any]) -> dict[str, Any]:
    """The answer under the key that says what it is; what speaks of several beside it."""
    if kind == "row":
        return {"row": body or None}
    if kind == "visit":
        several = {key: body[key] for key in OF_SEVERAL if key in body and key != "bookings"}
        return {"visit": body["visit"], "row": several or None}
    several = {key: body.pop(key) for key in OF_SEVERAL if key in body}
    return {"booking": body or None, "row": several or None}


def _without_new(value: Any, marks: Marks) -> Any:
    """Without what a second run would number or draw anew."""
    if isinstance(value, list):
        return [_without_new(each, marks) for each in value]
    if not isinstance(value, dict):
        return value
    shown = {key: _without_new(each, marks) for key, each in value.items()}
    shown |= {key: None for key in TOKENS if key in shown}
    for key, model in (("visit_id", Visit), ("session_id", Booking), ("series_id", Booking)):
        if marks.is_new(model, shown.get(key)):
            shown[key] = None
    if "booking_ids" in shown:
        shown["booking_ids"] = [
            None if marks.is_new(Booking, each) else each for each in shown["booking_ids"]
        ]
    if _is_new(shown, marks):
        shown |= {key: None for key in OF_A_NEW_ROW if key in shown}
    return shown


def _is_new(row: Mapping[str, Any], marks: Marks) -> bool:
    if "booking_ids" in row:
        return marks.is_new(Visit, row["id"])
    if "weekday" in row:
        return marks.is_new(WorkingHours, row["id"])
    return "position" in row and marks.is_new(Booking, row["id"])


def _conflicts(traces: Traces, *, actor: Actor, zone: ZoneInfo) -> list[ConflictingBookingJson]:
    if not traces.conflicts:
        return []
    seen = Booking.objects.visible_to(actor).filter(pk__in=traces.conflicts).order_by("start_at", "id")
    return [
        {
            "booking_id": pk,
            "start_at": print_when(start_at, zone=zone),
            "end_at": print_when(end_at, zone=zone),
        }
        for pk, start_at, end_at in seen.values_list("pk", "start_at", "end_at")
    ]


def _message(message: Foreseen, *, zone: ZoneInfo) -> ForeseenMessageJson:
    return {
        "type": message.type,
        "channel": message.channel,
        "to": message.to,
        "due_at": print_when(message.due_at, zone=zone),
        "was": message.was,
        "why_not": message.why_not,
    }


def _fee(fees: list[NoShowFee]) -> ForeseenFeeJson | None:
    """The last one, which is that of the state that stands."""
    fee = next((each for each in reversed(fees) if each.state in CHARGED), None)
    if fee is None:
        return None
    amount = from_minor(fee.amount_minor, currency=fee.currency)
    return {
        "amount": print_amount(amount, currency=fee.currency),
        "currency": fee.currency,
        "state": fee.state,
        "reason": fee.reason,
    }


def _offers(offers: list[WaitlistOffer]) -> list[ForeseenOfferJson]:
    return [{"entry_id": each.entry_id, "client_id": each.entry.client_id} for each in offers]
