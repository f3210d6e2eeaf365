"""What `make test` leaves out of a long sweep; `make e2e` (or LEAVE_NOTHING_OUT=1) leaves out nothing."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

FULL = os.environ.get("LEAVE_NOTHING_OUT") == "1"

Case = TypeVar("Case")


def one_in_five(cases: Iterable[Case], *, number: int = 0) -> Iterator[Case]:
    """Every fifth, beginning elsewhere for every `number`, so that five neighbours try all of them."""
    return iter(cases) if FULL else islice(cases, number % 5, None, 5)
