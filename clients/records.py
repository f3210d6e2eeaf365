"""Keeping the salon's client records (contract §1.5, /api/clients).

Names: add_client, change_client, archive_client, not_archived. A client is never deleted here: bookings
refer to them. Merging two is `bookings.api.client_merge`, because it moves bookings.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from clients.models import Client
from staff.storage.storing import locked, store_changes, stored
from staff.wire.refusals import Conflict


class AlreadyMerged(Conflict):
    code = "client_merged"
    message = "This client was merged into another one; use that one."


def not_archived() -> QuerySet[Client]:
    return Client.objects.filter(archived_at__isnull=True)


def add_client(*, fields: Mapping[str, Any], now: datetime) -> Client:
    """A new client; two people may share an e-mail address or a telephone."""
    values = dict(fields)
    archived = values.pop("is_archived", False)
    return stored(Client(**values, archived_at=now if archived else None))


def change_client(client_id: int, *, fields: Mapping[str, Any], now: datetime) -> Client:
    """Merges `fields`; `is_archived` takes a client out of the lists and back.

    Raises NotFound, AlreadyMerged.
    """
    values = dict(fields)
    archive = values.pop("is_archived", None)
    with transaction.atomic():
        client = locked(Client.objects.all(), client_id)
        if archive is False and client.merged_into_id is not None:
            raise AlreadyMerged
        if archive is not None and archive != (client.archived_at is not None):
            values["archived_at"] = now if archive else None
        return store_changes(client, values)


def archive_client(client_id: int, *, now: datetime) -> Client:
    """Out of the lists; their bookings keep the name. Raises NotFound."""
    return change_client(client_id, fields={"is_archived": True}, now=now)
