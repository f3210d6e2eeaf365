"""Follow-up sequences: what a salon says to a client after a visit (contract §1.4)."""

from __future__ import annotations

from django.core.validators import MaxValueValidator
from django.db import models

from staff.storage.columns import LineField, ProseField


class FollowupSequence(models.Model):
    """Steps sent after a completed visit; `service` null means every service."""

    name = LineField(max_length=200)
    service = models.ForeignKey(
        "staff.Service", null=True, blank=True, on_delete=models.PROTECT, related_name="followup_sequences"
    )
    is_active = models.BooleanField(default=True)
    stop_on_rebook = models.BooleanField(default=True)

    class Meta:
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name


class FollowupStep(models.Model):
    """One mail, `delay_days` after the visit, at the salon's `followup_hour`."""

    sequence = models.ForeignKey(FollowupSequence, on_delete=models.CASCADE, related_name="steps")
    delay_days = models.PositiveIntegerField(validators=[MaxValueValidator(3650)])
    subject = LineField(max_length=300)
    body = ProseField()

    class Meta:
        ordering = ["delay_days", "id"]

    def __str__(self) -> str:
        return f"{self.delay_days} d: {self.subject}"
