"""Amelia's one address: which call it is, and its parameters (contract §3).

`?action=wpamelia_api&call=/api/v1/<path>&<query>`; `call` may be percent-encoded, and the query may stand
inside the encoded call as well, behind `?` or `&`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from django.http import QueryDict
from rest_framework.request import Request

from bookings.dialects.amelia.codes import STATUSES
from staff.wire.refusals import BadRequest, NotFound
from staff.wire.text import LARGEST_INTEGER, check_text
from staff.wire.times import BadTime, parse_date

ACTION = "wpamelia_api"
PREFIX = "/api/v1"
LARGEST_PAGE = 10**12
MOST_IDS = 500

_INTEGER = re.compile(r"[0-9]{1,19}")
_INDEXED = re.compile(r"\[[0-9]{0,9}\]")
_FLAGS = {"1": True, "true": True, "0": False, "false": False}


class UnknownCall(NotFound):
    code = "unknown_call"
    message = "There is no such call; check the path after /api/v1."


@dataclass(frozen=True, slots=True)
class Call:
    """The path after /api/v1, without a slash at its end, and every value of every parameter."""

    path: str
    values: dict[str, list[str]]

    def text(self, name: str, *, longest: int = 200) -> str | None:
        """The last value sent; None when absent or empty."""
        text = self.values.get(name, [""])[-1].strip()
        if len(text) > longest:
            raise BadRequest.field(name, f"send at most {longest} characters.")
        return text or None

    def count(self, name: str, *, largest: int = LARGEST_INTEGER) -> int | None:
        """A whole number from 1."""
        text = self.text(name)
        if text is None:
            return None
        if not _INTEGER.fullmatch(text) or not 1 <= int(text) <= largest:
            raise BadRequest.field(name, "send a whole number from 1.")
        return int(text)

    def flag(self, name: str) -> bool:
        text = self.text(name)
        if text is not None and text not in _FLAGS:
            raise BadRequest.field(name, "send 1 or 0 (or true, false).")
        return text is not None and _FLAGS[text]

    def ids(self, name: str) -> list[int]:
        """Ids, separated by commas or repeated as `name[]`."""
        texts = self.parts(name)
        ids = [int(text) for text in texts if _INTEGER.fullmatch(text)]
        if (
            len(ids) < len(texts)
            or len(ids) > MOST_IDS
            or not all(1 <= each <= LARGEST_INTEGER for each in ids)
        ):
            raise BadRequest.field(name, f"send at most {MOST_IDS} ids, such as 1,2.")
        return ids

    def statuses(self, name: str) -> list[str]:
        texts = self.parts(name)
        if set(texts) - set(STATUSES):
            raise BadRequest.field(name, f"send one of {', '.join(STATUSES)}.")
        return texts

    def dates(self, name: str) -> tuple[date, date] | None:
        """First and last salon date, both included; one date alone is that day."""
        texts = self.parts(name)
        if not texts:
            return None
        if len(texts) > 2:
            raise BadRequest.field(name, "send the first and the last date, such as 2026-03-10,2026-03-11.")
        first, last = (_date(name, text) for text in (texts[0], texts[-1]))
        if last < first:
            raise BadRequest.field(name, "the last date must not be before the first.")
        return first, last

    def parts(self, name: str) -> list[str]:
        """The comma-separated parts of all values, blanks dropped."""
        parts = (part.strip() for value in self.values.get(name, []) for part in value.split(","))
        return [part for part in parts if part]


def call_of(request: Request) -> Call:
    """Raises BadRequest for another action, UnknownCall for what is not under /api/v1."""
    if request.query_params.get("action") != ACTION:
        raise BadRequest(f"Send action={ACTION}.", code="wrong_action")
    path, inner = _split(request.query_params.get("call", ""))
    if path != PREFIX and not path.startswith(PREFIX + "/"):
        raise UnknownCall
    values: dict[str, list[str]] = {}
    for query in (request.query_params, QueryDict(inner)):
        for name, sent in query.lists():
            if name not in ("action", "call"):
                values.setdefault(_INDEXED.sub("", name), []).extend(map(check_text, sent))
    return Call(path=path.removeprefix(PREFIX).rstrip("/"), values=values)


def _split(call: str) -> tuple[str, str]:
    """The path, and the query that came inside the call."""
    match = re.search(r"[?&]", call)
    return (call, "") if match is None else (call[: match.start()], call[match.end() :])


def _date(name: str, text: str) -> date:
    try:
        return parse_date(text)
    except BadTime as refused:
        raise BadRequest.field(name, refused.message) from None
