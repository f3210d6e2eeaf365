"""How a client is found by what somebody types: `?search=` of clients, bookings and the waitlist.

Names: found_by.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from django.db.models import Q

from staff.calls import every_word

SEARCHED = ("first_name", "last_name", "email", "phone", "mobile")
FEWEST_DIGITS = 3

_PHONE = re.compile(r"[+0-9()./ -]*[0-9][+0-9()./ -]*")


def found_by(text: str, *, client: str = "", besides: Iterable[str] = ()) -> Q:
    """The condition that every word of `text` stands in a client's names, mail or numbers, or in `besides`.

    A telephone number is also found as dialled locally. `client` is the way from the searched row to its
    client, such as `client__`.
    """
    found = every_word(text, [*(f"{client}{field}" for field in SEARCHED), *besides])
    digits = _local_digits(text)
    if digits is None:
        return found
    return found | Q(**{f"{client}phone__contains": digits}) | Q(**{f"{client}mobile__contains": digits})


def _local_digits(text: str) -> str | None:
    """The digits of a text that is a telephone number, without the zero in front of a national one.

    Numbers are kept as +31201234567, so 020 123 45 67 is found by 201234567.
    """
    digits = re.sub(r"[^0-9]", "", text).lstrip("0")
    return digits if _PHONE.fullmatch(text) and len(digits) >= FEWEST_DIGITS else None
