"""Clients' telephone numbers: E.164 where they can be read in the salon's country (contract §6a).

Names: with_numbers_read, read_again, textable, NUMBERS.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from django.db import connection, transaction
from django.db.models import Q

from clients.models import Client
from staff.wire.phones import e164, is_landline, remark_of
from staff.wire.text import LONGEST_STRING

NUMBERS = ("phone", "mobile")
E164 = r"^\+[0-9]+$"
BATCH = 500
PAUSE = 0.15
"""Seconds between two batches on SQLite: who waits for its one lock asks again at least every 0.1 seconds."""


def with_numbers_read(values: Mapping[str, Any], *, country: str | None, notes: str) -> dict[str, Any]:
    """`values` of a client with each telephone number as E.164 where it is a possible one, else as typed.

    A remark around a number, such as "(mother)", is not lost: it goes to the client's notes, which are
    `notes` so far, as a line with the number it belongs to. Where the notes have no room for it, the number
    stays as typed (docs/adr/0080).
    """
    read = dict(values)
    for field in NUMBERS:
        typed = read.get(field)
        number = e164(typed, region=country) if typed else None
        if not typed or number is None:
            continue
        known = read.get("notes", notes)
        with_remark = _noted(known, number=number, remark=remark_of(typed))
        if len(with_remark) > LONGEST_STRING:
            continue
        read[field] = number
        if with_remark != known:
            read["notes"] = with_remark
    return read


def _noted(notes: str, *, number: str, remark: str) -> str:
    """`notes` with a line of the remark, unless the same line stands there already."""
    line = f"{number}: {remark}"
    return notes if not remark or line in notes.splitlines() else f"{notes}\n{line}".strip()


def textable(client: Client) -> str:
    """Where a text to this client goes: their mobile number, else the other one where it is no landline; ""
    where neither is E.164."""
    for number in (client.mobile, client.phone):
        if number and e164(number) == number and not is_landline(number):
            return number
    return ""


def read_again(*, country: str | None) -> int:
    """Reads what is not E.164 yet as numbers of `country`; gives how many became E.164.

    `settings.READ_NUMBERS_AGAIN`, asked when the salon's country has changed. In batches, each a transaction
    of its own; a number that was E.164 never changes, and a second run changes nothing.
    """
    became, after = 0, 0
    unread = (Q(phone__gt="") & ~Q(phone__regex=E164)) | (Q(mobile__gt="") & ~Q(mobile__regex=E164))
    while True:
        with transaction.atomic():
            batch = list(
                Client.objects.select_for_update(no_key=True)
                .filter(unread, pk__gt=after)
                .order_by("pk")[:BATCH]
            )
            became += sum(_read_one(client, country=country) for client in batch)
        if len(batch) < BATCH:
            return became
        after = batch[-1].pk
        if connection.vendor == "sqlite":
            time.sleep(PAUSE)


def _read_one(client: Client, *, country: str | None) -> int:
    before = {field: getattr(client, field) for field in NUMBERS}
    read = with_numbers_read(before, country=country, notes=client.notes)
    changed = [field for field in NUMBERS if read[field] != before[field]]
    if changed:
        for field, value in read.items():
            setattr(client, field, value)
        client.save(update_fields=[*read, "updated_at"])
    return len(changed)
