"""PostgreSQL as we use it (`base`), and how long this process waits for its next word."""

from __future__ import annotations

PATIENCE_SECONDS = 15.0

_patience: float | None = None


def serve_people() -> None:
    """From now on this process waits at most `PATIENCE_SECONDS` for each answer of the server.

    For web and worker. A machine that stands still, or is cut off, says nothing, and the kernel would let us
    wait for a quarter of an hour. Commands that migrate or copy have all the time they need.
    """
    global _patience
    _patience = PATIENCE_SECONDS


def patience() -> float | None:
    """Seconds; None: for ever."""
    return _patience
