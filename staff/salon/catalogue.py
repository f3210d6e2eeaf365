"""What the salon sells and where: services and locations (contract §1.5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from staff.models import Location, Service
from staff.storage.storing import locked, store_changes, stored
from staff.wire.refusals import BadRequest


def add_service(*, fields: Mapping[str, Any]) -> Service:
    """Raises BadRequest when the capacities are not in order."""
    service = Service(**fields)
    _check_capacities(service)
    return stored(service)


def change_service(service_id: int, *, fields: Mapping[str, Any]) -> Service:
    """Merges `fields`; bookings keep the price and the buffers they were made with.

    Raises NotFound, BadRequest.
    """
    with transaction.atomic():
        return store_changes(locked(Service.objects.all(), service_id), fields, check=_check_capacities)


def add_location(*, fields: Mapping[str, Any]) -> Location:
    """Raises AlreadyThere for a slug that is taken."""
    return stored(Location(**fields), unique="slug")


def change_location(location_id: int, *, fields: Mapping[str, Any]) -> Location:
    """Merges `fields`. Raises NotFound, AlreadyThere."""
    with transaction.atomic():
        return store_changes(locked(Location.objects.all(), location_id), fields, unique="slug")


def _check_capacities(service: Service) -> None:
    if service.max_capacity < service.min_capacity:
        raise BadRequest.field("max_capacity", "It must be at least min_capacity.")
