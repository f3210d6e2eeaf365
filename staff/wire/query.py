"""Query parameters, read as strictly as bodies: a bad value is 400 with `details` (contract §1.2).

Names: query_id, query_integer, query_bool, query_date, query_choice, query_text. Each returns None when the
parameter is absent, and raises BadRequest naming it. An empty value (`?staff_id=`) is a bad value.
"""

import re
from collections.abc import Iterable
from datetime import date

from rest_framework.request import Request

from staff.wire.refusals import BadRequest
from staff.wire.text import LARGEST_INTEGER, BadText, check_text
from staff.wire.times import BadTime, parse_date

LONGEST_QUERY_TEXT = 200

_INTEGER = re.compile(r"-?[0-9]{1,19}")
_FLAGS = {"1": True, "true": True, "0": False, "false": False}


def query_id(request: Request, name: str) -> int | None:
    """An id, 1..2^63-1, ASCII digits only."""
    return query_integer(request, name, smallest=1)


def query_integer(
    request: Request, name: str, *, smallest: int = 0, largest: int = LARGEST_INTEGER
) -> int | None:
    """A whole number within the bounds (inclusive), ASCII digits only."""
    text = request.query_params.get(name)
    if text is None:
        return None
    value = int(text) if _INTEGER.fullmatch(text) else smallest - 1
    if not smallest <= value <= largest:
        raise BadRequest.field(name, f"Send a whole number from {smallest} to {largest}.")
    return value


def query_bool(request: Request, name: str) -> bool | None:
    """`1` or `true`, `0` or `false`."""
    text = request.query_params.get(name)
    if text is None:
        return None
    if text not in _FLAGS:
        raise BadRequest.field(name, "Send 1 or 0 (or true, false).")
    return _FLAGS[text]


def query_date(request: Request, name: str) -> date | None:
    """A calendar date `YYYY-MM-DD`."""
    text = request.query_params.get(name)
    if text is None:
        return None
    try:
        return parse_date(text)
    except BadTime as refused:
        raise BadRequest.field(name, refused.message) from None


def query_choice(request: Request, name: str, choices: Iterable[str]) -> str | None:
    """One of `choices`; the refusal names them all."""
    text = request.query_params.get(name)
    if text is None:
        return None
    known = list(choices)
    if text not in known:
        raise BadRequest.field(name, f"Send one of: {', '.join(known)}.")
    return text


def query_text(request: Request, name: str, *, longest: int = LONGEST_QUERY_TEXT) -> str | None:
    """A text of at most `longest` characters, such as a search."""
    text = request.query_params.get(name)
    if text is None:
        return None
    if len(text) > longest:
        raise BadRequest.field(name, f"Send at most {longest} characters.")
    try:
        return check_text(text)
    except BadText as refused:
        raise BadRequest.field(name, refused.message) from None
