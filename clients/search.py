"""How a client is found by what somebody types: `?search=` of clients, bookings and the waitlist.

Names: found_by.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import reduce
from operator import or_

from django.db.models import F, Q, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Replace
from django.db.models.lookups import Contains

from staff.wire.filters import every_word

SEARCHED = ("first_name", "last_name", "email", "phone", "mobile")
NUMBERS = ("phone", "mobile")
FEWEST_DIGITS = 3
SPACING = "()./ -"

_PHONE = re.compile(rf"[+0-9{SPACING}]*[0-9][+0-9{SPACING}]*")


def found_by(text: str, *, client: str = "", besides: Iterable[str] = ()) -> Q:
    """The condition that every word of `text` stands in a client's names, mail or numbers, or in `besides`.

    A telephone number is also found as dialled locally, however it is spaced. `client` is the way from the
    searched row to its client, such as `client__`.
    """
    found = every_word(text, [*(f"{client}{field}" for field in SEARCHED), *besides])
    digits = _local_digits(text)
    if digits is None:
        return found
    return found | reduce(or_, (Q(Contains(_unspaced(f"{client}{field}"), digits)) for field in NUMBERS))


def _local_digits(text: str) -> str | None:
    """The digits of a text that is a telephone number, without the zero in front of a national one.

    Numbers are kept as +31201234567, or as typed without a country: 201234567 stands in both.
    """
    digits = re.sub(r"[^0-9]", "", text).lstrip("0")
    return digits if _PHONE.fullmatch(text) and len(digits) >= FEWEST_DIGITS else None


def _unspaced(field: str) -> Combinable:
    number: Combinable = F(field)
    for sign in SPACING:
        number = Replace(number, Value(sign))
    return number
