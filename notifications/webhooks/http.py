"""One POST to one endpoint: to the addresses that were checked, no longer than ten seconds, no redirects.

Names: post, Answer, NoAnswer.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from http.client import HTTPException

import certifi
from urllib3 import HTTPResponse
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from notifications.webhooks.addresses import Target

TIMEOUT_SECONDS = 10.0
CONNECT_SECONDS = 4.0
MOST_READ = 64 * 1024
LONGEST_EXCERPT = 500
BROKEN = (HTTPError, HTTPException, OSError)


class NoAnswer(Exception):
    """No status came: nobody there, a broken connection, a bad certificate, or too slow."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the receiver said. `excerpt` is the beginning of its body, `retry_after` in seconds."""

    status: int
    excerpt: str
    retry_after: int | None = None


def post(target: Target, addresses: Sequence[str], *, body: bytes, headers: Mapping[str, str]) -> Answer:
    """Send `body` to the first of `addresses` that takes a connection. Raises NoAnswer.

    The certificate is the one of `target.host`. Once a connection stands no other address is tried: the
    receiver may have got it.
    """
    until = time.monotonic() + TIMEOUT_SECONDS
    sent = {
        "Host": target.host_header,
        "Content-Type": "application/json",
        "User-Agent": "Bookings-Webhooks",
        "Accept-Encoding": "identity",
        "Connection": "close",
        **headers,
    }
    with _connected(target, addresses, until=until) as connection, _cut_off(connection, until=until) as late:
        try:
            connection.request(
                "POST", target.path, body=body, headers=sent, preload_content=False, decode_content=False
            )
            response = connection.getresponse()
        except BROKEN as error:
            raise NoAnswer(_sentence(error, late=late.is_set())) from error
        if late.is_set():
            # Cut off within its headers, which reads like their end.
            raise NoAnswer(_sentence(None, late=True))
        return Answer(response.status, _excerpt(_beginning(response)), _retry_after(response))


@contextmanager
def _connected(target: Target, addresses: Sequence[str], *, until: float) -> Iterator[HTTPConnection]:
    why: Exception | None = None
    for address in addresses:
        left = until - time.monotonic()
        if left <= 0:
            break
        connection = _connection(target, address, timeout=min(CONNECT_SECONDS, left))
        try:
            connection.connect()
        except BROKEN as error:
            connection.close()
            why = error
            continue
        try:
            yield connection
        finally:
            connection.close()
        return
    raise NoAnswer(_sentence(why, late=why is None))


def _connection(target: Target, address: str, *, timeout: float) -> HTTPConnection:
    if target.scheme == "http":
        return HTTPConnection(address, target.port, timeout=timeout)
    return HTTPSConnection(
        address,
        target.port,
        timeout=timeout,
        server_hostname=target.host,
        ssl_context=_trust(),
    )


@cache
def _trust() -> ssl.SSLContext:
    """The machine's own authorities (SSL_CERT_FILE too) and the public ones."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


@contextmanager
def _cut_off(connection: HTTPConnection, *, until: float) -> Iterator[threading.Event]:
    """Cuts the connection when time is over, however slowly it drips; the event says that it did."""
    late = threading.Event()
    wire = connection.sock
    left = max(0.0, until - time.monotonic())
    connection.timeout = left + 1

    def cut() -> None:
        late.set()
        if wire is not None:
            with suppress(OSError):
                # Beneath TLS, whose own shutdown is not made for another thread's reading.
                socket.socket.shutdown(wire, socket.SHUT_RDWR)

    timer = threading.Timer(left, cut)
    timer.daemon = True
    timer.start()
    try:
        yield late
    finally:
        timer.cancel()


def _beginning(response: HTTPResponse) -> bytes:
    """At most MOST_READ bytes; what came before a break counts, as the status is known."""
    read = b""
    with suppress(*BROKEN):
        while len(read) < MOST_READ:
            piece = response.read1(MOST_READ - len(read), decode_content=False)
            if not piece:
                break
            read += piece
    return read


def _excerpt(body: bytes) -> str:
    return _plain(body[: 4 * LONGEST_EXCERPT].decode("utf-8", "replace"))


def _plain(text: str) -> str:
    """What can be stored and shown of a stranger's words."""
    return "".join(each if each.isprintable() or each == "\n" else " " for each in text)[:LONGEST_EXCERPT]


def _retry_after(response: HTTPResponse) -> int | None:
    said = response.headers.get("Retry-After", "")
    return int(said) if said.isascii() and said.isdigit() and len(said) <= 6 else None


def _sentence(error: Exception | None, *, late: bool) -> str:
    if late or isinstance(error, TimeoutError) or error is None:
        return f"No answer within {TIMEOUT_SECONDS:g} seconds."
    return _plain(f"No answer: {type(error).__name__}: {error}")
