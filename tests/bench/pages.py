"""How long a stranger waits for the first byte of each public page, beside GET of one booking in the same
minutes (contract §9 "measured")."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Mapping

from tests.bench.load import Request, first_bytes

MOST = 25.0
ADDRESSES = 4000
"""So many that none of them comes near the pages' limit for an address."""


def compare_pages(
    port: int, token: str, paths: Mapping[str, str], *, connections: int, rounds: int, seconds: float
) -> list[str]:
    """Rounds in turns, through one proxy; prints medians, 95th percentiles and their ratio to GET one's, and
    gives the pages that take longer than they may. `paths`: the pages by what they are."""
    one = f"GET /api/bookings/500 HTTP/1.1\r\n{_head(port)}Authorization: Bearer {token}\r\n\r\n".encode()
    asked: dict[str, Request] = {"GET one": lambda: one}
    asked |= {name: _from_anywhere(port, path) for name, path in paths.items()}
    waited: dict[str, list[float]] = {name: [] for name in asked}
    for number in range(rounds + 1):
        for name, request in asked.items():
            found = first_bytes(port, request, connections=connections, seconds=seconds)
            waited[name] += found if number else []
    print("\npublic pages, ms to the first byte: median, p95, and its ratio to that of GET one")
    misses = []
    yardstick = _p95(waited["GET one"])
    for name, times in waited.items():
        ratio = _p95(times) / yardstick
        print(
            f"  {name:<28} {statistics.median(times) * 1000:>7.1f} {_p95(times) * 1000:>7.1f} {ratio:>6.1f}"
            f"  of {len(times)}{f'  over {MOST:g}' if ratio > MOST else ''}",
            flush=True,
        )
        if ratio > MOST:
            misses.append(f"{name}: {ratio:.1f} times GET one, at most {MOST:g}")
    return misses


def _from_anywhere(port: int, path: str) -> Request:
    counter = itertools.count()

    def request() -> bytes:
        third, fourth = divmod(next(counter) % ADDRESSES, 250)
        forwarded = f"X-Forwarded-For: 198.18.{third}.{fourth + 1}\r\n"
        return f"GET {path} HTTP/1.1\r\n{_head(port)}{forwarded}\r\n".encode()

    return request


def _head(port: int) -> str:
    return f"Host: 127.0.0.1:{port}\r\n"


def _p95(times: list[float]) -> float:
    return statistics.quantiles(times, n=20)[-1]
