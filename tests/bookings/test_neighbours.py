"""Which buffers the items of one visit keep (contract §7 "occupation"; docs/adr/0084)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bookings.slots.neighbours import Buffers, VisitItem, buffers_within

TEN = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)


def item(who: int, begins: int, ends: int, before: int = 5, after: int = 10) -> VisitItem:
    """In minutes after ten o'clock."""
    minute = timedelta(minutes=1)
    return VisitItem(who, TEN + begins * minute, TEN + ends * minute, before * minute, after * minute)


def kept(*items: VisitItem) -> list[tuple[int, int]]:
    minute = timedelta(minutes=1)
    return [(each.before // minute, each.after // minute) for each in buffers_within(items)]


@pytest.mark.parametrize(
    ("begins", "expected"),
    [
        (30, [(5, 0), (0, 10)]),
        (44, [(5, 0), (0, 10)]),
        (45, [(5, 10), (5, 10)]),
        (20, [(5, 0), (0, 10)]),
    ],
    ids=["at once", "less than both together", "as much as both together", "overlapping"],
)
def test_neighbours_have_no_buffers_between_them(begins: int, expected: list[tuple[int, int]]) -> None:
    assert kept(item(1, 0, 30), item(1, begins, begins + 30)) == expected


def test_another_person_between_or_beside_changes_nothing() -> None:
    assert kept(item(1, 0, 30), item(2, 30, 35), item(1, 35, 60)) == [(5, 0), (5, 10), (0, 10)]
    assert kept(item(1, 0, 30), item(2, 0, 30)) == [(5, 10), (5, 10)]


def test_the_items_may_come_in_any_order() -> None:
    assert kept(item(1, 60, 90), item(1, 0, 30), item(1, 30, 60)) == [(0, 10), (5, 0), (0, 0)]


def test_an_item_alone_keeps_its_own() -> None:
    assert buffers_within([item(1, 0, 30)]) == [Buffers(timedelta(minutes=5), timedelta(minutes=10))]
    assert buffers_within([]) == []
