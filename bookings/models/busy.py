"""The only thing that occupies a staff member (docs/adr/0003)."""

from __future__ import annotations

import uuid
from datetime import UTC

from django.db import models
from django.db.models import F, Q


class Hold(models.Model):
    """A slot kept while somebody fills in a form, or while a waitlist offer is live. Times are UTC.

    In a class it keeps seats for `persons`, in the `party` of who is there. The holds of one visit have one
    `token`, and stand in the order of its items.
    """

    token = models.CharField(max_length=64, db_index=True)
    staff = models.ForeignKey("staff.Staff", on_delete=models.CASCADE, related_name="holds")
    service = models.ForeignKey("staff.Service", on_delete=models.CASCADE, related_name="holds")
    party = models.UUIDField(default=uuid.uuid4)
    persons = models.PositiveIntegerField(default=1, db_default=1)
    start_at = models.DateTimeField()
    end_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(end_at__gt=F("start_at")), name="hold_in_order")]

    def __str__(self) -> str:
        return f"hold #{self.pk} {self.start_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


class BusyTime(models.Model):
    """A stretch in which a staff member belongs to one party.

    The database refuses two parties at one instant: an exclusion constraint on PostgreSQL,
    triggers on SQLite (`bookings.slots.sqlite_guard`). A row of a hold carries `expires_at`; a
    constraint knows no clock, so whoever writes deletes this staff member's expired rows first.
    """

    staff = models.ForeignKey("staff.Staff", on_delete=models.PROTECT, related_name="+", db_index=False)
    party = models.UUIDField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    booking = models.ForeignKey(
        "bookings.Booking", null=True, on_delete=models.CASCADE, related_name="busy_times"
    )
    hold = models.ForeignKey(Hold, null=True, on_delete=models.CASCADE, related_name="busy_times")
    expires_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="busy_time_in_order"),
            models.CheckConstraint(
                condition=Q(booking__isnull=False, hold__isnull=True, expires_at__isnull=True)
                | Q(booking__isnull=True, hold__isnull=False, expires_at__isnull=False),
                name="busy_time_of_booking_or_hold",
            ),
        ]
        indexes = [
            models.Index(fields=["staff", "starts_at"], name="busy_time_staff_start"),
            models.Index(
                fields=["staff", "expires_at"],
                condition=Q(expires_at__isnull=False),
                name="busy_time_expiring",
            ),
        ]

    def __str__(self) -> str:
        starts_at, ends_at = self.starts_at.astimezone(UTC), self.ends_at.astimezone(UTC)
        return f"{self.staff_id}: {starts_at:%Y-%m-%d %H:%M} - {ends_at:%H:%M} UTC"
