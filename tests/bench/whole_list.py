"""The bare array of all bookings: what it takes of a web process, and how long the first byte takes."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path

from tests.chaos.house import House

MOST_MEGABYTES = 150
MOST_SECONDS = 1.0
"""Until the first byte."""


def compare_whole_list(house: House) -> list[str]:
    """Prints both for one caller who reads as fast as it comes; gives what takes more than it may.

    The web is started anew, as its processes keep what earlier calls have made them ask for.
    """
    workers = len(house.web.children())
    house.web.end()
    house.start(web=workers)
    ended = threading.Event()
    peak = [_largest(house)]

    def watch() -> None:
        while not ended.wait(0.1):
            peak[0] = max(peak[0], _largest(house))

    before, watching = peak[0], threading.Thread(target=watch)
    watching.start()
    try:
        first_byte, took, size = _read(house)
    finally:
        ended.set()
        watching.join()
    print(
        f"\nthe bare array of all bookings, {size / 2**20:,.0f} MB in {took:.0f} s\n"
        f"  first byte after {first_byte:.2f} s, at most {MOST_SECONDS:g}; "
        f"a web process {before:.0f} MB before, {peak[0]:.0f} MB at most, may {MOST_MEGABYTES}",
        flush=True,
    )
    misses = [] if first_byte <= MOST_SECONDS else [f"bare array: first byte after {first_byte:.2f} s"]
    return [*misses, *([] if peak[0] < MOST_MEGABYTES else [f"bare array: {peak[0]:.0f} MB"])]


def _largest(house: House) -> float:
    """Resident megabytes of the largest web process."""
    return max(_resident(pid) for pid in house.web.children())


def _resident(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def _read(house: House) -> tuple[float, float, int]:
    """Seconds to the first byte and to the last, and the bytes. Raises ValueError unless it is whole."""
    head = (
        f"Host: 127.0.0.1:{house.port}\r\nAuthorization: Bearer {house.salon.token}\r\nConnection: close\r\n"
    )
    size, tail = 0, b""
    with socket.create_connection(("127.0.0.1", house.port), timeout=60) as wire:
        began = time.perf_counter()
        wire.sendall(f"GET /api/bookings HTTP/1.1\r\n{head}\r\n".encode())
        part = wire.recv(65536)
        first_byte = time.perf_counter() - began
        if not part.startswith(b"HTTP/1.1 200"):
            raise ValueError(part[:300])
        while part:
            size, tail = size + len(part), (tail + part)[-16:]
            part = wire.recv(65536)
    if b"]" not in tail:
        raise ValueError(f"cut off: {tail!r}")
    return first_byte, time.perf_counter() - began, size
