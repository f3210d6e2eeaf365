"""The outbox: due work as rows, and the ledger of what was told to whom (reliability §1)."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q

from notifications.models.channels import EMAIL, WAYS
from staff.storage.columns import LineField, ProseField

ONE_PENDING = "job_one_pending_per_dedupe_key"


class Job(models.Model):
    """One thing to do outside, written in the transaction that makes it due.

    `once_key` is the identity of the event that caused it: a second insert of the same is refused.
    `dedupe_key` is unique while the row is pending (the debounce) and cleared at the claim.
    `recipient` (an `outbox.Recipient`) orders mails about one booking to one person.
    `channel` is how its message leaves; of a job that is no message it says nothing.
    `token` and `lease_until` belong to the worker that holds it; every write is fenced by the token.
    `sending_at` is the point of no return; `sends` counts how often it was passed.
    What somebody waits for is taken before what nobody does (`urgency`, as its handler says).
    `payload` holds ids and frozen amounts, no personal data. Times are UTC.
    """

    class State(models.TextChoices):
        PENDING = "pending", "Pending"
        CLAIMED = "claimed", "Claimed"
        DONE = "done", "Done"
        DEAD = "dead", "Dead"
        CANCELLED = "cancelled", "Cancelled"
        UNCERTAIN = "uncertain", "Uncertain"

    class Urgency(models.IntegerChoices):
        AWAITED = 0, "Somebody waits for it"
        IN_ITS_TURN = 1, "Nobody does"

    type = models.CharField(max_length=40)
    once_key = models.CharField(max_length=200, unique=True)
    dedupe_key = models.CharField(max_length=200, null=True, blank=True)
    booking_id = models.BigIntegerField(null=True, blank=True)
    visit_id = models.BigIntegerField(null=True, blank=True)
    recipient = models.CharField(max_length=60, blank=True, default="")
    channel = models.CharField(max_length=10, default=EMAIL, db_default=EMAIL)
    payload: Any = models.JSONField(default=dict, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.PENDING)
    urgency = models.PositiveSmallIntegerField(choices=Urgency, default=Urgency.AWAITED, db_default=0)
    run_at = models.DateTimeField()
    first_run_at = models.DateTimeField()
    token = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    sending_at = models.DateTimeField(null=True, blank=True)
    sends = models.PositiveIntegerField(default=0)
    external_id = models.CharField(max_length=255, blank=True, default="")
    last_error = models.TextField(blank=True, default="")
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["dedupe_key"], condition=Q(state="pending"), name=ONE_PENDING),
            models.CheckConstraint(
                condition=Q(state__in=["pending", "claimed", "done", "dead", "cancelled", "uncertain"]),
                name="job_state_known",
            ),
        ]
        indexes = [
            models.Index(fields=["urgency", "run_at", "id"], condition=Q(state="pending"), name="job_due"),
            models.Index(fields=["lease_until"], condition=Q(state="claimed"), name="job_leased"),
            models.Index(
                fields=["recipient", "booking_id", "id"],
                condition=Q(state__in=["pending", "claimed"]),
                name="job_live",
            ),
            models.Index(
                fields=["visit_id", "recipient", "id"],
                condition=Q(state__in=["pending", "claimed"], visit_id__isnull=False),
                name="job_live_visit",
            ),
            models.Index(fields=["booking_id", "type"], name="job_booking_type"),
            models.Index(fields=["state", "-id"], name="job_state_newest"),
            models.Index(fields=["type", "-id"], name="job_type_newest"),
            models.Index(fields=["external_id"], condition=Q(channel="sms"), name="job_text"),
        ]

    def __str__(self) -> str:
        return f"{self.type} #{self.pk}"


class Message(models.Model):
    """One mail or text, from the moment it is due until long after: the message log.

    Written with its job (`waiting`), filled with what was really sent at the first sending, so
    that a repeat after a kill is the same mail with the same `message_id`. Of a text that is the reference
    its provider gives back in receipts; `sent_by`, `segments` and `cost` are of texts alone, `cost` in
    `currency` and only where the provider said it.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        SENT = "sent", "Sent"
        DELIVERED = "delivered", "Delivered"
        KEPT = "kept", "Kept: no mail server is set"
        NOT_SENT = "not_sent", "Not sent"
        UNCERTAIN = "uncertain", "Uncertain"

    LONGEST_REASON = 300

    job = models.OneToOneField("notifications.Job", on_delete=models.PROTECT, related_name="message")
    type = models.CharField(max_length=40)
    booking_id = models.BigIntegerField(null=True, blank=True)
    visit_id = models.BigIntegerField(null=True, blank=True)
    client_id = models.BigIntegerField(null=True, blank=True, db_index=True)
    to = models.CharField(max_length=320, blank=True, default="")
    channel = models.CharField(max_length=10, choices=WAYS, default=EMAIL)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    reason = models.CharField(
        max_length=LONGEST_REASON, blank=True, default="", help_text="Why it was not sent."
    )
    locale = models.CharField(max_length=10, blank=True, default="")
    subject = models.CharField(max_length=300, blank=True, default="")
    html = models.TextField(blank=True, default="")
    text = models.TextField(blank=True, default="")
    ics = models.TextField(blank=True, default="")
    ics_method = models.CharField(max_length=10, blank=True, default="")
    headers: Any = models.JSONField(default=dict, blank=True)
    facts: Any = models.JSONField(default=dict, blank=True, help_text="What this mail announced.")
    message_id = models.CharField(max_length=255, unique=True)
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    sent_by = models.ForeignKey(
        "notifications.Channel", null=True, blank=True, on_delete=models.SET_NULL, related_name="messages"
    )
    segments = models.PositiveSmallIntegerField(null=True, blank=True)
    cost = models.DecimalField(max_digits=10, decimal_places=4, null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True, default="", db_default="")

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["booking_id", "id"], name="message_booking"),
            models.Index(fields=["visit_id", "id"], name="message_visit"),
            models.Index(fields=["created_at"], name="message_created"),
        ]

    def __str__(self) -> str:
        return f"{self.type} to {self.to or 'nobody'}"


class MessageText(models.Model):
    """The salon's own subject and introduction for a message type, and its own words for the text of that
    type, in one language."""

    type = models.CharField(max_length=40)
    locale = models.CharField(max_length=10)
    subject = LineField(max_length=300, blank=True, default="")
    introduction = ProseField(blank=True, default="")
    text = LineField(
        max_length=480,
        blank=True,
        default="",
        db_default="",
        help_text="The SMS. {salon}, {text} (our sentence) and {link} stand for what they say; without "
        "{link} it is put at the end.",
    )

    class Meta:
        ordering = ["type", "locale"]
        constraints = [models.UniqueConstraint(fields=["type", "locale"], name="message_text_once")]

    def __str__(self) -> str:
        return f"{self.type} ({self.locale})"


class Notification(models.Model):
    """A line in one staff member's in-app list."""

    staff = models.ForeignKey("staff.Staff", on_delete=models.CASCADE, related_name="notifications")
    type = models.CharField(max_length=40)
    title = models.CharField(max_length=300)
    body = models.TextField(blank=True, default="")
    booking_id = models.BigIntegerField(null=True, blank=True)
    is_read = models.BooleanField(default=False)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["staff", "-id"], name="notification_staff_newest"),
            models.Index(fields=["staff"], condition=Q(is_read=False), name="notification_unread"),
            models.Index(fields=["booking_id", "type"], name="notification_booking_type"),
        ]

    def __str__(self) -> str:
        return self.title
