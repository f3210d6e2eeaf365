"""Follow-up sequences as an administrator writes them (contract §1.5). Mails still due re-read their step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from notifications.models import FollowupSequence, FollowupStep
from staff.storage.storing import found, locked, store_changes, stored
from staff.wire.refusals import BadRequest

STEP_FIELDS = ("delay_days", "subject", "body")

Step = Mapping[str, Any]


def sequences() -> QuerySet[FollowupSequence]:
    """All of them, with their steps in order, in two statements."""
    return FollowupSequence.objects.prefetch_related("steps")


def add_sequence(*, fields: Mapping[str, Any]) -> FollowupSequence:
    """Raises BadRequest."""
    steps = [_without(step, "id") for step in fields.get("steps", ())]
    with transaction.atomic():
        sequence = stored(FollowupSequence(**_without(fields, "steps")))
        _store_steps(sequence, steps)
    return found(sequences(), sequence.pk)


def change_sequence(sequence_id: int, *, fields: Mapping[str, Any]) -> FollowupSequence:
    """What is absent stays; `steps`, when given, are all of its steps from now on.

    A step is the one that has its `id`, else one with its `delay_days`, else a new one: so that a mail
    already due still finds the step it was made for. Raises NotFound, BadRequest.
    """
    with transaction.atomic():
        sequence = locked(FollowupSequence.objects.all(), sequence_id)
        store_changes(sequence, _without(fields, "steps"))
        if "steps" in fields:
            _store_steps(sequence, fields["steps"])
    return found(sequences(), sequence_id)


def remove_sequence(sequence_id: int) -> None:
    """Its mails still due find no step and are not sent. Raises NotFound."""
    with transaction.atomic():
        locked(FollowupSequence.objects.all(), sequence_id).delete()


def _store_steps(sequence: FollowupSequence, wanted: Sequence[Step]) -> None:
    left = {step.pk: step for step in sequence.steps.order_by("delay_days", "id")}
    kept = [_named(left, step, place) for place, step in enumerate(wanted)]
    for place, step in enumerate(wanted):
        row = kept[place] or _of_same_day(left, step) or FollowupStep(sequence=sequence)
        left.pop(row.pk, None)
        _store_step(row, step, place)
    FollowupStep.objects.filter(pk__in=left).delete()


def _named(left: dict[int, FollowupStep], step: Step, place: int) -> FollowupStep | None:
    if step.get("id") is None:
        return None
    if step["id"] not in left:
        raise BadRequest.field(
            f"steps.{place}.id", "This sequence has no such step; name one of its own, once."
        )
    return left.pop(step["id"])


def _of_same_day(left: dict[int, FollowupStep], step: Step) -> FollowupStep | None:
    same = (row for row in left.values() if row.delay_days == step.get("delay_days"))
    return next(same, None)


def _store_step(row: FollowupStep, step: Step, place: int) -> None:
    if row._state.adding:
        missing = [name for name in STEP_FIELDS if name not in step]
        if missing:
            raise BadRequest.field(f"steps.{place}.{missing[0]}", "This field is required.")
    for name in STEP_FIELDS:
        setattr(row, name, step.get(name, getattr(row, name)))
    row.save()


def _without(fields: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if key != name}
