"""The input gate: what a body must be before any field is read (contract §0).

Names: parse_json, parse_object, GateParser, has_body, require_body, read_body, check_text.

A body is UTF-8 JSON without BOM, at most 256 kB and 32 levels deep, without NaN, Infinity or a number that
overflows (1e999), without duplicate keys; integers lie within signed 64 bits; strings and keys have at most
10,000 characters and hold neither NUL nor a lone surrogate. Native endpoints and dialects take an object.

Empty bodies. REST framework never calls a parser for a body of no bytes: `request.data` is then `{}`, which
is right for a POST that needs none. Where an empty body is an error, inherit from `GatedView` of
`staff.wire.views` (PUT and PATCH by default) or call `require_body(request)`; `{}` in the body passes both.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import IO, Any, NoReturn

from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest
from django.utils.http import parse_header_parameters
from gunicorn.http.errors import ParseException
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from staff.wire.refusals import BadRequest, TooLarge, UnsupportedMedia
from staff.wire.text import LARGEST_INTEGER, LONGEST_STRING, SMALLEST_INTEGER, BadText, check_text

LARGEST_BODY = 256 * 1024
DEEPEST = 32
LENGTH_OF_TOO_MANY = 18
"""A Content-Length of so many digits is too large whatever follows, and int() takes no more than 4300."""

UTF_8 = ("utf-8", "utf8")

_BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_BRACKETS_OUTSIDE_STRINGS = re.compile(r'"(?:[^"\\]++|\\.)*+"?|([\[{])|([\]}])', re.DOTALL)
_LONGEST_INTEGER = len(str(SMALLEST_INTEGER))

__all__ = [
    "BadJson",
    "GateParser",
    "check_text",
    "has_body",
    "parse_json",
    "parse_object",
    "read_body",
    "require_body",
]


class BadJson(BadRequest, ValueError):
    """A body that does not pass the gate."""

    code = "invalid_json"
    message = "The body is not valid JSON."


class EmptyBody(BadRequest):
    code = "empty_body"
    message = "The body is empty; send a JSON object."


class IncompleteBody(BadRequest):
    code = "incomplete_body"
    message = "The body was cut off; send it again."


def parse_json(body: bytes) -> Any:
    """The JSON value in `body`. Raises BadJson, TooLarge (over 256 kB) or EmptyBody (nothing but blanks)."""
    if len(body) > LARGEST_BODY:
        raise TooLarge()
    if body.startswith(_BOMS):
        raise BadJson("The body starts with a byte order mark; send UTF-8 without it.")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as broken:
        raise BadJson(f"The body is not valid UTF-8 (at byte {broken.start}).") from None
    if not text.strip():
        raise EmptyBody()
    _check_depth(text)
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as broken:
        raise BadJson(
            f"The body is not valid JSON: {broken.msg} (line {broken.lineno}, column {broken.colno})."
        ) from None
    if len(text) > LONGEST_STRING or "\\u" in text:
        _check_texts(value)
    return value


def parse_object(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`. Raises BadJson also for any other JSON value."""
    value = parse_json(body)
    if not isinstance(value, dict):
        raise BadJson(f"The body must be a JSON object {{...}}, not {_kind(value)}.")
    return value


class GateParser(BaseParser):
    """Reads `application/json` in UTF-8 into a dict. Raises as `parse_object` does, and UnsupportedMedia."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[bytes] | HttpRequest,
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        _, parameters = parse_header_parameters(media_type or "")
        if parameters.get("charset", "utf-8").lower() not in UTF_8:
            raise UnsupportedMedia()
        return parse_object(stream.read(LARGEST_BODY + 1))


def has_body(request: Request | HttpRequest) -> bool:
    """Whether any byte came; `JsonEdgeMiddleware` has made Content-Length true by then."""
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0) > 0
    except ValueError:
        return False


def require_body(request: Request | HttpRequest) -> None:
    """Raises EmptyBody (400) when no byte came."""
    if not has_body(request):
        raise EmptyBody()


def read_body(request: WSGIRequest) -> bytes:
    """The bytes of the body. Raises TooLarge over 256 kB, IncompleteBody when it does not come whole.

    A chunked body has no Content-Length, so Django would take it for empty: it is read up to its own end,
    where the server says that it marks one (`wsgi.input_terminated`). Chunks that are none, gunicorn notices
    only while they are read.
    """
    stated = _stated_length(request)
    if stated is None:
        wanted = LARGEST_BODY + 1 if request.environ.get("wsgi.input_terminated") else 0
    else:
        wanted = stated
    if wanted > LARGEST_BODY + 1:
        raise TooLarge()
    try:
        body: bytes = request.environ["wsgi.input"].read(wanted) if wanted else b""
    except (OSError, ParseException):
        raise IncompleteBody() from None
    if len(body) > LARGEST_BODY:
        raise TooLarge()
    if stated is not None and len(body) < stated:
        raise IncompleteBody()
    return body


def _stated_length(request: WSGIRequest) -> int | None:
    stated = request.META.get("CONTENT_LENGTH") or ""
    if not re.fullmatch(r"[0-9]+", stated):
        return None
    return int(stated.lstrip("0")[:LENGTH_OF_TOO_MANY] or "0")


def _check_depth(text: str) -> None:
    """Counts brackets outside strings before any decoder runs, so that depth cannot become recursion."""
    if text.count("[") + text.count("{") <= DEEPEST:
        return
    depth = 0
    for match in _BRACKETS_OUTSIDE_STRINGS.finditer(text):
        if match[1]:
            depth += 1
            if depth > DEEPEST:
                raise BadJson(f"The body is nested more than {DEEPEST} levels deep.")
        elif match[2]:
            depth -= 1


def _check_texts(value: Any) -> None:
    for text in _texts(value):
        try:
            check_text(text)
        except BadText as refused:
            raise BadJson(refused.message) from None


def _texts(value: Any) -> Iterator[str]:
    """Every string and key in `value`."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            yield each
        elif isinstance(each, dict):
            yield from each
            waiting.extend(each.values())
        elif isinstance(each, list):
            waiting.extend(each)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise BadJson(f"The key {key[:100]!r} stands twice in one object; send it once.")
            seen.add(key)
    return result


def _finite(literal: str) -> float:
    value = float(literal)
    if not math.isfinite(value):
        raise BadJson(f"The number {literal[:40]} is too large.")
    return value


def _integer(literal: str) -> int:
    value = int(literal) if len(literal) <= _LONGEST_INTEGER else LARGEST_INTEGER + 1
    if not SMALLEST_INTEGER <= value <= LARGEST_INTEGER:
        raise BadJson(f"The number {literal[:40]} is too large; whole numbers have at most 64 bits.")
    return value


def _no_constant(name: str) -> NoReturn:
    raise BadJson(f"{name} is not a JSON number.")


def _kind(value: Any) -> str:
    names = {list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique, parse_float=_finite, parse_int=_integer, parse_constant=_no_constant
)
