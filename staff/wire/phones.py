"""Telephone numbers: E.164 where a number can be read, else as typed (contract §6a, docs/adr/0080).

Names: e164, is_landline, remark_of, has_digit, NotRead, number_alone.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import phonenumbers

from staff.wire.text import plain_line

_NUMBER = re.compile(r"[+\uff0b(\[]*\d(?:.*\d)?")
_WRAPPED = re.compile(r"[(\[]([^()\[\]]*)[)\]]")
_OPEN_AT_ITS_END = re.compile(r"\d[^)\]]*[(\[][^)\]]*$")
"""A number that would end in the digit of a remark such as "(2)"."""
_BETWEEN = " \t.,;:-\u2013\u2014/"


class NotRead(ValueError):
    """A telephone number that stays as it was typed; the message names nobody."""


class _Typed(NamedTuple):
    """What stands before the first digit, from there to the last one, and behind it."""

    before: str
    number: str
    behind: str


def e164(text: str, *, region: str | None = None) -> str | None:
    """`text` as `+<country><number>`; None where it is no possible telephone number.

    With a leading `+` or `00` it says its country; else it is a national number of `region` (ISO 3166).
    Digits of any script are digits; a remark around the number, such as "(mother)", is left out of it. With
    a word within the number, or grown together with it, it is none: which digits were meant is not ours to
    guess.
    """
    before, typed, behind = _apart(text)
    if any(map(str.isalpha, f"{before[-1:]}{typed}{behind[:1]}")) or _OPEN_AT_ITS_END.search(typed):
        return None
    try:
        number = phonenumbers.parse("+" + typed[2:] if typed.startswith("00") else typed, region)
    except phonenumbers.NumberParseException:
        return None
    if number.extension or not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def is_landline(number: str) -> bool:
    """Whether `number` (E.164) is one that is known to take no texts."""
    return phonenumbers.number_type(phonenumbers.parse(number)) == phonenumbers.PhoneNumberType.FIXED_LINE


def remark_of(text: str) -> str:
    """What stands around the number in `text`, without its brackets; "" where nothing does."""
    typed = _apart(text)
    before = typed.before.rstrip(_BETWEEN + "([")
    behind = typed.behind.lstrip(_BETWEEN + ")]")
    return ", ".join(filter(None, map(_unwrapped, (before, behind))))


def has_digit(text: str) -> bool:
    """Whether `text` may stand as a telephone number: a note such as "012 (mother)" is of use at the desk."""
    return any(sign.isdigit() for sign in text)


def number_alone(text: str, *, region: str | None) -> str:
    """`text` as E.164; as typed where it is a national number and `region` is not known. Raises NotRead."""
    number = e164(text, region=region)
    if remark_of(text):
        raise NotRead("there are words around the number")
    if number is None and (region is not None or text.startswith(("+", "00"))):
        raise NotRead("it is no possible telephone number")
    return number or text


def _apart(text: str) -> _Typed:
    line = plain_line(text)
    found = _NUMBER.search(line)
    if found is None:
        return _Typed(line, "", "")
    return _Typed(line[: found.start()], found.group(), line[found.end() :])


def _unwrapped(remark: str) -> str:
    outer = remark.strip(_BETWEEN)
    wrapped = _WRAPPED.fullmatch(outer)
    return wrapped[1].strip(_BETWEEN) if wrapped else outer
