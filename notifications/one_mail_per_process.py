"""What a process does one at a time (reliability §1, "raw copies at most one per kill").

A worker that is killed with a mail in hand cannot know whether it was accepted. With one in hand at a time
that is one mail per kill. But a server may be silent about one mail and quick with the next: who takes
longer than LONGEST_TURN keeps its mail, and no longer the others.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator

LONGEST_TURN = 3.0
"""Seconds after which the next one goes ahead."""


class OneAtATime:
    """One after the other, among the threads of this process."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._holder: object | None = None
        self._over_at = 0.0

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for the turn, and have it until the block ends or LONGEST_TURN is over."""
        me = object()
        with self._changed:
            while self._holder is not None and (left := self._over_at - time.monotonic()) > 0:
                self._changed.wait(left)
            self._holder, self._over_at = me, time.monotonic() + LONGEST_TURN
        try:
            yield
        finally:
            with self._changed:
                if self._holder is me:
                    self._holder = None
                    self._changed.notify()
