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
    counts = [0] * connections
    errors: list[Exception] = []
    until = time.monotonic() + seconds

    def ask(number: int) -> None:
        try:
            with _Wire(port) as wire:
                while time.monotonic() < until:
                    wire.ask(request())
                    counts[number] += 1
        except (OSError, Unexpected) as error:
            errors.append(error)

    began = time.monotonic()
    threads = [threading.Thread(target=ask, args=(number,)) for number in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return sum(counts) / (time.monotonic() - began)


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

    def ask(self, request: bytes) -> None:
        self._socket.sendall(request)
        head = b""
        while b"\r\n\r\n" not in head:
            part = self._socket.recv(65536)
            if not part:
                raise ConnectionResetError("closed without an answer")
            head += part
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
