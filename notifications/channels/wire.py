"""One request to one provider: connected first, then handed over once (docs/adr/0102).

Names: connected, Wire, Reply, NotConnected, Unanswered.
"""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

import certifi
from urllib3 import HTTPResponse
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from notifications.handlers import TryLater
from notifications.mail import OutcomeUnknown

CONNECT_SECONDS = 4.0
TIMEOUT_SECONDS = 10.0
MOST_READ = 64 * 1024
BROKEN = (HTTPError, HTTPException, OSError)


@dataclass(frozen=True, slots=True)
class Reply:
    """`data`: the JSON it said; an empty object where that is none. `retry_after` in seconds."""

    status: int
    data: Any
    retry_after: int | None = None


class Wire:
    """A connection that stands, for one request."""

    def __init__(self, connection: HTTPConnection, path: str) -> None:
        self._connection = connection
        self._path = path

    def post(self, path: str, *, body: bytes, headers: Mapping[str, str]) -> Reply:
        """Raises OutcomeUnknown when no whole answer came: the provider may have taken it."""
        until = time.monotonic() + TIMEOUT_SECONDS
        sent = {"User-Agent": "Bookings", "Accept-Encoding": "identity", "Connection": "close", **headers}
        self._connection.timeout = TIMEOUT_SECONDS
        if self._connection.sock is not None:
            self._connection.sock.settimeout(TIMEOUT_SECONDS)
        try:
            self._connection.request(
                "POST", self._path + path, body=body, headers=sent, preload_content=False
            )
            response = self._connection.getresponse()
            return Reply(response.status, _json(_whole(response, until=until)), _retry_after(response))
        except BROKEN as error:
            raise OutcomeUnknown(f"No answer to the text: {type(error).__name__}") from error


@contextmanager
def connected(base: str) -> Iterator[Wire]:
    """To the server of this address. Raises TryLater when it cannot be reached: nothing has left."""
    parts = urlsplit(base)
    host, timeout = parts.hostname or "", CONNECT_SECONDS
    connection: HTTPConnection
    if parts.scheme == "https":
        connection = HTTPSConnection(host, parts.port or 443, timeout=timeout, ssl_context=_trust())
    else:
        connection = HTTPConnection(host, parts.port or 80, timeout=timeout)
    try:
        try:
            connection.connect()
        except BROKEN as error:
            raise TryLater(f"The provider cannot be reached: {type(error).__name__}") from error
        yield Wire(connection, parts.path.rstrip("/"))
    finally:
        connection.close()


@cache
def _trust() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


def _whole(response: HTTPResponse, *, until: float) -> bytes:
    read = b""
    while len(read) < MOST_READ:
        if time.monotonic() > until:
            raise TimeoutError
        piece = response.read1(MOST_READ - len(read))
        if not piece:
            break
        read += piece
    return read


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return {}


def _retry_after(response: HTTPResponse) -> int | None:
    said = response.headers.get("Retry-After", "")
    return int(said) if said.isascii() and said.isdigit() and len(said) <= 6 else None
