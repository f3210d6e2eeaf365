"""Clients' telephone numbers: E.164 where they can be read in the salon's country (contract §6a).

Names: with_numbers_read, read_again, NUMBERS.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import Q

from clients.models import Client
from staff.wire.phones import e164, remark_of
from staff.wire.text import LONGEST_STRING

NUMBERS = ("phone", "mobile")
BATCH = 500


def with_numbers_read(values: Mapping[str, Any], *, country: str | None, notes: str) -> dict[str, Any]:
    """`values` of a client with each telephone number as E.164 where it is a possible one, else as typed.

    A remark behind a number, such as "(mother)", is not lost: it goes to the client's notes, which are
    `notes` so far, unless it stands there already.
    """
    read = dict(values)
    for field in NUMBERS:
        typed = read.get(field)
        number = e164(typed, region=country) if typed else None
        if typed and number is not None:
            read[field] = number
            remark = remark_of(typed)
            known = read.get("notes", notes)
            if remark and remark not in known:
                read["notes"] = f"{known}\n{number}: {remark}".strip()[:LONGEST_STRING]
    return read


def read_again(*, country: str | None) -> int:
    """Reads what is not E.164 yet as numbers of `country`; gives how many became E.164.

    `settings.READ_NUMBERS_AGAIN`, asked when the salon's country has changed. In batches, each a transaction
    of its own; a number that was E.164 never changes, and a second run changes nothing.
    """
    became, after = 0, 0
    national = (Q(phone__gt="") & ~Q(phone__startswith="+")) | (Q(mobile__gt="") & ~Q(mobile__startswith="+"))
    while True:
        with transaction.atomic():
            batch = list(
                Client.objects.select_for_update(no_key=True)
                .filter(national, pk__gt=after)
                .order_by("pk")[:BATCH]
            )
            became += sum(_read_one(client, country=country) for client in batch)
        if len(batch) < BATCH:
            return became
        after = batch[-1].pk


def _read_one(client: Client, *, country: str | None) -> int:
    before = {field: getattr(client, field) for field in NUMBERS}
    read = with_numbers_read(before, country=country, notes=client.notes)
    changed = [field for field in NUMBERS if read[field] != before[field]]
    if changed:
        for field, value in read.items():
            setattr(client, field, value)
        client.save(update_fields=[*read, "updated_at"])
    return len(changed)
