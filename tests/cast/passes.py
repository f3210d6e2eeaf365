"""Which tests a pass runs, in which order, with how many examples: told from what a test asks for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TypeVar

import pytest

Case = TypeVar("Case")

OF_THE_DATABASE = {"db", "transactional_db", "django_db_setup"}
"""The fixtures of pytest-django that every way to the database goes through."""

MARKS = ("django_db", "servers", "postgres_only", "sqlite_only")

SLOW = 100.0
IN_TRANSACTIONS = 2.0
IN_THE_DATABASE = 1.0
IN_MEMORY = 0.1


_pass = {"second": False}


def note_second_pass() -> None:
    """Called before the first test is imported."""
    _pass["second"] = True


def examples(number: int) -> int:
    """How many examples a property that needs the database is tried with: a third in a second pass.

    The same rules of ours have been tried in the first one; what another database makes of them shows in few.
    """
    return number // 3 if _pass["second"] else number


def some_of(cases: Sequence[Case]) -> Sequence[Case]:
    """All of them; in a second pass every third, for the reason of `examples`."""
    return cases[::3] if _pass["second"] else cases


def is_second_pass() -> bool:
    return _pass["second"]


def depends_on_the_pass(item: pytest.Item) -> bool:
    """Whether another database or broker could make a difference to this test."""
    return item.get_closest_marker("first_pass_alone") is None and _asks_for_servers(item)


def _asks_for_servers(item: pytest.Item) -> bool:
    fixtures = OF_THE_DATABASE & set(getattr(item, "fixturenames", ()))
    return bool(fixtures) or any(item.get_closest_marker(name) for name in MARKS)


def longest_files_first(items: list[pytest.Item]) -> list[pytest.Item]:
    """So that no process is left alone with a long file at the end; inside a file the order stays."""
    files: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        files[item.nodeid.partition("::")[0]].append(item)
    return [each for file in sorted(files.values(), key=_weight, reverse=True) for each in file]


def _weight(file: list[pytest.Item]) -> float:
    """About how long the file takes, in no unit at all."""
    return sum(map(_weight_of_one, file))


def _weight_of_one(item: pytest.Item) -> float:
    if item.get_closest_marker("slow") or item.get_closest_marker("timeout"):
        return SLOW
    if not _asks_for_servers(item):
        return IN_MEMORY
    marker = item.get_closest_marker("django_db")
    return IN_TRANSACTIONS if marker and marker.kwargs.get("transaction") else IN_THE_DATABASE
