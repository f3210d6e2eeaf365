"""The salon's own rows as they stand on the wire (contract §1.5), one function each.

Names: user_json, staff_json, service_json, location_json, working_hours_json, time_off_json, holiday_json,
api_key_json, settings_json. Times are the salon's wall clock.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from staff.models import (
    ApiKey,
    Holiday,
    Location,
    SalonSettings,
    Service,
    Staff,
    TimeOff,
    WorkingHours,
)
from staff.wire.money import print_amount
from staff.wire.times import print_clock, print_date, print_when

Json = dict[str, Any]


def user_json(person: Staff) -> Json:
    """Who is logged in."""
    return {
        "id": person.pk,
        "name": person.name,
        "email": person.email,
        "role": person.role,
        "staff_id": person.pk if person.bookable else None,
    }


def staff_json(person: Staff) -> Json:
    """`service_ids` come from the prefetched `services`."""
    return {
        "id": person.pk,
        "name": person.name,
        "email": person.email,
        "role": person.role,
        "bookable": person.bookable,
        "sees_all_bookings": person.sees_all_bookings,
        "phone": person.phone,
        "color": person.color,
        "location_id": person.location_id,
        "is_active": person.is_active,
        "service_ids": sorted(service.pk for service in person.services.all()),
        "key": str(person.key),
    }


def service_json(service: Service, *, currency: str) -> Json:
    return {
        "id": service.pk,
        "name": service.name,
        "duration_minutes": service.duration_minutes,
        "price": None if service.price is None else print_amount(service.price, currency=currency),
        "category": service.category,
        "buffer_before_minutes": service.buffer_before_minutes,
        "buffer_after_minutes": service.buffer_after_minutes,
        "min_capacity": service.min_capacity,
        "max_capacity": service.max_capacity,
        "is_active": service.is_active,
        "key": str(service.key),
    }


def location_json(location: Location) -> Json:
    return {
        "id": location.pk,
        "name": location.name,
        "slug": location.slug,
        "address": location.address,
        "is_active": location.is_active,
    }


def working_hours_json(hours: WorkingHours) -> Json:
    return {
        "id": hours.pk,
        "staff_id": hours.staff_id,
        "weekday": hours.weekday,
        "opens": print_clock(hours.opens),
        "closes": print_clock(hours.closes),
    }


def time_off_json(away: TimeOff, *, zone: ZoneInfo) -> Json:
    return {
        "id": away.pk,
        "staff_id": away.staff_id,
        "start_at": print_when(away.start_at, zone=zone),
        "end_at": print_when(away.end_at, zone=zone),
        "reason": away.reason,
    }


def holiday_json(holiday: Holiday) -> Json:
    return {"id": holiday.pk, "date": print_date(holiday.date), "name": holiday.name}


def api_key_json(key: ApiKey, *, zone: ZoneInfo) -> Json:
    return {
        "id": key.pk,
        "name": key.name,
        "dialect": key.dialect,
        "mode": str(ApiKey.Mode(key.mode).label),
        "expires_at": _when(key.expires_at, zone),
        "prefix": key.prefix,
        "last_used_at": _when(key.last_used_at, zone),
        "revoked_at": _when(key.revoked_at, zone),
        "created_at": _when(key.created_at, zone),
    }


SETTINGS_KEYS = (
    "business_name",
    "business_address",
    "business_phone",
    "reply_to",
    "locale",
    "timezone",
    "currency",
    "staff_personal_agenda_enabled",
    "double_booking",
    "noshow_enabled",
    "noshow_fee_type",
    "noshow_fee_value",
    "noshow_fee_minimum",
    "review_delay_hours",
    "review_min_days",
    "review_url",
    "provisional_hours",
    "waitlist_hold_minutes",
    "followup_hour",
    "slot_step_minutes",
    "min_notice_minutes",
    "booking_horizon_days",
)
AMOUNTS = ("noshow_fee_value", "noshow_fee_minimum")


def settings_json(salon: SalonSettings) -> Json:
    printed: Json = {name: getattr(salon, name) for name in SETTINGS_KEYS}
    return printed | {name: print_amount(printed[name], currency=salon.currency) for name in AMOUNTS}


def _when(instant: datetime | None, zone: ZoneInfo) -> str | None:
    return None if instant is None else print_when(instant, zone=zone)
