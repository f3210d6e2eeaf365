"""The requirement files are complete: nothing is missing under any Python, and nothing is there for nobody.

They are installed with `--no-deps` (docs/adr/0002), so what is missing would not be noticed by pip.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from tests.install.pins import (
    PROJECT,
    ROOT,
    TO_RUN,
    TO_TEST,
    applies,
    declared,
    environment,
    pins,
    version_of,
)

PRODUCT = ("manage.py", "config", "staff", "clients", "notifications", "bookings")
OURS = {Path(each).stem for each in PRODUCT} | {"tests"}
PYTHONS = ("3.11.2", "3.11.7", "3.12.1", "3.13.5", "3.14.0")
"""Debian 12 has 3.11.2, before the change in asyncio for which redis wants a package of its own."""


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize(("file", "groups"), [(TO_RUN, ()), (TO_TEST, ("dev",))])
def test_what_is_pinned_is_what_is_needed(python: str, file: str, groups: tuple[str, ...]) -> None:
    values, pinned = environment(python), pins(file)
    needed = {canonicalize_name(each.name) for each in _closure(declared(*groups), values, pinned)}
    assert {name for name, pin in pinned.items() if applies(pin, values)} == needed


def test_what_is_pinned_is_what_these_tests_run_with() -> None:
    """Else the other tests here would follow the dependencies of something else."""
    pinned = [pin for pin in pins(TO_TEST).values() if applies(pin, environment())]
    assert [str(pin) for pin in pinned if metadata.version(pin.name) not in pin.specifier] == []


def test_what_runs_the_product_is_what_it_is_tested_with() -> None:
    to_run, to_test = pins(TO_RUN), pins(TO_TEST)
    assert {name: str(pin) for name, pin in to_run.items()} == {name: str(to_test[name]) for name in to_run}


@pytest.mark.parametrize(
    ("sources", "groups"), [(PRODUCT, ()), (("tests",), ("dev", "e2e"))], ids=["product", "tests"]
)
def test_what_is_imported_is_declared(sources: tuple[str, ...], groups: tuple[str, ...]) -> None:
    provided = {module for each in declared(*groups) for module in _modules(each.name)}
    foreign = set(_foreign_imports(sources))
    assert len(foreign) > 20
    assert {f"{path}: {module}" for path, module in foreign if module not in provided} == set()


def test_the_pythons_are_the_same_ones_everywhere() -> None:
    supported = SpecifierSet(PROJECT["project"]["requires-python"])
    minors = [f"3.{minor}" for minor in range(30) if f"3.{minor}" in supported]
    named = [
        each.rpartition(" :: ")[2] for each in PROJECT["project"]["classifiers"] if ":: Python ::" in each
    ]
    assert named == minors
    assert list(dict.fromkeys(python.rpartition(".")[0] for python in PYTHONS)) == minors
    assert PROJECT["tool"]["ruff"]["target-version"] == "py" + minors[0].replace(".", "")
    for text in ("README.md", "Makefile", ".ci/run"):
        assert f"Python ({minors[0]} to {minors[-1]})" in (ROOT / text).read_text(), text


def _closure(
    roots: list[Requirement], values: dict[str, str], pinned: dict[str, Requirement]
) -> Iterator[Requirement]:
    """Every requirement of the roots and of what they require, extras followed; a pin must satisfy each."""
    waiting, seen = list(roots), set()
    while waiting:
        requirement = waiting.pop()
        if str(requirement) in seen:
            continue
        seen.add(str(requirement))
        yield requirement
        name = canonicalize_name(requirement.name)
        assert name in pinned, f"{requirement} is not pinned"
        version = version_of(pinned[name])
        assert requirement.specifier.contains(version, prereleases=True), (
            f"{requirement}, but {version} is pinned"
        )
        waiting += _requires(requirement, values)


def _requires(requirement: Requirement, values: dict[str, str]) -> list[Requirement]:
    """What an installed package requires; nothing where it is not installed (it is for another Python)."""
    try:
        lines = metadata.requires(requirement.name) or []
    except metadata.PackageNotFoundError:
        return []
    return [each for each in map(Requirement, lines) if applies(each, values, requirement.extras)]


def _modules(package: str) -> set[str]:
    """Top-level modules of an installed package; of one that is not, the one of its name."""
    try:
        record = metadata.distribution(package).read_text("RECORD") or ""
    except metadata.PackageNotFoundError:
        return {package}
    return {re.split(r"[/.,]", line)[0] for line in record.splitlines()}


def _foreign_imports(sources: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """File and top-level module of every import that neither we nor Python's library provides."""
    for source in sources:
        path = ROOT / source
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            for node in ast.walk(ast.parse(file.read_text())):
                modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                if isinstance(node, ast.ImportFrom) and not node.level and node.module:
                    modules = [node.module]
                for module in {each.partition(".")[0] for each in modules}:
                    if module not in OURS and module not in sys.stdlib_module_names:
                        yield str(file.relative_to(ROOT)), module
