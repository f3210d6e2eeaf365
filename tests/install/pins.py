"""What the requirement files pin, and packages that somebody else publishes tomorrow."""

from __future__ import annotations

import base64
import hashlib
import platform
import re
import tomllib
import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent.parent
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
TO_RUN, TO_TEST, TO_BROWSE = "requirements.txt", "requirements-dev.txt", "tests/e2e/requirements.txt"


def declared(*groups: str) -> list[Requirement]:
    """What pyproject.toml asks for to run the product, and for these groups beside it."""
    lines = [*PROJECT["project"]["dependencies"]]
    lines += [line for group in groups for line in PROJECT["dependency-groups"][group]]
    return [Requirement(line) for line in lines]


def pins(file: str) -> dict[str, Requirement]:
    """Package to its line in one of the files, marker and extras included, hashes left out."""
    found: dict[str, Requirement] = {}
    for line in (ROOT / file).read_text().replace("\\\n", "").splitlines():
        written, *hashes = line.split("--hash=")
        assert hashes, f"{file}: no hash: {line}"
        requirement = Requirement(written)
        name = canonicalize_name(requirement.name)
        assert re.fullmatch(r"==[^*,]+", str(requirement.specifier)), f"{file}: no pin: {written}"
        assert name not in found, f"{file}: pinned twice: {name}"
        found[name] = requirement
    return found


def environment(python: str = platform.python_version()) -> dict[str, str]:
    """The values of markers on this machine, under this Python or another version of it."""
    values = {name: str(value) for name, value in default_environment().items()}
    minor = python.rpartition(".")[0]
    return values | {"python_full_version": python, "implementation_version": python, "python_version": minor}


def applies(requirement: Requirement, values: dict[str, str], extras: Collection[str] = ()) -> bool:
    """Whether its marker says so, for the package alone or for one of these extras of it."""
    marker = requirement.marker
    return marker is None or any(marker.evaluate({**values, "extra": extra}) for extra in ("", *extras))


def version_of(pin: Requirement) -> str:
    return str(pin.specifier).removeprefix("==")


def write_wheel(folder: Path, name: str, version: str, requires: tuple[str, ...] = ()) -> str:
    """A wheel with nothing in it but what it requires; returns its sha256.

    A requirement written `extra: name` is one of that extra.
    """
    stem = name.replace("-", "_")
    metadata = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    for each in requires:
        extra, _, required = each.rpartition(": ")
        metadata += [f"Provides-Extra: {extra}"] if extra else []
        metadata += [f"Requires-Dist: {required}" + (f' ; extra == "{extra}"' if extra else "")]
    texts = {
        f"{stem}-{version}.dist-info/METADATA": "\n".join(metadata) + "\n",
        f"{stem}-{version}.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = [f"{path},{_record_hash(text)},{len(text)}" for path, text in texts.items()]
    texts[f"{stem}-{version}.dist-info/RECORD"] = "\n".join(
        [*record, f"{stem}-{version}.dist-info/RECORD,,", ""]
    )
    wheel = folder / f"{stem}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, text in texts.items():
            archive.writestr(path, text)
    return hashlib.sha256(wheel.read_bytes()).hexdigest()


def _record_hash(text: str) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest())
    return "sha256=" + digest.rstrip(b"=").decode()
