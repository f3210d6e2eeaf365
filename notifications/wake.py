"""Telling the workers that something is due, without ever holding up or failing the one who says so.

A wake-up is a hint: all of them may be lost, since the clock drains every few seconds anyway. It is
published by a thread of its own, so that a broker that is dead or stalled costs a request nothing; after a
failure the broker is left alone for a few seconds.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import structlog
from celery import current_app
from django.conf import settings
from kombu.exceptions import KombuError, OperationalError

DRAIN = "notifications.tasks.drain"
PAUSE_AFTER_FAILURE_SECONDS = 5.0
LEAST_SECONDS_BETWEEN = 0.02

logger = structlog.get_logger(__name__)


def publish() -> bool:
    """Send one wake-up to the broker; False when the broker did not take it."""
    try:
        current_app.send_task(
            DRAIN, expires=settings.WAKE_UP_EXPIRES_SECONDS, retry=False, ignore_result=True
        )
    except (OperationalError, KombuError, OSError) as error:
        logger.warning("wake_up_lost", error=str(error)[:200])
        return False
    return True


class Bell:
    """Publishes one wake-up for any number of `ring()`s that come while it is busy."""

    def __init__(
        self, publish: Callable[[], bool], *, pause_after_failure: float = PAUSE_AFTER_FAILURE_SECONDS
    ) -> None:
        self._publish = publish
        self._pause_after_failure = pause_after_failure
        self._rung = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def ring(self) -> None:
        """Ask for a wake-up; gives back at once, whatever the broker does."""
        self._rung.set()
        if self._thread is None or not self._thread.is_alive():
            self._start()

    def _start(self) -> None:
        with self._starting:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._publish_for_ever, name="wake-up", daemon=True)
                self._thread.start()

    def _publish_for_ever(self) -> None:
        while self._rung.wait():
            self._rung.clear()
            time.sleep(LEAST_SECONDS_BETWEEN if self._publish() else self._pause_after_failure)


_bell = Bell(publish)


def wake_workers() -> None:
    """Something is due: let a worker look. For `transaction.on_commit(..., robust=True)`."""
    _bell.ring()
