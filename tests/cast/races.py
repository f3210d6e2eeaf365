"""Real threads for the tests of races."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connection

from staff.wire.refusals import Refused


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """What the calls gave back, each run in a thread and on a connection of its own, begun together."""
    ready = threading.Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        try:
            connection.ensure_connection()
            ready.wait(timeout=100)
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result(timeout=200) for future in [pool.submit(run, call) for call in calls]]


def answered(call: Callable[[], Any]) -> Callable[[], str]:
    """The call's outcome as a word: "done", or the code of its refusal. Any other exception escapes."""

    def run() -> str:
        try:
            call()
        except Refused as refused:
            return refused.code
        return "done"

    return run
