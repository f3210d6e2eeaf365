"""What the salon sells and where: services and locations (contract §1.5)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial
from typing import Any

from django.db import transaction

from staff.models import Location, Service
from staff.salon.durations import check_one_person, with_parts
from staff.storage.storing import locked, store_changes, stored
from staff.wire.refusals import BadRequest


def add_service(*, fields: Mapping[str, Any]) -> Service:
    """Raises BadRequest when the capacities are not in order, for want of minutes, and for odd parts."""
    if "parts" not in fields and "duration_minutes" not in fields:
        raise BadRequest.field("duration_minutes", "This field is required.")
    service = Service(**with_parts(None, fields))
    _check_capacities(service, sent=fields)
    return stored(service)


def change_service(service_id: int, *, fields: Mapping[str, Any]) -> Service:
    """Merges `fields`; bookings keep the price, the buffers and the parts they were made with.

    Raises NotFound, BadRequest.
    """
    with transaction.atomic():
        service = locked(Service.objects.all(), service_id)
        check = partial(_check_capacities, sent=fields)
        return store_changes(service, with_parts(service, fields), check=check)


def add_location(*, fields: Mapping[str, Any]) -> Location:
    """Raises AlreadyThere for a slug that is taken."""
    return stored(Location(**fields), unique="slug")


def change_location(location_id: int, *, fields: Mapping[str, Any]) -> Location:
    """Merges `fields`. Raises NotFound, AlreadyThere."""
    with transaction.atomic():
        return store_changes(locked(Location.objects.all(), location_id), fields, unique="slug")


def _check_capacities(service: Service, *, sent: Collection[str]) -> None:
    if service.max_capacity < service.min_capacity:
        raise BadRequest.field("max_capacity", "It must be at least min_capacity.")
    check_one_person(service, sent=sent)
