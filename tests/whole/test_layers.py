"""Imports run one way, stand at the top of a file, and names say something (docs/adr/0001).

The source is parsed, not imported, so an import guarded by a condition counts like any other.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("config", "staff", "clients", "notifications", "bookings")
DIALECTS = ("simplespa", "amelia", "eagenda")

# From the bottom up: a module may import its own line and every line before it. A folder of the same
# name counts as the module.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("staff.wire",),
    ("staff.storage",),
    ("staff.models", "staff.migrations"),
    ("staff.access", "staff.salon"),
    ("staff.serializers", "staff.printing_settings", "staff.printing"),
    ("staff.admin", "staff.admin_site", "staff.admin_words", "staff.api", "staff.management"),
    ("staff.apps", "staff.urls"),
    ("clients",),
    ("notifications",),
    ("bookings.models", "bookings.errors", "bookings.migrations", "bookings.why_not_sent"),
    (
        "bookings.after_visit",
        "bookings.channel_choice",
        "bookings.kept_totals",
        "bookings.links",
        "bookings.noshow",
        "bookings.quiet_hours",
        "bookings.reminders",
        "bookings.slots",
        "bookings.waitlist",
        "bookings.webhooks",
    ),
    ("bookings.lifecycle",),
    ("bookings.agenda", "bookings.online", "bookings.self_service"),
    ("bookings.mails",),
    ("bookings.dry_run", "bookings.feeds", "bookings.send_again"),
    (
        "bookings.admin",
        "bookings.api",
        "bookings.demo",
        "bookings.jobs",
        "bookings.management",
        "bookings.pages",
        "bookings.personal_data",
    ),
    ("bookings.dialects",),
    ("bookings.apps", "bookings.urls"),
    ("config",),
)
FORBIDDEN_NAMES = {"utils", "helpers", "common", "services", "misc", "core"}
HOMELESS = len(LAYERS)
LONGEST_MODULE = 400
LONGEST_TEST_MODULE = 600


class Import(NamedTuple):
    module: str
    line: int
    imported: str


def _files(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from sorted((ROOT / folder).rglob("*.py"))


def _module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _exists(module: str) -> bool:
    path = ROOT.joinpath(*module.split("."))
    return path.with_suffix(".py").exists() or path.is_dir()


@cache
def _imports(path: Path) -> tuple[Import, ...]:
    """Kept: five tests ask for the same, and to parse a file costs more than to look at what it imports."""
    return tuple(_parsed_imports(path))


def _parsed_imports(path: Path) -> Iterator[Import]:
    module = _module_name(path)
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(module, node.lineno, alias.name)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            source = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                deeper = f"{source}.{alias.name}"
                yield Import(module, node.lineno, deeper if _exists(deeper) else source)


def _our_imports(*folders: str) -> list[Import]:
    return [
        found
        for path in _files(*folders)
        for found in _imports(path)
        if found.imported.split(".")[0] in PACKAGES
    ]


def _layer(module: str) -> int:
    """The line of LAYERS a module stands in; the bottom for the empty package and HOMELESS for a new one."""
    if module in ("bookings", "staff"):
        return 0
    for number, names in enumerate(LAYERS):
        if any(module == name or module.startswith(f"{name}.") for name in names):
            return number
    return HOMELESS


def test_every_module_has_its_place_in_the_order() -> None:
    homeless = [name for path in _files(*PACKAGES) if _layer(name := _module_name(path)) == HOMELESS]
    assert homeless == [], "give each a line in LAYERS"


def test_imports_run_one_way() -> None:
    against = [
        f"{found.module}:{found.line} imports {found.imported}"
        for found in _our_imports(*PACKAGES)
        if _layer(found.imported) > _layer(found.module)
    ]
    assert against == []


def test_nobody_imports_the_wiring() -> None:
    outside = [package for package in PACKAGES if package != "config"]
    assert [found for found in _our_imports(*outside) if found.imported.split(".")[0] == "config"] == []


def test_dialects_know_neither_each_other_nor_the_native_api() -> None:
    against = []
    for found in _our_imports("bookings"):
        if not found.module.startswith("bookings.dialects."):
            continue
        own = found.module.split(".")[2]
        others = [f"bookings.dialects.{name}" for name in DIALECTS if name != own]
        if own in DIALECTS and any(f"{found.imported}.".startswith(f"{name}.") for name in others):
            against.append(found)
        if f"{found.imported}.".startswith("bookings.api.serializers."):
            against.append(found)
    assert against == []


def test_modules_of_one_line_do_not_go_round_in_circles() -> None:
    arrows: dict[str, set[str]] = {}
    for found in _our_imports(*PACKAGES):
        if found.imported != found.module:
            arrows.setdefault(found.module, set()).add(found.imported)
    circles = [path for start in sorted(arrows) if (path := _way_back(start, arrows))]
    assert circles == []


def test_rooms_do_not_go_round_in_circles() -> None:
    arrows: dict[str, set[str]] = {}
    for found in _our_imports(*PACKAGES):
        start, target = _room(found.module), _room(found.imported)
        if start != target and target not in PACKAGES:
            arrows.setdefault(start, set()).add(target)
    circles = [path for start in sorted(arrows) if (path := _way_back(start, arrows))]
    assert circles == []


def _room(module: str) -> str:
    """The folder or file of an app that a module stands in."""
    return ".".join(module.split(".")[:2])


def _way_back(start: str, arrows: dict[str, set[str]]) -> list[str] | None:
    """A shortest way from `start` to itself through modules that run code at import."""
    ways = [[start]]
    seen: set[str] = set()
    while ways:
        way = ways.pop(0)
        for target in sorted(arrows.get(way[-1], ())):
            if target == start:
                return [*way, target]
            if target not in seen:
                seen.add(target)
                ways.append([*way, target])
    return None


def test_imports_stand_at_the_top_of_the_file() -> None:
    inside = [
        f"{_module_name(path)}:{inner.lineno}"
        for path in _files(*PACKAGES)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for inner in ast.walk(node)
        if isinstance(inner, ast.Import | ast.ImportFrom)
    ]
    assert inside == []


def test_no_module_is_named_for_nothing() -> None:
    nameless = [
        str(path.relative_to(ROOT))
        for path in _files(*PACKAGES, "tests")
        if FORBIDDEN_NAMES & set(path.relative_to(ROOT).with_suffix("").parts)
    ]
    assert nameless == []


@pytest.mark.parametrize(
    ("folders", "longest"), [(PACKAGES, LONGEST_MODULE), (("tests",), LONGEST_TEST_MODULE)]
)
def test_no_module_outgrows_its_reader(folders: tuple[str, ...], longest: int) -> None:
    grown = {
        str(path.relative_to(ROOT)): lines
        for path in _files(*folders)
        if "migrations" not in path.parts and (lines := len(path.read_text().splitlines())) > longest
    }
    assert grown == {}
