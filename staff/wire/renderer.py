"""JSON out: the renderer, the negotiation that always picks it, and arrays of any length.

Names: OrjsonRenderer, AlwaysJson, json_bytes, stream_array, array_response.

A datetime, date or time that reaches this module is a TypeError: times are printed on the salon's wall clock
by whoever knows it (`staff.wire.times`). A Decimal is printed as a string, never with an exponent.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import chain, islice
from typing import Any

import orjson
from django.http import StreamingHttpResponse
from django.utils.functional import Promise
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.utils.mediatypes import media_type_matches

JSON = "application/json"


def json_bytes(data: Any) -> bytes:
    """`data` as UTF-8 JSON. Raises TypeError for what has no form on the wire, a datetime included."""
    return orjson.dumps(data, default=_printable, option=orjson.OPT_PASSTHROUGH_DATETIME)


class OrjsonRenderer(BaseRenderer):
    media_type = JSON
    format = "json"
    charset = None
    render_style = "binary"

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        return b"" if data is None else json_bytes(data)


class AlwaysJson(BaseContentNegotiation):
    """Answers JSON whatever `Accept` says (contract §0); a view without such a renderer keeps its first."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        content_type = request.content_type
        return next((each for each in parsers if media_type_matches(each.media_type, content_type)), None)

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        known = list(renderers)
        chosen = next((each for each in known if each.media_type == JSON), known[0])
        return chosen, chosen.media_type


def stream_array(chunks: Iterable[Sequence[Mapping[str, Any]]]) -> Iterator[bytes]:
    """One JSON array from lists of items, in the memory of one list.

    The closing bracket is written at the true end only: when `chunks` raises, the array stays open.
    """
    opening = b"["
    for chunk in chunks:
        if chunk:
            yield opening + json_bytes(chunk)[1:-1]
            opening = b","
    yield b"]" if opening == b"," else b"[]"


def array_response(chunks: Iterable[Sequence[Mapping[str, Any]]]) -> StreamingHttpResponse:
    """A 200 with a bare array, streamed; the first list is fetched now: its failure is an error answer."""
    remaining = iter(chunks)
    first = list(islice(remaining, 1))
    return StreamingHttpResponse(stream_array(chain(first, remaining)), content_type=JSON)


def _printable(value: Any) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Promise):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no form on the wire")
