"""How a client is found by what somebody types (contract §6a): in the API, in admin and in the dialects.

Names: found_by.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import reduce
from operator import and_, or_
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet

from clients.models import Client
from staff.wire.filters import words_of
from staff.wire.text import folded

FEWEST_DIGITS = 3
SHORTEST_RARE_WORD = 3

_PHONE = re.compile(r"[+0-9()./ -]*[0-9][+0-9()./ -]*")
_LEFT_OUT_ABROAD = re.compile(r"\(\s*0\s*\)")


def found_by(rows: QuerySet[Any], text: str, *, client: str = "", besides: str = "") -> QuerySet[Any]:
    """The rows whose client has every word of `text` in their names, mail or numbers; all without a word.

    A telephone number is also found as dialled locally, however it is spaced. Where the rows are not the
    clients themselves, `client` is their column of the client; `besides` is a SearchedField of their own,
    where a word may stand as well.
    """
    words = words_of(text)
    digits = _local_digits(text)
    if not words:
        return rows
    if digits is not None and (len(words) > 1 or digits in words[0]):
        words, digits = [digits], None  # A number in groups: no group by itself says anything.
    if besides:
        return rows.filter(_every(words, digits, f"{client}__searched", besides))
    if not client and (connection.vendor == "postgresql" or max(map(len, words)) < SHORTEST_RARE_WORD):
        return rows.filter(_every(words, digits, "searched"))
    # SQLite reads the index alone for this; and a long list is read for the few clients found.
    found = Client.objects.order_by().filter(_every(words, digits, "searched"))
    return rows.filter(**{f"{client or 'pk'}__in": found.values("pk")})


def _every(words: Sequence[str], digits: str | None, client: str, *besides: str) -> Q:
    columns = (client, *besides)
    each = (reduce(or_, (Q((f"{column}__contains", word)) for column in columns)) for word in words)
    found = reduce(and_, each)
    return found if digits is None else found | Q((f"{client}__contains", digits))


def _local_digits(text: str) -> str | None:
    """The digits of a text that is a telephone number, without the zeros in front of a national one.

    Numbers are kept as +31201234567, or as typed without a country: 201234567 stands in both.
    """
    typed = folded(text).strip()
    digits = re.sub(r"[^0-9]", "", _LEFT_OUT_ABROAD.sub("", typed)).lstrip("0")
    return digits if _PHONE.fullmatch(typed) and len(digits) >= FEWEST_DIGITS else None
