"""A client that costs little: raw sockets kept open, requests made beforehand, answers read by length."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable

Request = Callable[[], bytes]


class Unexpected(Exception):
    """An answer other than 200."""


def calls_per_second(port: int, request: Request, *, connections: int, seconds: float) -> float:
    """Calls answered 200 per second by so many connections that ask one after the other.

    Raises Unexpected with the answer when one is not 200.
    """
    began = time.monotonic()
    calls = len(first_bytes(port, request, connections=connections, seconds=seconds))
    return calls / (time.monotonic() - began)


def first_bytes(port: int, request: Request, *, connections: int, seconds: float) -> list[float]:
    """As `calls_per_second`; of each call the seconds until its first byte."""
    waits: list[float] = []
    errors: list[Exception] = []
    until = time.monotonic() + seconds

    def ask() -> None:
        try:
            with _Wire(port) as wire:
                while time.monotonic() < until:
                    waits.append(wire.ask(request()))
        except (OSError, Unexpected) as error:
            errors.append(error)

    threads = [threading.Thread(target=ask) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return waits


class _Wire:
    """One connection; opened again when the server has closed it between two calls."""

    def __init__(self, port: int) -> None:
        self._port = port

    def __enter__(self) -> _Wire:
        self._open()
        return self

    def __exit__(self, *error: object) -> None:
        self._socket.close()

    def _open(self) -> None:
        self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=30)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, request: bytes) -> float:
        """The seconds until the first byte; the rest is read too."""
        began = time.perf_counter()
        self._socket.sendall(request)
        head = self._part()
        waited = time.perf_counter() - began
        while b"\r\n\r\n" not in head:
            head += self._part()
        lines, _, body = head.partition(b"\r\n\r\n")
        length = int(lines.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        got = len(body)
        while got < length:
            got += len(self._socket.recv(65536))
        if b" 200 " not in lines[:15]:
            raise Unexpected((lines + body)[:600].decode(errors="replace"))
        if b"connection: close" in lines.lower():
            self._socket.close()
            self._open()
        return waited

    def _part(self) -> bytes:
        part = self._socket.recv(65536)
        if not part:
            raise ConnectionResetError("closed without an answer")
        return part
