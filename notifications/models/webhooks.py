"""Outgoing webhooks: endpoints of the salon's own apps and what was delivered to them."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q

LONGEST_URL = 1000


class WebhookEndpoint(models.Model):
    """An address that is told of booking events; `events` empty means all of them.

    `failing_since` is the first failure after the last success. `disabled_at` is set when it was switched
    off by us, and cleared when an administrator switches it on again.
    """

    url = models.CharField(max_length=LONGEST_URL)
    events: Any = models.JSONField(default=list, blank=True)
    is_active = models.BooleanField(default=True)
    secret = models.CharField(max_length=100, editable=False)
    failing_since = models.DateTimeField(null=True, blank=True, editable=False)
    disabled_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.url

    def wants(self, event_type: str) -> bool:
        return not self.events or event_type in self.events


class WebhookDelivery(models.Model):
    """One event for one endpoint; `body` is frozen at the first attempt.

    How far it is, its `job` says: a replay gives it another one. `first_attempt_at` is that of this job.
    `skipped_at`: later events about the booking were let past it.
    The database does not insist on the endpoint, so that removing one never fails a booking being written.
    """

    endpoint = models.ForeignKey(
        WebhookEndpoint,
        on_delete=models.CASCADE,
        related_name="deliveries",
        db_index=False,
        db_constraint=False,
    )
    job = models.OneToOneField("notifications.Job", on_delete=models.PROTECT, related_name="delivery")
    event_type = models.CharField(max_length=40)
    booking_id = models.BigIntegerField(null=True)
    message_id = models.CharField(max_length=64, unique=True, help_text="The webhook-id header.")
    body = models.TextField(blank=True, default="")
    response_status = models.PositiveSmallIntegerField(null=True)
    response_excerpt = models.CharField(max_length=500, blank=True, default="")
    created_at = models.DateTimeField()
    first_attempt_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)
    skipped_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "webhook deliveries"
        indexes = [
            models.Index(fields=["endpoint", "-id"], name="delivery_newest"),
            models.Index(fields=["booking_id"], name="delivery_booking"),
            models.Index(fields=["created_at"], name="delivery_created"),
            models.Index(
                fields=["first_attempt_at"],
                condition=Q(delivered_at__isnull=True, skipped_at__isnull=True),
                name="delivery_undelivered",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event_type} to {self.endpoint}"
