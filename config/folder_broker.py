"""Celery's folder transport, safe against a writer that is slow, killed or out of disk.

kombu's own lets a reader see a message while it is being written, and an empty or cut-off file ends
the worker ("Unrecoverable error: JSONDecodeError"). Here a message appears under its name only when it
is whole, and what cannot be read is thrown away: a wake-up may be lost, a worker may not.
"""

from __future__ import annotations

import json
import logging
import os
import time
import uuid
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.exceptions import ChannelError
from kombu.transport import filesystem
from kombu.utils.json import dumps, loads

logger = logging.getLogger(__name__)


class Channel(filesystem.Channel):
    # kombu's own names for the second argument disagree; it is called by position.
    def _put(self, queue: str, message: Any, /, **kwargs: Any) -> None:  # type: ignore[override]
        folder = Path(self.data_folder_out)
        name = f"{time.monotonic_ns():020d}_{uuid.uuid4()}.{queue}.msg"
        draft = folder / f"{name}.new"
        try:
            draft.write_text(dumps(message))
            draft.rename(folder / name)
        except OSError as error:
            raise ChannelError(f"cannot write to {folder}: {error}") from error

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        folder, taken = Path(self.data_folder_in), Path(self.processed_folder)
        for name in sorted(os.listdir(folder)):
            if name.partition(".")[2] != f"{queue}.msg":
                continue
            mine = taken / name
            try:
                (folder / name).rename(mine)
                text = mine.read_text()
                mine.unlink()
                return loads(text)
            except FileNotFoundError:
                continue  # another reader was faster
            except ValueError:
                logger.warning("threw away a wake-up that could not be read: %s", name)
        raise Empty


class Transport(filesystem.Transport):
    Channel = Channel


def tidy(folder: Path) -> None:
    """Before a start: forget old wake-ups, and bindings that a killed process left half written."""
    for old in [*folder.glob("messages/*"), *folder.glob("processed/*")]:
        old.unlink(missing_ok=True)
    for binding in folder.glob("control/*"):
        try:
            json.loads(binding.read_text())
        except ValueError:
            binding.unlink(missing_ok=True)
