"""`make test ARGS=...` with whatever pytest takes: what asks for no database has run in the first pass."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTHING_RAN = pytest.ExitCode.NO_TESTS_COLLECTED


@pytest.mark.parametrize(
    ("options", "ended"),
    [(("--second-pass", "-n1"), pytest.ExitCode.OK), (("-k", "no_such_test"), NOTHING_RAN)],
)
def test_only_a_second_pass_may_find_nothing_left_to_do(options: tuple[str, ...], ended: int) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        *options,
        "tests/whole/test_logs.py",
    ]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == ended, done.stdout + done.stderr
