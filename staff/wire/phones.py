"""Telephone numbers: E.164 where a number can be read, else as typed (contract §6a).

Names: e164, number_alone, remark_of.
"""

from __future__ import annotations

import re

import phonenumbers

from staff.wire.text import plain_line

_REMARK = re.compile(r"\s*[(\[][^()\[\]\d]*[)\]]\s*$|[\s,;:-]+[^\W\d_][^\d]*$")
"""What people write behind a number: whose it is."""


def e164(text: str, *, region: str | None = None) -> str | None:
    """`text` as `+<country><number>`; None where it is no possible telephone number.

    With a leading `+` or `00` it says its country; else it is a national number of `region` (ISO 3166).
    Digits of any script are digits; a remark behind the number, such as "(mother)", is left out of it.
    """
    typed = _REMARK.sub("", plain_line(text))
    try:
        number = phonenumbers.parse("+" + typed[2:] if typed.startswith("00") else typed, region)
    except phonenumbers.NumberParseException:
        return None
    if number.extension or not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def remark_of(text: str) -> str:
    """What stands behind the number in `text`, without its brackets; "" where nothing does."""
    found = _REMARK.search(plain_line(text))
    return "" if found is None else found.group().strip(" ()[],;:-")


def number_alone(text: str, *, region: str | None) -> str:
    """`text` as E.164 where it is a possible number and nothing else; else as it was typed."""
    number = None if remark_of(text) else e164(text, region=region)
    return number or plain_line(text)
