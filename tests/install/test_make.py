"""The Makefile picks a Python that fits, and installs the pins alone, whatever was published since."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

from tests.install.pins import PROJECT, ROOT, write_wheel

SUPPORTED = SpecifierSet(PROJECT["project"]["requires-python"])
PYTHON_OF_A_VERSION = """#!{python}
import sys
sys.version_info = (*map(int, "{version}".split(".")), "final", 0)
exec(sys.argv[2])
"""
PIP_INTO = """#!/bin/sh
case "$*" in *install*) set -- "$@" --target {folder} ;; esac
exec {python} "$@"
"""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder with the Makefile in it, and an empty one of programs beside it."""
    folder = tmp_path / "clone"
    folder.mkdir()
    (tmp_path / "bin").mkdir()
    shutil.copy(ROOT / "Makefile", folder)
    return folder


def _make(clone: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": f"{clone.parent / 'bin'}:/usr/bin:/bin", **variables}
    return subprocess.run(
        ["make", "-s", *arguments], cwd=clone, env=environment, capture_output=True, text=True, check=False
    )


def _python(clone: Path, name: str, version: str) -> Path:
    program = clone.parent / "bin" / name
    program.write_text(PYTHON_OF_A_VERSION.format(python=sys.executable, version=version))
    program.chmod(0o755)
    return program


def _chosen(clone: Path, **variables: str) -> str:
    return _make(clone, "--eval=show: ; @echo $(BASE_PYTHON)", "show", **variables).stdout.strip()


@pytest.mark.parametrize("version", [f"3.{minor}.0" for minor in range(9, 17)])
def test_a_python_is_taken_if_it_is_supported(clone: Path, version: str) -> None:
    python = _python(clone, "that-python", version)
    assert _chosen(clone, PYTHON=str(python)) == (str(python) if version in SUPPORTED else "")


def test_python3_is_preferred_where_it_fits(clone: Path) -> None:
    _python(clone, "python3", "3.12.1")
    _python(clone, "python3.14", "3.14.0")
    assert _chosen(clone) == "python3"


def test_else_the_newest_that_fits(clone: Path) -> None:
    for name, version in (("python3", "3.9.2"), ("python3.11", "3.11.2"), ("python3.13", "3.13.5")):
        _python(clone, name, version)
    _python(clone, "python3.14", "3.15.0")
    assert _chosen(clone) == "python3.13"


def test_one_that_does_not_fit_is_refused_with_what_would(clone: Path) -> None:
    python = _python(clone, "that-python", "3.10.4")
    refused = _make(clone, ".venv/bin/python", PYTHON=str(python))
    assert refused.returncode != 0
    assert f"Python 3.11, 3.12, 3.13 or 3.14 is needed; {python} is not one." in refused.stdout


@pytest.mark.parametrize(("library", "kept"), [("python3.13", True), ("python3.11", False)])
def test_an_environment_of_another_python_is_made_anew(clone: Path, library: str, kept: bool) -> None:
    """As after an upgrade of the system: the same `.venv/bin/python` is another version then."""
    environment = clone / ".venv"
    (environment / "lib" / library / "site-packages").mkdir(parents=True)
    (environment / "bin").mkdir()
    (environment / "installed-run").touch()
    shutil.copy(_python(clone, "python3", "3.13.5"), environment / "bin" / "python")
    assert _make(clone, "help").returncode == 0
    assert ((environment / "bin").exists(), (environment / "installed-run").exists()) == (kept, kept)


def test_the_pins_are_installed_whatever_was_published_since(clone: Path, tmp_path: Path) -> None:
    """Older pips look up what another package asks for with an extra, take the newest and refuse it.

    So it was with `celery[redis]`, which asks for `kombu[redis]`.
    """
    index = tmp_path / "index"
    index.mkdir()
    pinned = {
        "salon-queue==1.0": write_wheel(index, "salon-queue", "1.0", ("fast: salon-wire[fast]>=1.0",)),
        "salon-wire==1.0": write_wheel(index, "salon-wire", "1.0", ("fast: salon-socket",)),
        "salon-socket==1.0": write_wheel(index, "salon-socket", "1.0"),
    }
    lines = [f"{pin} --hash=sha256:{sha256}\n" for pin, sha256 in pinned.items()]
    (clone / "requirements.txt").write_text("".join(lines).replace("queue==", "queue[fast]=="))
    for name in ("salon-queue", "salon-wire", "salon-socket", "salon-news"):
        write_wheel(index, name, "1.1", ("salon-news",))

    environment = clone / ".venv" / "bin"
    environment.mkdir(parents=True)
    (environment / "python").write_text(PIP_INTO.format(python=sys.executable, folder=tmp_path / "installed"))
    (environment / "python").chmod(0o755)
    sources = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(index), "PIP_CONFIG_FILE": os.devnull}
    done = _make(clone, ".venv/installed-run", **sources)
    assert done.returncode == 0, done.stderr
    found = sorted(path.name for path in (tmp_path / "installed").iterdir())
    assert found == [f"salon_{each}-1.0.dist-info" for each in ("queue", "socket", "wire")]
