"""Buffers within a visit: none between neighbouring items of one person (contract §7 "occupation").

Neighbours are two items that one person does one after the other, with less time between them than the
earlier one's buffer after and the later one's before take together. Where there is as much time as that,
both are kept in full (docs/adr/0084). Whoever occupies, holds or searches asks here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple, TypeVar

from staff.models import Service

Length = TypeVar("Length", int, timedelta)


class VisitItem(NamedTuple):
    """One item of a visit, with the buffers it would have alone; times are UTC."""

    staff_id: int
    start_at: datetime
    end_at: datetime
    before: timedelta
    after: timedelta


class Buffers(NamedTuple):
    before: timedelta
    after: timedelta

    @classmethod
    def of(cls, service: Service) -> Buffers:
        return cls(
            timedelta(minutes=service.buffer_before_minutes), timedelta(minutes=service.buffer_after_minutes)
        )


NONE = timedelta()


def least_apart(*, after: Length, before: Length) -> Length:
    """With this much time between them two items of one person keep their buffers; with less, none."""
    return after + before


def buffers_within(items: Sequence[VisitItem]) -> list[Buffers]:
    """What each of the `items` of one visit keeps, in their order; they may be in any."""
    kept = [Buffers(each.before, each.after) for each in items]
    by_person = sorted(range(len(items)), key=lambda place: (items[place][:3], place))
    for earlier, later in pairwise(by_person):
        one, other = items[earlier], items[later]
        between = other.start_at - one.end_at
        if one.staff_id == other.staff_id and between < least_apart(after=one.after, before=other.before):
            kept[earlier] = kept[earlier]._replace(after=NONE)
            kept[later] = kept[later]._replace(before=NONE)
    return kept
