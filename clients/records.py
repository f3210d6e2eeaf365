"""Keeping the salon's client records (contract §1.5, /api/clients).

Names: add_client, change_client, archive_client, check_birthday, lock_clients, not_archived. A client is
never deleted here: bookings refer to them. Merging two is `bookings.api.client_merge`, because it moves
bookings.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet

from clients.models import Client
from clients.numbers import with_numbers_read
from clients.walk_in import check_no_person
from staff.models import SalonSettings
from staff.storage.storing import locked, store_changes, stored
from staff.wire.refusals import BadRequest, Conflict


class AlreadyMerged(Conflict):
    code = "client_merged"
    message = "This client was merged into another one; use that one."


def not_archived() -> QuerySet[Client]:
    return Client.objects.filter(archived_at__isnull=True)


def lock_clients(ids: Collection[int | None]) -> dict[int, Client]:
    """These clients by id, locked in id order: nobody merges or erases them, or counts their no-shows."""
    known = [each for each in ids if each is not None]
    rows = Client.objects.select_for_update(no_key=True).filter(pk__in=known).order_by("pk")
    return {client.pk: client for client in rows}


def count_no_show(client_id: int | None, *, by: int) -> None:
    """One more or one less for who is locked (`lock_clients`); never below 0, and never of the walk-in."""
    if client_id is not None:
        theirs = Client.objects.filter(pk=client_id, is_walk_in=False, no_show_count__gte=max(0, -by))
        theirs.update(no_show_count=F("no_show_count") + by)


def add_client(*, fields: Mapping[str, Any], salon: SalonSettings, now: datetime) -> Client:
    """A new client; two people may share an e-mail address or a telephone. Raises BadRequest (birthday)."""
    values = _read(fields, salon=salon, now=now, notes="")
    archived = values.pop("is_archived", False)
    return stored(Client(**values, archived_at=now if archived else None))


def change_client(
    client_id: int, *, fields: Mapping[str, Any], salon: SalonSettings, now: datetime
) -> Client:
    """Merges `fields`; `is_archived` takes a client out of the lists and back.

    Raises NotFound, AlreadyMerged, IsWalkIn, BadRequest (birthday).
    """
    with transaction.atomic():
        client = locked(Client.objects.all(), client_id)
        check_no_person(client, fields)
        values = _read(fields, salon=salon, now=now, notes=client.notes)
        archive = values.pop("is_archived", None)
        if archive is False and client.merged_into_id is not None:
            raise AlreadyMerged
        if archive is not None and archive != (client.archived_at is not None):
            values["archived_at"] = now if archive else None
        return store_changes(client, values)


def archive_client(client_id: int, *, salon: SalonSettings, now: datetime) -> Client:
    """Out of the lists; their bookings keep the name. Raises NotFound, IsWalkIn."""
    return change_client(client_id, fields={"is_archived": True}, salon=salon, now=now)


def check_birthday(birthday: date | None, *, salon: SalonSettings, now: datetime) -> None:
    """Raises BadRequest for a day that the salon's calendar has not reached."""
    if birthday is not None and birthday > now.astimezone(salon.zone).date():
        raise BadRequest.field("birthday", "This day is still to come; send the day they were born.")


def _read(fields: Mapping[str, Any], *, salon: SalonSettings, now: datetime, notes: str) -> dict[str, Any]:
    check_birthday(fields.get("birthday"), salon=salon, now=now)
    return with_numbers_read(fields, country=salon.country, notes=notes)
