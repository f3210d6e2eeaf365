"""The previous release: what it is, and its code and requirements in a folder of its own.

When a release is made, this file is all that moves on: its name, its commit and the last migrations in it;
then `python -m tests.upgrade.record`.
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

NAME = "v0.2.0"
COMMIT = "9663cc2fa4b6635324c477934ac57c39f56f0b56"
LAST_MIGRATIONS = {
    "staff": "0002_settings_row",
    "clients": "0001_initial",
    "notifications": "0003_webhook_deliveries",
    "bookings": "0004_stripe_session_states",
}


class Missing(Exception):
    """What this copy of the project lacks to run the previous release; the message says what would help."""


class Release:
    """Code in a folder, and the Python with its requirements."""

    def __init__(self, folder: Path, python: Path) -> None:
        self.folder, self.python = folder, python


def today() -> Release:
    """The code of this folder, with the Python that runs now."""
    return Release(ROOT, Path(sys.executable))


def previous() -> Release:
    """The previous release in `.venv/releases/`, put there once. Raises Missing."""
    folder = ROOT / ".venv" / "releases" / NAME
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        unfinished = folder.with_name(f"{NAME}.part")
        unfinished.mkdir(exist_ok=True)
        _export(unfinished)
        unfinished.rename(folder)
    done = subprocess.run(
        ["make", "-s", ".venv/installed-run", f"PYTHON={sys.executable}"], cwd=folder, check=False
    )
    if done.returncode:
        raise Missing(f"its requirements cannot be installed; make .venv/installed-run in {folder} says why.")
    return Release(folder, folder / ".venv" / "bin" / "python")


def _export(folder: Path) -> None:
    with tempfile.TemporaryFile() as archive:
        done = subprocess.run(
            ["git", "archive", COMMIT], cwd=ROOT, stdout=archive, stderr=subprocess.PIPE, check=False
        )
        if done.returncode:
            raise Missing(f"git does not have {NAME} ({COMMIT[:12]}): {done.stderr.decode().strip()}")
        archive.seek(0)
        with tarfile.open(fileobj=archive) as files:
            files.extractall(folder, filter="data")
