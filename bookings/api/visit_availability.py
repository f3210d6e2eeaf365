"""Availability and holds of visits: what is asked, and what is answered (contract §7)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any, NotRequired, TypedDict
from zoneinfo import ZoneInfo

from rest_framework import serializers

from bookings.models import Hold
from bookings.slots import holds
from bookings.slots.availability.chains import BlockedVisits, Placed, VisitDay
from bookings.slots.availability.wishes import MOST_ITEMS, AskedItem, Wish
from staff.models import SalonSettings
from staff.wire.answers import Count, Date, Id, Number, When
from staff.wire.fields import ChoiceTextField, StrictIdField, StrictIntegerField, WallClockField
from staff.wire.query import QueryField
from staff.wire.refusals import BadRequest
from staff.wire.text import LARGEST_INTEGER
from staff.wire.times import print_date, print_when

ANYBODY = "any"
SAME = "same"
LONGEST_ITEMS = 300
AFTER_PREVIOUS, SAME_START = "previous", "same_start"

_ITEM = re.compile(rf"(?P<service>[0-9]{{1,19}}):(?P<staff>[0-9]{{1,19}}|{ANYBODY})(?P<same>:{SAME})?")


class QueryItems(QueryField):
    """The items of a visit: `service:staff`, `:same` behind one that begins with the item before it."""

    @property
    def schema(self) -> dict[str, Any]:
        one = f"[0-9]+:([0-9]+|{ANYBODY})(:{SAME})?"
        return {
            "type": "string",
            "pattern": f"^{one}(,{one}){{0,{MOST_ITEMS - 1}}}$",
            "maxLength": LONGEST_ITEMS,
            "example": f"12:2,5:{ANYBODY}:{SAME}",
        }

    def read(self, text: str) -> list[AskedItem]:
        items = text.split(",")
        if len(items) > MOST_ITEMS:
            raise BadRequest(f"A visit has 1 to {MOST_ITEMS} items.")
        return [_read_item(item, number) for number, item in enumerate(items, start=1)]


def _read_item(text: str, number: int) -> AskedItem:
    match = _ITEM.fullmatch(text)
    ids = [] if match is None else [int(each) for each in match.group("service", "staff") if each != ANYBODY]
    if match is None or not all(1 <= each <= LARGEST_INTEGER for each in ids):
        raise BadRequest(
            f"Item {number}: send service:staff with two ids, or service:{ANYBODY}, and :{SAME} behind it "
            f"where it begins with the item before it; such as 12:2,5:{ANYBODY}:{SAME}."
        )
    staff_id = ids[1] if len(ids) == 2 else None
    return AskedItem(ids[0], staff_id, with_previous=match["same"] is not None)


class AskedItemSerializer(serializers.Serializer):
    service_id = StrictIdField()
    staff_id = StrictIdField(required=False, allow_null=True, help_text="Absent: chosen.")
    after = ChoiceTextField(
        choices=[AFTER_PREVIOUS, SAME_START],
        required=False,
        default=AFTER_PREVIOUS,
        help_text="`same_start`: it begins when the item before it does, with somebody else.",
    )
    start_at = WallClockField(
        required=False, allow_null=True, help_text="Absent: as soon as it can after those before it."
    )


class VisitHoldRequestSerializer(serializers.Serializer):
    """A visit of several items, all of them held or none."""

    items = serializers.ListField(child=AskedItemSerializer(), min_length=1, max_length=MOST_ITEMS)
    start_at = WallClockField(help_text="When the first item begins.")
    minutes = StrictIntegerField(
        required=False,
        min_value=holds.SHORTEST_MINUTES,
        max_value=holds.LONGEST_MINUTES,
        default=holds.USUAL_MINUTES,
    )


def asked_items(items: Sequence[dict[str, Any]]) -> list[AskedItem]:
    """The items of a body, as `AskedItemSerializer` has read them."""
    return [
        AskedItem(
            each["service_id"],
            each.get("staff_id"),
            with_previous=each["after"] == SAME_START,
            start_at=each.get("start_at"),
        )
        for each in items
    ]


class VisitItemJson(TypedDict):
    service_id: Id
    staff_id: Id
    start_at: When
    end_at: When


class VisitStartJson(TypedDict):
    """A visit that can be booked as it is."""

    start_at: When
    end_at: When
    items: list[VisitItemJson]


class BlockedVisitsJson(TypedDict):
    start_at: Annotated[When, "The first refused start."]
    end_at: Annotated[When, "Starts from here on are judged anew."]
    item: Annotated[Number, "The first item that does not fit, counted from 1."]
    part: Annotated[Count | None, "The part of its service, counted from 1; null where it has one."]
    code: Annotated[str, "The rule, as a refusing door names it: slot_taken, holiday, ..."]
    message: str
    booking_id: Annotated[Id | None, "The booking in the way; null for a hold and where you may not see it."]


class VisitDayJson(TypedDict):
    date: Date
    starts: list[VisitStartJson]
    blocked: NotRequired[Annotated[list[BlockedVisitsJson], "Only with explain=1."]]


class VisitAvailabilityJson(TypedDict):
    timezone: str
    step_minutes: Number
    days: list[VisitDayJson]


class VisitHoldJson(TypedDict):
    hold_token: Annotated[str, "One for all items."]
    expires_at: When
    items: list[VisitItemJson]


def visit_availability_json(
    wishes: Sequence[Wish], days: Sequence[VisitDay], *, salon: SalonSettings, explain: bool
) -> VisitAvailabilityJson:
    return {
        "timezone": salon.timezone,
        "step_minutes": salon.slot_step_minutes,
        "days": [_day_json(day, wishes, zone=salon.zone, explain=explain) for day in days],
    }


def visit_hold_json(held: Sequence[Hold], *, zone: ZoneInfo) -> VisitHoldJson:
    return {
        "hold_token": held[0].token,
        "expires_at": print_when(held[0].expires_at, zone=zone),
        "items": [_item_json(each.service_id, each, zone=zone) for each in held],
    }


def _day_json(day: VisitDay, wishes: Sequence[Wish], *, zone: ZoneInfo, explain: bool) -> VisitDayJson:
    printed: VisitDayJson = {
        "date": print_date(day.date),
        "starts": [_start_json(placed, wishes, zone=zone) for placed in day.starts],
    }
    if explain:
        printed["blocked"] = [_blocked_json(each, zone=zone) for each in day.blocked]
    return printed


def _start_json(placed: Sequence[Placed], wishes: Sequence[Wish], *, zone: ZoneInfo) -> VisitStartJson:
    return {
        "start_at": print_when(placed[0].start_at, zone=zone),
        "end_at": print_when(max(each.end_at for each in placed), zone=zone),
        "items": [
            _item_json(wish.service.pk, each, zone=zone) for wish, each in zip(wishes, placed, strict=True)
        ],
    }


def _item_json(service_id: int, item: Placed | Hold, *, zone: ZoneInfo) -> VisitItemJson:
    return {
        "service_id": service_id,
        "staff_id": item.staff_id,
        "start_at": print_when(item.start_at, zone=zone),
        "end_at": print_when(item.end_at, zone=zone),
    }


def _blocked_json(blocked: BlockedVisits, *, zone: ZoneInfo) -> BlockedVisitsJson:
    return {
        "start_at": print_when(blocked.start_at, zone=zone),
        "end_at": print_when(blocked.end_at, zone=zone),
        "item": blocked.item,
        "part": blocked.objection.part,
        "code": blocked.objection.code,
        "message": f"Item {blocked.item}: {blocked.objection.message}",
        "booking_id": blocked.objection.booking_id,
    }
