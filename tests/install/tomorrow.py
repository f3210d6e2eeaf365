"""`make test-install`: what gets installed on a day when everything has a newer version is the pins.

An empty clone is installed by its Makefile, with the pip that this Python brings and with the newest one.
Real packages come from where pip gets them on this machine; beside them lies a newer wheel of every one.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from packaging.utils import canonicalize_name

from tests.install.pins import (
    ROOT,
    TO_BROWSE,
    TO_RUN,
    TO_TEST,
    applies,
    environment,
    pins,
    version_of,
    write_wheel,
)

TOMORROWS_VERSION = "99999.0"
STEPS = {
    "installed-run": [TO_RUN],
    "installed-test": [TO_RUN, TO_TEST],
    "installed-e2e": [TO_TEST, TO_BROWSE],
}
NOT_OURS = {"pip", "setuptools", "wheel"}
"""What comes with an environment."""


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="bookings-install-") as folder:
        index = Path(folder) / "index"
        index.mkdir()
        for name in pins(TO_TEST) | pins(TO_BROWSE):
            write_wheel(index, name, TOMORROWS_VERSION)
        return max(_try(Path(folder) / pip, index, pip) for pip in ("own", "newest"))


def _try(clone: Path, index: Path, pip: str) -> int:
    """Installs everything, one file after the other; 1 if anything but the pins is there then."""
    for file in ("Makefile", TO_RUN, TO_TEST, TO_BROWSE):
        (clone / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, clone / file)
    _run(clone, index, "make", "-s", ".venv/bin/python", f"PYTHON={sys.executable}")
    if pip == "newest":
        _run(clone, index, ".venv/bin/python", "-m", "pip", "install", "--quiet", "--upgrade", "pip")
    print(
        f"Python {sys.version.split()[0]}, {_run(clone, index, '.venv/bin/python', '-m', 'pip', '--version')}"
    )
    for step, files in STEPS.items():
        _run(clone, index, "make", "-s", f".venv/{step}", f"PYTHON={sys.executable}")
        listed = json.loads(_run(clone, index, ".venv/bin/python", "-m", "pip", "list", "--format=json"))
        found = {str(canonicalize_name(each["name"])): each["version"] for each in listed}
        wanted = {name: version for file in files for name, version in _pinned(file).items()}
        wrong = {name: found.get(name) for name in wanted if found.get(name) != wanted[name]}
        stray = found.keys() - NOT_OURS - wanted.keys()
        print(
            f"{step}: {len(found)} packages; not the pin: {wrong or 'none'}; not pinned: {stray or 'none'}",
            flush=True,
        )
        if wrong or stray:
            return 1
    return 0


def _pinned(file: str) -> dict[str, str]:
    """Package to version, of every line that is for this Python."""
    return {name: version_of(pin) for name, pin in pins(file).items() if applies(pin, environment())}


def _run(clone: Path, index: Path, *command: str) -> str:
    links = f"{os.environ.get('PIP_FIND_LINKS', '')} {index}"
    done = subprocess.run(
        command,
        cwd=clone,
        env={**os.environ, "PIP_FIND_LINKS": links.strip()},
        check=True,
        text=True,
        stdout=subprocess.PIPE,
    )
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
