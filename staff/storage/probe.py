"""Looking at something that may hang, such as a server that stands still."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import structlog

Found = TypeVar("Found")

logger = structlog.get_logger(__name__)


@dataclass(slots=True)
class Probe(Generic[Found]):
    """Looks at something that may hang, in a thread of its own; never more than one at a time.

    Whoever asks meanwhile waits for the same look, so that a server that hangs costs one thread.
    """

    look: Callable[[], Found]
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _running: Future[Found | None] | None = None

    def begin(self) -> Future[Found | None]:
        with self._lock:
            if self._running is None:
                look: Future[Found | None] = Future()
                threading.Thread(target=self._carry_out, args=(look,), daemon=True).start()
                # Only now: where no thread can be had, the next one who asks tries again.
                self._running = look
            return self._running

    def _carry_out(self, future: Future[Found | None]) -> None:
        found = None
        try:
            found = self.look()
        except Exception:
            logger.exception("probe_failed")
        with self._lock:
            self._running = None
        future.set_result(found)


def wait_for(future: Future[Found | None], *, seconds: float) -> Found | None:
    """What was found by then; None when it failed or is still hanging."""
    try:
        return future.result(timeout=max(0.0, seconds))
    except TimeoutError:
        return None
