"""Channels that are not mail: how a text leaves, what came back of it, and who wants none (contract §10)."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from staff.storage.columns import LineField

SMS = "sms"
EMAIL = "email"
WAYS = [(EMAIL, "Mail"), (SMS, "SMS")]
"""By what a message leaves."""


class Channel(models.Model):
    """A provider of text messages with the salon's account there.

    `credentials` are sealed (`notifications.channels.sealing`) and never shown again. `secret` is part of the
    addresses the provider calls. `counted_on` (the salon's date) and `counted` are how many texts that day
    has had, for `daily_cap`; `cap_told_on` the day for which administrators were told that it was reached.
    `failures` are those in a row, `paused_until` (UTC) is until when nothing is tried after some of them,
    `down_told_at` when administrators were last told.
    """

    class Kind(models.TextChoices):
        SMS = SMS, "SMS"

    class Provider(models.TextChoices):
        SEVEN = "seven", "seven.io"
        TWILIO = "twilio", "Twilio"

    kind = models.CharField(max_length=10, choices=Kind, default=Kind.SMS)
    provider = models.CharField(max_length=20, choices=Provider)
    name = LineField(max_length=100)
    sender = LineField(max_length=40)
    credentials = models.TextField(editable=False)
    secret = models.CharField(max_length=64, unique=True, editable=False)
    is_active = models.BooleanField(default=True)
    daily_cap = models.PositiveIntegerField(default=200)
    unsigned_inbound = models.BooleanField(default=False)
    counted_on = models.DateField(null=True, editable=False)
    counted = models.PositiveIntegerField(default=0, editable=False)
    cap_told_on = models.DateField(null=True, editable=False)
    failures = models.PositiveIntegerField(default=0, editable=False)
    paused_until = models.DateTimeField(null=True, editable=False)
    down_told_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(condition=Q(daily_cap__gte=1), name="channel_cap_at_least_one"),
        ]

    def __str__(self) -> str:
        return self.name


class Receipt(models.Model):
    """What a provider said of one text, once for each state: a repeat is refused by the database."""

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="receipts")
    provider_id = models.CharField(max_length=100)
    state = models.CharField(max_length=20, help_text="Our word: sent, delivered or failed.")
    code = models.CharField(max_length=60, blank=True, default="", help_text="The provider's own word.")
    received_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["channel", "provider_id", "state"], name="receipt_once"),
        ]
        indexes = [models.Index(fields=["received_at"], name="receipt_received")]

    def __str__(self) -> str:
        return f"{self.provider_id}: {self.state}"


class InboundText(models.Model):
    """What somebody wrote back. `client_id`: the one client with this number, if there is exactly one."""

    class Meaning(models.TextChoices):
        STOP = "stop", "Wants no more texts"
        YES = "yes", "Confirmed a visit"
        OTHER = "other", "For the desk"

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="inbound_texts")
    provider_id = models.CharField(max_length=100)
    number = models.CharField(max_length=20)
    client_id = models.BigIntegerField(null=True, blank=True, db_index=True)
    text = models.TextField(blank=True, default="")
    meaning = models.CharField(max_length=10, choices=Meaning)
    received_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["channel", "provider_id"], name="inbound_text_once"),
        ]
        indexes = [models.Index(fields=["number"], name="inbound_text_number")]

    def __str__(self) -> str:
        return f"{self.get_meaning_display()} #{self.pk}"


class OptOut(models.Model):
    """A number that gets nothing by this kind of channel, until staff lift it with a reason.

    `number` is emptied by an erasure; `digest` (keyed) still knows it.
    """

    class Source(models.TextChoices):
        REPLY = "reply", "They wrote STOP"
        PROVIDER = "provider", "The provider refuses the number"

    kind = models.CharField(max_length=10, choices=Channel.Kind, default=Channel.Kind.SMS)
    number = models.CharField(max_length=20, blank=True, default="")
    digest = models.CharField(max_length=64)
    source = models.CharField(max_length=10, choices=Source)
    created_at = models.DateTimeField()
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_by = models.BigIntegerField(null=True, blank=True, help_text="The staff member's number.")
    lifted_because = LineField(max_length=300, blank=True, default="")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "digest"], condition=Q(lifted_at__isnull=True), name="opt_out_once"
            ),
        ]
        indexes = [models.Index(fields=["number"], name="opt_out_number")]

    def __str__(self) -> str:
        return f"{self.number or 'a number that was erased'} ({self.kind})"
