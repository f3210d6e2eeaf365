"""What a run asked, what it found, and whether every promise was kept."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any


class Ledger:
    """The printed account of one fault run."""

    def __init__(self, name: str, title: str, sizes: str) -> None:
        self.name = name
        self.broken: list[str] = []
        self.skipped = ""
        self._began = time.monotonic()
        print(f"\n=== {name}  {title}\n    sizes    {sizes}", flush=True)

    def say(self, what: str, text: str) -> None:
        """A line of the account: `what` is asked, faults, found or the like."""
        print(f"    {what:<8} {text}", flush=True)

    def promise(self, text: str, *, kept: bool, found: str = "") -> None:
        """One promise and what was found of it; one that is broken makes the run fail."""
        if not kept:
            self.broken.append(text)
        print(f"    {'kept' if kept else 'BROKEN':<8} {text}{': ' if found else ''}{found}", flush=True)

    def skip(self, reason: str) -> None:
        self.skipped = reason
        print(f"    {'!' * 8} SKIPPED: {reason}", flush=True)

    def close(self) -> None:
        print(f"    verdict  {self.verdict} in {time.monotonic() - self._began:.0f} s", flush=True)

    @property
    def verdict(self) -> str:
        if self.broken:
            return f"BROKEN ({len(self.broken)})"
        return "SKIPPED" if self.skipped else "kept"


class Requests:
    """The clients' own ledger: a line before each request and one after it (ok, fail, unknown)."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", buffering=1)
        self._lock = threading.Lock()
        self._last = 0
        self.statuses: Counter[int] = Counter()
        self.outcomes: Counter[str] = Counter()

    def begin(self, what: str, body: Any) -> int:
        with self._lock:
            self._last += 1
            number = self._last
            self._write({"n": number, "at": time.time(), "ask": what, "body": body})
        return number

    def end(self, number: int, *, outcome: str, status: int, seconds: float) -> None:
        with self._lock:
            self.statuses[status] += 1
            self.outcomes[outcome] += 1
            self._write(
                {"n": number, "at": time.time(), "outcome": outcome, "status": status, "took": seconds}
            )

    def close(self) -> None:
        self._file.close()

    @property
    def asked(self) -> str:
        return f"{self._last} requests: {counted(self.outcomes)}; answers {counted(self.statuses)}"

    def _write(self, line: dict[str, Any]) -> None:
        self._file.write(json.dumps(line) + "\n")


def counted(counts: Counter[Any]) -> str:
    """`{200: 15, 409: 945}` as words, most frequent first."""
    return ", ".join(f"{count} x {name}" for name, count in counts.most_common()) or "none"


def spread(seconds: Iterable[float]) -> str:
    """Median, 99th percentile and largest of these, in milliseconds."""
    ordered = sorted(seconds)
    if not ordered:
        return "none"
    p50, p99 = ordered[len(ordered) // 2], ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    return f"median {p50 * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms, longest {ordered[-1] * 1000:.0f} ms"
