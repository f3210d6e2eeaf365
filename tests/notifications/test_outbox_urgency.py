"""What somebody waits for leaves before what nobody does (contract §10 "first things first")."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from time_machine import Traveller

from notifications import outbox
from notifications.models import Job
from notifications.outbox import Due, Recipient
from tests.cast.outbox import HANDLERS, NOON, SECOND, Optional

pytestmark = [pytest.mark.django_db, pytest.mark.clock_at(NOON)]

THOUSANDS = 10_000


@pytest.fixture(autouse=True)
def _types(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    """`test.optional` is in nobody's hurry."""
    settings.HANDLERS = {**settings.HANDLERS, **HANDLERS}
    monkeypatch.setattr(Optional, "urgency", Job.Urgency.IN_ITS_TURN, raising=False)


def due(type: str, number: int = 0) -> Due:
    return Due(type=type, once_key=f"{type}:{number}", run_at=timezone.now(), to="a@example.com")


def taken_after(place: dict[int, outbox.Place]) -> Job:
    job = outbox.claim(now=timezone.now(), after=place)
    assert job is not None
    place[job.urgency] = outbox.Place(job.run_at, job.pk)
    return job


def test_a_confirmation_made_amid_thousands_of_reminders_is_the_next_to_leave(
    clock: Traveller,
) -> None:
    now = timezone.now()
    Job.objects.bulk_create(
        Job(
            type="test.optional",
            once_key=f"r:{number}",
            urgency=1,
            run_at=now,
            first_run_at=now,
            created_at=now,
        )
        for number in range(THOUSANDS)
    )
    place: dict[int, outbox.Place] = {}
    first = [taken_after(place) for _ in range(5)]
    assert {each.type for each in first} == {"test.optional"}
    clock.shift(SECOND)
    outbox.enqueue([due("test.counted")], now=timezone.now())
    assert taken_after(place).type == "test.counted"
    after = [taken_after(place) for _ in range(3)]
    assert [each.pk for each in after] == [first[-1].pk + number for number in (1, 2, 3)]


def test_what_is_due_longer_leaves_first_only_among_its_own(clock: Traveller) -> None:
    outbox.enqueue([due("test.optional", 1)], now=timezone.now())
    clock.shift(SECOND)
    outbox.enqueue([due("test.optional", 2), due("test.counted", 1)], now=timezone.now())
    clock.shift(SECOND)
    outbox.enqueue([due("test.counted", 2)], now=timezone.now())
    assert outbox.oldest_due(now=timezone.now()) == NOON
    place: dict[int, outbox.Place] = {}
    assert [taken_after(place).once_key for _ in range(4)] == [
        "test.counted:1",
        "test.counted:2",
        "test.optional:1",
        "test.optional:2",
    ]
    assert not outbox.anything_due(now=timezone.now())


def test_a_reminder_that_waits_for_its_next_attempt_holds_up_no_confirmation(
    clock: Traveller,
) -> None:
    """Of the same visit, to the same person: among their own they keep their order."""
    same = {"recipient": Recipient.client(1), "visit_id": 1}
    for number, type in enumerate(("test.optional", "test.counted", "test.optional")):
        outbox.enqueue(
            [Due(type=type, once_key=str(number), run_at=timezone.now(), to="a@example.com", **same)],  # type: ignore[arg-type]
            now=timezone.now(),
        )
    Job.objects.filter(once_key="0").update(run_at=timezone.now() + timedelta(minutes=5))
    place: dict[int, outbox.Place] = {}
    assert taken_after(place).once_key == "1"
    assert outbox.claim(now=timezone.now(), after=place) is None


def test_reminders_reviews_and_follow_ups_can_wait(clock: Traveller) -> None:
    now = timezone.now()
    types = ("visit.reminder", "review.request", "followup.step", "booking.created", "visit.code")
    outbox.enqueue([Due(type=type, once_key=type, run_at=now) for type in types], now=now)
    assert dict(Job.objects.values_list("type", "urgency")) == {
        "visit.reminder": 1,
        "review.request": 1,
        "followup.step": 1,
        "booking.created": 0,
        "visit.code": 0,
    }
