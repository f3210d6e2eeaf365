"""When clients are reminded of their visits, and of which one a message reminded whom (contract §10)."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from bookings.models.visit import Visit
from staff.storage.columns import LineField

LONGEST_DAYS = 14
LONGEST_MINUTES = LONGEST_DAYS * 1440


class ReminderRule(models.Model):
    """One reminder of every visit that it is for: so many minutes before its start (elapsed time), or so many
    dates before it at a time of the salon's wall clock."""

    class Channel(models.TextChoices):
        MAIL = "mail", "Mail"
        SMS = "sms", "Text message (SMS)"

    MOST: ClassVar[int] = 5

    name = LineField(max_length=200)
    minutes_before = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(LONGEST_MINUTES)]
    )
    days_before = models.PositiveSmallIntegerField(
        null=True, blank=True, validators=[MaxValueValidator(LONGEST_DAYS)]
    )
    at = models.TimeField(null=True, blank=True, help_text="On the salon's wall clock, with days before.")
    channel = models.CharField(max_length=10, choices=Channel, default=Channel.MAIL)
    asks_confirmation = models.BooleanField(
        default=False, help_text="It asks the client to say that they come."
    )
    skip_if_confirmed = models.BooleanField(
        default=False, help_text="Not sent to who has said that they come."
    )
    service = models.ForeignKey(
        "staff.Service",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Only visits with this service.",
    )
    location = models.ForeignKey(
        "staff.Location",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Only visits at this location.",
    )
    first_visit_only = models.BooleanField(default=False, help_text="Only a client's first visit.")
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(minutes_before__isnull=False, days_before__isnull=True, at__isnull=True)
                | Q(minutes_before__isnull=True, days_before__isnull=False, at__isnull=False),
                name="reminder_rule_one_time",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_by_date(self) -> bool:
        """Days before, at a time: one message for all visits of a client on that date."""
        return self.days_before is not None


class Reminded(models.Model):
    """That `message` reminded a client of a visit, as it was then: written once it has (or may have) left.

    `due_at`: when it was to leave. Whether it reached anybody, the message knows. All times are UTC.
    """

    visit = models.ForeignKey(Visit, on_delete=models.CASCADE, related_name="reminded")
    message = models.ForeignKey("notifications.Message", on_delete=models.CASCADE, related_name="+")
    rule_id = models.BigIntegerField()
    client_id = models.BigIntegerField()
    start_at = models.DateTimeField()
    asks = models.BooleanField()
    due_at: models.DateTimeField[datetime, datetime] = models.DateTimeField()
    sent_at: models.DateTimeField[datetime, datetime] = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["message", "visit"], name="reminded_once")]

    def __str__(self) -> str:
        return f"message {self.message_id} of visit {self.visit_id}"
