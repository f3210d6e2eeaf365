"""Outgoing webhooks: endpoints of the salon's own apps and what was delivered to them."""

from __future__ import annotations

from typing import Any

from django.db import models


class WebhookEndpoint(models.Model):
    """An address that is told of booking events; `events` empty means all of them."""

    url = models.URLField(max_length=1000)
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


class WebhookDelivery(models.Model):
    """One event for one endpoint; `body` is frozen at the first attempt."""

    endpoint = models.ForeignKey(WebhookEndpoint, on_delete=models.CASCADE, related_name="deliveries")
    job = models.OneToOneField("notifications.Job", on_delete=models.PROTECT, related_name="delivery")
    event_type = models.CharField(max_length=40)
    booking_id = models.BigIntegerField(null=True)
    message_id = models.CharField(max_length=64, unique=True, help_text="The webhook-id header.")
    body = models.TextField(blank=True, default="")
    state = models.CharField(max_length=10, default="waiting")
    response_status = models.PositiveSmallIntegerField(null=True)
    response_excerpt = models.CharField(max_length=500, blank=True, default="")
    created_at = models.DateTimeField()
    delivered_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["endpoint", "booking_id", "id"], name="delivery_order")]

    def __str__(self) -> str:
        return f"{self.event_type} to {self.endpoint}"
