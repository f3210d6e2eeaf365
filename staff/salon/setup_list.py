"""The set-up list on admin's first page: what a new salon still has to do (contract §11 "Admin").

`settings.SETUP_LINES` names the functions, in the order in which they are shown: an app adds its own without
this room knowing it. Each is called once for a page, with the salon's settings, and asks at most one
statement.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from django.conf import settings
from django.utils.module_loading import import_string

from staff.models import SalonSettings


class SetupLine(NamedTuple):
    """`title` names the matter, `todo` says in one sentence what to do, `address` is where. In the reader's
    language."""

    title: str
    todo: str
    done: bool
    address: str


FindsLine = Callable[[SalonSettings], SetupLine | None]
"""None: nothing of it concerns this salon."""


class SetupList(NamedTuple):
    lines: Sequence[SetupLine]

    @property
    def left(self) -> int:
        """How many lines have no tick."""
        return sum(not each.done for each in self.lines)


def setup_list(salon: SalonSettings) -> SetupList:
    finders: list[FindsLine] = [import_string(path) for path in settings.SETUP_LINES]
    lines = (find(salon) for find in finders)
    return SetupList([each for each in lines if each is not None])
